"""Random schedules of inputs, failures, reconnections and restarts: nothing changes places.

``OPENCLAW_TEST_SCHEDULES`` says how many, ``OPENCLAW_TEST_SCHEDULE_MESSAGES`` of how many messages
each.
"""

import gc
import itertools
import os
import random
import re
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels import outbox
from openclaw.deferreds import deferred
from openclaw.interfaces.messages import Outgoing
from openclaw.sessions import recovery
from openclaw.storage.memory import MemoryStore
from tests.faults.dialogues import Asked, Record, Seen, Verdict, Written, judge, word
from tests.faults.household import (
    ABILITIES,
    Household,
    Platform,
    cut_off,
    letters,
    message,
    unfinished,
    unlucky,
)
from tests.sessions.rig import Call

SCHEDULES = int(os.environ.get("OPENCLAW_TEST_SCHEDULES") or 100)
MOST_PLANTED = 60
"""Schedules within which a planted fault has to show."""
MESSAGES = int(os.environ.get("OPENCLAW_TEST_SCHEDULE_MESSAGES") or 30)
CHATS = 2
MOST_DEATHS = 6
_KEY = re.compile(r"[a-z]+\d+x\d+")


class Schedule:
    """One run of a few processes over one journal."""

    def __init__(self, seed: int, messages: int) -> None:
        self.chance = random.Random(seed)
        self.record = Record()
        self.journal = MemoryStore(Clock())
        self.journal.startService()
        self.platforms = [Platform(f"p{kind[0]}", kind, self.record) for kind in ABILITIES]
        self.left = messages
        self.deaths = 0
        self.told: Counter[str] = Counter()
        self.runs: dict[str, str] = {}
        self.queues: dict[tuple[str, str], list[Written]] = {
            (one.name, str(chat)): [] for one in self.platforms for chat in range(CHATS)
        }
        self.handed: set[str] = set()
        self.calls: list[Call] = []
        self.spoken: dict[int, list[str]] = {}
        self.graves: list[Household] = []
        self.settings = {
            "streaming": self.chance.choice(("partial", "off")),
            "edit_min_ms": self.chance.choice((0, 200)),
        }
        self.begin(0.0)

    # -- one process -----------------------------------------------------------------------------

    def begin(self, seconds: float) -> None:
        """Start a process."""
        self.record.lives.append(self.record.tick())
        self.house = Household(self.journal, seconds, self.platforms, self.chance, **self.settings)
        self.house.runtime.on_run = self.asked
        self.house.start()
        self.handed.clear()
        self.calls.clear()

    def die(self) -> None:
        """Kill it, and start the next."""
        self.deaths += 1
        self.house.die()
        self.graves.append(self.house)  # Nothing of it is collected before all is over.
        self.begin(self.house.clock.seconds() + self.chance.random())

    def asked(self, call: Call) -> None:
        """The model is asked."""
        key = _KEY.findall(call.request.turns[-1].text)[-1]
        self.record.asked.append(Asked(key, self.record.tick()))
        self.calls.append(call)

    # -- what may happen -------------------------------------------------------------------------

    def write(self) -> None:
        """Somebody writes."""
        if not self.left:
            return
        self.left -= 1
        place = self.chance.choice(list(self.queues))
        waiting = self.queues[place]
        number = 1 + sum(one.chat == "/".join(place) for one in self.record.written.values())
        key = f"{place[0]}{place[1]}x{number}"
        one = Written(
            key, "/".join(place), number, f"{place[1]}:{number}", self.chance.choice((1, 3, 20))
        )
        self.record.written[key] = one
        waiting.append(one)

    def bring(self) -> None:
        """A platform hands in what it has, in order, without waiting for one to bring the next."""
        platform = self.chance.choice(self.platforms)
        if platform.line is None or not platform.line.connected:
            return
        for (name, chat), waiting in self.queues.items():
            if name != platform.name:
                continue
            for one in waiting[: self.chance.randint(0, 4)]:
                if one.key not in self.handed:
                    self.handed.add(one.key)
                    self.hand_in(platform, chat, one)

    def hand_in(self, platform: Platform, chat: str, one: Written) -> None:
        house = self.house
        inbound = message(platform.name, chat, one.place, one.key)
        self.runs[f"test:{platform.name}:{inbound.dedupe_id}"] = one.key

        def acknowledged(taken: str) -> None:
            if house is self.house:
                self.told[taken] += 1
                one.acknowledged = True
                self.queues[(platform.name, chat)].remove(one)

        taking: Deferred[Any] = house.take(platform, inbound)
        taking.addCallback(acknowledged)

    def again(self) -> None:
        """A platform repeats what had arrived."""
        arrived = [one for one in self.record.written.values() if one.acknowledged]
        if arrived:
            one = self.chance.choice(arrived)
            name, _, chat = one.chat.partition("/")
            platform = next(each for each in self.platforms if each.name == name)
            self.house.take(platform, message(name, chat, one.place, one.key))

    def think(self) -> None:
        """The model says a few words more of one of its answers."""
        waiting = [one for one in self.calls if not one.done.called and not one.cancelled]
        if waiting:
            self.speak(self.chance.choice(waiting), self.chance.randint(1, 12))

    def speak(self, call: Call, most: int) -> None:
        key = _KEY.findall(call.request.turns[-1].text)[-1]
        length = self.record.written[key].length
        spoken = self.spoken.setdefault(id(call), [])
        for number in range(len(spoken) + 1, min(length, len(spoken) + most) + 1):
            text = word(key, number) + (" " if number < length else "")
            spoken.append(text)
            call.sink.delta(text)
        if len(spoken) == length and not call.done.called:
            call.finish("".join(spoken))

    def drop(self) -> None:
        """A connection breaks."""
        line = self.chance.choice(self.platforms).line
        if line is not None and line.alive:
            line.drop()

    def answer(self) -> None:
        """A platform answers a call that it kept waiting."""
        lines = [one for one in self.house.lines if one.held]
        if lines:
            self.chance.choice(lines).let_go(self.chance.randrange(100))

    def vary(self) -> None:
        """Disk and platforms become slow, or quick again."""
        self.house.store.holding = self.chance.random() < 0.4
        for one in self.platforms:
            one.slow = self.chance.random() < 0.5
            one.trouble = self.trouble if self.chance.random() < 0.4 else lambda _: None

    def trouble(self, outgoing: Outgoing) -> tuple[Exception, bool] | None:
        """Some of the calls fail."""
        if self.chance.random() < 0.7:
            return None
        error, done = unlucky(self.chance)
        # A preview that came about unheard stays where nobody can find it again.
        stays = outgoing.target.account == "pp" and outgoing.id.endswith(":preview")
        return error, done and not stays

    def pass_time(self) -> None:
        """A moment passes."""
        self.house.clock.advance(self.chance.choice((0, 0, 0.01, 0.3, 1.1)))

    def store(self) -> None:
        """The disk is done with something."""
        self.house.store.release(self.chance.randint(1, 5))

    def perhaps_die(self) -> None:
        """Rarely."""
        if self.deaths < MOST_DEATHS and self.chance.random() < 0.4:
            self.die()

    # -- the whole -------------------------------------------------------------------------------

    def run(self) -> Verdict:
        """Let everything happen in some order, then let everything end."""
        steps = (
            [self.write] * 3 + [self.bring] * 4 + [self.think] * 6 + [self.store] * 6
            + [self.answer] * 4 + [self.pass_time] * 6
            + [self.drop, self.vary, self.again, self.perhaps_die]
        )  # fmt: skip
        while self.left:
            self.chance.choice(steps)()
        for _ in range(self.chance.randint(0, 200)):
            self.chance.choice(steps)()
        self.end()
        self.read()
        return judge(self.record)

    def end(self) -> None:
        """No more trouble: everything comes to rest."""
        house = self.house
        house.store.holding = False
        house.store.release()
        for one in self.platforms:
            one.slow, one.trouble = False, lambda _: None
        quiet = 0
        for _ in range(3_000):
            busy = any(self.queues.values()) or self.unsaid() or unfinished(self.journal)
            quiet = 0 if busy else quiet + 1
            if quiet > 3:
                return
            self.rest()

    def unsaid(self) -> bool:
        return any(not one.done.called and not one.cancelled for one in self.calls)

    def rest(self) -> None:
        """One quiet step."""
        for line in self.house.lines:
            while line.held:
                line.let_go(0)
        for platform in self.platforms:
            if platform.line is not None and platform.line.connected:
                for (name, chat), waiting in self.queues.items():
                    if name == platform.name:
                        for one in [each for each in waiting if each.key not in self.handed]:
                            self.handed.add(one.key)
                            self.hand_in(platform, chat, one)
        for call in list(self.calls):
            if not call.done.called and not call.cancelled:
                self.speak(call, 1_000)
        self.house.clock.advance(0.5)

    def read(self) -> None:
        """What the journal says in the end."""
        self.record.interrupted = {self.runs[run] for run in cut_off(self.journal)}
        for state, call in letters(self.journal):
            chat = f"{call.target.account}/{call.target.chat_id}"
            if state == "unknown":
                self.record.parked.append(Seen(chat, "", call.text, 0, call.target.reply_to))
            else:
                self.record.dead.append(f"{state}: {call.text[:40]}")
        self.journal.stopService()
        self.graves.clear()


class ScheduleCase(SynchronousTestCase):
    """Runs schedules."""

    def setUp(self) -> None:
        self.addCleanup(self.bury)

    def passed(self, schedule: Schedule) -> Verdict:
        """Run one."""
        verdict = schedule.run()
        self.bury()
        return verdict

    def bury(self) -> None:
        """Collect what is left of processes, the last one too, here and not in another test."""
        gc.collect()
        # The coroutines of a process that was killed are collected in any order.
        for one in self.flushLoggedErrors(RuntimeError, GeneratorExit):
            self.assertIn(str(one.value), ("cannot reuse already awaited coroutine", ""))


class PlantedTests(ScheduleCase):
    """The product with a fault is told from the product without."""

    def noticed(self, what: str) -> str:
        for seed in range(MOST_PLANTED):
            found: list[str] = getattr(self.passed(Schedule(seed, MESSAGES)), what)
            if found:
                return found[0]
        self.fail(f"nothing {what} in {MOST_PLANTED} schedules")

    def test_an_outbox_without_order(self) -> None:
        numbers = itertools.count()
        self.patch(outbox, "lane_of", lambda target: str(next(numbers)))
        self.assertIn("stands after", self.noticed("inverted"))

    def test_a_start_that_runs_what_was_left_from_behind(self) -> None:
        made = recovery.plan

        def turned(*given: Any) -> recovery.Recovery:
            plan = made(*given)
            return evolve(plan, run=plan.run[::-1])

        self.patch(recovery, "plan", turned)
        self.assertIn("reached the model after", self.noticed("inverted"))

    def test_previews_that_overtake(self) -> None:
        self.patch(outbox.Outbox, "is_clear", lambda self, target: succeed(True))
        self.assertIn("stands after", self.noticed("inverted"))

    def test_answers_that_are_cut_short(self) -> None:
        whole = outbox.Outbox.compose

        @deferred
        async def shortened(self: Any, *given: Any, **more: Any) -> Sequence[Outgoing]:
            parts = await whole(self, *given, **more)
            return parts[:-1] or parts

        self.patch(outbox.Outbox, "compose", shortened)
        self.assertIn("words of its answer are missing", self.noticed("lost"))


class ScheduleTests(ScheduleCase):
    """Each is told by its seed."""

    def test_nothing_changes_places(self) -> None:
        first = int(os.environ.get("OPENCLAW_TEST_SEED") or random.SystemRandom().randrange(2**31))
        sums: Counter[str] = Counter()
        for seed in range(first, first + SCHEDULES):
            schedule = Schedule(seed, MESSAGES)
            verdict = self.passed(schedule)
            self.assertTrue(verdict.clean, f"seed {seed}: {verdict}")
            sums["messages"] += verdict.acknowledged
            sums["restarts"] += schedule.deaths
            sums["cut off"] += verdict.interrupted
            sums["parked"] += verdict.parked
            sums["repeats"] += schedule.told["duplicate"]
            self.assertEqual(verdict.acknowledged, MESSAGES, f"seed {seed}")
        sys.stdout.write(f"\n{SCHEDULES} schedules: {dict(sums)}; first seed {first}\n")
