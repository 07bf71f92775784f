"""S7, S8, S25: rights that grow when they are handed on."""

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import evolve
from twisted.internet.defer import maybeDeferred, succeed

from openclaw.errors import GatewayError
from openclaw.interfaces.security import Admitted, Approver, Device
from openclaw.protocol.scopes import expand
from openclaw.security import approvals, sender_codes
from openclaw.security.approvals import Approvals
from openclaw.security.codes import SignInCodes
from openclaw.security.pairing_codes import CodeMaker
from openclaw.security.sender_codes import SenderCodes
from openclaw.storage.memory import MemoryStore
from tests.attacks.judging import AttackCase, Verdict, hostile
from tests.attacks.test_scopes import ADMIN, SCOPES, means
from tests.security.clients import LOCAL, NONCE, PAGE, REMOTE, Door, KeyedDevice, params


def some(choose: random.Random, most: int = 5) -> tuple[str, ...]:
    """A random set of scopes."""
    return tuple(choose.sample(SCOPES, choose.randrange(most + 1)))


class GrantAttacks(AttackCase):
    """Approvers and devices with random rights, at the parts that decide."""

    def paired(self, door: Door, number: int, scopes: Sequence[str]) -> KeyedDevice:
        """A device that the owner has let in with exactly these scopes."""
        device = KeyedDevice(number)
        asked = params("openclaw-tui/ui", scopes=scopes, device=device)
        decision = door.admission.admit(asked, LOCAL, NONCE)
        if not isinstance(decision, Admitted):
            self.successResultOf(decision)
        return device

    def asks(self, door: Door, number: int, scopes: Sequence[str], role: str) -> str:
        """A device far away that waits; its request id."""
        client = "node-host/node" if role == "node" else "openclaw-ios/ui"
        asked = params(client, scopes=scopes, role=role, device=KeyedDevice(number))
        told: list[Any] = []
        decision = maybeDeferred(door.admission.admit, asked, REMOTE, NONCE)
        decision.addErrback(lambda failure: told.append(failure.value))
        return str(told[0].details["requestId"])

    def outcome(self, decision: Any) -> bool:
        """Whether it was carried out."""
        ended: list[Any] = []
        decision.addCallbacks(lambda value: ended.append(True), ended.append)
        if ended != [True]:
            ended[0].trap(GatewayError)
        return ended == [True]

    def turn_around(self) -> Verdict:
        verdict, choose = Verdict(), random.Random(7)
        for number in range(600):
            door = Door()
            held, wanted, own = some(choose), some(choose), some(choose)
            target = self.paired(door, 1, held)
            caller = self.paired(door, 2, own)
            by = target.id if choose.random() < 0.4 else caller.id
            role = choose.choice(("operator", "operator", "node"))
            approver = Approver("x", frozenset(means(own)), by)
            decision = door.approvals.rotate(target.id, role, wanted, approver)
            done = self.outcome(decision)
            device = door.devices.get(target.id)
            assert device is not None
            now = means(device.tokens["operator"].scopes)
            wider = bool(now - means(held)) or (done and bool(now - means(own)))
            meddled = done and by != target.id and ADMIN not in means(own)
            invented = "node" in device.tokens
            verdict.note((number, held, wanted, own), wider or meddled or invented)
        return verdict

    @hostile(600)
    def test_ghsa_4jpw_hj22_2xmc_rotated_into_wider_scopes(self) -> None:
        """Rotating a token named any scopes and any role, and had them (10.0; CVE-2026-42422)."""
        self.held(self.turn_around())
        self.patch(approvals, "within", lambda asked, held: tuple(asked))
        self.patch(approvals, "rotated", _named)
        self.patch(approvals, "_covers", lambda approver, role, scopes: True)
        self.caught(self.turn_around())

    def approve(self) -> Verdict:
        verdict, choose = Verdict(), random.Random(8)
        for number in range(600):
            door, asked, own = Door(), some(choose), some(choose)
            role = choose.choice(("operator", "operator", "node"))
            request_id = self.asks(door, 3, asked, role)
            approver = Approver("x", frozenset(means(own)), "someone")
            done = self.outcome(door.approvals.approve(request_id, approver))
            needed = {ADMIN} if role == "node" else set(asked)
            may = needed <= means(own)
            verdict.note((number, role, asked, own), done, may)
            device = door.devices.get(KeyedDevice(3).id)
            got = set() if device is None else set(device.tokens[role].scopes)
            verdict.note((number, "grant"), bool(got - set(asked)))
        return verdict

    @hostile(941)
    def test_cve_2026_35639_approved_beyond_own_scopes(self) -> None:
        """Who might only pair could make administrators (8.7; GHSA-xr4f-mjxj-w6w5)."""
        self.held(self.approve())
        self.patch(Approvals, "_check_rights", lambda self, request, approver: None)
        self.caught(self.approve())

    def change_meanwhile(self) -> Verdict:
        """An operator looks, the device asks for more, the operator's click arrives."""
        verdict, choose = Verdict(), random.Random(88)
        anybody = Approver("owner", expand([ADMIN]))
        for number in range(300):
            door, shown, more = Door(), some(choose, 2), some(choose, 7)
            first = self.asks(door, 4, shown, "operator")
            self.asks(door, 4, more, "operator")
            self.outcome(door.approvals.approve(first, anybody))
            device = door.devices.get(KeyedDevice(4).id)
            got = set() if device is None else set(device.tokens["operator"].scopes)
            verdict.note((number, shown, more, "changed"), bool(got - set(shown)))
            # What was used up, rejected or never there gives nothing.
            again = self.outcome(door.approvals.approve(first, anybody))
            verdict.note((number, "replayed"), again and device is not None)
            forged = f"{choose.getrandbits(128):032x}"
            verdict.note((number, forged), self.outcome(door.approvals.approve(forged, anybody)))
        return verdict

    @hostile(900)
    def test_ghsa_9v8j_9c9g_w66c_request_changed_or_replayed(self) -> None:
        """An approval counted for whatever the device asked last (also CVE-2026-53852)."""
        self.held(self.change_meanwhile())
        approve = Approvals.approve

        def newest(self: Approvals, request_id: str, approver: Approver, factor: str = "") -> Any:
            waiting = [one.request_id for one in self.pending()] or [request_id]
            return approve(self, waiting[-1], approver, factor)

        self.patch(Approvals, "approve", newest)
        self.caught(self.change_meanwhile())

    def replay_codes(self) -> Verdict:
        verdict = Verdict()
        page = "webchat-ui/webchat"
        for number in range(200):
            door = Door()
            code = door.admission.sign_in_code().code
            scopes = ["operator.admin", "operator.read", "operator.talk.secrets"]
            for turn in range(3):
                device = KeyedDevice(10 + turn)
                asked = params(page, scopes=scopes, auth={"bootstrapToken": code}, device=device)
                got = self.scopes(door, asked, PAGE)
                if turn == 0:
                    # A link can be read over a shoulder: it never makes an administrator.
                    verdict.note((number, got), bool({ADMIN} & means(got)))
                else:
                    verdict.note((number, turn), bool(got))
        return verdict

    def scopes(self, door: Door, asked: Any, peer: Any) -> tuple[str, ...]:
        try:
            decision = door.admission.admit(asked, peer, NONCE)
        except GatewayError:
            return ()
        if isinstance(decision, Admitted):
            return decision.scopes
        found: list[Any] = []
        decision.addCallbacks(found.append, lambda _: None)
        return found[0].scopes if found else ()

    @hostile(600)
    def test_cve_2026_53852_bootstrap_code_replayed(self) -> None:
        """A sign-in code worked again, for wider scopes each time."""
        self.held(self.replay_codes())
        self.patch(SignInCodes, "use", lambda codes, code: 1 if codes.is_good(code) else None)
        self.caught(self.replay_codes())

    def write_to_us(self) -> Verdict:
        verdict, door = Verdict(), Door()
        store = MemoryStore(door.clock)
        store.startService()
        senders = SenderCodes(store, CodeMaker(b"c" * 32), door.now_ms)
        friend = ("telegram", "main", "42")
        self.successResultOf(senders.ask(*friend))
        key = '["telegram","main","42"]'
        self.successResultOf(senders.approve(key))
        for who in self.strangers():
            verdict.note(who, senders.is_approved(*who), who == friend)
        return verdict

    def strangers(self) -> Iterator[tuple[str, str, str]]:
        channels = ("telegram", "Telegram", "slack", "", "telegram\x00", 'telegram","main', "*")
        accounts = ("main", "other", "", "main ", 'main","42', "*", "MAIN")
        ids = (
            "42",
            "",
            "042",
            "42 ",
            "4",
            "*",
            "420",
            "@owner",
            '42"]',
            "\uff14\uff12",
            "+42",
            "42.0",
        )
        yield from itertools.product(channels, accounts, ids)

    @hostile(587)
    def test_cve_2026_26328_approval_counted_elsewhere(self) -> None:
        """A sender approved in one place was approved in others (GHSA-2gvc-4f3c-2855).

        Empty and missing names are nobody (GHSA-fhvm-j76f-qmjv).
        """
        self.held(self.write_to_us())
        self.patch(sender_codes, "sender_key", lambda channel, account, sender: sender.strip())
        self.patch(SenderCodes, "approve", lambda codes, key: _approve_all(codes))
        self.caught(self.write_to_us())


def _named(device: Device, role: str, scopes: Sequence[str], now_ms: int) -> Device:
    """The bug: the new token gets the scopes that were named."""
    old = device.tokens["operator"]
    token = evolve(old, scopes=tuple(scopes), generation=old.generation + 1)
    return evolve(device, tokens={**device.tokens, role: token, "operator": token})


def _approve_all(codes: SenderCodes) -> Any:
    codes._senders = {key: evolve(one, state="approved") for key, one in codes._senders.items()}
    return succeed(None)
