"""The ``gateway.pairing`` section: which devices wait for an operator; keys only."""

from typing import Annotated, Literal

from msgspec import field

from openclaw.config.schema.fields import Section, now
from openclaw.config.units import Seconds


class Place(Section, frozen=True, kw_only=True):
    """What holds for devices that connect from one place."""

    auto_approve: Annotated[
        bool, now("Pair, and give more rights, without asking, if they bring the shared token.")
    ] = False
    require_token: Annotated[
        bool,
        now(
            "A paired device must come with its own token; the shared one only fetches a fresh one."
        ),
    ] = False
    token_lifetime: Annotated[
        Seconds | None,
        now("Age at which a device's token is refused, ``30d``; absent: never."),
    ] = None
    mfa: Annotated[bool, now("An approval needs a second factor.")] = False


class Localhost(Place, frozen=True, kw_only=True):
    """What holds on the gateway's own machine."""

    auto_approve: Annotated[
        bool, now("Pair, and give more rights, without asking, if they bring the shared token.")
    ] = True
    own_tailnet: Annotated[
        bool, now("Connections from this host's own tailnet address count as local.")
    ] = False


class Policies(Section, frozen=True, kw_only=True):
    """What holds where."""

    localhost: Annotated[Localhost, now("This machine.")] = Localhost()
    lan: Annotated[Place, now("Private addresses.")] = Place()
    tailnet: Annotated[Place, now("Addresses of a tailnet.")] = Place()
    wan: Annotated[Place, now("Everywhere else.")] = Place()


class Pairing(Section, frozen=True, kw_only=True):
    """When a device must be approved."""

    mode: Annotated[
        Literal["strict", "lenient", "disabled"],
        now(
            "``strict``: every device is approved by an operator, here too; ``lenient``: as "
            "``policies`` say; ``disabled``: never on this machine, which needs a loopback bind."
        ),
    ] = "lenient"
    policies: Annotated[Policies, now("By where a device connects from.")] = field(
        default_factory=Policies
    )
    renew_tokens: Annotated[
        bool, now("A token's age counts from its last use instead of from its issue.")
    ] = False
