"""Checks of what a running gateway says: guesses, forgotten devices, a trail that was altered."""

from collections.abc import Iterator

from openclaw.config.audit.facts import Facts
from openclaw.config.audit.findings import Found, check

MANY_REFUSALS = 20
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_FORGOTTEN_MS = 90 * _DAY_MS


@check("live.refusals", "warn", "Look who that is: openclaw gateway audit --kind connect.refused")
def refusals(facts: Facts) -> Iterator[Found]:
    """Somebody guesses, or a client has an old token."""
    for address, count in (facts.live.refused if facts.live else {}).items():
        if count >= MANY_REFUSALS:
            yield Found(address, f"It was refused {count} times within an hour.")


@check("live.audit-broken", "critical", "Find out who could write the journal; keep a copy of it")
def audit_broken(facts: Facts) -> Iterator[Found]:
    """Somebody hides something."""
    if facts.live and facts.live.audit_broken_at:
        where = f"entry {facts.live.audit_broken_at}"
        yield Found(where, "The audit trail was altered, or a part of it is missing.")


@check("live.revoked-connected", "critical", "Restart the gateway, and report this as a fault")
def revoked_connected(facts: Facts) -> Iterator[Found]:
    """Must not happen."""
    for device in facts.live.devices if facts.live else ():
        tokens = device.get("tokens", ())
        if tokens and device.get("connected") and all(one.get("revokedAtMs") for one in tokens):
            yield Found(str(device["deviceId"]), "A device without any right is connected.")


@check("live.stale-request", "info", "Approve or reject it: openclaw devices list")
def stale_request(facts: Facts) -> Iterator[Found]:
    """Its code is long stale, too."""
    for row in facts.live.pending if facts.live else ():
        if facts.now_ms - int(row.get("ts", facts.now_ms)) > _HOUR_MS:
            yield Found(str(row["requestId"]), "A device waits for approval since over an hour.")


@check("live.forgotten-device", "warn", "Remove it if it is gone: openclaw devices remove {where}")
def forgotten_device(facts: Facts) -> Iterator[Found]:
    """In a drawer, or in somebody else's hands."""
    for device in facts.live.devices if facts.live else ():
        seen = int(device.get("lastSeenAtMs") or facts.now_ms)
        live = [one for one in device.get("tokens", ()) if not one.get("revokedAtMs")]
        if live and not device.get("connected") and facts.now_ms - seen > _FORGOTTEN_MS:
            yield Found(str(device["deviceId"]), "A device was not seen for 90 days.")


@check("live.not-asked", "info", "Start it, and look again: openclaw gateway")
def not_asked(facts: Facts) -> Iterator[Found]:
    """Half of the picture."""
    if facts.live is None:
        yield Found(str(facts.own), "No gateway was asked; only files and settings were looked at.")


CHECKS = (
    refusals,
    audit_broken,
    revoked_connected,
    stale_request,
    forgotten_device,
    not_asked,
)
