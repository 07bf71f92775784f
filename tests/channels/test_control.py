"""Commands about runs and approvals on their way in."""

from typing import Any, cast

import msgspec
from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.commands import control_method
from openclaw.channels.control import NOBODY, Control
from openclaw.channels.inbox import InboxHandler
from openclaw.channels.intake import Intake
from openclaw.channels.overdue import Overdue
from openclaw.interfaces.conversations import IConversations, NewInput, Receipt
from openclaw.interfaces.messages import Inbound, Person
from openclaw.protocol.scopes import ADMIN, APPROVALS
from tests.channels.samples import inbound
from tests.channels.test_intake import MINUTE, IntakeCase

CONTROL = Control(frozenset({"test:42"}), control_method)
EVE = Person(id="66", name="Ada", username="test:42", roles=("42", "test:42"))


class ControlTests(SynchronousTestCase):
    """What is such a command, and whose word is the owner's."""

    def test_only_the_immutable_id_is_compared(self) -> None:
        self.assertTrue(CONTROL.is_owner(inbound()))
        for person in (EVE, *(Person(id=one) for one in ("", "4", "42 ", "042", "test:42", "*"))):
            self.assertFalse(CONTROL.is_owner(inbound(sender=person)), person)
        self.assertFalse(CONTROL.is_owner(inbound(channel="other")))
        self.assertFalse(NOBODY.is_owner(inbound()))

    def test_what_was_said_and_nothing_that_happened_to_a_message(self) -> None:
        for kind, is_one in (
            ("message", True),
            ("command", True),
            ("edit", False),
            ("reaction", False),
            ("button", False),
        ):
            message = inbound(text="/stop", kind=kind)
            self.assertEqual(CONTROL.is_command(message), is_one, kind)
            self.assertEqual(CONTROL.is_urgent(message), is_one, kind)
            self.assertFalse(CONTROL.is_urgent(inbound(text="/stop", kind=kind, sender=EVE)))
        for text in ("please /stop", " /stop", "\n/stop"):
            self.assertFalse(CONTROL.is_command(inbound(text=text)), text)
        self.assertFalse(NOBODY.is_command(inbound(text="/stop")))


class IntakeTests(IntakeCase):
    """They have a lane of their own, in which nothing stands before them."""

    def restart(self) -> None:
        super().restart()
        gates = evolve(self.door.intake._gates, control=CONTROL)
        self.door.intake = Intake(gates, self.clock)

    def test_what_is_put_together_is_none_and_nothing_of_it_is_lost(self) -> None:
        self.debounce_ms = 1000
        self.restart()
        texts = ("what about", "/stop", " /stop", "I mean that")
        taken = [self.hand_in(number, text=text) for number, text in enumerate(texts)]
        self.clock.advance(1)
        self.assertEqual([self.successResultOf(one) for one in taken], ["queued"] * 4)
        bodies = [msgspec.json.decode(one) for one in self.taken()]
        found = [
            [one["text"] for one in (body["message"], *body.get("more", ()))] for body in bodies
        ]
        self.assertEqual(sorted(found), [[" /stop", "I mean that"], ["/stop"], ["what about"]])

    def claimed(self) -> list[str]:
        """The words of what can be worked on at once."""
        found = self.successResultOf(self.queue.claim("in", 10, MINUTE))
        return [msgspec.json.decode(one.body)["message"]["text"] for one in found]

    def test_it_waits_for_nothing_of_its_session(self) -> None:
        for number, text in enumerate(("first", "second", "/stop", "/approve 1")):
            self.assertEqual(self.successResultOf(self.hand_in(number, text=text)), "queued")
        self.assertEqual(self.claimed(), ["first", "/stop"])

    def test_it_waits_for_no_file_of_an_earlier_message(self) -> None:
        waiting: Deferred[Any] = Deferred()
        media = self.door.intake._gates.media
        self.patch(media, "with_files", lambda account, message: waiting)
        slow = self.hand_in(1, text="look at this")
        self.assertEqual(self.successResultOf(self.hand_in(2, text="/stop")), "queued")
        self.assertNoResult(slow)
        self.assertEqual(self.claimed(), ["/stop"])

    def test_it_is_taken_once_also_after_a_restart(self) -> None:
        self.assertEqual(self.successResultOf(self.hand_in(1, text="/stop")), "queued")
        self.assertEqual(self.successResultOf(self.hand_in(1, text="/stop")), "duplicate")
        self.restart()
        self.assertEqual(self.successResultOf(self.hand_in(1, text="/stop")), "duplicate")
        self.assertEqual(len(self.taken()), 1)

    def test_it_takes_no_context_from_the_next_message(self) -> None:
        self.door.intake._context.note(inbound(7, "heard before", **GROUP), 10)
        self.successResultOf(self.hand_in(1, text="/stop", **GROUP))
        self.successResultOf(self.hand_in(2, text="claw?", **GROUP))
        stop, message = self.taken()
        self.assertNotIn("heard before", stop)
        self.assertIn("heard before", message)


GROUP: dict[str, Any] = {"chat_type": "group", "chat_id": "-1"}


class Accepting:
    """Keeps what is handed to conversations."""

    def __init__(self) -> None:
        self.inputs: list[NewInput] = []

    def accept(self, new: NewInput) -> Deferred[Receipt]:
        """Take it."""
        self.inputs.append(new)
        return succeed(cast(Receipt, Taken))


class Taken:
    """What is said of an input."""

    state = "new"


class Silent:
    """Traces that nobody reads."""

    def note(self, *words: Any) -> None:
        """Note nothing."""


class InboxTests(SynchronousTestCase):
    """What becomes of a message when it is handed to its session."""

    def made(self, message: Inbound) -> NewInput:
        """The input that a message makes."""
        accepting = Accepting()
        heard: list[Inbound] = []
        handler = InboxHandler(
            cast(IConversations, accepting),
            cast(Any, Silent()),
            Overdue(cast(Any, None), Clock(), lambda *_: None, lambda: None),
            lambda one: one.message_id,
            CONTROL,
            heard.append,
        )
        body = {"message": message, "agentId": "main", "sessionKey": "agent:main:main"}
        delivery = type("Delivery", (), {"id": "k", "body": msgspec.json.encode(body)})
        self.successResultOf(handler.handle(cast(Any, delivery)))
        self.assertEqual(heard, [message])
        (new,) = accepting.inputs
        return new

    def test_a_command_names_who_gave_it(self) -> None:
        new = self.made(inbound(text="/stop"))
        self.assertEqual((new.commanded_by, new.owner), ("test:42", True))
        self.assertLessEqual({ADMIN, APPROVALS}, set(new.scopes))

    def test_what_others_say_has_no_rights(self) -> None:
        new = self.made(inbound(text="/approve 1", sender=EVE))
        self.assertEqual((new.commanded_by, new.owner, new.scopes), ("test:66", False, ()))

    def test_what_is_no_such_command_is_an_input_like_others(self) -> None:
        for text in ("hello", "/status", "well, /stop", "/stop\nthat"):
            self.assertEqual(self.made(inbound(text=text)).commanded_by, "", text)
        quoted = inbound(text="/stop", kind="button")
        self.assertEqual(self.made(quoted).commanded_by, "")
