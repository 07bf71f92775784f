"""The channel: connects, hears, says. Pauses, retries, queues, access and cutting are the kit's."""

import json
from typing import Any

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from openclaw.deferreds import Tasks, deferred
from openclaw.interfaces.channels import ChannelDown, ChannelFailed, IChannel, ILink
from openclaw.interfaces.messages import Inbound, Outgoing, Person, Sent
from openclaw.interfaces.outbound import IOutboundSocket, ISocketListener, OutboundError
from openclaw.interfaces.queue import Undelivered


@implementer(IChannel, ISocketListener)
class LinesChannel:
    """One account. What its manifest does not promise (edits, files …) is never asked of it."""

    def __init__(self, link: ILink) -> None:
        self.link, self.tasks = link, Tasks()
        self.asked: dict[str, Deferred[Sent]] = {}

    @deferred
    async def run(self) -> None:
        """Serve until the connection ends; the kit calls it again."""
        host, port, tls = (getattr(self.link.settings, key) for key in ("host", "port", "tls"))
        self.ended, self.gone, self.rest = Deferred(), Deferred(), b""
        try:
            await self.link.sockets.tcp(host, port, self, tls=tls, trusted=True)
        except OutboundError as error:
            raise ChannelDown(error.message) from None
        try:
            await self.ended
        finally:
            self.socket.abort()
            await self.gone
            await self.tasks.cancel()
            while self.asked:  # The server knows the key, so all this may be said again.
                self.asked.popitem()[1].errback(Undelivered("the connection was lost", "retry"))

    def opened(self, socket: IOutboundSocket) -> None:
        """The connection is up; the server has yet to say welcome."""
        self.socket = socket
        self.write(token=self.link.settings.token)

    def received(self, data: Any) -> None:
        """Bytes of any number of lines came."""
        self.link.heard()
        *whole, self.rest = (self.rest + data).split(b"\n")
        for one in whole:
            self.told(json.loads(one))

    def closed(self, code: int, reason: str) -> None:
        """The connection is gone."""
        self.gone.callback(None)
        if not self.ended.called:
            self.ended.errback(ChannelDown(reason or "the server closed the connection"))

    def told(self, event: dict[str, Any]) -> None:
        """One line of the server's."""
        if "welcome" in event:
            self.link.connected(event["welcome"])
        elif "bye" in event and not self.ended.called:
            self.ended.errback(ChannelFailed(f"{event['bye']}: set channels.lines.token"))
        elif "text" in event:
            self.tasks.spawn("taking a line", self.take(event["id"], event))
        elif "no" in event:
            refusal = Undelivered(event["no"], event["kind"], event["after"])
            self.asked.pop(event["key"]).errback(refusal)
        elif "key" in event:
            self.asked.pop(event["key"]).callback(Sent(message_id=event["id"]))

    async def take(self, name: str, event: dict[str, Any]) -> None:
        """Hand a message in; if that fails it is not acknowledged, and will be brought again."""
        message = Inbound(
            channel=self.link.channel,
            account=self.link.account,
            chat_type="group" if event["room"] else "dm",
            chat_id=event["room"] or event["from"],
            sender=Person(id=event["from"]),
            message_id=name,
            dedupe_id=name,
            timestamp_ms=self.link.now_ms(),
            text=event["text"],
            mention="native" if event["named"] else "none",
        )
        await self.link.receive(message)
        self.write(ack=name)

    def send(self, outgoing: Outgoing) -> Deferred[Sent]:
        """Say something; fires when the server has taken it. Only called while connected."""
        answer = self.asked[outgoing.id] = Deferred()
        self.write(say=outgoing.text, to=outgoing.target.chat_id, key=outgoing.id)
        return answer

    def render(self, text: str) -> str:
        """Markdown is shown as it is there."""
        return text

    def probe(self) -> Deferred[str]:
        """Say how it is; a better one would ask the server."""
        return succeed(f"{len(self.asked)} answers under way")

    def write(self, **words: Any) -> None:
        """One object as a line."""
        self.socket.send(json.dumps(words).encode() + b"\n")
