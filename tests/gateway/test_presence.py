"""Who is here, or was lately: bounded, current, and the same for everybody."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.presence import CAPACITY, LIFETIME_MS, Presence
from openclaw.protocol.schema.system import PresenceEntry, SystemEventParams
from tests.gateway.people import Person

ME = PresenceEntry(ts=1, host="me", mode="gateway", reason="self")


class PresenceCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.broadcaster = Broadcaster()
        self.presence = Presence(ME, self.broadcaster, self.now_ms, self.clock)

    def now_ms(self) -> int:
        return round(self.clock.seconds() * 1000)

    def entries(self) -> list[Any]:
        found: list[Any] = msgspec.json.decode(self.presence.text())
        return found

    def others(self) -> list[tuple[str, str]]:
        """Instance and reason of everybody but the gateway."""
        return [(entry["instanceId"], entry["reason"]) for entry in self.entries()[1:]]

    def come(self, conn_id: str, instance_id: str | None = None, **who: Any) -> Person:
        person = Person(conn_id, instance_id=instance_id or conn_id, **who)
        self.presence.arrived(person.client)
        return person


class ListTests(PresenceCase):
    def test_the_gateway_is_first(self) -> None:
        self.come("a")
        self.assertEqual(
            self.entries()[0], {"ts": 1, "host": "me", "mode": "gateway", "reason": "self"}
        )

    def test_clients_come_and_go(self) -> None:
        first = self.come("a")
        self.come("b")
        self.assertEqual(self.others(), [("a", "connect"), ("b", "connect")])
        self.presence.departed(first.client)
        self.assertEqual(self.others(), [("b", "connect"), ("a", "disconnect")])

    def test_one_entry_says_who_it_is(self) -> None:
        self.clock.advance(2)
        self.come("a", device_id="dev", scopes=("operator.read",))
        self.assertEqual(
            self.entries()[1],
            {
                "ts": 2000,
                "host": "openclaw-tui",
                "version": "1",
                "platform": "linux",
                "mode": "ui",
                "reason": "connect",
                "text": "Node: openclaw-tui · mode ui",
                "deviceId": "dev",
                "instanceId": "a",
                "clientId": "openclaw-tui",
                "roles": ["operator"],
                "scopes": ["operator.read"],
                "onlineSince": 1,
            },
        )

    def test_programs_without_a_device_do_not_show(self) -> None:
        for mode in ("cli", "backend", "probe", "test"):
            person = self.come(mode, mode=mode)
            self.presence.announce(person.client)
            self.presence.departed(person.client)
        self.assertEqual(len(self.entries()), 1)
        self.assertEqual(self.broadcaster.presence_version, 0)

    def test_programs_with_a_device_do(self) -> None:
        self.come("a", mode="cli", device_id="dev")
        self.assertEqual(self.others(), [("a", "connect")])

    def test_the_newest_connection_of_an_instance_wins(self) -> None:
        old = self.come("old", "same")
        new = self.come("new", "same")
        self.presence.departed(old.client)
        self.assertEqual(self.others(), [("same", "connect")])
        self.presence.departed(new.client)
        self.assertEqual(self.others(), [("same", "disconnect")])

    def test_versions_rise_with_every_change(self) -> None:
        seen = [self.broadcaster.presence_version]
        person = self.come("a")
        seen.append(self.broadcaster.presence_version)
        self.presence.note(SystemEventParams(text="hello"))
        seen.append(self.broadcaster.presence_version)
        self.presence.departed(person.client)
        seen.append(self.broadcaster.presence_version)
        self.entries()
        self.assertEqual(seen, sorted(set(seen)))
        self.assertEqual(seen[-1], self.broadcaster.presence_version)


class TimeTests(PresenceCase):
    def test_who_left_stays_for_five_minutes(self) -> None:
        self.assertEqual(LIFETIME_MS, 300_000)
        person = self.come("a")
        self.clock.advance(1000)
        self.presence.departed(person.client)
        self.clock.advance(300)
        self.assertEqual(self.others(), [("a", "disconnect")])
        version = self.broadcaster.presence_version
        self.clock.advance(0.001)
        self.assertEqual(self.others(), [])
        self.assertGreater(self.broadcaster.presence_version, version)

    def test_who_is_connected_stays(self) -> None:
        self.come("a")
        self.clock.advance(100_000)
        self.assertEqual(self.others(), [("a", "connect")])
        version = self.broadcaster.presence_version
        self.entries()
        self.assertEqual(self.broadcaster.presence_version, version)

    def test_notes_go_too(self) -> None:
        self.presence.note(SystemEventParams(text="hello"))
        self.assertEqual(len(self.entries()), 2)
        self.clock.advance(300.001)
        self.assertEqual(len(self.entries()), 1)


class NoteTests(PresenceCase):
    def test_a_note_says_what_was_said_and_no_more(self) -> None:
        self.presence.note(SystemEventParams(text="hello", host="h", tags=["a"]))
        self.assertEqual(self.entries()[1], {"ts": 0, "text": "hello", "host": "h", "tags": ["a"]})

    def test_notes_of_one_sender_replace_each_other(self) -> None:
        for text in ("one", "two"):
            self.presence.note(SystemEventParams(text=text, device_id="d"))
        self.presence.note(SystemEventParams(text="three", device_id="e"))
        self.assertEqual([entry["text"] for entry in self.entries()[1:]], ["two", "three"])

    def test_a_note_cannot_take_the_place_of_a_client(self) -> None:
        self.come("a", device_id="a")
        self.presence.note(SystemEventParams(text="x", device_id="a", instance_id="a"))
        self.assertEqual(len(self.entries()), 3)


class BoundTests(PresenceCase):
    def test_a_flood_of_notes_is_bounded_and_pushes_nobody_out(self) -> None:
        for number in range(20):
            self.come(f"c{number}")
        for number in range(1000):
            self.presence.note(SystemEventParams(text=str(number)))
        shown = self.entries()[1:]
        self.assertEqual(len(shown), CAPACITY)
        self.assertEqual(sum(entry.get("reason") == "connect" for entry in shown), 20)
        self.assertEqual(shown[-1]["text"], "999")

    @settings(max_examples=50, deadline=None)
    @given(
        steps=st.lists(
            st.tuples(st.sampled_from(["come", "go", "wait", "note"]), st.integers(0, 4)),
            max_size=50,
        )
    )
    def test_whoever_is_connected_is_shown_once(self, steps: list[tuple[str, int]]) -> None:
        self.setUp()
        here: dict[int, Person] = {}
        for number, (what, which) in enumerate(steps):
            if what == "come":
                here[which] = self.come(f"conn{number}", f"i{which}")
            elif what == "go" and which in here:
                self.presence.departed(here.pop(which).client)
            elif what == "wait":
                self.clock.advance(which * 100)
            elif what == "note":
                self.presence.note(SystemEventParams(text=str(which)))
        online = [e["instanceId"] for e in self.entries()[1:] if e.get("reason") == "connect"]
        self.assertEqual(sorted(online), sorted(f"i{which}" for which in here))


class AnnounceTests(PresenceCase):
    def test_changes_are_told_to_those_who_may_read(self) -> None:
        reader, other = Person("r", scopes=("operator.read",)), Person("o", scopes=())
        for one in (reader, other):
            self.broadcaster.join(one.client)
        person = self.come("a")
        self.presence.announce(person.client)
        self.presence.departed(person.client)
        told = reader.heard()
        self.assertEqual([frame["event"] for frame in told], ["presence", "presence"])
        self.assertEqual([len(frame["payload"]["presence"]) for frame in told], [2, 2])
        self.assertEqual([frame["stateVersion"]["presence"] for frame in told], [1, 2])
        self.assertEqual(other.heard(), [])

    def test_the_event_and_the_method_say_the_same(self) -> None:
        reader = Person("r")
        self.broadcaster.join(reader.client)
        self.presence.announce(self.come("a").client)
        (frame,) = reader.heard()
        self.assertEqual(frame["payload"]["presence"], self.entries())
