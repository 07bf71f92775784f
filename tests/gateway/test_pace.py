"""Turns shared between strangers and clients, and things that are told only so often."""

from functools import partial
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.gateway.pace import PER_TURN, Calm, Pace
from openclaw.gateway.presence import BYTES_PER_SECOND, LONGEST_PAUSE_SECONDS
from openclaw.protocol.schema.system import SystemEventParams
from tests.gateway.people import Person
from tests.gateway.rig import Rig, Socket, answers, connect_request
from tests.gateway.sockets import ConnectionCase


class Turns(Clock):
    """A clock whose turns end: what is due at once comes in the next one, as a reactor has it."""

    def turn(self) -> None:
        """One turn; Twisted's own ``advance(0)`` goes on until nothing more is due."""
        for call in [one for one in self.calls if one.getTime() <= self.seconds()]:
            self.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)


class PaceTests(SynchronousTestCase):
    """Four in a turn."""

    def setUp(self) -> None:
        self.clock = Turns()
        self.pace = Pace(self.clock)
        self.done: list[int] = []

    def tearDown(self) -> None:
        self.clock.turn()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def come(self, *numbers: int) -> None:
        for number in numbers:
            self.pace.run(partial(self.done.append, number))

    def test_one_alone_is_not_held_up(self) -> None:
        self.come(1)
        self.assertEqual(self.done, [1])

    def test_a_crowd_has_its_turns(self) -> None:
        """In the order of arrival, and whoever comes later stands behind."""
        self.come(*range(10))
        self.assertEqual(self.done, [0, 1, 2, 3])
        self.clock.turn()
        self.assertEqual(self.done, [*range(8)])
        self.come(10, 11)
        self.assertEqual(self.done, [*range(8)])
        self.clock.turn()
        self.assertEqual(self.done, [*range(12)])

    def test_nothing_is_forgotten(self) -> None:
        self.come(*range(1000))
        for _ in range(1000 // PER_TURN):
            self.clock.turn()
        self.assertEqual(self.done, [*range(1000)])
        self.assertEqual(len(self.pace), 0)

    def test_work_that_brings_more_work(self) -> None:
        """Also within the limit of the turn."""

        def more() -> None:
            self.done.append(0)
            self.pace.run(more)

        self.pace.run(more)
        self.assertEqual(len(self.done), PER_TURN)
        self.clock.turn()
        self.assertEqual(len(self.done), 2 * PER_TURN)
        self.pace._waiting.clear()


class CalmTests(SynchronousTestCase):
    """At once after a pause, else a little later."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.told: list[float] = []
        self.calm = Calm(self.clock, lambda: self.told.append(self.clock.seconds()), lambda: 2.0)

    def test_first_at_once_then_together(self) -> None:
        for _ in range(40):
            self.calm.changed()
            self.clock.advance(0.25)
        self.assertEqual(self.told, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0])
        self.clock.advance(60)
        self.assertEqual(len(self.told), 6)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_changes_seldom_is_told_at_once(self) -> None:
        for _ in range(3):
            self.calm.changed()
            self.clock.advance(2)
        self.assertEqual(self.told, [0.0, 2.0, 4.0])
        self.assertEqual(self.clock.getDelayedCalls(), [])


class CrowdTests(ConnectionCase):
    """Who is inside does not wait for all who are outside."""

    def make(self) -> Rig:
        self.turns = Turns()
        return super().make(turns=self.turns)

    def connect(self, *args: Any, **sent: Any) -> Socket:
        """Somebody comes in, in a turn of his own."""
        self.turns.turn()
        return super().connect(*args, **sent)

    def tearDown(self) -> None:
        self.turns.turn()
        super().tearDown()
        self.turns.turn()
        self.assertEqual(self.turns.getDelayedCalls(), [])

    def storm(self, count: int) -> list[Socket]:
        """So many have sent their handshake in one turn."""
        strangers = []
        for _ in range(count):
            socket = self.dial()
            socket.taken()
            strangers.append(socket)
        self.turns.turn()
        for socket in strangers:
            socket.send(connect_request("openclaw-tui/ui", auth={"token": "guess"}))
        return strangers

    def test_a_client_is_answered_between_a_few_handshakes(self) -> None:
        """Counted in handshakes, whatever the machine: at most those of one turn before it."""
        client = self.connect()
        self.turns.turn()
        strangers = self.storm(200)
        turns = 0
        while any(not self.judged(one) for one in strangers):
            before = sum(map(self.judged, strangers))
            client.send({"type": "req", "id": "r", "method": "health"})
            self.turns.turn()
            (answer,) = answers(client.taken())
            self.assertTrue(answer["ok"])
            self.assertLessEqual(sum(map(self.judged, strangers)) - before, PER_TURN)
            turns += 1
        self.assertGreaterEqual(turns, 200 // PER_TURN - 1)

    def judged(self, socket: Socket) -> bool:
        return bool(socket.transport.value())

    def test_who_has_left_while_waiting_is_forgotten(self) -> None:
        strangers = self.storm(20)
        for socket in strangers:
            socket.lose()
        for _ in range(10):
            self.turns.turn()
        self.assertEqual(sum(map(self.judged, strangers)), PER_TURN)

    def test_the_list_of_a_crowd_is_told_seldom(self) -> None:
        """What all of them hear is bounded in bytes a second, and ends with the whole list."""
        clients = [self.connect() for _ in range(60)]
        for one in clients:
            one.taken()
        heard = 0
        self.rig.clock.advance(LONGEST_PAUSE_SECONDS)
        began = self.rig.clock.seconds()
        for number in range(300):
            self.pass_by(number)
            self.rig.clock.advance(0.01)
            self.turns.turn()
        for one in clients:
            heard += sum(len(seen.payload) for seen in one.taken())
        spent = self.rig.clock.seconds() - began
        self.assertLess(heard / spent, 2 * BYTES_PER_SECOND)
        self.rig.clock.advance(LONGEST_PAUSE_SECONDS)
        self.turns.turn()
        last = [answers(one.taken())[-1]["payload"]["presence"] for one in clients]
        self.assertEqual({len(one) for one in last}, {201})
        self.assertEqual(last[0][-1]["deviceId"], "device-299")

    def pass_by(self, number: int) -> None:
        """A device comes and goes."""
        passer = Person(f"passer-{number}", device_id=f"device-{number}", mode="ui")
        self.rig.presence.arrived(passer.client)
        self.rig.presence.announce(passer.client)
        self.rig.presence.departed(passer.client)

    def test_every_word_of_an_operator_is_told(self) -> None:
        """However many listen, and however fast they come."""
        clients = [self.connect() for _ in range(60)]
        for one in clients:
            one.taken()
        for number in range(20):
            self.rig.presence.note(SystemEventParams(text=f"word {number}"))
        self.turns.turn()
        self.assertEqual({len(answers(one.taken())) for one in clients}, {20})
