"""A server of the chat on loopback, with people: what the contract calls a counterpart."""

import json
from typing import Any

from twisted.internet import reactor as default_reactor
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineOnlyReceiver

from openclaw.channels.counterpart import Shown

reactor: Any = default_reactor


class Connection(LineOnlyReceiver):
    delimiter = b"\n"
    welcome = False

    def say(self, **words: Any) -> None:
        self.sendLine(json.dumps(words).encode())

    def connectionLost(self, reason: Any = None) -> None:
        self.factory.leave(self)

    def lineReceived(self, line: bytes) -> None:
        self.factory.told(self, json.loads(line))


class Server(Factory):
    protocol = Connection
    noisy = False

    def __init__(self) -> None:
        self.token = "open sesame"
        self.here: list[Connection] = []
        self.events: dict[str, dict[str, Any]] = {}
        self.acked: set[str] = set()
        self.said: dict[str, Shown] = {}
        self.refusals: list[tuple[str, float]] = []
        self.losing = 0
        self.most_sockets = 0
        self.port = reactor.listenTCP(0, self, interface="127.0.0.1")

    def told(self, connection: Connection, line: dict[str, Any]) -> None:
        if "token" in line:
            self.greet(connection, line["token"] == self.token)
        elif "ack" in line:
            self.acked.add(line["ack"])
        elif self.refusals:
            kind, after = self.refusals.pop(0)
            connection.say(key=line["key"], no="not now", kind=kind, after=int(after * 1000))
        else:
            self.take(connection, line)

    def greet(self, connection: Connection, known: bool) -> None:
        if not known:
            connection.say(bye="lines: the server does not know the token")
            return
        self.here.append(connection)
        self.most_sockets = max(self.most_sockets, len(self.here))
        connection.say(welcome="tia")
        for event in self.events.values():
            if event["id"] not in self.acked:
                connection.say(**event)

    def take(self, connection: Connection, line: dict[str, Any]) -> None:
        shown = Shown(chat_id=line["to"], message_id=f"s{len(self.said)}", text=line["say"])
        shown = self.said.setdefault(line["key"], shown)
        if self.losing:
            self.losing -= 1
            connection.transport.abortConnection()
        else:
            connection.say(key=line["key"], id=shown.message_id)

    def leave(self, connection: Connection) -> None:
        if connection in self.here:
            self.here.remove(connection)

    # What the contract asks of a counterpart.

    def settings(self) -> dict[str, Any]:
        number = self.port.getHost().port
        account = {"host": "127.0.0.1", "port": number, "tls": False, "token": self.token}
        return {**account, "allowFrom": ["*"], "dmPolicy": "open", "groupPolicy": "open"}

    def say(self, text: str, *, chat_id: str, sender_id: str, group: bool = False) -> str:
        name = f"e{len(self.events)}"
        room = chat_id if group else ""
        event = {"id": name, "from": sender_id, "room": room, "text": text, "named": group}
        self.events[name] = event
        self.repeat(name)
        return name

    def repeat(self, message_id: str) -> None:
        for connection in self.here:
            connection.say(**self.events[message_id])

    def acknowledged(self, message_id: str) -> bool:
        return message_id in self.acked

    def shown(self) -> list[Shown]:
        return list(self.said.values())

    def refuse(self, times: int, status: int, retry_after: float = 0.0) -> None:
        self.refusals += [("never" if status == 400 else "retry", retry_after)] * times

    def lose_answers(self, times: int) -> None:
        self.losing += times

    def drop(self) -> None:
        for connection in list(self.here):
            connection.transport.abortConnection()

    def freeze(self, frozen: bool) -> None:
        for connection in self.here:
            (
                connection.transport.pauseProducing
                if frozen
                else connection.transport.resumeProducing
            )()

    def revoke(self) -> None:
        self.token = "another"

    @property
    def open_sockets(self) -> int:
        return len(self.here)
