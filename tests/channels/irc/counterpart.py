"""IRC as a person sees it: the server, and somebody who writes to the assistant."""

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred

from openclaw.channels.counterpart import Shown
from tests.channels.irc.server import Client, Server, fold, reactor

NICK = "tia"
PASSWORD = "correct-horse-battery-staple"
ROOM = "#friends"


class IRC:
    """The counterpart; the account's connections are those that signed in as :data:`NICK`."""

    def __init__(self) -> None:
        self.server = Server()
        self.server.accounts[NICK] = PASSWORD
        self.server.noted = self._noted
        self.listening = reactor.listenTCP(0, self.server, interface="127.0.0.1")
        self.port: int = self.listening.getHost().port
        self._most = 0

    async def stop(self) -> None:
        """Close the port and every connection."""
        for client in list(self.server.clients):
            client.transport.abortConnection()
        await gatherResults([maybeDeferred(self.listening.stopListening), self._empty()])

    def _empty(self) -> Deferred[None]:
        done: Deferred[None] = Deferred()

        def look() -> None:
            if self.server.clients:
                reactor.callLater(0.005, look)
            else:
                done.callback(None)

        look()
        return done

    def settings(self) -> Mapping[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "tls": False,
            "nick": NICK,
            "saslPassword": PASSWORD,
            "channels": [ROOM],
            "floodMs": 100,
            "allowFrom": ["*"],
            "dmPolicy": "open",
            "groupPolicy": "open",
        }

    def say(self, text: str, *, chat_id: str, sender_id: str, group: bool = False) -> str:
        account = sender_id.removeprefix("account:")
        self.server.people.add(fold(account))
        target = chat_id if group else NICK
        words = f"{self.nick}: {text}" if group else text
        prefix = f"{account}!~{account}@home.example"
        return self.server.post(prefix, target, words, account).msgid

    def repeat(self, message_id: str) -> None:
        self.server.deliver(self._post(message_id))

    def acknowledged(self, message_id: str) -> bool:
        """IRC has no such thing: whether it was brought."""
        return bool(self._post(message_id).delivered)

    def shown(self) -> list[Shown]:
        return [
            Shown(
                chat_id=fold(post.target),
                message_id=post.msgid,
                text=post.text,
                reply_to=post.tags.get("+draft/reply", ""),
            )
            for post in self.server.posts
            if post.account == NICK
        ]

    def refuse(self, times: int, status: int, retry_after: float = 0.0) -> None:
        kinds = {
            429: ("439", f"Target change too fast. Please wait {retry_after:g} seconds"),
            500: (
                "263",
                "Server load is temporarily too heavy. Please wait a while and try again.",
            ),
        }
        refusal = kinds.get(status, ("404", "Cannot send to channel"))
        self.server.refusals += [refusal] * times

    def lose_answers(self, times: int) -> None:
        self.server.losing += times

    def drop(self) -> None:
        for client in self._own():
            client.transport.abortConnection()

    def freeze(self, frozen: bool) -> None:
        self.server.frozen = frozen
        for client in self.server.clients:
            (client.transport.pauseProducing if frozen else client.transport.resumeProducing)()

    def revoke(self) -> None:
        self.server.accounts[NICK] = "another"

    @property
    def nick(self) -> str:
        """What the assistant is called now."""
        return next((one.nick for one in self._own()), NICK)

    @property
    def open_sockets(self) -> int:
        return len(self._own())

    @property
    def most_sockets(self) -> int:
        return self._most

    def _own(self) -> list[Client]:
        return [one for one in self.server.clients if one.registered and one.account == NICK]

    def _noted(self) -> None:
        self._most = max(self._most, len(self._own()))

    def _post(self, message_id: str) -> Any:
        return next(post for post in self.server.posts if post.msgid == message_id)
