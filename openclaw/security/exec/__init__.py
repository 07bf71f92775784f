"""Approvals of single dangerous things: what is bound, what is kept, who has decided."""
