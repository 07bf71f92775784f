"""S10, S40: guessing, on every surface that takes a secret."""

import random
from collections.abc import Callable, Iterator

from pyotp import TOTP
from twisted.internet.task import Clock

from openclaw.errors import Busy, ConnectRefused, GatewayError
from openclaw.interfaces.security import Admitted, Approver, DeviceToken, Peer
from openclaw.protocol.connect import ConnectAuth
from openclaw.security import limiter, pairing_codes
from openclaw.security.code_desk import CodeDesk
from openclaw.security.devices import Devices
from openclaw.security.limiter import FailureLimiter
from openclaw.security.mfa.factor import SecondFactor
from openclaw.security.pairing_codes import Guesses
from openclaw.security.peers import PeerReader
from openclaw.storage.memory import MemoryStore
from tests.attacks.judging import AttackCase, Verdict, hostile
from tests.security.clients import LOCAL, NONCE, PAGE, TOKEN, Door, KeyedDevice, params

GUESSES = 1000
LIMIT = 10
DEVICE = KeyedDevice(1)
Guess = Callable[[Peer, str], bool]


def addresses(kind: str) -> Iterator[Peer]:
    """One client, as it may come: spelled in two ways, or from anywhere in its own network."""
    choose, reader = random.Random(10), PeerReader(("10.0.0.1",))
    while True:
        host = {"host": "gateway.example"}
        if kind == "mapped":
            yield reader.read(choose.choice(("203.0.113.7", "::ffff:203.0.113.7")), host)
        elif kind == "v6":
            ours = ":".join(f"{choose.getrandbits(16):x}" for _ in range(4))
            yield reader.read(f"2001:db8:1:2:{ours}", host)
        elif kind == "proxied":
            lie = f"198.51.100.{choose.randrange(256)}"
            yield reader.read("10.0.0.1", {**host, "x-forwarded-for": f"{lie}, 203.0.113.7"})
        else:
            yield PAGE


class GuessingAttacks(AttackCase):
    """A thousand guesses on each surface, each from the same client however it spells itself."""

    def setUp(self) -> None:
        self.door = Door()
        self.judged = 0

    def ask(self, **how: object) -> Guess:
        """A guess on the WebSocket: true if it was let in; whether it was judged is counted."""

        def guess(peer: Peer, secret: str) -> bool:
            auth = {name: secret if value is None else value for name, value in fields.items()}
            client = "webchat-ui/webchat" if peer is PAGE else "cli/cli"
            asked = params(client, auth=auth, **how)
            return self.outcome(lambda: self.door.admission.admit(asked, peer, NONCE))

        fields: dict[str, str | None] = how.pop("fields")  # type: ignore[assignment]
        return guess

    def outcome(self, come: Callable[[], object]) -> bool:
        """Whether a visit ended inside; one that was turned away unheard is not counted."""
        try:
            decision = come()
        except ConnectRefused as refused:
            code = (refused.details or {}).get("code")
            self.judged += code != "AUTH_RATE_LIMITED"
            return False
        self.judged += 1
        ended = [decision]
        if not isinstance(decision, Admitted):
            ended = []
            decision.addCallbacks(ended.append, lambda _: None)  # type: ignore[attr-defined]
        return bool(ended)

    def seed(self, peer: Peer, secret: str) -> bool:
        """A guess in an older dialect."""
        auth = ConnectAuth(token=secret)
        return self.outcome(lambda: self.door.admission.admit_seed(auth, "operator", None, peer))

    def bearer(self, peer: Peer, secret: str) -> bool:
        """A guess over HTTP, which is never told why."""
        before = self.looked
        found = self.door.admission.bearer(secret, peer) is not None
        self.judged += self.looked > before
        return found

    def watch_secret(self) -> None:
        """Count how often the shared secret is compared."""
        from openclaw.security.secrets import SharedSecret

        matches, self.looked = SharedSecret.matches, 0

        def counted(secret: SharedSecret, presented: str) -> bool:
            self.looked += 1
            return matches(secret, presented)

        self.patch(SharedSecret, "matches", counted)

    def surfaces(self) -> dict[str, tuple[Guess, str]]:
        """Each with the right answer, which comes too late."""
        device = {"device": DEVICE}
        self.outcome(
            lambda: self.door.admission.admit(
                params("openclaw-tui/ui", device=DEVICE), LOCAL, NONCE
            )
        )
        own = self.door.devices.get(DEVICE.id)
        assert own is not None
        token = self.door.devices.token(DEVICE.id, own.tokens["operator"])
        code = self.door.admission.sign_in_code().code
        bogus = {"deviceToken": "bogus-device-token"}
        return {
            "token": (self.ask(fields={"token": None}), TOKEN),
            "password": (self.ask(fields={"password": None}), TOKEN),
            "token, with a device": (self.ask(fields={"token": None}, **device), TOKEN),
            "device token": (self.ask(fields={"deviceToken": None}, **device), token),
            "token, with a bogus device token": (
                self.ask(fields={"token": None, **bogus}, **device),
                TOKEN,
            ),
            "code": (self.ask(fields={"bootstrapToken": None}, **device), code),
            "older dialect": (self.seed, TOKEN),
            "bearer": (self.bearer, TOKEN),
        }

    def guess_all(self, kind: str, guesses: int = GUESSES) -> Verdict:
        verdict = Verdict()
        self.watch_secret()
        for name in self.surfaces():
            self.door = Door()  # Each surface by itself, with nothing counted yet.
            guess, right = self.surfaces()[name]
            visitors, self.judged = addresses(kind), 0
            for number in range(guesses - 1):
                self.door.clock.advance(0.05)
                inside = guess(next(visitors), f"guess-{number}")
                verdict.note((name, kind, number), inside or self.judged > LIMIT)
            verdict.note((name, kind, "the right one, too late"), guess(next(visitors), right))
        return verdict

    @hostile(8000)
    def test_issue_16876_guesses_without_limit(self) -> None:
        """The limit of failures was off unless configured; #64162: a bogus device token ended it.

        PR #57647, CVE-2026-62220: it came after the check. Here the right secret comes too late.
        """
        self.held(self.guess_all("mapped"))
        self.patch(FailureLimiter, "wait_ms", lambda self, peer, kind: 0)
        self.caught(self.guess_all("mapped", 50))

    @hostile(8000)
    def test_ghsa_5847_rm3g_23mw_mapped_addresses_double_the_budget(self) -> None:
        """One client under two spellings, or everywhere in its own /64, had as many budgets."""
        self.held(self.guess_all("v6"))
        self.patch(limiter, "bucket", lambda text: text)
        self.caught(self.guess_all("v6", 50))

    @hostile(8000)
    def test_cve_2026_33580_budget_of_a_forged_hop(self) -> None:
        """Behind a proxy the client chose by a header whom its failures were counted for."""
        self.held(self.guess_all("proxied"))
        self.patch(
            PeerReader,
            "_nearest_stranger",
            lambda self, hops: __import__("ipaddress").ip_address(hops[0]),
        )
        self.caught(self.guess_all("proxied", 50))

    def guess_from_a_page(self) -> Verdict:
        verdict, self.judged = Verdict(), 0
        self.door = Door()
        guess = self.ask(fields={"token": None}, device=DEVICE)
        for number in range(GUESSES - 1):
            inside = guess(PAGE, f"guess-{number}")
            verdict.note(number, inside or self.judged > LIMIT)
        verdict.note("the right one, too late", guess(PAGE, TOKEN))
        return verdict

    @hostile(1000)
    def test_ghsa_5m9r_p9g7_679c_page_guesses_on_loopback(self) -> None:
        """Loopback was exempt, and any page can reach it: one with an Origin is not."""
        self.held(self.guess_from_a_page())
        self.patch(limiter, "is_local_program", lambda peer: peer.loopback and not peer.forwarded)
        self.caught(self.guess_from_a_page())

    def guess_slowly(self) -> Verdict:
        verdict, self.judged = Verdict(), 0
        guess = self.ask(fields={"token": None})
        peer = next(addresses("mapped"))
        for number in range(3600):
            self.door.clock.advance(1)
            inside = guess(peer, f"guess-{number}")
            verdict.note(number, inside or self.judged > 130)
        return verdict

    @hostile(3600)
    def test_issue_64162_slow_guesses(self) -> None:
        """A guess each second for an hour: most of them are not looked at."""
        self.held(self.guess_slowly())
        self.patch(FailureLimiter, "wait_ms", lambda self, peer, kind: 0)
        self.caught(self.guess_slowly())

    def guess_bearers(self, guesses: int) -> Verdict:
        """Wrong bearers, where many devices have tokens that it could have been."""
        verdict, door, made = Verdict(), Door(), [0]
        for number in range(100):
            asked = params("openclaw-tui/ui", device=KeyedDevice(300 + number))
            self.outcome(lambda asked=asked: door.admission.admit(asked, LOCAL, NONCE))  # type: ignore[misc]
        own = door.devices.get(KeyedDevice(300).id)
        assert own is not None
        token = door.devices.token(own.device_id, own.tokens["operator"])
        visitors, compute = addresses("mapped"), Devices.token

        def counted(devices: Devices, device_id: str, of: DeviceToken) -> str:
            made[0] += 1
            return compute(devices, device_id, of)

        self.patch(Devices, "token", counted)
        for number in range(guesses):
            inside = door.admission.bearer(f"guess-{number}", next(visitors)) is not None
            verdict.note(number, inside or made[0] > 200)
        verdict.note("its own", door.admission.bearer(token, LOCAL) is not None, may=True)
        self.patch(Devices, "token", compute)
        return verdict

    @hostile(1000)
    def test_cve_2026_62220_guesses_cost_a_look_at_every_device(self) -> None:
        """Wrong tokens were compared with everybody's, before any limit: a guess cost them all."""
        self.held(self.guess_bearers(1000))

        def one_by_one(devices: Devices, presented: str) -> None:
            for device in devices.paired():
                devices.is_token(device.device_id, "operator", presented)

        self.patch(Devices, "bearer_of", one_by_one)
        self.caught(self.guess_bearers(20))


class CodeAttacks(AttackCase):
    """The short codes: eight signs for devices and senders, six digits of an app."""

    def ask_to_pair(self, door: Door, count: int) -> None:
        for number in range(count):
            asked = params("openclaw-ios/ui", device=KeyedDevice(50 + number))
            peer = Peer(f"203.0.113.{number}", loopback=False, host="gateway.example")
            decision = door.admission.admit(asked, peer, NONCE)
            assert not isinstance(decision, Admitted)
            decision.addErrback(lambda _: None)

    def guess_codes(self) -> Verdict:
        verdict, choose, door = Verdict(), random.Random(40), Door()
        self.ask_to_pair(door, 200)
        desk = CodeDesk({"device": door.requests}, Guesses(door.clock.seconds))
        chances = 0.0
        for number in range(2000):
            door.clock.advance(0.5)
            approver = Approver(f"device-{number % 20}", frozenset({"operator.pairing"}))
            code = "".join(choose.choice(pairing_codes.ALPHABET) for _ in range(8))
            live = len(door.requests.candidates())
            found: list[object] = []
            desk.find(code, approver, "device").addCallbacks(found.append, found.append)
            told = getattr(found[0], "value", found[0])
            judged = not isinstance(told, Busy)
            hit = not isinstance(told, GatewayError)
            chances += live / 32**8 if judged else 0
            verdict.note((number, code), hit or chances > 1e-8)
        return verdict

    @hostile(2000)
    def test_pairing_codes_guessed(self) -> None:
        """Forty bits help only as long as nobody may try them all: five wrong ones end a code."""
        self.held(self.guess_codes())
        self.patch(pairing_codes, "MAX_WRONG", 10**9)
        self.patch(pairing_codes, "WRONG_PER_HOUR", 10**9)
        self.caught(self.guess_codes())

    def guess_passwords(self) -> Verdict:
        verdict, clock, choose = Verdict(), Clock(), random.Random(41)
        clock.advance(1_795_160_000)
        store = MemoryStore(clock)
        store.startService()
        factor = SecondFactor(
            store,
            clock=lambda: round(clock.seconds() * 1000),
            seconds=clock.seconds,
            random_bytes=choose.randbytes,
            account="attacked",
        )
        offer = factor.offer()
        shown = TOTP(offer.secret).generate_otp(int(clock.seconds()) // 30)
        self.successResultOf(factor.confirm(shown, "owner"))
        judged = 0
        for number in range(3000):
            clock.advance(2)
            code = f"{choose.randrange(10**6):06d}"
            ended: list[object] = []
            factor.verify(code, f"2001:db8::{number % 50:x}").addBoth(ended.append)
            told = getattr(ended[0], "value", None)
            judged += not isinstance(told, Busy)
            verdict.note((number, code), told is None or judged > 70)
        return verdict

    @hostile(3000)
    def test_totp_guessed_under_many_names(self) -> None:
        """A million passwords, three of them right: an hour and forty minutes, fifty addresses."""
        self.held(self.guess_passwords())
        self.patch(FailureLimiter, "wait_ms", lambda self, peer, kind: 0)
        self.caught(self.guess_passwords())
