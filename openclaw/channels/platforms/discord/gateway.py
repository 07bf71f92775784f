"""One connection to Discord's gateway: greeting, heartbeats, and what its end means.

https://docs.discord.com/developers/events/gateway
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
from attrs import define, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.channels.platforms.discord.codes import (
    DISALLOWED_INTENTS,
    FATAL_CLOSES,
    NEW_SESSION_CLOSES,
)
from openclaw.channels.platforms.discord.session import Session
from openclaw.interfaces.channels import ChannelDown, ChannelFailed
from openclaw.interfaces.outbound import IOutboundSocket, ISocketListener

DISPATCH, HEARTBEAT, IDENTIFY, RESUME = 0, 1, 2, 6
RECONNECT, INVALID_SESSION, HELLO, ACK = 7, 9, 10, 11

RESUMABLE = 4000
"""The code we close with: 1000 and 1001 would end the session."""

MOST_FRAMES = 120
FRAMES_SECONDS = 60.0
MOST_BYTES = 4096
RESERVED_FRAMES = 5
"""Of the frames of a minute, those kept for heartbeats."""


class IntentsRefused(Exception):
    """The application may not use the intents it asked for; which ones Discord does not say."""


class Frame(msgspec.Struct, frozen=True):
    """What travels on the gateway."""

    op: int
    d: Any = None
    s: int | None = None
    t: str | None = None


@frozen(kw_only=True)
class Patience:
    """How long is waited for what, in seconds.

    :ivar ack: for the answer to a heartbeat. With ``beat`` it bounds how long a dead connection
        can look alive.
    :ivar beat: the longest pause between two heartbeats, however rarely Discord wants them.
    :ivar identify: between two IDENTIFYs.
    """

    hello: float = 20.0
    ready: float = 15.0
    resumed: float = 30.0
    ack: float = 12.0
    beat: float = 42.0
    identify: float = 5.0


@define
class IdentifyPace:
    """When the account last sent IDENTIFY; Discord takes one every five seconds."""

    last: float = float("-inf")

    def wait(self, now: float, least: float) -> float:
        """Seconds until the next one may be sent."""
        return max(0.0, self.last + least - now)


@frozen(kw_only=True)
class Greeting:
    """How the connection introduces itself.

    :ivar session: what is to be resumed; ``None`` for a new session.
    """

    token: str
    intents: int
    session: Session | None
    pace: IdentifyPace


class _Sent:
    """The frames of the last minute."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._times: deque[float] = deque()

    def may(self, spare: int = 0) -> bool:
        """Whether one more may go out now, with ``spare`` left over; notes it if so."""
        now = self._clock.seconds()
        while self._times and self._times[0] <= now - FRAMES_SECONDS:
            self._times.popleft()
        if len(self._times) + spare >= MOST_FRAMES:
            return False
        self._times.append(now)
        return True


@implementer(ISocketListener)
class Connection:
    """One socket, from HELLO to its end.

    :param on_event: hears every dispatched event, ``(name, seq, data)``, READY and RESUMED too.
    :param on_frame: called for everything that comes.
    :ivar safe: the sequence number that heartbeats report: the last event that is safe.
    :ivar ended: fails with why the connection ended, once its socket is closed.
    :ivar gone: fires then, also if nobody waits for the reason any more.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        random: Random,
        patience: Patience,
        greeting: Greeting,
        on_event: Callable[[str, int, Any], None],
        on_frame: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._random = random
        self._patience = patience
        self._greeting = greeting
        self._on_event = on_event
        self._on_frame = on_frame
        self._socket: IOutboundSocket | None = None
        self._sent = _Sent(clock)
        self._timers: dict[str, IDelayedCall] = {}
        self._awaiting_ack = False
        self._told_of_haste = False
        self._verdict: Exception | None = None
        self._gone = False
        self.is_ready = False
        self.forgets_session = False
        self.failed_resume = False
        self.safe: Callable[[], int | None] = lambda: None
        self.ended: Deferred[None] = Deferred()
        self.gone: Deferred[None] = Deferred()

    # -- the socket ----------------------------------------------------------------------------

    def opened(self, socket: IOutboundSocket) -> None:
        """See :meth:`ISocketListener.opened`."""
        self._socket = socket
        self._expect("hello", self._patience.hello, "Discord did not greet")

    def received(self, data: str | bytes) -> None:
        """See :meth:`ISocketListener.received`."""
        if self._verdict is not None:
            return
        self._on_frame()
        try:
            frame = msgspec.json.decode(data, type=Frame)
        except msgspec.MsgspecError:
            self.end(ChannelDown("Discord's gateway sent something that is no frame"))
            return
        handler = {
            DISPATCH: self._dispatched,
            HEARTBEAT: lambda _: self._beat(),
            RECONNECT: self._asked_to_reconnect,
            INVALID_SESSION: self._session_is_invalid,
            HELLO: self._greeted,
            ACK: self._acknowledged,
        }.get(frame.op)
        if handler is not None:
            handler(frame)

    def closed(self, code: int, reason: str) -> None:
        """See :meth:`ISocketListener.closed`."""
        self._gone = True
        for timer in self._timers.values():
            if timer.active():
                timer.cancel()
        self._timers.clear()
        self.ended.errback(self._verdict or self._meaning(code))
        self.gone.callback(None)

    def end(self, verdict: Exception, code: int = RESUMABLE) -> None:
        """Close the connection; :attr:`ended` fails with ``verdict`` once it is closed."""
        if self._verdict is None and not self._gone:
            self._verdict = verdict
            if self._socket is not None:
                self._socket.close(code)

    # -- what comes ------------------------------------------------------------------------------

    def _greeted(self, frame: Frame) -> None:
        self._met("hello")
        asked = frame.d.get("heartbeat_interval") if isinstance(frame.d, dict) else None
        if not isinstance(asked, int | float) or asked <= 0:
            self.end(ChannelDown("Discord's HELLO has no heartbeat_interval"))
            return
        self._interval = min(asked / 1000, self._patience.beat)
        # Everybody who lost the same server would beat at the same moment otherwise.
        self._later("beat", self._interval * self._random.random(), self._due)
        if self._greeting.session is not None:
            self._resume(self._greeting.session)
            return
        pace = self._greeting.pace
        wait = pace.wait(self._clock.seconds(), self._patience.identify)
        self._later("identify", wait, self._identify)

    def _identify(self) -> None:
        self._greeting.pace.last = self._clock.seconds()
        properties = {"os": "linux", "browser": "openclaw-gateway", "device": "openclaw-gateway"}
        self._send(
            IDENTIFY,
            {
                "token": self._greeting.token,
                "intents": self._greeting.intents,
                "properties": properties,
            },
        )
        self._expect("ready", self._patience.ready, "Discord did not send READY")

    def _resume(self, session: Session) -> None:
        self._send(
            RESUME,
            {"token": self._greeting.token, "session_id": session.id, "seq": session.seq},
        )
        self._expect("ready", self._patience.resumed, "Discord did not resume the session")

    def _dispatched(self, frame: Frame) -> None:
        if frame.t in ("READY", "RESUMED"):
            self._met("ready")
            self.is_ready = True
        if frame.t is None:
            return
        seq = frame.s
        if seq is None and frame.t == "RESUMED" and self._greeting.session is not None:
            seq = self._greeting.session.seq  # It is no event of the session's.
        if seq is not None:
            self._on_event(frame.t, seq, frame.d)

    def _asked_to_reconnect(self, _: Frame) -> None:
        self.end(ChannelDown("Discord asked for a new connection", at_once=self.is_ready))

    def _session_is_invalid(self, frame: Frame) -> None:
        if frame.d is True:
            self.failed_resume = True
            self.end(ChannelDown("Discord wants the session resumed once more"))
            return
        self.forgets_session = True
        pause = self._random.uniform(1.0, 5.0)
        self.end(ChannelDown("Discord ended the session", after_seconds=pause), 1000)

    # -- heartbeats ------------------------------------------------------------------------------

    def _due(self) -> None:
        if self._awaiting_ack:
            self._zombie()
            return
        self._beat()
        self._later("beat", self._interval, self._due)

    def _beat(self) -> None:
        if not self._sent.may():
            if not self._told_of_haste:
                self._told_of_haste = True
                self._log.warn("discord: more heartbeats wanted than may be sent, some left out")
            return
        self._awaiting_ack = True
        if "ack" not in self._timers:
            self._later("ack", self._patience.ack, self._zombie)
        self._write(HEARTBEAT, self.safe())

    def _acknowledged(self, _: Frame) -> None:
        self._awaiting_ack = False
        self._met("ack")

    def _zombie(self) -> None:
        # Not an ordinary end: whatever keeps Discord silent may keep the next connection waiting
        # too, and the account must not look connected meanwhile.
        self.end(ChannelDown("Discord did not answer a heartbeat"))

    # -- what goes out ---------------------------------------------------------------------------

    def _send(self, op: int, data: object) -> None:
        if not self._sent.may(RESERVED_FRAMES):
            self.end(ChannelDown("too many frames for Discord within a minute", after_seconds=60.0))
            return
        self._write(op, data)

    def _write(self, op: int, data: object) -> None:
        text = msgspec.json.encode({"op": op, "d": data}).decode()
        if len(text) > MOST_BYTES:
            self.end(ChannelFailed("the bot token is no Discord token: it is far too long"))
        elif self._socket is not None:
            self._socket.send(text)

    # -- time ------------------------------------------------------------------------------------

    def _later(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        self._met(name)
        self._timers[name] = self._clock.callLater(seconds, call)

    def _expect(self, name: str, seconds: float, complaint: str) -> None:
        self._later(name, seconds, lambda: self.end(ChannelDown(f"{complaint} for {seconds:g} s")))

    def _met(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None and timer.active():
            timer.cancel()

    def _meaning(self, code: int) -> Exception:
        """What a close code that Discord sent tells of the next connection."""
        if code == DISALLOWED_INTENTS:
            return IntentsRefused()
        if code in FATAL_CLOSES:
            return ChannelFailed(FATAL_CLOSES[code])
        if code in NEW_SESSION_CLOSES:
            self.forgets_session = True
            return ChannelDown(f"Discord ended the session (close code {code})")
        return ChannelDown(f"the gateway connection ended ({code})", at_once=self.is_ready)
