"""The ``access.authentication`` section: which credentials count, and second factors; keys only."""

from typing import Annotated, Any, Literal

from msgspec import field

from openclaw.config.schema.fields import Section, now
from openclaw.config.units import Seconds

Kind = Literal[
    "token",
    "password",
    "device",
    "oidc",
    "oauth",
    "certificate",
    "trusted-proxy",
    "tailscale",
]
Algorithm = Literal["RS256", "ES256", "EdDSA"]
ALGORITHMS: tuple[Algorithm, ...] = ("RS256", "ES256", "EdDSA")


class Mfa(Section, frozen=True, kw_only=True):
    """The owner's second factor: a code of an authenticator app (``openclaw mfa enroll``)."""

    enabled: Annotated[
        bool, now("Whether it is asked for; ``false`` also lets a lost one be removed.")
    ] = True
    required_for: Annotated[
        tuple[str, ...],
        now(
            "What is served only after a code was shown, which counts for 15 minutes: scopes such "
            "as ``admin`` or ``write``, and names of methods."
        ),
    ] = ()


class Oidc(Section, frozen=True, kw_only=True):
    """ID tokens of an OpenID provider, checked without asking it."""

    issuer: Annotated[str, now("The provider, exactly as ``iss`` names it.")]
    audience: Annotated[
        str | tuple[str, ...], now("Our client ids at the provider; one must be in ``aud``.")
    ]
    jwks: Annotated[
        Any, now("The provider's public keys: a file, read again when it changes, or the keys.")
    ]
    claim: Annotated[
        str, now("The claim that names the user or the user's groups, such as ``email``.")
    ] = "sub"
    scopes: Annotated[
        dict[str, tuple[str, ...]],
        now("Scopes by the claim's value; who is not listed is refused."),
    ] = field(default_factory=dict)
    algorithms: Annotated[tuple[Algorithm, ...], now("Signature algorithms that are accepted.")] = (
        ALGORITHMS
    )
    leeway: Annotated[Seconds, now("How far clocks may differ.")] = Seconds(60)


class Certificate(Section, frozen=True, kw_only=True):
    """What one client certificate stands for: a paired device, or scopes."""

    device: Annotated[str | None, now("The id of a paired device.")] = None
    scopes: Annotated[tuple[str, ...], now("Scopes, where it is no device.")] = ()


class Authentication(Section, frozen=True, kw_only=True):
    """How clients prove who they are, besides ``gateway.auth``."""

    required: Annotated[
        bool | None,
        now("``false``: nothing is asked for, which is served on loopback only."),
    ] = None
    methods: Annotated[
        tuple[Kind, ...],
        now(
            "The kinds of credentials that count; absent: all that are configured. ``token`` "
            "includes the tokens of paired devices, ``device`` is those alone; ``oauth`` is "
            "``oidc``. On the gateway's own machine its token always counts."
        ),
    ] = ()
    mfa: Annotated[Mfa, now("The second factor.")] = Mfa()
    oidc: Annotated[Oidc | None, now("Sign-in by an OpenID provider.")] = None
    certificates: Annotated[
        dict[str, Certificate],
        now(
            "Client certificates by SHA-256 fingerprint, by subject (``dn:CN=alice,O=Example``) or "
            "by common name (``cn:alice``); the most exact entry counts. TLS must have verified "
            "them (``gateway.tls.caPath``)."
        ),
    ] = field(default_factory=dict)
