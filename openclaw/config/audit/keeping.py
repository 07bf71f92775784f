"""Checks of limits, of what is kept and how, and of the configuration itself."""

from collections.abc import Iterator

from openclaw.config.audit.facts import Facts, running
from openclaw.config.audit.findings import Found, check
from openclaw.config.settings import VARIABLES

_KNOWN = frozenset((*VARIABLES, "OPENCLAW_GATEWAY_URL", "_OPENCLAW_COMPLETE"))
_DAY_SECONDS = 86_400
# Sections that promise protection; what is not served of them protects nobody.
_PROTECTING = ("access", "security", "gateway", "audit", "approvals", "secrets", "hooks", "tools")


@check("limits.work", "warn", "Set gateway.rate_limit.requests_per_minute to 60")
def work(facts: Facts) -> Iterator[Found]:
    """One device can keep every model busy."""
    limit = facts.settings.config.gateway.rate_limit
    if limit.requests_per_minute > 6000 or limit.burst > 1000:
        yield Found("gateway.rate_limit", "The limit of a device's work is as good as none.")


@check("limits.traffic", "info", 'Set access.rateLimiting.perIp to "500rpm"')
def traffic(facts: Facts) -> Iterator[Found]:
    """Fine until somebody tries."""
    limits = facts.settings.config.access.rate_limiting
    if facts.exposed and (limits.all, limits.per_connection, limits.per_ip) == (None, None, None):
        yield Found("access.rateLimiting", "How much an address may ask is not limited.")


@check("limits.handshake", "warn", 'Set gateway.handshakeTimeout to "15s"')
def handshake(facts: Facts) -> Iterator[Found]:
    """Sockets that prove nothing take the places of those that would."""
    if facts.settings.config.gateway.handshake_timeout > 60:
        yield Found("gateway.handshakeTimeout", "Strangers may hold sockets for long.")


@check("limits.payload", "warn", "Set gateway.policy.maxPayload to 26214400")
def payload(facts: Facts) -> Iterator[Found]:
    """A few clients can use up the memory."""
    if facts.settings.config.gateway.policy.max_payload > 128 << 20:
        yield Found("gateway.policy.maxPayload", "One message may be larger than 128 MB.")


@check("storage.plain", "info", 'Set security.encryption.storage to "aes-256-gcm"')
def plain(facts: Facts) -> Iterator[Found]:
    """The default: disks are often encrypted as a whole."""
    if not facts.settings.sealing.storage:
        yield Found("security.encryption.storage", "The journal is not sealed.")


@check("log.verbose", "info", 'Set logging.level to "info"')
def verbose(facts: Facts) -> Iterator[Found]:
    """For looking into something, not for keeping."""
    if facts.settings.config.logging.level in ("debug", "trace"):
        yield Found("logging.level", "Details of every connection are logged.")


@check("log.silent", "warn", 'Set logging.level to "info"')
def silent(facts: Facts) -> Iterator[Found]:
    """An attack leaves no trace in the log."""
    if facts.settings.config.logging.level in ("silent", "fatal"):
        yield Found("logging.level", "Refusals and warnings are not logged.")


@check("audit.short", "warn", 'Set audit.maxAge to "90d" and audit.maxRows to 100000')
def short(facts: Facts) -> Iterator[Found]:
    """Gone before anybody looks."""
    audit = facts.settings.config.audit
    if audit.max_age < 7 * _DAY_SECONDS or audit.max_rows < 1000:
        yield Found("audit", "The audit trail is kept for less than a week, or very short.")


@check("config.unknown", "info", "Correct or remove {where}")
def unknown(facts: Facts) -> Iterator[Found]:
    """Perhaps a misspelt key that was to protect something."""
    for path in facts.settings.loaded.unknown_keys:
        yield Found(path, "Nobody knows this key; it does nothing.")


@check("config.not-served", "warn", "Do not rely on {where}")
def not_served(facts: Facts) -> Iterator[Found]:
    """Somebody believes that it works."""
    for path in facts.settings.loaded.not_served:
        if path.startswith(_PROTECTING):
            yield Found(path, "This key is understood and does nothing yet.")


@check("config.odd-variable", "warn", "Correct the name of {where}, or unset it")
def odd_variable(facts: Facts) -> Iterator[Found]:
    """Perhaps a misspelt one."""
    for name in sorted(facts.environ):
        if name.startswith("OPENCLAW_") and name not in _KNOWN and "_TEST_" not in name:
            yield Found(name, "Nobody reads this variable.")


@check("config.other-than-running", "info", "Restart the gateway")
def other_than_running(facts: Facts) -> Iterator[Found]:
    """What was checked here is not what runs."""
    found = running(facts.own)
    if found.get("configHash", facts.settings.loaded.hash) != facts.settings.loaded.hash:
        where = str(facts.settings.loaded.path)
        yield Found(where, "The configuration was changed since the gateway started.")


CHECKS = (
    work,
    traffic,
    handshake,
    payload,
    plain,
    verbose,
    silent,
    short,
    unknown,
    not_served,
    odd_variable,
    other_than_running,
)
