"""The audit trail: what was decided about access, on disk, chained so that changes show."""
