"""What the door, events and methods have noted; none of it is a secret."""

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from openclaw.errors import ConnectRefused, InvalidRequest
from openclaw.gateway.audited import audited, is_audited
from openclaw.interfaces.audit import Detail, IAudit
from openclaw.interfaces.events import IEvents
from openclaw.interfaces.security import Admitted, IAdmission, Peer, SignInCode
from openclaw.protocol.connect import ConnectAuth
from openclaw.protocol.methods import METHODS
from openclaw.protocol.schema.devices import PairResolved
from openclaw.protocol.schema.sessions import SessionsChanged
from openclaw.security.audit.admission import AuditedAdmission
from openclaw.security.audit.events import AuditedEvents
from tests.security.clients import LOCAL, NONCE, REMOTE, TOKEN, KeyedDevice, params

GRANT = Admitted("operator", ("operator.read",), "token", "device-1")


@implementer(IAudit)
class Notes:
    """Keeps what is noted."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, str, dict[str, Any]]] = []

    def note(self, kind: str, subject: str, /, **detail: Detail) -> None:
        """Keep it."""
        self.notes.append((kind, subject, detail))


@implementer(IAdmission)
class Door:
    """Answers as a test wants."""

    def __init__(self) -> None:
        self.answer: Any = GRANT

    def refuses_upgrade(self, peer: Peer) -> tuple[int, str] | None:
        """As told."""
        return self.answer  # type: ignore[no-any-return]

    def admit(self, params: Any, peer: Peer, nonce: str) -> Admitted | Deferred[Admitted]:
        """As told."""
        if isinstance(self.answer, ConnectRefused):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]

    def admit_seed(self, auth: ConnectAuth, role: str, asked: Any, peer: Peer) -> Admitted:
        """As told."""
        return self.admit(None, peer, "")  # type: ignore[return-value]

    def bearer(self, token: str, peer: Peer) -> Admitted | None:
        """As told."""
        return self.answer  # type: ignore[no-any-return]

    def bearer_wait_ms(self, token: str, peer: Peer) -> int:
        """Never."""
        return 0

    def sign_in_code(self) -> SignInCode:
        """A code."""
        return SignInCode(TOKEN, 5)

    def setup_code(self, as_operator: bool, verified: bool) -> SignInCode:
        """A code."""
        return SignInCode(TOKEN, 5)

    def change_secret(self, secret: str) -> None:
        """Remember it."""
        self.answer = secret


class DoorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.inner, self.audit = Door(), Notes()
        self.door = AuditedAdmission(self.inner, self.audit)
        self.device = KeyedDevice(3)
        self.params = params("cli/cli", device=self.device)

    def tearDown(self) -> None:
        self.assertNotIn(TOKEN, repr(self.audit.notes))

    def only(self) -> tuple[str, str, dict[str, Any]]:
        (note,) = self.audit.notes
        return note

    def refused(self, **more: Any) -> dict[str, Any]:
        self.inner.answer = ConnectRefused("no", **more)
        self.assertRaises(ConnectRefused, self.door.admit, self.params, REMOTE, NONCE)
        kind, subject, detail = self.only()
        self.audit.notes.clear()
        self.assertEqual(kind, "connect.refused")
        return {"subject": subject, **detail}

    def test_provides_the_interface(self) -> None:
        verifyObject(IAdmission, self.door)

    def test_admitted_at_once_and_later(self) -> None:
        for answer in (GRANT, succeed(GRANT)):
            self.audit.notes.clear()
            self.inner.answer = answer
            result = self.door.admit(self.params, REMOTE, NONCE)
            if isinstance(result, Deferred):
                result = self.successResultOf(result)
            self.assertIs(result, GRANT)
            kind, subject, detail = self.only()
            self.assertEqual((kind, subject), ("connect.admitted", "device-1"))
            self.assertEqual((detail["by"], detail["address"]), ("token", REMOTE.address))

    def test_refused_at_once(self) -> None:
        details = {"code": "AUTH_TOKEN_MISMATCH", "next": "x"}
        note = self.refused(details=details)
        self.assertEqual((note["code"], note["subject"]), ("AUTH_TOKEN_MISMATCH", REMOTE.address))
        self.assertEqual(self.refused(wire_code="NOT_PAIRED")["code"], "NOT_PAIRED")

    def test_only_a_proven_device_is_named(self) -> None:
        note = self.refused(details={"code": "PAIRING_REQUIRED", "reason": "not-paired"})
        self.assertEqual((note["subject"], note["reason"]), (self.device.id, "not-paired"))

    def test_refused_later(self) -> None:
        error = ConnectRefused("no", {"code": "PAIRING_NOT_STORED"})
        self.inner.answer = fail(error)
        result: Any = self.door.admit(self.params, REMOTE, NONCE)
        self.assertIs(self.failureResultOf(result).value, error)
        self.assertEqual(self.only()[2]["code"], "PAIRING_NOT_STORED")

    def test_the_older_dialects(self) -> None:
        self.door.admit_seed(ConnectAuth(token=TOKEN), "operator", None, LOCAL)
        self.assertEqual(self.only()[0], "connect.admitted")
        self.inner.answer = ConnectRefused("no")
        auth = ConnectAuth(token=TOKEN)
        self.assertRaises(ConnectRefused, self.door.admit_seed, auth, "operator", None, LOCAL)
        self.assertEqual(self.audit.notes[-1][0], "connect.refused")

    def test_bearers(self) -> None:
        self.door.bearer(TOKEN, REMOTE)
        self.inner.answer = None
        self.door.bearer(TOKEN, REMOTE)
        self.door.bearer("", REMOTE)
        kinds = [kind for kind, _, _ in self.audit.notes]
        self.assertEqual(kinds, ["http.admitted", "http.refused"])

    def test_upgrades_and_codes(self) -> None:
        self.inner.answer = None
        self.door.refuses_upgrade(REMOTE)
        self.inner.answer = (403, "{}")
        self.door.refuses_upgrade(REMOTE)
        self.door.sign_in_code()
        kinds = [kind for kind, _, _ in self.audit.notes]
        self.assertEqual(kinds, ["connect.refused", "code.made"])


@implementer(IEvents)
class Told:
    """Keeps events."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def wanted(self, event: str, session_key: str = "") -> bool:
        """Nobody listens."""
        return False

    def publish(self, event: str, payload: Any, session_key: str = "") -> None:
        """Keep it."""
        self.events.append(event)


class EventTests(SynchronousTestCase):
    def test_pairings_are_noted_and_passed_on(self) -> None:
        told, audit = Told(), Notes()
        events = AuditedEvents(told, audit)
        verifyObject(IEvents, events)
        self.assertTrue(events.wanted("device.pair.requested"))
        self.assertFalse(events.wanted("chat"))
        events.publish(
            "device.pair.resolved",
            PairResolved(request_id="r1", device_id="d1", decision="rejected", ts=1),
        )
        events.publish("sessions.changed", SessionsChanged(session_key="k", ts=1))
        self.assertEqual(told.events, ["device.pair.resolved", "sessions.changed"])
        ((kind, subject, detail),) = audit.notes
        self.assertEqual((kind, subject), ("device.pair.resolved", "d1"))
        self.assertEqual(detail, {"requestId": "r1", "decision": "rejected"})


class Asked:
    """Params of some method, with a secret among them."""

    request_id = "r1"
    scopes = ("operator.read",)
    code = TOKEN
    token = TOKEN


class Somebody:
    """A client, as far as notes go."""

    admitted = GRANT
    peer = REMOTE


class MethodTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.audit = Notes()

    def call(self, name: str, handler: Any) -> Any:
        return audited({name: handler}, self.audit)[name](Somebody(), Asked())  # type: ignore[arg-type]

    def outcome(self) -> Any:
        ((kind, subject, detail),) = self.audit.notes
        self.assertEqual((kind, subject), ("device.pair.approve", "device-1"))
        self.assertEqual(detail.pop("address"), REMOTE.address)
        self.assertEqual(detail.pop("request_id"), "r1")
        self.assertNotIn(TOKEN, repr(detail))
        return detail["outcome"]

    def test_every_kind_of_handler(self) -> None:
        async def later(client: Any, params: Any) -> str:
            return "done"

        for handler in (lambda c, p: "done", lambda c, p: succeed("done"), later):
            self.audit.notes.clear()
            result = self.call("device.pair.approve", handler)
            if isinstance(result, Deferred):
                result = self.successResultOf(result)
            self.assertEqual((result, self.outcome()), ("done", "ok"))

    def test_refusals_are_noted_with_their_code(self) -> None:
        def no(client: Any, params: Any) -> None:
            raise InvalidRequest("no", {"code": "PAIRING_CODE_UNKNOWN"})

        self.assertRaises(InvalidRequest, self.call, "device.pair.approve", no)
        self.assertEqual(self.outcome(), "PAIRING_CODE_UNKNOWN")

    def test_faults_are_noted_without_their_words(self) -> None:
        async def broken(client: Any, params: Any) -> None:
            raise ValueError(TOKEN)

        result = self.call("device.pair.approve", broken)
        self.failureResultOf(result, ValueError)
        self.assertEqual(self.outcome(), "failed")

    def test_which_methods(self) -> None:
        noted = {name for name in METHODS if is_audited(name)}
        for name in ("device.pair.approve", "device.token.rotate", "mfa.disable"):
            self.assertIn(name, noted)
        for name in ("device.pair.list", "mfa.status", "encryption.status", "chat.send", "health"):
            self.assertNotIn(name, noted)
        self.assertIn("encryption.rotate", noted)

    def test_looking_is_handed_on_untouched(self) -> None:
        def look(client: Any, params: Any) -> None:
            """Look."""

        self.assertIs(audited({"device.pair.list": look}, self.audit)["device.pair.list"], look)
