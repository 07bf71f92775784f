"""Checks of TLS, of certificates, and of the servers that the gateway itself talks to."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from openclaw.config.audit.facts import Facts
from openclaw.config.audit.findings import Found, check

SOON = timedelta(days=14)
_WEAK = ("RC4", "3DES", "_DES_", "NULL", "EXPORT", "MD5", "_CBC_", "anon", "TLS_RSA_WITH")
_NEAR = ("localhost", "127.0.0.1", "::1")


@check("tls.old-versions", "warn", 'Set security.transport.tls.minVersion to "TLSv1.3"')
def old_versions(facts: Facts) -> Iterator[Found]:
    """Every client that is still maintained speaks 1.3."""
    if facts.settings.tls.min_version != "TLSv1.3":
        where = "security.transport.tls.minVersion"
        yield Found(where, f"{facts.settings.tls.min_version} is spoken.")


@check("tls.weak-ciphers", "critical", "Remove it from security.transport.tls.ciphers")
def weak_ciphers(facts: Facts) -> Iterator[Found]:
    """Broken, or without forward secrecy."""
    for suite in facts.settings.tls.ciphers:
        if any(word in suite for word in _WEAK):
            yield Found("security.transport.tls.ciphers", f"{suite} is weak.")


@check("tls.no-rotation", "warn", "Set security.transport.tls.certificateRotation.enabled to true")
def no_rotation(facts: Facts) -> Iterator[Found]:
    """It will expire one day, and everybody's pin with it."""
    tls = facts.settings.tls
    if tls.enabled and tls.certificate is None and tls.rotation_seconds is None:
        where = "security.transport.tls.certificateRotation"
        yield Found(where, "The certificate that the gateway made is never replaced.")


@check("tls.expired", "critical", "Renew the certificate {where}")
def expired(facts: Facts) -> Iterator[Found]:
    """Nobody connects."""
    for path, ends in _certificate(facts):
        if ends <= _now(facts):
            yield Found(str(path), f"The certificate has expired on {ends:%Y-%m-%d}.")


@check("tls.expires", "warn", "Renew the certificate {where}")
def expires(facts: Facts) -> Iterator[Found]:
    """Nobody connects soon."""
    for path, ends in _certificate(facts):
        if _now(facts) < ends <= _now(facts) + SOON:
            yield Found(str(path), f"The certificate expires on {ends:%Y-%m-%d}.")


@check("remote.plaintext", "critical", "Use wss://, or gateway.remote.ssh")
def remote_plaintext(facts: Facts) -> Iterator[Found]:
    """Our token, in clear."""
    remote = facts.settings.config.gateway.remote
    parts = urlsplit(remote.url or "")
    if parts.scheme in ("ws", "http") and parts.hostname not in _NEAR and not remote.ssh:
        yield Found("gateway.remote.url", "The other gateway is talked to without encryption.")


@check("remote.unpinned", "info", "Set gateway.remote.tlsFingerprint to what its status shows")
def remote_unpinned(facts: Facts) -> Iterator[Found]:
    """Fine with a public authority; a pin is better."""
    remote = facts.settings.config.gateway.remote
    if urlsplit(remote.url or "").scheme == "wss" and not remote.tls_fingerprint:
        yield Found(
            "gateway.remote.tlsFingerprint", "The other gateway's certificate is not pinned."
        )


@check("providers.plaintext", "critical", "Use https:// in {where}")
def provider_plaintext(facts: Facts) -> Iterator[Found]:
    """The key and every conversation, in clear."""
    for name, provider in facts.settings.providers.items():
        parts = urlsplit(provider.base_url or "")
        if parts.scheme == "http" and parts.hostname not in _NEAR and provider.api_key:
            where = f"models.providers.{name}.baseUrl"
            yield Found(where, f"The key of {name} travels without encryption.")


def _now(facts: Facts) -> datetime:
    return datetime.fromtimestamp(facts.now_ms / 1000, UTC)


def _certificate(facts: Facts) -> Iterator[tuple[Path, datetime]]:
    """A certificate of the operator's own; the gateway looks after its own ones itself."""
    path = facts.settings.tls.certificate
    if path is None:
        return
    from cryptography.x509 import load_pem_x509_certificate  # Too much to load for other commands.

    try:
        yield path, load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return  # The start says so, with its reason.


CHECKS = (
    old_versions,
    weak_ciphers,
    no_rotation,
    expired,
    expires,
    remote_plaintext,
    remote_unpinned,
    provider_plaintext,
)
