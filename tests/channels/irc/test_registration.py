"""Coming in, on a clock that only the test moves, at a server that says what the test says."""

from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from openclaw.channels.platforms.irc.connection import Connection
from openclaw.channels.platforms.irc.pace import Pace
from openclaw.channels.platforms.irc.registration import Registration, Session
from openclaw.channels.platforms.irc.settings import IRCSettings
from openclaw.interfaces.channels import ChannelDown, ChannelFailed
from openclaw.interfaces.outbound import IOutboundSocket

WELCOME = ":irc.example 001 tia :Welcome"
NO_MOTD = ":irc.example 422 tia :MOTD File is missing"


@implementer(IOutboundSocket)
class Wire:
    """A socket that keeps what is written."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def send(self, data: str | bytes) -> None:
        """Keep it."""
        self.lines += str(data, "utf-8").splitlines() if isinstance(data, bytes) else [data]

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Nothing is open."""

    def abort(self) -> None:
        """Nothing is open."""


class RegistrationTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.wire = Wire()
        self.connection = Connection(self.clock, lambda: None, 1000.0)
        self.connection.opened(self.wire)
        self.addCleanup(self.connection.end, ChannelDown("over"))

    def begin(self, **settings: Any) -> Deferred[Session]:
        """Come in."""
        told = msgspec.convert({"host": "h", "nick": "tia", **settings}, IRCSettings)
        pace = Pace(self.clock, told.flood_burst, told.flood_ms / 1000)
        return Registration(self.connection, told, self.clock, pace).run()

    def says(self, *lines: str) -> None:
        """The server speaks."""
        for line in lines:
            self.connection.received(line.encode() + b"\r\n")

    def joins(self) -> list[str]:
        """The channels that were asked for."""
        return [line.removeprefix("JOIN ") for line in self.wire.lines if line.startswith("JOIN ")]

    def enter_all(self) -> None:
        """Let the server answer each JOIN when it comes, for a minute."""
        answered = 0
        for _ in range(120):
            self.clock.advance(0.5)
            for name in self.joins()[answered:]:
                answered += 1
                self.says(f":tia!~t@h JOIN {name}")

    def test_many_channels_are_joined_however_long_that_takes(self) -> None:
        coming = self.begin(channels=[f"#c{number}" for number in range(40)])
        self.says(WELCOME, NO_MOTD)
        self.enter_all()
        self.assertEqual(len(self.successResultOf(coming).joined), 40)

    def test_a_channel_that_nothing_is_said_of_is_told(self) -> None:
        coming = self.begin(channels=["#a", "#b"])
        self.says(WELCOME, NO_MOTD, ":tia!~t@h JOIN #a")
        self.assertNoResult(coming)
        self.clock.advance(20)
        session = self.successResultOf(coming)
        self.assertEqual((session.joined, list(session.not_joined)), ({"#a"}, ["#b"]))

    def test_a_channel_that_leads_to_another_is_no_reason_to_wait(self) -> None:
        coming = self.begin(channels=["#a"])
        self.says(WELCOME, NO_MOTD, ":irc.example 470 tia #a ##a :Forwarding to another channel")
        session = self.successResultOf(coming)
        self.assertEqual(session.not_joined, {"#a": "Forwarding to another channel"})

    def test_a_server_without_a_message_of_the_day(self) -> None:
        coming = self.begin(channels=["#a"])
        self.says(WELCOME)
        self.assertEqual(self.joins(), [])
        self.clock.advance(10)
        self.says(":tia!~t@h JOIN #a")
        self.assertEqual(self.successResultOf(coming).joined, {"#a"})

    def test_a_nick_with_a_tail_that_is_too_long_is_no_fault_of_the_settings(self) -> None:
        coming = self.begin()
        self.says(
            ":irc.example 433 * tia :Nickname is already in use",
            ":irc.example 432 * tia_ :Erroneous nickname",
        )
        self.assertEqual(self.failureResultOf(coming, ChannelDown).value.after_seconds, 60)

    def test_a_nick_that_is_none_is(self) -> None:
        coming = self.begin()
        self.says(":irc.example 432 * tia :Erroneous nickname")
        self.failureResultOf(coming, ChannelFailed)

    def test_a_server_that_throttles_is_left_alone_for_a_while(self) -> None:
        for words in (
            "Closing Link: h[1.2.3.4] (Throttled: Reconnecting too fast) - ask the operators",
            "Your host is trying to (re)connect too fast -- throttled",
            "Closing Link: h (Too many host connections (local))",
            "Closing Link: h (K-Lined)",
        ):
            self.setUp()
            coming = self.begin()
            self.says(f"ERROR :{words}")
            self.connection.closed(1000, "")
            error = self.failureResultOf(coming, ChannelDown).value
            self.assertEqual(error.after_seconds, 60)
            self.assertIn(words, error.message)
