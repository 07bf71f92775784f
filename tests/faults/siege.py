"""A whole gateway under load from people on several platforms, stopped again and again."""

import json
import random
import re
import sqlite3
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.task import LoopingCall, deferLater

from openclaw.channels.counterpart import Shown
from openclaw.client.errors import ClientError
from openclaw.deferreds import deferred
from tests.faults.boundaries import RARE, Boundary
from tests.faults.bystanders import Watched, WatchedDiscord, WatchedTelegram
from tests.faults.dialogues import NOTICE, Asked, Record, Seen, Verdict, Written, judge, words_in
from tests.faults.pondering import Pondering, request_for
from tests.integration.running import Place, Running, model_configuration, reactor, run

WRITE_SECONDS = 0.03
MOST_UNANSWERED = 5
PAUSE_SECONDS = 2.0
"""Of one person: the gateway takes sixty messages of anybody in a minute, repeats included."""
REACH_SECONDS = 6.0
"""How long a life may take to come to its boundary; more when it is tried again."""
STOP_SECONDS = 20.0
SETTLE_SECONDS = 60.0
EVERYTHING = ("operator.admin", "operator.read", "operator.write")


@attrs.define
class Stops:
    """How the stops went, for the report.

    :ivar reached: boundaries at which a process died.
    :ivar missed: boundaries that were not reached in time; that process died somewhere else.
    :ivar bad: what processes printed that ended otherwise than they should.
    """

    count: int = 0
    terms: int = 0
    reached: list[str] = attrs.Factory(list)
    missed: list[Boundary] = attrs.Factory(list)
    bad: list[str] = attrs.Factory(list)


class Siege:
    """One gateway, its platforms, its model, and what everybody saw.

    :param defect: what the gateway is broken by; empty for the product as it is.
    :param streaming: whether answers are shown while they grow, by account.
    :param slow: the share of answers that take long enough to be seen growing.
    """

    def __init__(
        self,
        directory: str | Path,
        chance: random.Random,
        defect: str = "",
        streaming: Sequence[bool] = (True, False),
        slow: float = 0.3,
    ) -> None:
        self.place = Place(directory)
        self.chance = chance
        self.record = Record()
        self.stops = Stops()
        self.patience = REACH_SECONDS
        self._defect = defect
        self._slow = slow
        self._running: Running | None = None
        self._open: dict[str, list[str]] = defaultdict(list)
        self._written: dict[str, float] = {}
        self._places: Counter[str] = Counter()
        self._keys: dict[tuple[str, str], str] = {}
        self._model = Pondering(reactor, self._asked)
        self.platforms: list[Watched] = []
        for number, shows in enumerate(streaming):
            letter = "abcdef"[number]
            self.platforms.append(WatchedTelegram(f"t{letter}", 100 + number, self._saw))
            self.platforms.append(WatchedDiscord(f"d{letter}", 10 + number, self._saw))
            self._streams = {**getattr(self, "_streams", {}), letter: shows}
        self._configure()

    def _configure(self) -> None:
        channels: dict[str, Any] = {}
        for one in self.platforms:
            account = {
                **one.settings(),
                "streaming": "partial" if self._streams[one.name[-1]] else "off",
                "editMinMs": 50,
                "textChunkLimit": 100,
                "reconnectInterval": "200ms",
            }
            channels.setdefault(one.channel, {"accounts": {}})["accounts"][one.name] = account
        self.place.configure(
            {
                **model_configuration(self._model.port),
                "session": {"dmScope": "per-account-channel-peer"},
                "channels": channels,
            }
        )

    # -- what everybody sees ---------------------------------------------------------------------

    def _asked(self, key: str) -> None:
        self.record.asked.append(Asked(key, self.record.tick()))

    def _saw(self, account: str, shown: Shown) -> None:
        chat = f"{account}/{shown.chat_id}"
        self.record.seen.append(
            Seen(chat, shown.message_id, shown.text, self.record.tick(), shown.reply_to)
        )
        named = {key for key, _ in words_in(shown.text)}
        if not named and NOTICE not in shown.text:
            self.record.dead.append(f"{chat} was told: {shown.text}")
        named.add(self._keys.get((chat, shown.reply_to), ""))
        waiting = self._open[chat]
        for key in named & set(waiting):
            # Whatever came before it has had its turn.
            del waiting[: waiting.index(key) + 1]

    def write(self) -> None:
        """Somebody writes, if not too much of theirs is unanswered."""
        platform = self.chance.choice(self.platforms)
        number = self.chance.randrange(len(platform.rooms))
        chat_id = platform.rooms[number]
        chat = f"{platform.name}/{chat_id}"
        since = reactor.seconds() - self._written.get(chat, 0.0)
        if len(self._open[chat]) >= MOST_UNANSWERED or since < PAUSE_SECONDS:
            return
        self._written[chat] = reactor.seconds()
        self._places[chat] += 1
        place = self._places[chat]
        key = f"{platform.name}{number}x{place}"
        slow = self.chance.random() < self._slow
        length = self.chance.randint(8, 30) if slow else self.chance.choice((3, 8, 25))
        self._open[chat].append(key)
        message_id = platform.say(chat_id, request_for(key, length, 15 if slow else 0))
        self.record.written[key] = Written(key, chat, place, message_id, length)
        self._keys[(chat, message_id)] = key
        if self.chance.random() < 0.02:
            platform.disturb()
        if self.chance.random() < 0.05:
            self._repeat(platform)

    def _repeat(self, platform: Watched) -> None:
        """Deliver something again that had arrived: nothing else ever comes again out of turn."""
        mine = [one for one in self.record.written.values() if one.chat.startswith(platform.name)]
        one = self.chance.choice(mine)
        if platform.has(one.message_id):
            platform.repeat(one.message_id)

    # -- stopping --------------------------------------------------------------------------------

    @deferred
    async def endure(self, plan: Sequence[Boundary | None]) -> None:
        """Go through so many lives: each ends at its boundary, or anywhere for ``None``."""
        loop = LoopingCall(self.write)
        ended = loop.start(WRITE_SECONDS)
        try:
            for boundary in plan:
                if boundary is None:
                    await self._anywhere()
                else:
                    await self._die_at(boundary)
        finally:
            if loop.running:
                loop.stop()
            await ended

    def start(self, boundary: Boundary | None = None, number: int = 1) -> Running:
        """Start a process, which dies at a boundary if one is named."""
        self.record.lives.append(self.record.tick())
        where = (boundary.place, boundary.moment) if boundary is not None else ("", "before")
        program = [sys.executable, "-m", "tests.faults.crashing", *where, str(number)]
        arguments = [*program, self._defect, *self.place.options()]
        self._running = run(arguments, self.place.environment(), self.place.directory)
        return self._running

    async def _die_at(self, boundary: Boundary) -> None:
        number = 1 if boundary.place in RARE else self.chance.randint(1, 6)
        if boundary.place == "reply to be tried again":
            for platform in self.platforms:
                platform.disturb()
        gateway = self.start(boundary, number)
        late = reactor.callLater(self.patience, self._give_up, gateway, boundary)
        await gateway.ended()
        if late.active():
            late.cancel()
            self.stops.reached.append(str(boundary))
        await self._stopped(gateway)

    def _give_up(self, gateway: Running, boundary: Boundary) -> None:
        self.stops.missed.append(boundary)
        gateway.signal("KILL")

    async def _anywhere(self) -> None:
        gateway = self.start()
        early = self.chance.random() < 0.1
        while not early and gateway.gone is None and "ready on" not in gateway.out:
            await deferLater(reactor, 0.02)
        await deferLater(reactor, self.chance.uniform(0, 2.0))
        if self.chance.random() < 0.4:
            self.stops.terms += 1
            ended = await gateway.stop("TERM", seconds=STOP_SECONDS)
            # A process whose own signal handling is not yet set up ends by the signal.
            if (ended.status, ended.signal) not in ((0, None), (None, 15)):
                self.stops.bad.append(f"{ended}: {gateway.printed[-3000:]}")
        else:
            await gateway.stop("KILL")
        await self._stopped(gateway)

    async def _stopped(self, gateway: Running) -> None:
        self.stops.count += 1
        if "Traceback" in gateway.printed or gateway.gone is None or gateway.gone.status == 1:
            self.stops.bad.append(gateway.printed[-3000:])
        # What the process had sent is read before the next one lives.
        for _ in range(3):
            await deferLater(reactor, 0.005)

    # -- the end ---------------------------------------------------------------------------------

    @deferred
    async def settle(self) -> Verdict:
        """Start a last time, wait until everything has come to rest, and judge."""
        gateway = self.start()
        await self.place.ready(gateway)
        deadline = reactor.seconds() + SETTLE_SECONDS
        quiet = 0
        while quiet < 3 and reactor.seconds() < deadline:
            quiet = quiet + 1 if await self._rests() else 0
            await deferLater(reactor, 0.3)
        await self._read_histories()
        await self._stopped_well(gateway)
        self._read_letters()
        for platform in self.platforms:
            for one in self.record.written.values():
                if one.chat.startswith(f"{platform.name}/"):
                    one.acknowledged = platform.has(one.message_id)
        return judge(self.record)

    async def _stopped_well(self, gateway: Running) -> None:
        ended = await gateway.stop("TERM", seconds=STOP_SECONDS)
        if ended.status != 0 or "Traceback" in gateway.printed:
            self.stops.bad.append(f"{ended}: {gateway.printed[-3000:]}")

    async def _rests(self) -> bool:
        client = self.place.client(scopes=EVERYTHING)
        try:
            await client.connect()
            queues = (await client.request("queue.stats", {}))["total"]
            status = await client.request("channels.status", {})
            listed = await client.request("sessions.list", {"limit": 200})
        except ClientError:
            return False
        finally:
            await client.close()
        accounts = [one for rows in status["channelAccounts"].values() for one in rows]
        return (
            all(one["connected"] for one in accounts)
            and not any(queues[state] for state in ("ready", "delayed", "running"))
            and not any(row["hasActiveRun"] for row in listed["sessions"])
            and all(self._arrived(one) for one in self.platforms)
        )

    def _arrived(self, platform: Watched) -> bool:
        if isinstance(platform, WatchedTelegram):
            return not platform.pending
        assert isinstance(platform, WatchedDiscord)
        sessions = [one.session for one in platform.gateway.sockets if one.session is not None]
        return bool(sessions) and all(one.safe >= one.seq for one in sessions)

    async def _read_histories(self) -> None:
        client = self.place.client(scopes=EVERYTHING)
        await client.connect()
        listed = await client.request("sessions.list", {"limit": 200})
        for row in listed["sessions"]:
            messages: list[Any] = []
            before: dict[str, int] = {}
            more = True
            while more:
                page = await client.request(
                    "chat.history", {"sessionKey": row["key"], "limit": 1000, **before}
                )
                messages = page["messages"] + messages
                more = page["hasMore"]
                before = {"beforeSeq": messages[0]["__openclaw"]["seq"] if messages else 1}
            self._read_history(messages)
        await client.close()

    def _read_history(self, messages: Sequence[Any]) -> None:
        cut = {
            one["__openclaw"].get("runId")
            for one in messages
            if one["role"] == "assistant" and one.get("stopReason") == "interrupted"
        }
        for one in messages:
            if one["role"] == "user" and one["__openclaw"].get("runId") in cut:
                self.record.interrupted.update(
                    re.findall(r"([a-z]+\d+x\d+) words=", json.dumps(one["content"]))[-1:]
                )

    def _read_letters(self) -> None:
        """The dead letters, as they lie in the journal."""
        path = self.place.own / "journal.sqlite"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as journal:
            rows = journal.execute("select queue, state, reason, body from queue_letter").fetchall()
        for queue, state, reason, body in rows:
            call = json.loads(body)
            target = call.get("target") or {}
            chat = f"{target.get('account')}/{target.get('chatId')}"
            text, answers = call.get("text", ""), target.get("replyTo", "")
            if state == "unknown" and queue.startswith("out:"):
                self.record.parked.append(Seen(chat, "", text, self.record.tick(), answers))
            else:
                self.record.dead.append(f"{queue} {state}: {bytes(reason).decode()} ({text[:50]})")

    @deferred
    async def close(self) -> None:
        """End whatever runs, and close every platform."""
        if self._running is not None:
            await self._running.stop("KILL")
        for platform in self.platforms:
            await platform.stop()
        await self._model.stop()

    def keep(self, words: Sequence[str], verdict: Verdict) -> None:
        """Write everything down beside the gateway's own files, for whoever looks for a cause."""
        kept = {"report": words, "verdict": attrs.asdict(verdict), **attrs.asdict(self.record)}
        kept["interrupted"] = sorted(self.record.interrupted)
        (self.place.directory / "record.json").write_text(json.dumps(kept))
