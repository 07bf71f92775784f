"""Pacing and the sorting of failures, on a clock that only the test moves."""

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.hosts import is_loopback
from openclaw.channels.platforms.discord.api import (
    Api,
    Limited,
    Refused,
    Request,
    Unauthorized,
    Unavailable,
    root_of,
)
from openclaw.channels.platforms.discord.buckets import Buckets, Pass, Route
from openclaw.channels.platforms.discord.delivery import undelivered
from openclaw.channels.platforms.discord.gateway import FRAMES_SECONDS, MOST_FRAMES, _Sent
from openclaw.interfaces.channels import ChannelFailed
from openclaw.interfaces.outbound import OutboundError


def post(channel: str = "1", method: str = "POST") -> Route:
    """A message's route."""
    return Route(method, "/channels/{channel}/messages", {"channel": channel})


def headers(remaining: int, after: float, bucket: str = "abc") -> dict[str, str]:
    """What an answer says of its limit."""
    return {
        "x-ratelimit-bucket": bucket,
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset-after": str(after),
    }


class BucketTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.buckets = Buckets(self.clock)

    def enter(self, route: Route) -> Deferred[Pass]:
        """Ask for leave."""
        return Deferred.fromCoroutine(self.buckets.enter(route))

    def through(self, route: Route, told: dict[str, str]) -> None:
        """Make one call."""
        leave = self.successResultOf(self.enter(route))
        leave.answered(told)
        leave.close()

    def test_an_unknown_limit_lets_one_through_at_a_time(self) -> None:
        first = self.successResultOf(self.enter(post()))
        second = self.enter(post())
        self.assertNoResult(second)
        other_channel = self.enter(post("2"))
        self.successResultOf(other_channel).close()
        first.close()
        self.successResultOf(second).close()

    def test_an_empty_bucket_waits_before_sending(self) -> None:
        self.through(post(), headers(0, 2.5))
        waiting = self.enter(post())
        self.clock.advance(2.4)
        self.assertNoResult(waiting)
        self.clock.advance(0.2)
        self.successResultOf(waiting).close()

    def test_what_is_left_goes_at_once_and_no_more(self) -> None:
        self.through(post(), headers(2, 10))
        for _ in range(2):
            self.successResultOf(self.enter(post())).close()
        third = self.enter(post())
        self.assertNoResult(third)
        self.clock.advance(10.1)
        self.successResultOf(third).close()

    def test_each_channel_has_its_own_share(self) -> None:
        self.through(post("1"), headers(0, 10))
        self.successResultOf(self.enter(post("2"))).close()

    def test_routes_that_discord_puts_together_share(self) -> None:
        self.through(post(), headers(5, 10))
        self.through(post(method="PATCH"), headers(0, 10))
        self.assertNoResult(self.enter(post()))
        self.clock.advance(11)

    def test_channels_that_began_before_the_limit_had_a_name_keep_theirs(self) -> None:
        one, two = (self.successResultOf(self.enter(post(channel))) for channel in "12")
        for leave in (one, two):
            leave.answered(headers(0, 10))
            leave.close()
        for channel in "12":
            self.assertNoResult(self.enter(post(channel)))
        self.clock.advance(11)

    def test_who_waited_before_the_limit_had_a_name_waits_for_it_too(self) -> None:
        self.through(post(), headers(5, 10))
        first = self.successResultOf(self.enter(post(method="PATCH")))
        second = self.enter(post(method="PATCH"))
        first.answered(headers(0, 10))
        first.close()
        self.clock.advance(9.9)
        self.assertNoResult(second)
        self.clock.advance(0.2)
        self.successResultOf(second).close()

    def test_late_answers_do_not_raise_what_is_left(self) -> None:
        self.through(post(), headers(3, 10))
        first, second = (self.successResultOf(self.enter(post())) for _ in range(2))
        second.answered(headers(1, 10))
        first.answered(headers(2, 10))
        self.successResultOf(self.enter(post()))
        self.assertNoResult(self.enter(post()))
        self.clock.advance(30)

    def test_order_is_kept_while_waiting(self) -> None:
        self.through(post(), headers(0, 1))
        order: list[int] = []

        def go(leave: Pass, number: int) -> None:
            order.append(number)
            leave.close()

        for number in range(5):
            self.enter(post()).addCallback(go, number)
        self.clock.pump([0.5] * 6)
        self.assertEqual(order, [0, 1, 2, 3, 4])

    def test_50_calls_a_second_and_no_more(self) -> None:
        for number in range(50):
            self.successResultOf(self.enter(post(str(number)))).close()
        waiting = self.enter(post("x"))
        self.assertNoResult(waiting)
        callback = Route("POST", "/interactions/{id}/{token}/callback", {"id": "1", "token": "t"})
        self.successResultOf(self.enter(callback)).close()
        self.clock.advance(1.01)
        self.successResultOf(waiting).close()

    def test_a_global_429_stops_everything(self) -> None:
        leave = self.successResultOf(self.enter(post()))
        leave.limited(3.0, True)
        leave.close()
        waiting = self.enter(post("2"))
        self.clock.advance(2.9)
        self.assertNoResult(waiting)
        self.clock.advance(0.2)
        self.successResultOf(waiting).close()

    def test_a_429_of_one_bucket_stops_only_that(self) -> None:
        leave = self.successResultOf(self.enter(post()))
        leave.limited(3.0, False)
        leave.close()
        self.successResultOf(self.enter(post("2"))).close()
        self.assertNoResult(self.enter(post()))
        self.clock.advance(4)

    def test_reactions_keep_a_quarter_of_a_second(self) -> None:
        values = {"channel": "1", "message": "2", "emoji": "x"}
        template = "/channels/{channel}/messages/{message}/reactions/{emoji}/@me"
        route = Route("PUT", template, values)
        self.through(route, headers(1, 1))
        waiting = self.enter(route)
        self.clock.advance(0.2)
        self.assertNoResult(waiting)
        self.clock.advance(0.1)
        self.successResultOf(waiting).close()

    def test_a_call_given_up_while_waiting_blocks_nobody(self) -> None:
        self.through(post(), headers(0, 1))
        given_up = self.enter(post())
        after = self.enter(post())
        given_up.cancel()
        self.failureResultOf(given_up)
        self.clock.advance(1.1)
        self.successResultOf(after).close()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_idle_buckets_are_forgotten(self) -> None:
        for number in range(2_500):
            self.clock.advance(1)
            self.successResultOf(self.enter(post(str(number)))).close()
        self.assertLess(len(self.buckets._buckets), 2_100)


class Answering:
    """An outbound client that answers what the test says."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    def request(self, method: str, url: str, headers: Any, body: bytes, **_: Any) -> Any:
        """Answer."""
        self.asked.append((method, url, headers))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return succeed(answer)


class Answer:
    """An answer's head and body."""

    def __init__(self, status: int, body: bytes = b"", **more: str) -> None:
        self.status = status
        self._body = body
        self._headers = {name.replace("_", "-"): value for name, value in more.items()}

    def header(self, name: str) -> str:
        """One header."""
        return self._headers.get(name, "")

    def read(self, limit: int) -> Deferred[bytes]:
        """The body."""
        return succeed(self._body)


class FailureTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.http = Answering()
        link: Any = self  # It has the clock and the client, which is all that is used.
        self.api = Api(link, "secret-token", root_of("https://discord.com/api/v10/", False))

    def call(self, *answers: Any, authorized: bool = True) -> Deferred[Any]:
        """Make one call."""
        self.http.answers = list(answers)
        request = Request(route=post(), authorized=authorized)
        return Deferred.fromCoroutine(self.api.call(request))

    def test_what_every_call_carries(self) -> None:
        self.successResultOf(self.call(Answer(200, b"{}")))
        [(method, url, sent)] = self.http.asked
        self.assertEqual((method, url), ("POST", "https://discord.com/api/v10/channels/1/messages"))
        self.assertEqual(sent["authorization"], "Bot secret-token")
        self.assertRegex(sent["user-agent"], r"^DiscordBot \(https?://\S+, [\d.]+\)$")

    def test_a_token_in_the_path_needs_no_other(self) -> None:
        self.successResultOf(self.call(Answer(204), authorized=False))
        self.assertNotIn("authorization", self.http.asked[0][2])

    def test_how_each_failure_is_sorted(self) -> None:
        limited = b'{"retry_after": 1.5, "global": false}'
        cases: list[tuple[Any, type, str, str]] = [
            (Answer(400, b'{"code": 50006, "message": "x"}'), Refused, "never", "never"),
            (Answer(403, b"<html>"), Refused, "never", "never"),
            (Answer(500, b""), Unavailable, "retry", "unknown"),
            (Answer(429, limited), Limited, "retry", "retry"),
            (Answer(401, b"{}"), Unauthorized, "later", "later"),
            (OutboundError("x", "connect"), Exception, "retry", "retry"),
            (OutboundError("x", "timeout"), Exception, "retry", "unknown"),
            (OutboundError("x", "lost"), Exception, "retry", "unknown"),
            (OutboundError("x", "refused"), Exception, "never", "never"),
        ]
        for answer, kind, repeatable, once in cases:
            error: Any = self.failureResultOf(self.call(answer)).value
            self.assertIsInstance(error, kind)
            self.assertEqual(undelivered(error).kind, repeatable)
            self.assertEqual(undelivered(error, repeatable=False).kind, once)
            self.clock.advance(60)

    def test_a_pause_is_exact(self) -> None:
        answer = Answer(429, b'{"retry_after": 0.25}', retry_after="1")
        error: Any = self.failureResultOf(self.call(answer)).value
        self.assertEqual(undelivered(error).after_ms, 250)

    def test_a_look_up_waits_out_a_short_pause_and_no_long_one(self) -> None:
        self.http.answers = [Answer(429, b'{"retry_after": 0.25}'), Answer(200, b"{}")]
        asking = Deferred.fromCoroutine(self.api.get("/gateway/bot"))
        self.clock.advance(0.24)
        self.assertEqual(len(self.http.asked), 1)
        self.clock.advance(0.02)
        self.assertEqual(self.successResultOf(asking), {})
        self.http.answers = [Answer(429, b'{"retry_after": 60}')]
        asking = Deferred.fromCoroutine(self.api.get("/users/@me"))
        self.assertEqual(self.failureResultOf(asking, Limited).value.after_seconds, 60)

    def test_a_429_from_before_the_api_counts_for_everything(self) -> None:
        error: Any = self.failureResultOf(self.call(Answer(429, b"<html>", retry_after="7"))).value
        self.assertEqual(error.after_seconds, 7)
        self.http.answers = [Answer(204)]
        other = Deferred.fromCoroutine(self.api.call(Request(route=post("2"))))
        self.assertNoResult(other)
        self.clock.advance(7.1)
        self.successResultOf(other)

    def test_after_three_times_401_nothing_is_sent(self) -> None:
        for _ in range(5):
            self.failureResultOf(self.call(Answer(401, b"{}")), Unauthorized)
        self.assertEqual(len(self.http.asked), 3)
        self.api.start_again()
        self.successResultOf(self.call(Answer(204)))

    def test_401s_that_are_not_in_a_row_stop_nothing(self) -> None:
        for _ in range(3):
            self.failureResultOf(self.call(Answer(401, b"{}")), Unauthorized)
            if not self.api.has_stopped:
                self.successResultOf(self.call(Answer(204)))
        self.assertFalse(self.api.has_stopped)

    def test_before_discord_bans_us_we_stop(self) -> None:
        for _ in range(9_000):
            self.failureResultOf(self.call(Answer(403, b"{}")), Refused)
            self.clock.advance(0.03)
        sent = len(self.http.asked)
        self.failureResultOf(self.call(Answer(204)), Limited)
        self.assertEqual(len(self.http.asked), sent)
        self.clock.advance(600)
        self.successResultOf(self.call(Answer(204)))

    def test_no_error_tells_the_token(self) -> None:
        for answer in (Answer(401, b"{}"), Answer(500), Answer(403, b'{"message": "x"}')):
            error = self.failureResultOf(self.call(answer)).value
            self.assertNotIn("secret-token", str(error))


class RootTests(SynchronousTestCase):
    def test_what_people_paste(self) -> None:
        for written in (
            "https://discord.com/api",
            "https://discord.com/api/",
            "https://discord.com/api/v10",
            " https://discord.com/api/v10/ ",
        ):
            self.assertEqual(root_of(written, False).url, "https://discord.com/api")
        self.assertEqual(root_of("http://127.0.0.1:1", False).url, "http://127.0.0.1:1")

    def test_what_is_refused(self) -> None:
        for written in ("", "discord.com", "ftp://x/api", "http://discord.example/api"):
            self.assertRaises(ChannelFailed, root_of, written, False)
        self.assertTrue(root_of("http://discord.example/api", True))

    def test_what_is_this_machine(self) -> None:
        for host, near in (("localhost", True), ("127.9.0.1", True), ("::1", True), ("a.b", False)):
            self.assertEqual(is_loopback(host), near)


class FrameTests(SynchronousTestCase):
    def test_120_frames_a_minute_and_no_more(self) -> None:
        clock = Clock()
        sent = _Sent(clock)
        self.assertEqual([sent.may() for _ in range(130)].count(True), MOST_FRAMES)
        clock.advance(FRAMES_SECONDS)
        self.assertTrue(sent.may())
