"""Every platform through the fault proxy, in a whole gateway, on a clock that the test moves.

What networks and servers do to an account is noticed within a minute and over half a minute after
it is over; what people said meanwhile is answered once; all views of an account agree at any
moment; the other accounts notice nothing.

``OPENCLAW_TEST_FLAPS`` says how often every connection is cut, ``OPENCLAW_TEST_QUIET_HOURS`` for
how many simulated hours nothing happens.
"""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from attrs import frozen
from twisted.trial.unittest import TestCase

from tests.faults.gateway import Gateway, Views
from tests.faults.platforms import KINDS, Platform
from tests.faults.simulation import Simulation

FLAPS = int(os.environ.get("OPENCLAW_TEST_FLAPS") or 25)
QUIET_HOURS = float(os.environ.get("OPENCLAW_TEST_QUIET_HOURS") or 2)
DETECTED_SECONDS = 60.0
RECOVERED_SECONDS = 30.0
ANSWERED_SECONDS = 60.0
LASTS_SECONDS = 70.0
LOOK_SECONDS = 5.0
SAID = 3


@frozen
class Fault:
    """One thing that networks and servers do.

    :ivar begin: begins it for one platform; :meth:`Platform.clear` ends it.
    """

    name: str
    begin: Callable[[Platform], object]


def _refuse(platform: Platform) -> None:
    for proxy in platform.proxies:
        proxy.refusing = True
        proxy.reset()


def _half_open(platform: Platform) -> None:
    """Take the server away without a word; whoever comes now finds it."""
    for proxy in platform.proxies:
        proxy.half_open()


def _truncate(platform: Platform) -> None:
    """Close every connection after a few bytes."""
    platform.faults(truncate=40)
    platform.line.reset()


def _strand(platform: Platform) -> None:
    """Take the server away without a word, also from whoever comes now."""
    platform.faults(swallowed=True)
    for proxy in platform.proxies:
        proxy.half_open()


def _garble(platform: Platform) -> None:
    """Let everything that the server says come twice, which is no protocol any more."""
    for proxy in platform.proxies:
        proxy.down.set(duplicate=True)
        proxy.reset()


def _answer(status: int, **headers: str) -> Callable[[Platform], None]:
    def begin(platform: Platform) -> None:
        if platform.http is None:
            _refuse(platform)
            return
        platform.http.http.answer(status, times=1_000_000, headers=headers)
        platform.line.reset()

    return begin


FAULTS = (
    Fault("latency", lambda one: one.faults(latency=2.0)),
    Fault("reset", _refuse),
    Fault("half_open", _half_open),
    Fault("black_hole", _strand),
    Fault("freeze", lambda one: one.faults(frozen=True)),
    Fault("slow_drip", lambda one: one.faults(drip=4)),
    Fault("truncate", _truncate),
    Fault("garbage", _garble),
    Fault("too_many_requests", _answer(429, **{"Retry-After": "5"})),
    Fault("server_errors", _answer(503)),
)


class ChannelFaultCase(TestCase):
    """A gateway with an account on every platform, each behind its own proxy."""

    timeout = 600

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        self.simulation = Simulation()
        self.platforms = [kind.make(self.simulation.reactor) for kind in KINDS]
        self.gateway = Gateway(self.simulation, Path(self.mktemp()).absolute())
        self.words = 0
        self.ids: dict[str, str] = {}
        self.sockets = sum(one.line is not one.http for one in self.platforms)
        await self.gateway.start(self.platforms)
        await self.reach("connected", self.platforms, 60.0)

    async def tearDown(self) -> None:  # type: ignore[override]  # Trial waits for it.
        await self.gateway.stop()
        for platform in self.platforms:
            await platform.stop()

    def word(self, platform: Platform) -> str:
        """Let a person write something that is answered with the same word; which."""
        self.words += 1
        word = f"/q{self.words:05}z"
        self.ids[word] = platform.say(word)
        return word

    async def reach(self, state: str, platforms: Sequence[Platform], seconds: float) -> None:
        """Wait until all these accounts are in a state."""
        states = lambda: {one.id: self.gateway.state(one.id) for one in platforms}  # noqa: E731
        came = await self.simulation.until(lambda: set(states().values()) == {state}, seconds)
        self.assertIsNotNone(came, f"{states()} after {seconds} s\n" + self.told())

    async def answered(
        self, platform: Platform, words: Sequence[str], unknown: Sequence[str] = ()
    ) -> None:
        """Every word is answered, once.

        :param unknown: answers of which nobody can say whether they were sent; they are parked.
        """
        parked = {word for word in words if any(word in text for text in unknown)}
        sure = [word for word in words if word not in parked]
        counts = lambda: [platform.answers(word) for word in sure]  # noqa: E731
        came = await self.simulation.until(lambda: min(counts()) > 0, ANSWERED_SECONDS)
        self.assertIsNotNone(came, f"{platform.id} answered {counts()}\n" + self.told())
        self.assertEqual(counts(), [1] * len(sure), platform.id)
        self.assertLessEqual(max((platform.answers(word) for word in parked), default=0), 1)

    async def agreed(self, platforms: Sequence[Platform]) -> None:
        """All views say the same of every account, and what its own state says."""
        ids = [one.id for one in platforms]
        states = {name: self.gateway.state(name) for name in ids}
        for name, found in (await self.gateway.views(ids)).items():
            up = states[name] in ("connected", "degraded")
            ready = states[name] not in ("degraded", "reconnecting", "failed")
            self.assertEqual(found, Views(up, up, up, ready, up), f"{name} is {states[name]}")

    def told(self) -> str:
        """What was logged lately."""
        return "\n".join(self.gateway.log[-30:])


class FaultTests(ChannelFaultCase):
    async def suffer(self, fault: Fault) -> None:
        """Put one fault on every platform, and see it noticed, over, and made good."""
        words = {one.id: [self.word(one)] for one in self.platforms}
        for one in self.platforms:
            await self.answered(one, words[one.id])
        began, logged = self.simulation.now, len(self.gateway.log)
        for one in self.platforms:
            fault.begin(one)
        noticed = await self.last(began, words)
        for one in self.platforms:
            self.assertLessEqual(noticed.get(one.id, 1e9), DETECTED_SECONDS, one.id)
        lines = self.gateway.log[logged:]
        for one in self.platforms:
            one.clear()
        await self.reach("connected", self.platforms, RECOVERED_SECONDS)
        await self.agreed(self.platforms)
        await self.simulation.move(ANSWERED_SECONDS)
        unknown = await self.revive()
        for one in self.platforms:
            await self.answered(one, words[one.id], unknown)
            self.check_log(one, lines)

    async def last(self, began: float, words: dict[str, list[str]]) -> dict[str, float]:
        """Let the fault last, while people write.

        :return: after how many seconds each account no longer looked connected, or everything
            that had been said in the first seconds had come through after all.
        """
        noticed: dict[str, float] = {}
        while (passed := self.simulation.now - began) < LASTS_SECONDS:
            if passed < SAID * LOOK_SECONDS:
                for one in self.platforms:
                    words[one.id].append(self.word(one))
            for _ in range(int(LOOK_SECONDS / self.simulation.step)):
                await self.simulation.move(self.simulation.step)
                # A proxy that is frozen does not see who leaves; the gateway knows what it holds.
                held = self.gateway.parts.channels.sockets
                self.assertLessEqual(len(held), self.sockets, self.told())
                for one in self.platforms:
                    if self.gateway.state(one.id) != "connected" or (
                        passed >= SAID * LOOK_SECONDS and self.came(one, words[one.id])
                    ):
                        noticed.setdefault(one.id, self.simulation.now - began)
            await self.agreed(self.platforms)
        return noticed

    def came(self, platform: Platform, words: Sequence[str]) -> bool:
        """Whether all of it reached the gateway."""
        return all(platform.counterpart.acknowledged(self.ids[word]) for word in words)

    async def revive(self) -> list[str]:
        """Have sent what was given up after three attempts: it is dead, not lost.

        :return: the beginnings of the answers whose outcome nobody knows.
        """
        letters = (await self.gateway.call("queue.inspect", deadLetter=True, limit=100))["messages"]
        dead = [one["id"] for one in letters if one["state"] == "dead"]
        if dead:
            await self.gateway.call("queue.retry", ids=dead)
        return [one["preview"] for one in letters if one["state"] == "unknown"]

    def check_log(self, platform: Platform, lines: Sequence[str]) -> None:
        """No more than one line for each attempt, and one when it worked."""
        found = [one for one in lines if one.startswith(f"{platform.id}/")]
        attempts = [one for one in found if " reconnecting: " in one or " degraded: " in one]
        worked = [one for one in found if one.endswith(" is connected")]
        self.assertEqual(len(found), len(attempts) + len(worked), found)
        # The pauses grow, so a minute of trouble has no more attempts than this.
        self.assertLess(len(attempts), 25, found)


def _test(fault: Fault) -> Callable[[Any], Any]:
    async def test(self: FaultTests) -> None:
        await self.suffer(fault)

    return test


for _fault in FAULTS:
    setattr(FaultTests, f"test_{_fault.name}", _test(_fault))


class LifeTests(ChannelFaultCase):
    async def test_one_connection_at_a_time_however_often_it_is_cut(self) -> None:
        for number in range(FLAPS):
            for one in self.platforms:
                one.line.reset()
            await self.simulation.settle()
            if number % 10 == 5:  # A second cut while it connects, and one while it is greeted.
                for one in self.platforms:
                    one.line.reset()
            await self.reach("connected", self.platforms, RECOVERED_SECONDS)
            await self.simulation.until(lambda: all(one.is_heard for one in self.platforms), 60.0)
        for one in self.platforms:
            word = self.word(one)
            await self.answered(one, [word])
            self.assertLessEqual(one.most, 1, one.id)
            heard = await self.simulation.until(partial(getattr, one, "is_heard"), LOOK_SECONDS)
            self.assertIsNotNone(heard, one.id)

    async def test_a_quiet_account_is_left_alone(self) -> None:
        connected = {
            one.id: self.gateway.status(one.id).last_connected_at for one in self.platforms
        }
        opened = {one.id: one.line.total for one in self.platforms if one.line is not one.http}
        self.simulation.step = 2.0
        await self.simulation.move(QUIET_HOURS * 3600)
        self.simulation.step = 0.5
        for one in self.platforms:
            status = self.gateway.status(one.id)
            self.assertEqual((status.state, status.reconnect_attempts), ("connected", 0), one.id)
            self.assertEqual(status.last_connected_at, connected[one.id], one.id)
            self.assertEqual(status.last_disconnect_at, 0, one.id)
            if one.id in opened:
                self.assertEqual(one.line.total, opened[one.id], one.id)
        words = {one.id: self.word(one) for one in self.platforms}
        for one in self.platforms:
            await self.answered(one, [words[one.id]])

    async def test_trouble_of_one_is_none_of_the_others(self) -> None:
        for ill in self.platforms:
            others = [one for one in self.platforms if one is not ill]
            before = {one.id: self.gateway.status(one.id).last_connected_at for one in others}
            ill.faults(frozen=True)
            ill.line.half_open()
            for _ in range(int(DETECTED_SECONDS / LOOK_SECONDS) + 1):
                words = {one.id: self.word(one) for one in others}
                await self.simulation.move(LOOK_SECONDS)
                for one in others:
                    await self.answered(one, [words[one.id]])
            self.assertNotEqual(self.gateway.state(ill.id), "connected")
            await self.agreed(self.platforms)
            ill.clear()
            await self.reach("connected", self.platforms, RECOVERED_SECONDS)
            after = {one.id: self.gateway.status(one.id).last_connected_at for one in others}
            self.assertEqual(after, before)

    async def test_a_reload_touches_one_account_and_no_run(self) -> None:
        await self.gateway.call("sessions.messages.subscribe", key="agent:main:main")
        for one in self.platforms:
            others = [other for other in self.platforms if other is not one]
            before = {other.id: _line(other) for other in others}
            runs = {"sessionKey": f"agent:main:{one.id}", "idempotencyKey": f"run-{one.id}"}
            await self.gateway.call("chat.send", message="hello", **runs)
            self.assertTrue(self.gateway.parts.runs.active())
            reloading = self.gateway.client.request("channels.reload", {"channel": one.id})
            await self.simulation.result(reloading, moving=True)
            await self.reach("connected", self.platforms, RECOVERED_SECONDS)
            await self.simulation.move(LOOK_SECONDS)
            self.assertEqual({other.id: _line(other) for other in others}, before)
            self.assertEqual(self.gateway.ends[f"run-{one.id}"], "final")
            word = self.word(one)
            await self.answered(one, [word])

    async def test_wrong_credentials_stop_it_after_one_alert(self) -> None:
        for one in self.platforms:
            one.counterpart.revoke()
            one.line.reset()
        await self.reach("failed", self.platforms, DETECTED_SECONDS)
        await self.agreed(self.platforms)
        tried = {one.id: one.tried for one in self.platforms}
        await self.simulation.move(3600)
        for one in self.platforms:
            self.assertEqual(one.tried, tried[one.id], f"{one.id} went on")
            alerts = [line for line in self.gateway.log if line.startswith(f"{one.id}/")]
            self.assertEqual(len([line for line in alerts if " failed: " in line]), 1, alerts)


def _line(platform: Platform) -> int:
    """How often something connected; what only asks by HTTP opens connections as it likes."""
    return platform.line.total if platform.line is not platform.http else 0
