"""Runs every check; how the findings look is the command line's matter."""

from collections.abc import Sequence

from openclaw.config.audit import credentials, files, keeping, listening, live, wire
from openclaw.config.audit.facts import Facts
from openclaw.config.audit.findings import SEVERITIES, Check, Finding

CHECKS: tuple[Check, ...] = (
    *files.CHECKS,
    *listening.CHECKS,
    *wire.CHECKS,
    *credentials.CHECKS,
    *keeping.CHECKS,
    *live.CHECKS,
)


def audit(facts: Facts, checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """Look for everything; the worst first."""
    found = [finding for check in checks for finding in check.findings(facts)]
    return sorted(found, key=lambda one: SEVERITIES.index(one.severity))
