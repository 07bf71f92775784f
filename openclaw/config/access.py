"""What the configuration says about credentials besides the token, decided; opens no file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from openclaw.config.certificate_names import read_certificate_names
from openclaw.config.schema import Config
from openclaw.config.schema.authentication import ALGORITHMS, Certificate, Oidc
from openclaw.config.schema.gateway import TrustedProxy
from openclaw.errors import ConfigError
from openclaw.protocol.scopes import SCOPES

_AT = "access.authentication"
_HEADER = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


@frozen(kw_only=True)
class OidcSettings:
    """How ID tokens are judged.

    :ivar jwks: the file of the provider's keys, or the keys.
    :ivar scopes: by a value of the claim; full names.
    """

    issuer: str
    audience: tuple[str, ...]
    jwks: Path | Mapping[str, Any]
    claim: str = "sub"
    scopes: Mapping[str, tuple[str, ...]] = field(factory=dict)
    algorithms: tuple[str, ...] = ALGORITHMS
    leeway_seconds: float = 60.0


@frozen
class CertificateRule:
    """What one certificate stands for: either a device, or scopes."""

    device_id: str | None
    scopes: tuple[str, ...]


@frozen
class ProxyUsers:
    """Whom a trusted proxy may sign in.

    :ivar header: lowercase name of the header that names the user.
    :ivar allowed: the users; none: everybody whom the proxy lets through.
    :ivar required: lowercase names of headers that must be there as well.
    """

    header: str
    allowed: frozenset[str]
    required: tuple[str, ...]


@frozen(kw_only=True)
class AccessSettings:
    """Who may come in by which credential, and who is asked for a second one.

    :ivar kinds: the kinds of credentials that count; ``None``: all that are configured.
    :ivar certificates: by fingerprint ``AB:CD:...``, subject ``dn:...`` or common name ``cn:...``.
    :ivar identity_scopes: scopes of users that a proxy or Tailscale names.
    :ivar tailscale_port: the loopback port for ``tailscale serve``; ``None``: there is none.
    """

    kinds: frozenset[str] | None = None
    mfa_enabled: bool = True
    mfa_required_for: tuple[str, ...] = ()
    oidc: OidcSettings | None = None
    certificates: Mapping[str, CertificateRule] = field(factory=dict)
    proxy_users: ProxyUsers | None = None
    identity_scopes: Mapping[str, tuple[str, ...]] = field(factory=dict)
    tailscale_port: int | None = None


def access_settings(config: Config, home: Path) -> AccessSettings:
    """Decide everything about credentials.

    :param home: the user's home directory, for ``~``.
    :raises ConfigError: if something cannot be used, or is missing.
    """
    given, auth = config.access.authentication, config.gateway.auth
    trusted = (auth.mode or auth.type) == "trusted-proxy"
    tailscale = config.gateway.tailscale
    kinds = frozenset("oidc" if kind == "oauth" else kind for kind in given.methods)
    if trusted and not kinds:
        kinds = frozenset({"trusted-proxy", "tailscale", "device", "oidc", "certificate"})
    return AccessSettings(
        kinds=kinds or None,
        mfa_enabled=given.mfa.enabled,
        mfa_required_for=given.mfa.required_for,
        oidc=None if given.oidc is None else _oidc(given.oidc, home),
        certificates=_certificates(given.certificates),
        proxy_users=_proxy_users(auth.trusted_proxy, config) if trusted else None,
        identity_scopes={
            user: scopes_of(scopes, f'gateway.auth.identityScopes["{user}"]')
            for user, scopes in auth.identity_scopes.items()
        },
        tailscale_port=None if tailscale.mode == "off" else tailscale.port,
    )


def scopes_of(names: tuple[str, ...], path: str) -> tuple[str, ...]:
    """Read scopes, ``admin`` or ``operator.admin``, into full names.

    :raises ConfigError: there is no such scope.
    """
    full = []
    for index, name in enumerate(names):
        known = [scope for scope in (name, f"operator.{name}") if scope in SCOPES]
        if not known:
            choices = ", ".join(sorted(scope.removeprefix("operator.") for scope in SCOPES))
            raise ConfigError(f'expected one of {choices}, found "{name}"', f"{path}[{index}]")
        full.append(known[0])
    return tuple(dict.fromkeys(full))


def _oidc(given: Oidc, home: Path) -> OidcSettings:
    at = f"{_AT}.oidc"
    audience = (given.audience,) if isinstance(given.audience, str) else given.audience
    for name, text in (("issuer", given.issuer), ("claim", given.claim)):
        if not text.strip():
            raise ConfigError("must not be blank", f"{at}.{name}")
    if not audience or not all(one.strip() for one in audience):
        raise ConfigError("expected at least one client id, none of them blank", f"{at}.audience")
    if not given.scopes:
        raise ConfigError(
            "is needed: without it nobody could sign in; name users and their scopes",
            f"{at}.scopes",
        )
    return OidcSettings(
        issuer=given.issuer,
        audience=audience,
        jwks=_jwks(given.jwks, f"{at}.jwks", home),
        claim=given.claim,
        scopes={
            value: scopes_of(scopes, f'{at}.scopes["{value}"]')
            for value, scopes in given.scopes.items()
        },
        algorithms=given.algorithms,
        leeway_seconds=float(given.leeway),
    )


def _jwks(given: object, path: str, home: Path) -> Path | Mapping[str, Any]:
    if isinstance(given, str) and given.strip():
        if "://" in given:
            raise ConfigError(
                "expected a file or the keys themselves: tokens are checked without asking "
                "anybody; save the provider's key set to a file",
                path,
            )
        return home / given[2:] if given.startswith("~/") else Path(given)
    if isinstance(given, Mapping) and isinstance(given.get("keys"), list):
        return given
    raise ConfigError('expected the name of a file, or an object with "keys"', path)


def _certificates(given: Mapping[str, Certificate]) -> dict[str, CertificateRule]:
    rules: dict[str, CertificateRule] = {}
    for text, certificate in given.items():
        path = f'{_AT}.certificates["{text}"]'
        try:
            names = read_certificate_names(text)
        except ValueError as error:
            raise ConfigError(str(error), path) from None
        if bool(certificate.device) == bool(certificate.scopes):
            raise ConfigError("expected either device or scopes", path)
        scopes = scopes_of(certificate.scopes, f"{path}.scopes")
        for name in names:
            if name in rules:
                raise ConfigError("names a certificate that another entry names as well", path)
            rules[name] = CertificateRule(certificate.device, scopes)
    return rules


def _proxy_users(given: TrustedProxy | None, config: Config) -> ProxyUsers:
    at = "gateway.auth.trustedProxy"
    if given is None:
        raise ConfigError('is needed, because gateway.auth.mode is "trusted-proxy"', at)
    if not config.gateway.trusted_proxies:
        raise ConfigError(
            "is needed: name the proxy's own address; only its headers are believed",
            "gateway.trustedProxies",
        )
    names = (given.user_header, *given.required_headers)
    paths = (f"{at}.userHeader", *(f"{at}.requiredHeaders[{i}]" for i in range(len(names) - 1)))
    for name, path in zip(names, paths, strict=True):
        if not name or not _HEADER.issuperset(name.lower()):
            raise ConfigError(f'expected the name of a header, found "{name}"', path)
    header, *required = (name.lower() for name in names)
    return ProxyUsers(header, frozenset(given.allow_users), tuple(required))
