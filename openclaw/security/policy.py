"""What the owner configured about trust, as plain values; reads no configuration itself."""

from typing import Literal

from attrs import field, frozen

Mode = Literal["token", "password", "none"]


@frozen(kw_only=True)
class TrustPolicy:
    """Who may speak to this gateway.

    :ivar mode: what everybody shares: a token, a password or nothing.
    :ivar secret: that token or password; ignored in mode ``none``.
    :ivar trusted_proxies: addresses or CIDR ranges whose forwarding headers are believed.
    :ivar real_ip_fallback: believe their ``X-Real-IP`` where they send no list of hops.
    :ivar allowed_origins: exact origins of foreign pages that may connect; no wildcard.
    """

    mode: Mode = "token"
    secret: str = field(default="", repr=False)
    trusted_proxies: tuple[str, ...] = ()
    real_ip_fallback: bool = False
    allowed_origins: tuple[str, ...] = ()
