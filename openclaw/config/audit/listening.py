"""Checks of where the gateway listens, and of whose headers and pages it believes."""

from collections.abc import Iterator
from ipaddress import ip_network
from urllib.parse import urlsplit

from openclaw.config.audit.facts import Facts
from openclaw.config.audit.findings import Found, check

_NEAR = ("localhost", "127.0.0.1", "::1")
_MANY, _TOO_MANY = 256, 65_536


@check("listen.no-auth", "critical", 'Set gateway.auth.mode to "token"')
def no_auth(facts: Facts) -> Iterator[Found]:
    """Everybody is the owner."""
    if facts.reachable and facts.settings.auth_mode == "none":
        where = facts.exposed or "gateway.trustedProxies"
        yield Found("gateway.auth.mode", f"Whoever reaches {where} is let in without a credential.")


@check("listen.no-auth-here", "warn", 'Set gateway.auth.mode to "token"')
def no_auth_here(facts: Facts) -> Iterator[Found]:
    """Other users of the machine are let in, and every program."""
    if not facts.reachable and facts.settings.auth_mode == "none":
        yield Found("gateway.auth.mode", "Every program of every user of this machine is let in.")


@check("listen.plaintext", "critical", "Set gateway.tls.enabled to true")
def plaintext(facts: Facts) -> Iterator[Found]:
    """Tokens can be read on the way."""
    settings = facts.settings
    safe = settings.tls.enabled or settings.trusted_proxies or settings.allow_plaintext
    if facts.exposed and not safe:
        yield Found("gateway.tls.enabled", f"{facts.exposed} is listened on without TLS.")


@check("listen.plaintext-allowed", "warn", "Set gateway.tls.enabled to true")
def plaintext_allowed(facts: Facts) -> Iterator[Found]:
    """Said to be safe; said again here."""
    settings = facts.settings
    if facts.exposed and settings.allow_plaintext and not settings.tls.enabled:
        yield Found(
            "gateway.allowPlaintext", f"{facts.exposed} is listened on without TLS, as allowed."
        )


@check("listen.everywhere", "info", "Name one address in gateway.host if one is enough")
def everywhere(facts: Facts) -> Iterator[Found]:
    """Often more networks than one thinks of."""
    if facts.exposed in ("0.0.0.0", "::"):
        yield Found("gateway.host", "The gateway listens on every address of this machine.")


@check("listen.proxies-wide", "critical", "List the addresses of your proxies, and no more")
def proxies_wide(facts: Facts) -> Iterator[Found]:
    """Whoever is believed may say that he is anybody."""
    for network in facts.settings.trusted_proxies:
        if ip_network(network).num_addresses > _TOO_MANY:
            yield Found("gateway.trustedProxies", f"{network} is believed whatever it reports.")


@check("listen.proxies-broad", "warn", "List the addresses of your proxies, and no more")
def proxies_broad(facts: Facts) -> Iterator[Found]:
    """A whole network is seldom a proxy."""
    for network in facts.settings.trusted_proxies:
        if _MANY < ip_network(network).num_addresses <= _TOO_MANY:
            yield Found("gateway.trustedProxies", f"{network} holds more than proxies.")


@check("listen.proxy-here", "info", "Let no untrusted program run on this machine")
def proxy_here(facts: Facts) -> Iterator[Found]:
    """Usual, and worth knowing."""
    for network in facts.settings.trusted_proxies:
        if ip_network(network).is_loopback:
            words = "Every program of this machine may claim to be a proxy."
            yield Found("gateway.trustedProxies", words)


@check("listen.real-ip", "warn", "Have the proxy send X-Forwarded-For, and remove the key")
def real_ip(facts: Facts) -> Iterator[Found]:
    """A header that proxies often pass on as they got it."""
    if facts.settings.config.gateway.allow_real_ip_fallback:
        yield Found("gateway.allowRealIpFallback", "X-Real-IP is believed.")


@check("listen.origins-any", "critical", "List the origins of your pages")
def origins_any(facts: Facts) -> Iterator[Found]:
    """Any page in any browser."""
    for origin in facts.settings.allowed_origins:
        if "*" in origin or origin == "null":
            yield Found("gateway.controlUi.allowedOrigins", f'"{origin}" names no page.')


@check("listen.origins-http", "warn", "Serve the page over HTTPS, and list it so")
def origins_http(facts: Facts) -> Iterator[Found]:
    """Anybody on the way can put scripts into it."""
    for origin in facts.settings.allowed_origins:
        parts = urlsplit(origin)
        if parts.scheme == "http" and parts.hostname not in _NEAR and "*" not in origin:
            words = f"Pages of {origin} come without encryption."
            yield Found("gateway.controlUi.allowedOrigins", words)


@check("listen.origins-odd", "warn", "Write scheme, host and port: https://page.example:8443")
def origins_odd(facts: Facts) -> Iterator[Found]:
    """Matches nothing, so somebody will be surprised."""
    for origin in facts.settings.allowed_origins:
        parts = urlsplit(origin)
        whole = parts.scheme in ("http", "https") and parts.netloc and "@" not in parts.netloc
        more = parts.path or parts.query or parts.fragment
        if "*" not in origin and origin != "null" and (not whole or more):
            yield Found("gateway.controlUi.allowedOrigins", f'"{origin}" is not an origin.')


@check("listen.dialects", "warn", 'Set gateway.dialects to ["native"]')
def dialects(facts: Facts) -> Iterator[Found]:
    """Clients that prove no device need not be listened to."""
    older = [one for one in facts.settings.config.gateway.dialects if one != "native"]
    if facts.reachable and older:
        yield Found("gateway.dialects", "Clients of the older dialects are listened to.")


@check("listen.funnel", "warn", 'Set gateway.tailscale.mode to "serve"')
def funnel(facts: Facts) -> Iterator[Found]:
    """Open to the internet."""
    if facts.settings.config.gateway.tailscale.mode == "funnel":
        yield Found("gateway.tailscale.mode", "The gateway is meant to be public.")


@check("listen.whitelist-any", "warn", "List the networks that may connect, or remove the key")
def whitelist_any(facts: Facts) -> Iterator[Found]:
    """A list that lets everybody in."""
    for entry in facts.settings.config.access.ip_whitelist:
        if entry.strip().endswith("/0"):
            yield Found("access.ipWhitelist", f"{entry} lets everybody in.")


CHECKS = (
    no_auth,
    no_auth_here,
    plaintext,
    plaintext_allowed,
    everywhere,
    proxies_wide,
    proxies_broad,
    proxy_here,
    real_ip,
    origins_any,
    origins_http,
    origins_odd,
    dialects,
    funnel,
    whitelist_any,
)
