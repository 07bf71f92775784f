"""Events reach whoever may and wants to have them, encoded once, numbered without holes."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from openclaw.gateway.broadcast import Broadcaster
from openclaw.interfaces.events import IEvents
from openclaw.protocol import frames
from openclaw.protocol.base import Raw, encode
from openclaw.protocol.events import EVENTS
from openclaw.protocol.scopes import SCOPES
from tests.gateway.people import Person

PAYLOAD = Raw(b'{"x":1}')
EVERYBODY = {"connect.challenge", "tick", "health", "shutdown", "heartbeat"}
READERS = {"presence", "agent", "chat", "session.message", "sessions.changed"}
PAIRERS = {"device.pair.requested", "device.pair.resolved", "device.pair.changed"}
WORKERS = {"worker.run.request", "worker.run.abort"}  # Told to one connection each.
APPROVERS = {"exec.approval.requested", "exec.approval.resolved"}
HOLDERS = {
    "operator.admin": READERS | PAIRERS | APPROVERS,
    "operator.approvals": APPROVERS,
    "operator.write": READERS,
    "operator.read": READERS,
    "operator.pairing": PAIRERS,
}


class BroadcastCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.broadcaster = Broadcaster()

    def join(self, conn_id: str = "c1", **who: Any) -> Person:
        person = Person(conn_id, **who)
        self.broadcaster.join(person.client)
        return person

    def follow(self, person: Person, key: str = "s") -> None:
        """Want everything there is."""
        person.client.follows_sessions = True
        person.client.followed.add(key)


class FilterTests(BroadcastCase):
    def test_the_table_is_what_is_tested_here(self) -> None:
        self.assertEqual(set(EVENTS) - EVERYBODY - READERS - PAIRERS - APPROVERS - WORKERS, set())

    def test_every_event_for_every_scope(self) -> None:
        for scope in (*sorted(SCOPES), None):
            person = self.join(scopes=() if scope is None else (scope,))
            self.follow(person)
            for event in EVENTS:
                self.broadcaster.publish(event, PAYLOAD, "s")
                got = [frame["event"] for frame in person.heard()]
                expected = event in EVERYBODY | HOLDERS.get(scope or "", set())
                self.assertEqual(got, [event] if expected else [], (scope, event))
                self.assertEqual(self.broadcaster.wanted(event, "s"), expected, (scope, event))
            self.broadcaster.leave(person.client)

    def test_a_node_hears_what_is_for_everybody(self) -> None:
        node = self.join(role="node", scopes=())
        self.follow(node)
        for event in EVENTS:
            self.broadcaster.publish(event, PAYLOAD, "s")
        self.assertEqual({frame["event"] for frame in node.heard()}, EVERYBODY)

    def test_session_events_are_for_those_who_asked(self) -> None:
        person = self.join()
        self.assertFalse(self.broadcaster.wanted("sessions.changed"))
        self.assertFalse(self.broadcaster.wanted("session.message", "s"))
        self.broadcaster.publish("sessions.changed", PAYLOAD)
        self.broadcaster.publish("session.message", PAYLOAD, "s")
        self.assertEqual(person.heard(), [])
        person.client.follows_sessions = True
        self.broadcaster.publish("sessions.changed", PAYLOAD)
        person.client.followed.add("s")
        self.broadcaster.publish("session.message", PAYLOAD, "s")
        self.broadcaster.publish("session.message", PAYLOAD, "other")
        self.assertEqual([frame["seq"] for frame in person.heard()], [1, 2])

    def test_nobody_is_nobody(self) -> None:
        self.assertFalse(self.broadcaster.wanted("tick"))
        self.broadcaster.publish("tick", PAYLOAD)
        person = self.join()
        self.broadcaster.leave(person.client)
        self.broadcaster.leave(person.client)
        self.broadcaster.publish("tick", PAYLOAD)
        self.assertEqual(person.heard(), [])
        self.assertEqual(len(self.broadcaster), 0)

    def test_an_unknown_event_is_a_bug(self) -> None:
        self.assertRaises(KeyError, self.broadcaster.publish, "novelty", PAYLOAD)

    def test_it_is_where_the_domain_sends_events(self) -> None:
        self.assertTrue(verifyObject(IEvents, self.broadcaster))


class EncodingTests(BroadcastCase):
    def count(self, receivers: int, event: str = "chat") -> int:
        """How often the payload is encoded for so many receivers."""
        people = [self.join(str(number)) for number in range(receivers)]
        payloads = []

        def counted(value: object) -> bytes:
            payloads.append(value is payload)
            return encode(value)

        payload = {"text": "hello"}
        self.patch(frames, "encode", counted)
        self.broadcaster.publish(event, payload)
        self.assertTrue(all(len(person.heard()) == 1 for person in people))
        return sum(payloads)

    def test_the_payload_is_encoded_once_for_all(self) -> None:
        self.assertEqual(self.count(50), 1)

    def test_the_payload_is_not_encoded_for_nobody(self) -> None:
        self.assertEqual(self.count(0), 0)

    def test_versions_are_told_where_they_belong(self) -> None:
        person = self.join()
        self.broadcaster.presence_version, self.broadcaster.health_version = 3, 4
        for event in ("presence", "health", "tick"):
            self.broadcaster.publish(event, PAYLOAD)
        presence, health, tick = person.heard()
        for frame in (presence, health):
            self.assertEqual(frame["stateVersion"], {"presence": 3, "health": 4})
        self.assertNotIn("stateVersion", tick)


class SlowTests(BroadcastCase):
    def test_what_may_be_dropped_takes_its_number_along(self) -> None:
        person = self.join()
        self.broadcaster.publish("tick", PAYLOAD)
        person.slow = True
        self.broadcaster.publish("heartbeat", PAYLOAD)
        person.slow = False
        self.broadcaster.publish("heartbeat", PAYLOAD)
        self.assertEqual([frame["seq"] for frame in person.heard()], [1, 3])

    def test_what_may_not_is_sent_all_the_same(self) -> None:
        person = self.join()
        person.slow = True
        for event in ("tick", "health", "presence", "agent", "chat", "shutdown"):
            self.broadcaster.publish(event, PAYLOAD)
        self.assertEqual(len(person.heard()), 6)

    def test_others_are_not_touched(self) -> None:
        slow, quick = self.join("slow"), self.join("quick")
        slow.slow = True
        self.broadcaster.publish("heartbeat", PAYLOAD)
        self.assertEqual((len(slow.heard()), len(quick.heard())), (0, 1))


class NumberTests(BroadcastCase):
    @settings(max_examples=100, deadline=None)
    @given(
        steps=st.lists(
            st.one_of(
                st.tuples(st.just("join"), st.integers(0, 5)),
                st.tuples(st.just("leave"), st.integers(0, 5)),
                st.tuples(st.just("publish"), st.sampled_from(sorted(EVENTS))),
            ),
            max_size=60,
        )
    )
    def test_each_connection_counts_for_itself_without_holes(self, steps: list[Any]) -> None:
        broadcaster = Broadcaster()
        here: dict[int, Person] = {}
        everybody: list[Person] = []
        for what, which in steps:
            if what == "join" and which not in here:
                scopes = ((), ("operator.read",), ("operator.admin",))[which % 3]
                here[which] = Person(str(which), scopes=scopes)
                everybody.append(here[which])
                broadcaster.join(here[which].client)
            elif what == "leave" and which in here:
                broadcaster.leave(here.pop(which).client)
            elif what == "publish":
                broadcaster.publish(which, PAYLOAD)
        for person in everybody:
            numbers = [frame["seq"] for frame in person.heard()]
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
