"""S4, S5, S14, S28: rights that a client only claims, at the door and at every method."""

import itertools
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from openclaw.errors import ConnectRefused
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Dispatcher, Handler
from openclaw.interfaces.security import Admitted, Peer
from openclaw.protocol.connect import ConnectAuth
from openclaw.protocol.frames import Request
from openclaw.protocol.methods import METHODS
from openclaw.protocol.scopes import rights
from openclaw.security import admission, pairing
from tests.attacks.judging import AttackCase, Verdict, hostile
from tests.gateway.people import Person
from tests.security.clients import LOCAL, NONCE, PAGE, REMOTE, TOKEN, Door, KeyedDevice, params

NAMES = ("read", "write", "admin", "approvals", "questions", "pairing", "talk", "talk.secrets")
SCOPES = tuple(f"operator.{name}" for name in NAMES)
CLAIMS = ("operator.*", "*", "admin", "root", "OPERATOR.ADMIN", "operator.admin ", "node.admin")
ADMIN, WRITE = "operator.admin", "operator.write"

# The oracle for methods: written down here once more, on purpose, from what each of them does.
OPEN = ("health", "mfa.verify")
NEEDS = {
    "admin": "system-event set-heartbeats sessions.compact audit.list audit.verify mfa.enroll "
    "encryption.status encryption.rotate mfa.confirm mfa.disable dashboard.link queue.retry "
    "queue.discard sessions.unseal device.pair.setupCode gateway.token.rotate "
    "channels.reload channels.stop channels.logout exec.approvals.get",
    "write": "wake agent agent.wait sessions.patch sessions.reset sessions.delete chat.send "
    "chat.abort send message.action",
    "pairing": "device.pair.list device.pair.approve device.pair.reject device.pair.remove "
    "device.pair.rename device.token.rotate device.token.revoke pairing.list pairing.approve",
    "approvals": "exec.approval.list exec.approval.request exec.approval.waitDecision "
    "exec.approval.resolve plugin.approval.list",
    "questions": "question.list",
}
NEEDED = {name: f"operator.{scope}" for scope, names in NEEDS.items() for name in names.split()}
# What only the role of a worker brings; no set of an operator's rights means it.
NEEDED |= {name: "worker.run" for name in METHODS if name.startswith("worker.")}


def subsets(of: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every subset."""
    for size in range(len(of) + 1):
        yield from itertools.combinations(of, size)


def means(held: Iterable[str]) -> set[str]:
    """The oracle for implied rights: admin means all of them, write also read and talk."""
    found = set(held) & set(SCOPES)
    if ADMIN in found:
        return set(SCOPES)
    return found | ({"operator.read", "operator.talk"} if WRITE in found else set())


def may_call(held: Iterable[str], method: str) -> bool:
    """The oracle for methods; what is not written down above only reads."""
    return method in OPEN or NEEDED.get(method, "operator.read") in means(held)


class MethodAttacks(AttackCase):
    """Every method with every set of rights, against the real dispatcher."""

    def call_all(self) -> Verdict:
        verdict, ran = Verdict(), list[str]()

        def noting(name: str) -> Callable[..., dict[str, bool]]:
            return lambda client, asked: ran.append(name) or {"ok": True}  # type: ignore[func-returns-value]

        dispatcher = Dispatcher(METHODS, {name: noting(name) for name in METHODS}, lambda: "ref")
        for held in subsets(SCOPES):
            person = Person(scopes=held)
            for name in METHODS:
                ran.clear()
                dispatcher.dispatch(person.client, _request(name))
                answer = person.heard()[0]
                # Whether its params were right is another question: it got past its scope.
                past = bool(ran) or "missing scope" not in str(answer)
                may = may_call(held, name)
                verdict.note((held, name), past, may)
        return verdict

    @hostile(6336)
    def test_cve_2026_25593_methods_and_rights(self) -> None:
        """Clients wrote the configuration and so ran programs, without the right to (8.4).

        Every set of rights and every method, against a table that was written for this test; slash
        commands add none (CVE-2026-35621): they are texts of ``chat.send``.
        """
        self.held(self.call_all())
        everything = frozenset(SCOPES)
        client = sys.modules[Client.__module__]
        self.patch(
            client,
            "rights",
            lambda role, held: everything if WRITE in held else rights(role, held),
        )
        self.caught(self.call_all())


def _request(name: str) -> Request:
    return Request(type="req", id="1", method=name)


class ClaimAttacks(AttackCase):
    """The door: what is asked for is no right yet."""

    def come(self, door: Door, peer: Peer, **how: Any) -> tuple[str, ...] | None:
        """What was granted; ``None`` if nobody was let in."""
        try:
            decision = door.admission.admit(params(**how), peer, NONCE)
        except ConnectRefused:
            return None
        if isinstance(decision, Admitted):
            return decision.scopes
        granted: list[tuple[str, ...] | None] = []
        decision.addCallbacks(
            lambda admitted: granted.append(admitted.scopes), lambda _: granted.append(None)
        )
        return granted[0]

    def claim(self) -> Verdict:
        verdict, choose = Verdict(), random.Random(5)
        device, grants = KeyedDevice(1), list(subsets(SCOPES[:6]))
        for grant in grants:
            door = Door(secret=TOKEN)
            # The owner, on this machine, lets the device have exactly this.
            self.come(door, LOCAL, client="openclaw-tui/ui", scopes=grant, device=device)
            own = door.devices.get(device.id)
            assert own is not None
            auth = {"deviceToken": door.devices.token(device.id, own.tokens["operator"])}
            for _ in range(16):
                asked = choose.sample([*SCOPES, *CLAIMS], choose.randrange(1, 8))
                how: dict[str, Any] = {"client": "openclaw-tui/ui", "device": device}
                got = self.come(door, REMOTE, scopes=asked, auth=auth, **how)
                wider = not means(got or ()) <= means(grant)
                verdict.note(("device", grant, asked, got), wider)
                got = self.come(door, REMOTE, scopes=asked, client="cli/cli")
                verdict.note(("remote, no device", asked, got), bool(got))
                got = self.seed(door, REMOTE, asked)
                verdict.note(("another dialect", asked, got), bool(got))
                got = self.come(door, PAGE, scopes=asked, client="webchat-ui/webchat")
                verdict.note(("page, no device", asked, got), bool(got))
        return verdict

    def seed(self, door: Door, peer: Peer, asked: list[str]) -> tuple[str, ...]:
        """The same in an older dialect."""
        try:
            auth = ConnectAuth(token=TOKEN)
            return door.admission.admit_seed(auth, "operator", asked, peer).scopes
        except ConnectRefused:
            return ()

    @hostile(4096)
    def test_cve_2026_22172_self_declared_scopes(self) -> None:
        """A client named its scopes and had them (9.4; also CVE-2026-35663)."""
        self.held(self.claim())
        self.patch(pairing, "covers", lambda held, asked: True)
        self.patch(pairing, "within", lambda asked, held: tuple(asked))
        self.caught(self.claim())

    @hostile(4096)
    def test_ghsa_rqpp_rjj8_7wv8_no_scopes_without_a_device(self) -> None:
        """The same against a door that believes clients without a device."""
        self.held(self.claim())
        self.patch(admission.Admission, "_is_trusted", lambda self, client, peer: True)
        self.caught(self.claim())

    def come_as_nodes(self) -> Verdict:
        verdict, choose = Verdict(), random.Random(14)
        answered: dict[str, Handler] = {name: lambda client, asked: {} for name in METHODS}
        dispatcher = Dispatcher(METHODS, answered, lambda: "ref")
        for number in range(60):
            door, device = Door(mode="none", secret=""), KeyedDevice(number + 1)
            asked = choose.sample([*SCOPES, *CLAIMS], choose.randrange(1, 8))
            how: dict[str, Any] = {"client": "node-host/node", "role": "node", "device": device}
            got = self.come(door, LOCAL, scopes=asked, auth={}, **how)
            assert got is not None
            person = Person(scopes=got, role="node", device_id=device.id)
            for name in METHODS:
                dispatcher.dispatch(person.client, _request(name))
                refused = "unauthorized role" in str(person.heard()[0])
                verdict.note((asked, got, name), not refused, name in OPEN)
        return verdict

    @hostile(4680)
    def test_ghsa_943q_mwmv_hhvh_nodes_call_nothing(self) -> None:
        """What reached one surface reached every method behind it; a node is no operator at all."""
        self.held(self.come_as_nodes())
        self.patch(admission, "OPERATOR", "node")
        self.caught(self.come_as_nodes())
