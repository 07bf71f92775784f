"""Which agent and session an event is for, and where a session's words go; admits nobody."""

from collections.abc import Callable, Sequence

import msgspec
from zope.interface import implementer

from openclaw.errors import InvalidRequest
from openclaw.interfaces.messages import Inbound, Target
from openclaw.interfaces.routing import AccessRules, Binding, IRouter, Place
from openclaw.routing.bindings import Bindings
from openclaw.routing.groups import group_rules
from openclaw.routing.routes import Routes
from openclaw.routing.session_keys import KeyMaker


@implementer(IRouter)
class Router:
    """Bindings, session keys and routes together.

    :param configured: the configuration's bindings.
    :param default_agent: who answers what no binding matches.
    """

    def __init__(
        self,
        configured: Sequence[Binding],
        keys: KeyMaker,
        routes: Routes,
        default_agent: str = "main",
    ) -> None:
        self._configured = tuple(configured)
        self._added: tuple[Binding, ...] = ()
        self._keys = keys
        self._routes = routes
        self._default_agent = default_agent
        self._table = self._made()

    def place(self, message: Inbound, rules: AccessRules) -> Place:
        """See :meth:`IRouter.place`.

        :raises InvalidRequest: the event names no chat or sender; such a one is never admitted.
        """
        agent_id, level = self._agent(message, rules)
        first_id = rules.moved_from.get(message.chat_id)
        if first_id is not None:
            message = msgspec.structs.replace(message, chat_id=first_id)
            if level != "peer":
                agent_id, level = self._agent(message, rules)
        key = self._keys.key(agent_id, message)
        return Place(agent_id=agent_id, session_key=key, binding=level)

    def bindings(self, user: str = "") -> Sequence[Binding]:
        """See :meth:`IRouter.bindings`."""
        return self._table.of(user) if user else self._table.all

    def bind(self, binding: Binding) -> None:
        """See :meth:`IRouter.bind`."""
        self._added = (binding, *self._added)
        self._table = self._made()

    def replace(self, bindings: Sequence[Binding]) -> None:
        """See :meth:`IRouter.replace`."""
        self._configured = tuple(bindings)
        self._table = self._made()

    def target(self, session_key: str) -> Target | None:
        """See :meth:`IRouter.target`."""
        return self._routes.target(session_key)

    def remember(self, session_key: str, target: Target) -> None:
        """See :meth:`IRouter.remember`."""
        self._routes.remember(session_key, target)

    def channel_for(self, agent_id: str, to: str, channels: Sequence[str]) -> str:
        """See :meth:`IRouter.channel_for`."""
        if not channels:
            raise InvalidRequest(
                "no channel is configured, so nothing can be sent; "
                "`openclaw channels add` sets one up"
            )
        known = self._routes.channels_with(to)
        found = self._table.channel(agent_id, to, channels, known)
        if found is None:
            names = ", ".join(sorted(channels))
            raise InvalidRequest(
                "it is not clear by which channel this should leave: name one of "
                f"{names} as `channel`, or bind the recipient to one in `bindings`"
            )
        return found

    def _agent(self, message: Inbound, rules: AccessRules) -> tuple[str, str]:
        group = None if message.chat_type == "dm" else group_rules(message, rules)
        if group is not None and group.agent:
            return group.agent, "group"
        return self._table.agent(message)

    def _made(self) -> Bindings:
        default_account: Callable[[str], str] = self._keys.default_account
        return Bindings((*self._added, *self._configured), self._default_agent, default_account)
