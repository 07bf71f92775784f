"""One account: connected, connected again, given up, stopped."""

from random import Random

import msgspec
from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.account import Account
from openclaw.channels.accounts import ConfiguredAccount
from openclaw.channels.status import Record
from openclaw.config.schema.channels import ChannelSettings
from openclaw.interfaces.channels import (
    AccountStatus,
    ChannelDown,
    ChannelFailed,
    Manifest,
    TextLimit,
)

MANIFEST = Manifest(
    id="test",
    label="Test",
    settings="",
    factory="",
    text=TextLimit(default=100, hard=100),
    reconnect_seconds=5.0,
)
CONFIGURED = ConfiguredAccount(
    manifest=MANIFEST, account="default", settings=ChannelSettings(), is_default=True
)


class Scripted:
    """A channel whose connections end as the test says.

    :ivar runs: the connections so far; the last one may stand.
    :ivar closing: when the sockets are closed after the end of a connection.
    """

    def __init__(self) -> None:
        self.runs: list[Deferred[None]] = []
        self.open = 0
        self.most_open = 0
        self.closing: Deferred[None] | None = None

    def run(self) -> Deferred[None]:
        """Connect."""
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        running: Deferred[None] = Deferred()
        running.addBoth(self._closed)
        self.runs.append(running)
        return running

    def _closed(self, result: object) -> object:
        self.open -= 1
        return self.closing or result


class AccountCase(SynchronousTestCase):
    """One account on a clock of the test's."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.changes: list[str] = []
        self.record = Record(
            AccountStatus(channel="test", account="default", state="stopped"),
            lambda: int(self.clock.seconds() * 1000),
            lambda: self.changes.append(self.record.status.state),
        )
        self.account = self.make(CONFIGURED)
        self.account.startService()
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))
        self.addCleanup(self.account.stopService)

    def make(self, configured: ConfiguredAccount) -> Account:
        account = Account(configured, self.record, self.clock, Random(1))
        self.channel = Scripted()
        account.channel = self.channel  # type: ignore[assignment]  # Only run() is called.
        return account

    def end(self, why: Exception, after_seconds: float = 0.0) -> None:
        """End the connection."""
        self.clock.advance(after_seconds)
        self.channel.runs[-1].errback(why)

    @property
    def state(self) -> str:
        return self.record.status.state

    def pauses(self, number: int) -> list[float]:
        """How long the account waits between attempts in vain."""
        found = []
        for _ in range(number):
            self.end(ChannelDown("refused"))
            due = self.clock.getDelayedCalls()[0].getTime() - self.clock.seconds()
            found.append(due)
            self.clock.advance(due)
        return found


class ConnectingTests(AccountCase):
    def test_it_starts_at_once_and_is_connected_when_the_channel_says_so(self) -> None:
        self.assertEqual((self.state, len(self.channel.runs)), ("starting", 1))
        self.account.life.connected()
        self.assertEqual(self.state, "connected")
        self.assertTrue(self.account.connected)

    def test_the_first_pause_is_the_configured_one(self) -> None:
        self.account.life.connected()
        self.end(ChannelDown("gone"), 100)
        self.assertEqual(self.state, "reconnecting")
        self.clock.advance(4.99)
        self.assertEqual(len(self.channel.runs), 1)
        self.clock.advance(0.01)
        self.assertEqual(len(self.channel.runs), 2)

    def test_pauses_grow_to_twelve_seconds_with_jitter(self) -> None:
        found = self.pauses(12)
        self.assertEqual(found[0], 5.0)
        for number, pause in enumerate(found[1:], 1):
            expected = min(5.0 * 2**number, 12.0)
            self.assertTrue(0.8 * expected <= pause <= 1.2 * expected, (number, pause))
        self.assertEqual(len(set(found[6:])), len(found[6:]), "there is jitter")

    def test_a_connection_that_stood_for_a_minute_had_been_healthy(self) -> None:
        self.pauses(6)
        self.account.life.connected()
        self.end(ChannelDown("gone"), 60)
        due = self.clock.getDelayedCalls()[0].getTime() - self.clock.seconds()
        self.assertAlmostEqual(due, 5.0)

    def test_a_fault_that_is_over_is_made_good_within_half_a_minute(self) -> None:
        """However long it lasted: the longest pause, and an attempt that hangs for 15 seconds."""
        self.assertLessEqual(max(self.pauses(40)) + 15, 30)

    def test_the_platforms_own_pause_is_kept(self) -> None:
        self.end(ChannelDown("rate limited", after_seconds=90.0))
        self.clock.advance(89.9)
        self.assertEqual(len(self.channel.runs), 1)
        self.clock.advance(0.1)
        self.assertEqual(len(self.channel.runs), 2)

    def test_an_ordinary_end_is_followed_at_once_and_is_no_fault(self) -> None:
        self.account.life.connected()
        self.end(ChannelDown("please reconnect", at_once=True), 10)
        self.clock.advance(0)
        self.assertEqual(len(self.channel.runs), 2)
        self.assertEqual(self.state, "connected")

    def test_ordinary_ends_that_come_too_fast_are_none(self) -> None:
        for _ in range(10):
            self.end(ChannelDown("please reconnect", at_once=True), 0.1)
            self.clock.advance(60 * 1.2)
        self.assertEqual(self.record.status.reconnect_attempts, 10)

    def test_a_channel_that_breaks_is_tried_again(self) -> None:
        self.end(ValueError("a bug"))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(self.state, "reconnecting")
        self.assertNotIn("a bug", self.record.status.last_error)

    def test_never_two_connections_at_a_time_over_a_thousand_flaps(self) -> None:
        for _ in range(1_000):
            self.account.life.connected()
            self.end(ChannelDown("flap"), 1)
            self.clock.advance(80)
        self.assertEqual(self.channel.most_open, 1)
        self.assertEqual(len(self.channel.runs), 1_001)

    def test_a_quiet_healthy_account_is_left_alone(self) -> None:
        self.account.life.connected()
        self.clock.pump([60.0] * (24 * 60))
        self.assertEqual(len(self.channel.runs), 1)
        self.assertEqual(self.state, "connected")


class GivingUpTests(AccountCase):
    def test_a_failure_is_not_tried_again_and_says_what_to_do(self) -> None:
        self.end(ChannelFailed("the token is wrong; put a new one into channels.test.token"))
        self.clock.advance(3600)
        self.assertEqual((self.state, len(self.channel.runs)), ("failed", 1))
        self.assertIn("put a new one", self.record.status.last_error)

    def test_it_can_be_started_again(self) -> None:
        self.end(ChannelFailed("the token is wrong"))
        self.account.stopService()
        self.assertEqual(self.state, "stopped")
        self.account.startService()
        self.assertEqual((self.state, len(self.channel.runs)), ("starting", 2))
        self.assertEqual(self.record.status.last_error, "")


class StoppingTests(AccountCase):
    def test_a_stop_waits_until_the_channel_is_closed(self) -> None:
        self.account.life.connected()
        closing = self.channel.closing = Deferred()
        stopped = self.account.stopService()
        self.assertNoResult(stopped)
        closing.callback(None)
        self.successResultOf(stopped)
        self.assertEqual(self.state, "stopped")

    def test_a_stop_in_a_pause(self) -> None:
        self.end(ChannelDown("gone"))
        self.successResultOf(self.account.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.state, "stopped")

    def test_degraded_and_well_again(self) -> None:
        self.account.life.connected()
        self.account.life.degraded("another poller")
        self.assertEqual((self.state, self.account.connected), ("degraded", True))
        self.assertEqual(self.record.status.last_error, "another poller")
        self.account.life.connected()
        self.assertEqual((self.state, self.record.status.last_error), ("connected", ""))

    def test_who_shows_it_is_told_of_every_change(self) -> None:
        self.account.life.connected()
        self.end(ChannelDown("gone"), 100)
        self.assertEqual(self.changes, ["starting", "connected", "reconnecting"])

    def test_a_configured_pause_beats_the_manifests(self) -> None:
        self.account.stopService()
        settings = msgspec.structs.replace(CONFIGURED.settings, reconnect_interval=30.0)
        self.account = self.make(evolve(CONFIGURED, settings=settings))
        self.account.startService()
        self.addCleanup(self.account.stopService)
        self.end(ChannelDown("gone"))
        self.clock.advance(29.9)
        self.assertEqual(len(self.channel.runs), 1)
        self.clock.advance(0.1)
        self.assertEqual(len(self.channel.runs), 2)
