"""Where the domain tells clients what happened; delivery is the gateway's."""

from zope.interface import Interface

from openclaw.protocol.base import Raw, Wire


class IEvents(Interface):
    """Takes events for whoever may and wants to receive them."""

    def wanted(event: str, session_key: str = "") -> bool:
        """Whether anybody would receive it now, so that building it is worth while."""

    def publish(event: str, payload: Wire | Raw, session_key: str = "") -> None:
        """Send one event to every connection that may have it.

        :param payload: a struct, or its JSON text.
        :param event: a name of :data:`openclaw.protocol.events.EVENTS`.
        :param session_key: for events that only followers of one session receive.
        """
