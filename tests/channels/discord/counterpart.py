"""Discord on loopback: REST and gateway, with people who write to the bot."""

import time
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import DeferredList, maybeDeferred
from twisted.web.server import Site

from openclaw.channels.counterpart import Shown
from tests.channels.discord import calls, objects, sockets
from tests.channels.discord.rest import Problem, Rest
from tests.channels.discord.world import APPLICATION_ID, BOT_ID, GUILD_ID, World

TOKEN = "MTAw.stand-in.token"


class FakeDiscord:
    """See :class:`openclaw.channels.counterpart.Counterpart`."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.token = TOKEN
        self.world: World
        self.gateway = sockets.Gateway(
            reactor, lambda: self.token, lambda one: self.world.ready(one)
        )
        self.world = World(self.gateway, lambda: int(time.time() * 1000), "")
        self.rest = Rest(self.world, lambda: self.token, reactor, calls.SERVED)
        self.site = Site(self.rest)
        self.site.displayTracebacks = False
        self._ports: list[Any] = []
        self._chat_of: dict[str, str] = {}
        self._channels: set[Any] = set()

    def start(self) -> None:
        """Listen."""
        http = self._reactor.listenTCP(0, self.site, interface="127.0.0.1")
        ws = self._reactor.listenTCP(0, self.gateway, interface="127.0.0.1")
        self._ports = [http, ws]
        self.world.base = f"ws://127.0.0.1:{ws.getHost().port}"
        self.world.files_root = f"http://127.0.0.1:{http.getHost().port}"

    async def stop(self) -> None:
        """Listen no more, and cut what is open."""
        self.freeze(False)
        self.drop()
        await DeferredList([maybeDeferred(port.stopListening) for port in self._ports])

    @property
    def root(self) -> str:
        """``apiUrl``."""
        return f"{self.world.files_root}/api"

    # -- Counterpart -------------------------------------------------------------------------------

    def settings(self) -> Mapping[str, Any]:
        """See :meth:`Counterpart.settings`."""
        return {
            "token": TOKEN,
            "apiUrl": self.root,
            "dmPolicy": "open",
            "allowFrom": ["*"],
            "groupPolicy": "open",
        }

    def say(self, text: str, *, chat_id: str, sender_id: str, group: bool = False) -> str:
        """See :meth:`Counterpart.say`."""
        author = self.world.person(sender_id)
        if group:
            channel = self.world.place(chat_id)
            return str(self.world.write(channel["id"], author, f"<@{BOT_ID}> {text}")["id"])
        channel = self.world.direct(sender_id)
        self._chat_of[channel["id"]] = chat_id
        return str(self.world.write(channel["id"], author, text)["id"])

    def repeat(self, message_id: str) -> None:
        """See :meth:`Counterpart.repeat`."""
        self.world.tell("MESSAGE_CREATE", self.world.messages[message_id])

    def acknowledged(self, message_id: str) -> bool:
        """See :meth:`Counterpart.acknowledged`: heartbeats and resumes say what a client has."""
        told = self.gateway.seq_of(message_id)
        return bool(told) and all(session.safe >= seq for session, seq in told)

    def shown(self) -> list[Shown]:
        """See :meth:`Counterpart.shown`."""
        own = [one for one in self.world.messages.values() if one["author"]["id"] == BOT_ID]
        return [self._shown(message) for message in own]

    def _shown(self, message: objects.Object) -> Shown:
        channel = self.world.channels[message["channel_id"]]
        is_thread = channel["type"] == 11
        chat_id = channel["parent_id"] if is_thread else channel["id"]
        if channel["type"] == 1:
            chat_id = self._chat_of.get(channel["id"], channel["recipients"][0]["id"])
        return Shown(
            chat_id=chat_id,
            thread_id=channel["id"] if is_thread else "",
            message_id=message["id"],
            text=message["content"],
            reply_to=(message.get("message_reference") or {}).get("message_id", ""),
            reactions=tuple(one["emoji"]["name"] for one in message.get("reactions") or ()),
            files=tuple(
                self.world.files[one["url"].partition("/attachments/")[2]]
                for one in message["attachments"]
            ),
        )

    def refuse(self, times: int, status: int, retry_after: float = 0.0) -> None:
        """See :meth:`Counterpart.refuse`."""
        self.rest.faults.refusals.extend([(status, retry_after)] * times)

    def lose_answers(self, times: int) -> None:
        """See :meth:`Counterpart.lose_answers`."""
        self.rest.faults.lost = times

    def drop(self) -> None:
        """See :meth:`Counterpart.drop`."""
        for socket in list(self.gateway.sockets):
            socket.cut()

    def freeze(self, frozen: bool) -> None:
        """See :meth:`Counterpart.freeze`."""
        self.gateway.frozen = self.rest.faults.frozen = frozen
        for socket in self.gateway.sockets:
            transport: Any = socket.transport
            if frozen:
                transport.pauseProducing()
            else:
                transport.resumeProducing()
        if not frozen:
            self.rest.thaw()

    def revoke(self) -> None:
        """See :meth:`Counterpart.revoke`; Discord hangs up on a token that was reset."""
        self.token = "another"
        self.gateway.sessions.clear()
        for socket in list(self.gateway.sockets):
            socket.shut(4004)

    @property
    def open_sockets(self) -> int:
        """See :attr:`Counterpart.open_sockets`; before its session one hears nothing."""
        return sum(one.session is not None for one in self.gateway.sockets)

    @property
    def most_sockets(self) -> int:
        """See :attr:`Counterpart.most_sockets`."""
        return self.gateway.most

    # -- more of what Discord does -----------------------------------------------------------------

    def fail(self, path: str, status: int, code: int, message: str = "no") -> None:
        """Answer the next call whose ``METHOD path`` contains ``path`` with an error."""
        self.rest.faults.problems.append((path, Problem(status, code, message)))

    def choose(
        self, command: str, *, chat_id: str, sender_id: str, group: bool = False, **options: str
    ) -> str:
        """Somebody chooses a slash command; the interaction's id."""
        interaction = self.interaction(command, chat_id, sender_id, group, options)
        self.gateway.dispatch("INTERACTION_CREATE", interaction)
        return str(interaction["id"])

    def interaction(
        self, command: str, chat_id: str, sender_id: str, group: bool, options: Mapping[str, str]
    ) -> objects.Object:
        """What Discord tells of a chosen command."""
        interaction_id = self.world.snowflakes.next()
        channel = self.world.place(chat_id) if group else self.world.direct(sender_id)
        user = self.world.person(sender_id)
        made: objects.Object = {
            "id": interaction_id,
            "application_id": APPLICATION_ID,
            "type": 2,
            "token": f"token-of-{interaction_id}",
            "version": 1,
            "channel_id": channel["id"],
            "channel": channel,
            "context": 0 if group else 1,
            "locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {},
            "attachment_size_limit": 10 << 20,
            "data": {
                "id": "1",
                "name": command,
                "type": 1,
                "options": [
                    {"name": name, "type": 3, "value": value} for name, value in options.items()
                ],
            },
        }
        if group:
            made |= {
                "guild_id": GUILD_ID,
                "member": {**objects.member(), "user": user, "permissions": "0"},
            }
        else:
            self._chat_of[channel["id"]] = chat_id
            made["user"] = user
        self.rest.interactions[interaction_id] = made
        return made
