"""The list of sessions: what is asked for, the latest first, never out of date."""

import json
from collections.abc import Iterator
from random import Random
from time import process_time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.interfaces.agents import ModelInfo
from openclaw.protocol.schema.sessions import SessionsListParams
from openclaw.sessions.index import SessionIndex
from openclaw.sessions.keys import SessionKeys
from openclaw.sessions.records import Session, Settings
from tests.sessions.rig import MODEL, OTHER

NOW = 1_800_000_000_000


def session(number: int, **more: Any) -> Session:
    given_settings = more.pop("settings", Settings())
    key = more.pop("key", f"agent:main:s{number}")
    return Session(
        key=key,
        session_id=f"id-{number}",
        agent_id=key.split(":")[1],
        created_at_ms=NOW - 10_000_000,
        updated_at_ms=more.pop("updated_at_ms", NOW + number),
        settings=given_settings,
        **more,
    )


class IndexCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = NOW
        self.index = SessionIndex(SessionKeys(), self.model, lambda: self.now)

    def model(self, ref: str, agent_id: str) -> ModelInfo:
        return OTHER if ref == OTHER.ref else MODEL

    def page(self, **params: Any) -> dict[str, Any]:
        plain: dict[str, Any] = json.loads(bytes(self.index.page(SessionsListParams(**params))))
        return plain

    def keys(self, **params: Any) -> list[str]:
        return [row["key"].removeprefix("agent:main:") for row in self.page(**params)["sessions"]]


class FilterTests(IndexCase):
    def setUp(self) -> None:
        super().setUp()
        self.index.put(session(0, archived=True, settings=Settings(title="Old plans")))
        self.index.put(session(1, settings=Settings(label="Holiday", title="beach or hills")))
        self.index.put(session(2, key="agent:ops:main", updated_at_ms=NOW - 600_000))
        self.index.put(session(3, key="agent:main:telegram:group:7"))

    def test_the_latest_first_without_archived_ones(self) -> None:
        self.assertEqual(self.keys(), ["telegram:group:7", "agent:ops:main", "s1"])

    def test_archived(self) -> None:
        for asked, found in (
            (True, ["s0"]),
            ("only", ["s0"]),
            ("all", ["telegram:group:7", "agent:ops:main", "s1", "s0"]),
            (False, ["telegram:group:7", "agent:ops:main", "s1"]),
            ("exclude", ["telegram:group:7", "agent:ops:main", "s1"]),
            ("active", ["telegram:group:7", "agent:ops:main", "s1"]),
        ):
            self.assertEqual(self.keys(archived=asked), found, asked)

    def test_agent(self) -> None:
        self.assertEqual(self.keys(agent_id="ops"), ["agent:ops:main"])
        self.assertEqual(self.keys(agent_id="nobody"), [])

    def test_search_in_key_label_and_title_whatever_the_case(self) -> None:
        for text, found in (
            ("HOLIDAY", ["s1"]),
            ("hills", ["s1"]),
            ("telegram", ["telegram:group:7"]),
            ("plans", []),
            ("", ["telegram:group:7", "agent:ops:main", "s1"]),
        ):
            self.assertEqual(self.keys(search=text), found, text)
        self.assertEqual(self.keys(search="plans", archived="all"), ["s0"])

    def test_label_and_children(self) -> None:
        self.assertEqual(self.keys(label="Holiday"), ["s1"])
        self.assertEqual(self.keys(label="holiday"), [])
        self.assertEqual(self.keys(spawned_by="agent:main:main"), [])

    def test_activity_is_measured_when_it_is_asked(self) -> None:
        self.assertEqual(self.keys(active_minutes=5), ["telegram:group:7", "s1"])
        self.assertEqual(self.keys(active_minutes=15), ["telegram:group:7", "agent:ops:main", "s1"])
        self.now += 6 * 60_000
        self.assertEqual(self.keys(active_minutes=5), [])

    def test_paging(self) -> None:
        for params in ({}, {"agent_id": "main"}):
            full = self.keys(**params)
            seen, offset = [], 0
            while True:
                page = self.page(limit=1, offset=offset, **params)
                seen += [row["key"].removeprefix("agent:main:") for row in page["sessions"]]
                self.assertEqual(
                    (page["count"], page["totalCount"], page["limitApplied"]), (1, len(full), 1)
                )
                self.assertEqual(page["hasMore"], page["nextOffset"] is not None)
                if not page["hasMore"]:
                    break
                offset = page["nextOffset"]
            self.assertEqual(seen, full)
        beyond = self.page(offset=50)
        self.assertEqual((beyond["sessions"], beyond["hasMore"]), ([], False))

    def test_defaults_are_always_there(self) -> None:
        expected = {"modelProvider": "mock", "model": "mock-1", "contextTokens": 8000}
        self.assertEqual(self.page(search="nothing like it")["defaults"], expected)


class RowTests(IndexCase):
    def row(self, one: Session) -> dict[str, Any]:
        self.index.put(one)
        found: dict[str, Any] = self.page(archived="all")["sessions"][0]
        return found

    def test_kinds(self) -> None:
        for rest, kind, classification, is_main in (
            ("main", "direct", "main", True),
            ("telegram:direct:1", "direct", "direct", False),
            ("telegram:group:1", "group", "group", False),
            ("slack:channel:1", "group", "channel", False),
            ("notes", "direct", "custom", False),
        ):
            row = self.row(session(1, key=f"agent:main:{rest}"))
            found = (row["kind"], row["classification"], row["isMain"])
            self.assertEqual(found, (kind, classification, is_main), rest)

    def test_a_session_without_a_run_has_no_figures_of_one(self) -> None:
        row = self.row(session(1))
        for name in ("startedAt", "endedAt", "runtimeMs", "lastRunId", "inputTokens", "label"):
            self.assertNotIn(name, row)
        self.assertEqual((row["hasActiveRun"], row["activeRunIds"]), (False, []))

    def test_figures_of_the_last_run(self) -> None:
        done = Settings(
            status="aborted",
            started_at=5,
            ended_at=25,
            last_run_id="r1",
            input_tokens=7,
            output_tokens=3,
        )
        row = self.row(session(1, settings=done))
        self.assertEqual((row["runtimeMs"], row["totalTokens"], row["lastRunId"]), (20, 10, "r1"))
        self.assertEqual((row["status"], row["abortedLastRun"]), ("aborted", True))
        self.index.activate("agent:main:s1", "r2")
        row = self.page()["sessions"][0]
        self.assertEqual((row["status"], row["activeRunIds"]), ("running", ["r2"]))

    def test_model_of_its_own_or_the_default(self) -> None:
        self.assertEqual(self.row(session(1))["model"], "mock-1")
        row = self.row(session(1, settings=Settings(model=OTHER.ref)))
        self.assertEqual((row["model"], row["contextTokens"]), ("mock-2", 4000))


class ChangeTests(IndexCase):
    def test_what_runs_stays_known_when_a_session_changes(self) -> None:
        self.index.put(session(1))
        self.index.activate("agent:main:s1", "r1")
        self.index.put(session(1, settings=Settings(label="x")))
        self.assertEqual(self.page()["sessions"][0]["activeRunIds"], ["r1"])

    def test_a_run_that_starts_or_ends_does_not_change_the_order(self) -> None:
        for number in range(3):
            self.index.put(session(number))
        self.index.activate("agent:main:s0", "r1")
        self.assertEqual(self.keys(), ["s2", "s1", "s0"])
        self.index.deactivate("agent:main:s0", "r1")
        self.assertEqual(self.keys(), ["s2", "s1", "s0"])

    def test_runs_of_unknown_sessions(self) -> None:
        self.index.activate("agent:main:gone", "r1")
        self.index.deactivate("agent:main:gone", "r1")
        self.index.drop("agent:main:gone")
        self.assertEqual((len(self.index), self.keys()), (0, []))

    def test_the_same_question_costs_nothing_until_something_changes(self) -> None:
        self.index.put(session(1))
        first = self.index.page(SessionsListParams())
        self.assertIs(self.index.page(SessionsListParams()), first)
        self.index.put(session(1))
        self.assertIsNot(self.index.page(SessionsListParams()), first)

    @given(st.integers(0, 2**32))
    @settings(max_examples=150, deadline=None)
    def test_no_page_is_ever_out_of_date(self, seed: int) -> None:
        random = Random(seed)
        self.setUp()
        questions: list[dict[str, Any]] = [
            {},
            {"limit": 2},
            {"limit": 2, "offset": 2},
            {"archived": "all"},
            {"archived": True},
            {"search": "a"},
            {"agent_id": "main", "limit": 1},
        ]
        for _ in range(30):
            self.change(random)
            asked = random.choice(questions)
            self.assertEqual(self.page(**asked), self.fresh(**asked), asked)

    def change(self, random: Random) -> None:
        self.now += 1000
        number = random.randrange(6)
        key = f"agent:main:s{number}"
        what = random.random()
        if what < 0.5:
            label = random.choice(["", "a", "b"])
            self.index.put(
                session(
                    number,
                    updated_at_ms=self.now,
                    archived=random.random() < 0.3,
                    settings=Settings(label=label),
                )
            )
        elif what < 0.65:
            self.index.activate(key, f"r{random.randrange(2)}")
        elif what < 0.8:
            self.index.deactivate(key, f"r{random.randrange(2)}")
        else:
            self.index.drop(key)

    def fresh(self, **asked: Any) -> dict[str, Any]:
        """The same page from an index that never cached anything."""
        index = SessionIndex(SessionKeys(), self.model, lambda: self.now)
        for one in sorted(self.index.latest_first(), key=lambda one: one.updated_at_ms):
            index.put(one)
        plain = json.loads(bytes(index.page(SessionsListParams(**asked))))
        # When it was made differs, what it says does not.
        plain["ts"] = self.page(**asked)["ts"]
        return dict(plain)


class CountingIndex(SessionIndex):
    """Counts how many sessions a page looks at."""

    looked_at = 0

    def latest_first(self) -> Iterator[Session]:
        """Every session, counted as it is taken."""
        for one in super().latest_first():
            self.looked_at += 1
            yield one


class ManySessionsTests(IndexCase):
    def test_a_page_of_many_sessions_looks_at_one_page(self) -> None:
        index = CountingIndex(SessionKeys(), self.model, lambda: self.now)
        for number in range(10_000):
            index.put(session(number))
        page = json.loads(bytes(index.page(SessionsListParams(limit=100, offset=50))))
        self.assertEqual((page["count"], page["totalCount"], page["hasMore"]), (100, 10_000, True))
        self.assertLessEqual(index.looked_at, 151)

    def test_cpu_of_a_hundred_rows_of_ten_thousand(self) -> None:
        for number in range(10_000):
            self.index.put(session(number, settings=Settings(title=f"title {number}")))
        for params in ({"limit": 100}, {"limit": 100, "search": "title 77"}):
            costs = []
            for at in range(20):
                self.index.put(session(at, settings=Settings(title="changed")))
                began = process_time()
                self.index.page(SessionsListParams(**params))
                costs.append(process_time() - began)
            self.assertLess(sorted(costs)[-2], 0.05, params)
