"""What a device wants to be or to do: the facts that an ask and a stored request share."""

from attrs import frozen

from openclaw.security.policy import Place
from openclaw.security.refusals import Upgrade


@frozen(kw_only=True)
class Wish:
    """One device in one role, with the rights that it wants there.

    :ivar scopes: exactly what an approval would add, in the order asked; none for a node.
    """

    device_id: str
    public_key: str
    display_name: str
    platform: str
    device_family: str
    client_id: str
    client_mode: str
    role: str
    scopes: tuple[str, ...]
    reason: Upgrade
    is_repair: bool
    remote_ip: str
    place: Place
