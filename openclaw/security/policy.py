"""What the owner configured about trust, as plain values; reads no configuration itself."""

from typing import Literal

from attrs import field, frozen

Mode = Literal["token", "password", "none"]
Place = Literal["localhost", "lan", "tailnet", "wan"]
PairingMode = Literal["strict", "lenient", "disabled"]


@frozen(kw_only=True)
class PlacePolicy:
    """What holds for devices that connect from one place.

    :ivar auto_approve: pair and widen without asking, if they bring the shared secret.
    :ivar require_token: a paired device must come with its own token; the shared secret is only
        good for fetching a fresh one.
    :ivar lifetime_seconds: a token is refused when it is this old; ``None``: never.
    :ivar mfa: an approval needs a second factor.
    """

    auto_approve: bool = False
    require_token: bool = False
    lifetime_seconds: float | None = None
    mfa: bool = False


@frozen(kw_only=True)
class PairingPolicy:
    """When a device must be approved.

    :ivar mode: ``strict``: always; ``lenient``: as the places say; ``disabled``: never on this
        machine, from elsewhere as the places say.
    :ivar own_tailnet: this host's own tailnet address counts as this machine.
    :ivar renew_tokens: a token's age counts from its last use.
    """

    mode: PairingMode = "lenient"
    localhost: PlacePolicy = PlacePolicy(auto_approve=True)
    lan: PlacePolicy = PlacePolicy()
    tailnet: PlacePolicy = PlacePolicy()
    wan: PlacePolicy = PlacePolicy()
    own_tailnet: bool = False
    renew_tokens: bool = False


@frozen(kw_only=True)
class TrustPolicy:
    """Who may speak to this gateway.

    :ivar mode: what everybody shares: a token, a password or nothing.
    :ivar secret: that token or password; ignored in mode ``none``.
    :ivar trusted_proxies: addresses or CIDR ranges whose forwarding headers are believed.
    :ivar real_ip_fallback: believe their ``X-Real-IP`` where they send no list of hops.
    :ivar allowed_origins: exact origins of foreign pages that may connect; no wildcard.
    :ivar pairing: which devices wait for an operator.
    :ivar kinds: the kinds of credentials that count from elsewhere; ``None``: all.
    """

    mode: Mode = "token"
    secret: str = field(default="", repr=False)
    trusted_proxies: tuple[str, ...] = ()
    real_ip_fallback: bool = False
    allowed_origins: tuple[str, ...] = ()
    pairing: PairingPolicy = PairingPolicy()
    kinds: frozenset[str] | None = None
