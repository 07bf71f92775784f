"""The trail: written in batches, in order, once; trimmed; and every change of it shows."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from openclaw.errors import StoreError
from openclaw.interfaces.audit import AuditEntry, IAuditTrail
from openclaw.interfaces.storage import ITransaction, StoreHealth
from openclaw.security.audit import trail as module
from openclaw.security.audit.chain import Chain
from openclaw.security.audit.trail import DELAY_SECONDS, MOST_WAITING, OVERFLOW_SECONDS, AuditTrail
from openclaw.storage.memory import MemoryStore

SECRET = b"s" * 32
DAY_MS = 86_400_000


class BrokenNow:
    """A real store that can be told to fail."""

    def __init__(self, inner: MemoryStore) -> None:
        self.inner = inner
        self.broken = False
        self.writes = 0

    def run(self, function: Any, /, **arguments: Any) -> Deferred[Any]:
        self.writes += 1
        if self.broken:
            failed: Deferred[Any] = Deferred()
            failed.errback(StoreError("the disk is full"))
            return failed
        return self.inner.run(function, **arguments)

    def read(self, function: Any, /, **arguments: Any) -> Deferred[Any]:
        return self.inner.read(function, **arguments)

    def health(self) -> StoreHealth:
        return self.inner.health()


class TrailCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.now_ms = 100 * DAY_MS
        memory = MemoryStore(self.clock)
        memory.startService()
        self.addCleanup(memory.stopService)
        self.store = BrokenNow(memory)
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))
        self.trail = self.make()

    def make(self, **more: Any) -> AuditTrail:
        trail = AuditTrail(
            self.store,  # type: ignore[arg-type]
            Chain(more.pop("secret", SECRET)),
            self.clock,
            lambda: self.now_ms,
            **more,
        )
        trail.startService()
        self.addCleanup(self.stop, trail)
        return trail

    def stop(self, trail: AuditTrail) -> None:
        self.store.broken = False
        self.successResultOf(trail.stopService())

    def entries(self, limit: int = 1000, after: int | None = None, kind: str = "") -> Any:
        return self.successResultOf(self.trail.page(limit, after, kind))

    def kinds(self, **which: Any) -> list[str]:
        return [entry.kind for entry in self.entries(**which)]

    def verdict(self) -> tuple[int, int]:
        verdict = self.successResultOf(self.trail.verify())
        return verdict.entries, verdict.broken_at

    def edit(self, sql: str, **params: Any) -> int:
        def change(tx: ITransaction) -> int:
            return tx.execute(sql, **params)

        return int(self.successResultOf(self.store.inner.run(change)))


class WritingTests(TrailCase):
    def test_provides_the_interface(self) -> None:
        verifyObject(IAuditTrail, self.trail)

    def test_a_note_waits_for_no_disk_and_is_there_a_second_later(self) -> None:
        self.trail.note("connect.refused", "10.0.0.1", code="X", scopes=("a", "b"))
        self.assertEqual(self.store.writes, 0)
        self.clock.advance(DELAY_SECONDS)
        self.assertEqual(self.store.writes, 1)
        (entry,) = self.entries()
        self.assertEqual((entry.id, entry.kind, entry.subject), (1, "connect.refused", "10.0.0.1"))
        self.assertEqual(entry.detail, {"code": "X", "scopes": ["a", "b"]})
        self.assertEqual(entry.at_ms, self.now_ms)

    def test_many_notes_are_one_write_and_keep_their_order(self) -> None:
        for number in range(300):
            self.trail.note("connect.admitted", f"device-{number}")
        self.clock.advance(DELAY_SECONDS)
        self.assertEqual(self.store.writes, 1)
        found = [entry.subject for entry in self.entries()]
        self.assertEqual(found, [f"device-{number}" for number in range(300)])

    def test_the_same_again_is_counted(self) -> None:
        for _ in range(50):
            self.trail.note("connect.refused", "10.0.0.1", code="X")
        self.trail.note("connect.refused", "10.0.0.1", code="Y")
        self.assertEqual([entry.count for entry in self.entries()], [50, 1])
        self.trail.note("connect.refused", "10.0.0.1", code="X")
        self.assertEqual([entry.count for entry in self.entries()], [50, 1, 1])

    def test_a_flood_is_bounded_and_says_so(self) -> None:
        for number in range(MOST_WAITING + 70):
            self.trail.note("device.token.rotate", f"10.{number}")
        last = self.entries(limit=1)[0]
        self.assertEqual(self.kinds(kind="audit"), ["audit.overflow"])
        self.assertEqual(self.entries(kind="audit")[0].count, 70)
        self.assertEqual(last.id, MOST_WAITING + 1)

    def test_strangers_wash_nothing_out(self) -> None:
        """However long they knock, and each time another way: what was decided stays."""
        trail = AuditTrail(
            self.store,  # type: ignore[arg-type]
            Chain(SECRET),
            self.clock,
            lambda: self.now_ms,
            rows=1_000,
            days=90,
        )
        trail.startService()
        trail.note("device.pair.approve", "the owner")
        for number in range(30_000):
            trail.note("connect.refused" if number % 2 else "http.refused", f"10.{number}")
            if number % 100 == 0:
                self.clock.advance(60)
        self.clock.advance(OVERFLOW_SECONDS)
        trail.note("device.pair.reject", "the owner")
        self.successResultOf(trail.flush())
        entries = self.successResultOf(trail.page(1_000, 0, ""))
        kinds = [entry.kind for entry in entries]
        self.assertEqual((kinds[0], kinds[-2]), ("device.pair.approve", "device.pair.reject"))
        told = [entry.count for entry in entries if entry.kind == "audit.overflow"]
        knocks = sum(kind in ("connect.refused", "http.refused") for kind in kinds)
        self.assertEqual(sum(told) + knocks, 30_000)
        self.assertLess(knocks, 50)
        self.assertLess(len(told), 40)
        self.successResultOf(trail.stopService())

    def test_long_texts_are_cut(self) -> None:
        self.trail.note("connect.refused", "x" * 9000, reason="y" * 9000)
        (entry,) = self.entries()
        self.assertEqual({len(entry.subject), len(str(entry.detail["reason"]))}, {300})

    def test_what_cannot_be_written_is_not_lost(self) -> None:
        self.store.broken = True
        self.trail.note("a.one", "x")
        self.clock.advance(DELAY_SECONDS)
        self.trail.note("a.two", "x")
        self.store.broken = False
        self.clock.advance(DELAY_SECONDS)
        self.assertEqual(self.kinds(), ["a.one", "a.two"])

    def test_a_stop_writes_what_waits(self) -> None:
        self.trail.note("a.one", "x")
        self.successResultOf(self.trail.stopService())
        self.assertEqual(self.store.writes, 1)

    def test_notes_before_the_start_are_kept(self) -> None:
        trail = AuditTrail(
            self.store,  # type: ignore[arg-type]
            Chain(SECRET),
            self.clock,
            lambda: self.now_ms,
        )
        trail.note("a.early", "x")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        trail.startService()
        self.clock.advance(DELAY_SECONDS)
        self.assertEqual(self.kinds(), ["a.early"])
        self.successResultOf(trail.stopService())


class ReadingTests(TrailCase):
    def setUp(self) -> None:
        super().setUp()
        for number in range(1, 11):
            self.trail.note("connect.refused" if number % 2 else "connected.x", str(number))

    def subjects(self, **which: Any) -> list[int]:
        return [int(entry.subject) for entry in self.entries(**which)]

    def test_the_latest_in_order(self) -> None:
        self.assertEqual(self.subjects(limit=3), [8, 9, 10])

    def test_behind_a_cursor(self) -> None:
        self.assertEqual(self.subjects(limit=3, after=4), [5, 6, 7])
        self.assertEqual(self.subjects(after=10), [])
        self.assertEqual(self.subjects(limit=2, after=0), [1, 2])

    def test_by_kind_and_group(self) -> None:
        self.assertEqual(self.subjects(kind="connect.refused"), [1, 3, 5, 7, 9])
        self.assertEqual(self.subjects(kind="connect"), [1, 3, 5, 7, 9])
        self.assertEqual(self.subjects(kind="connect.ref"), [])
        self.assertEqual(self.subjects(kind="%"), [])


class KeepingTests(TrailCase):
    def setUp(self) -> None:
        super().setUp()
        self.trail = self.make(rows=10, days=2)

    def fill(self, count: int) -> None:
        for number in range(count):
            self.trail.note("a.note", str(number))
        self.successResultOf(self.trail.flush())

    def test_too_many_go_from_the_front(self) -> None:
        self.fill(7)
        self.fill(8)
        self.assertEqual([entry.id for entry in self.entries()], list(range(6, 16)))
        self.assertEqual(self.verdict(), (10, 0))

    def test_too_old_go(self) -> None:
        self.fill(3)
        self.now_ms += DAY_MS
        self.fill(2)
        self.now_ms += DAY_MS + 1
        self.fill(1)
        self.assertEqual([entry.id for entry in self.entries()], [4, 5, 6])
        self.now_ms += 9 * DAY_MS
        self.fill(1)
        self.assertEqual([entry.id for entry in self.entries()], [7])
        self.assertEqual(self.verdict(), (1, 0))


class ChainTests(TrailCase):
    def setUp(self) -> None:
        super().setUp()
        for number in range(1, 8):
            self.trail.note("a.note", f"subject-{number}")
        self.successResultOf(self.trail.flush())

    def test_an_untouched_trail_is_whole(self) -> None:
        self.assertEqual(self.verdict(), (7, 0))
        self.patch(module, "_CHECKED_AT_ONCE", 2)
        self.assertEqual(self.verdict(), (7, 0))
        self.trail.note("a.note", "more")
        self.assertEqual(self.verdict(), (8, 0))

    def test_an_empty_trail_is_whole(self) -> None:
        self.edit("delete from audit")
        self.edit("delete from setting")
        self.assertEqual(self.verdict(), (0, 0))

    def test_every_change_shows(self) -> None:
        kept = "insert into audit select * from kept"
        changes = {
            "update audit set kind = 'a.other' where id = 4": 4,
            "update audit set at = at + 1 where id = 4": 4,
            "update audit set body = replace(cast(body as text), '4', '5') where id = 4": 4,
            "update audit set body = cast('{}' as blob) where id = 4": 4,
            "update audit set chain = zeroblob(32) where id = 4": 4,
            "delete from audit where id = 4": 4,
            "delete from audit where id = 1": 1,
            "delete from audit where id = 7": 7,
            "delete from audit where id > 5": 6,
            "delete from audit": 1,
            "update audit set id = 99 where id = 4": 1,
            "insert into audit values(8, 1, 'a.b', x'7b7d', x'00')": 1,
        }
        self.edit("create table kept as select * from audit")
        for sql, broken_at in changes.items():
            self.assertGreater(self.edit(sql), 0)
            self.assertEqual(self.verdict()[1], broken_at, sql)
            self.edit("delete from audit")
            self.edit(kept)
            self.assertEqual(self.verdict(), (7, 0))

    def test_whoever_lacks_the_key_cannot_write_a_trail(self) -> None:
        self.edit("update setting set value = replace(cast(value as text), '7', '6')")
        self.assertNotEqual(self.verdict()[1], 0)
        self.edit("delete from setting")
        self.assertNotEqual(self.verdict()[1], 0)
        self.trail.note("a.note", "goes on")
        self.assertNotEqual(self.verdict()[1], 0)
        self.assertEqual([entry.id for entry in self.entries()], list(range(1, 9)))
        self.trail.note("a.note", "goes on still")
        self.assertNotEqual(self.verdict()[1], 0)
        self.edit("delete from setting")
        self.edit("delete from audit")
        self.trail = self.make(secret=b"another secret of 32 bytes ......")
        self.trail.note("a.forged", "x")
        self.assertEqual(self.verdict(), (1, 0))
        self.trail = self.make()
        self.assertNotEqual(self.verdict()[1], 0)

    @settings(max_examples=300, deadline=None, database=None)
    @given(st.integers(1, 7), st.integers(1, 7))
    def test_swapped_rows_show(self, one: int, two: int) -> None:
        for a, b, c in ((one, 1000, two), (two, one, 0), (1000, two, 0)):
            self.edit("update audit set id = :to where id = :of", to=b, of=a)
            del c
        broken = self.verdict()[1]
        self.assertEqual(bool(broken), one != two)
        for a, b in ((one, 1000), (two, one), (1000, two)):
            self.edit("update audit set id = :to where id = :of", to=b, of=a)
        self.assertEqual(self.verdict(), (7, 0))


class EntryTests(SynchronousTestCase):
    def test_entries_are_plain_facts(self) -> None:
        entry = AuditEntry(id=1, at_ms=2, kind="a.b", subject="c")
        self.assertEqual((entry.detail, entry.count), ({}, 1))
