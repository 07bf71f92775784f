"""S6: handshakes whose signature is for something else, and secrets that pass for an identity."""

import base64
import hashlib
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from attrs import evolve

from openclaw.errors import ConnectRefused
from openclaw.protocol.connect import ConnectParams
from openclaw.security import admission, device_proof
from openclaw.security.device_proof import Identity
from openclaw.security.pairing import Pairing
from tests.attacks.judging import AttackCase, Verdict, hostile
from tests.security.clients import LOCAL, NONCE, REMOTE, TOKEN, Door, KeyedDevice, plain_params

OURS, THEIRS = KeyedDevice(1), KeyedDevice(2)
Plain = dict[str, Any]
Change = Callable[[Plain, random.Random], None]
_ODD = (
    "",
    " ",
    "x",
    "|",
    ",",
    "\x00",
    "operator",
    "node",
    "null",
    "\u202e",
    "a|b",
    "v2",
    "0",
    "-1",
)
_SMALL_ORDER = (
    "00" * 32,
    "01" + "00" * 31,
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
)


def fresh() -> Plain:
    """A handshake that is good, from a device that is far away and paired."""
    return plain_params("openclaw-tui/ui", auth={"token": TOKEN}, device=OURS)


def meaning(plain: Plain) -> str:
    """The oracle: what a handshake says, with every freedom of spelling taken out.

    Two handshakes of one meaning may share a signature; no others may.
    """
    client, device, auth = plain["client"], plain["device"], plain["auth"]
    told = [client["id"], client["mode"], client["platform"].strip().lower()]
    told.append(client.get("deviceFamily", "").strip().lower())
    secret = auth.get("token") or auth.get("deviceToken") or auth.get("bootstrapToken") or ""
    key = [_bytes(device["publicKey"]), _bytes(device["signature"])]
    proof = [device["id"], device["signedAt"], device["nonce"], *key]
    return json.dumps([told, plain["role"], plain["scopes"], secret, proof])


def _bytes(text: str) -> str:
    bare = text.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        raw = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except ValueError:
        return f"unreadable {text}"
    return base64.urlsafe_b64encode(raw).decode().rstrip("=") if _is_tight(raw, bare) else text


def _is_tight(raw: bytes, bare: str) -> bool:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=") == bare


def _text(path: str) -> Change:
    def change(plain: Plain, choose: random.Random) -> None:
        *way, last = path.split("/")
        place = plain
        for name in way:
            place = place[name]
        old = str(place.get(last, ""))
        at = choose.randrange(len(old) + 1)
        place[last] = choose.choice(
            (
                choose.choice(_ODD),
                old[:at] + choose.choice(_ODD) + old[at:],
                old[:at],
                old.upper(),
                old[::-1],
                old + old,
                f"{old}|{choose.choice(_ODD)}",
            )
        )

    return change


def _bit(path: str) -> Change:
    def change(plain: Plain, choose: random.Random) -> None:
        raw = bytearray(base64.urlsafe_b64decode(plain["device"][path] + "=="))
        raw[choose.randrange(len(raw))] ^= 1 << choose.randrange(8)
        plain["device"][path] = base64.urlsafe_b64encode(raw).decode().rstrip("=")

    return change


def _scopes(plain: Plain, choose: random.Random) -> None:
    scopes = plain["scopes"]
    choose.choice(
        (
            lambda: scopes.append("operator.questions"),
            lambda: scopes.reverse(),
            lambda: scopes.pop(),
            lambda: scopes.insert(0, ",".join((scopes.pop(), scopes.pop()))),
            lambda: scopes.append(scopes[0]),
            lambda: scopes.clear(),
        )
    )()


def _time(plain: Plain, choose: random.Random) -> None:
    plain["device"]["signedAt"] += choose.choice((-1, 1, 120_001, -120_001, 10**9, 2**40))


def _key(plain: Plain, choose: random.Random) -> None:
    raw = choose.choice((THEIRS.raw, bytes.fromhex(choose.choice(_SMALL_ORDER))))
    plain["device"]["publicKey"] = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    if choose.random() < 0.7:
        plain["device"]["id"] = hashlib.sha256(raw).hexdigest()
    if choose.random() < 0.4:
        plain["device"]["signature"] = base64.urlsafe_b64encode(raw + bytes(32)).decode()[:86]


def _other_secret(plain: Plain, choose: random.Random) -> None:
    """The right token stays; what the signature covered becomes another field."""
    plain["auth"] = choose.choice(
        (
            {"password": TOKEN},
            {"token": "", "password": TOKEN},
            {"deviceToken": TOKEN, "password": TOKEN},
            {"bootstrapToken": "x", "password": TOKEN},
        )
    )


def _moved(plain: Plain, choose: random.Random) -> None:
    """Signed for one field, read in another: the separator moves."""
    client = plain["client"]
    choose.choice(
        (
            lambda: client.update(platform="linux|linux", deviceFamily=""),
            lambda: client.update(platform="", deviceFamily="linux|linux"),
            lambda: plain.update(role="operator|operator.admin", scopes=[]),
            lambda: plain["device"].update(nonce=f"{NONCE}|linux"),
        )
    )()


CHANGES: tuple[Change, ...] = (
    *map(_text, ("device/id", "device/publicKey", "device/signature", "device/nonce")),
    *map(_text, ("client/platform", "client/deviceFamily", "role", "auth/token")),
    *map(_bit, ("publicKey", "signature", "signature")),
    *(_scopes, _time, _key, _other_secret, _moved),
)


class ProofAttacks(AttackCase):
    """Handshakes at a door that knows the device."""

    def mutated(self, count: int) -> Iterator[Plain]:
        choose = random.Random(6)
        for number in range(count):
            plain = fresh()
            CHANGES[number % len(CHANGES)](plain, choose)
            yield plain

    def come(self) -> Verdict:
        verdict, door, good = Verdict(), self.paired(), meaning(fresh())
        for number, plain in enumerate(self.mutated(10_600)):
            same = meaning(plain) == good
            # Each from somewhere else: who fails often is not looked at any more.
            verdict.note(plain, _is_admitted(door, plain, elsewhere(number)), same)
        return verdict

    def paired(self) -> Door:
        """A door that has let the device in before, from this machine."""
        door = Door(secret=TOKEN)
        self.assertTrue(_is_admitted(door, fresh(), LOCAL))
        return door

    @hostile(10_110)
    def test_ghsa_rv39_79c4_7459_identity_check_skipped(self) -> None:
        """The check of a device's identity could be skipped (also CVE-2026-32042, 8.7).

        Each field that is signed is changed afterwards, in ten thousand ways.
        """
        self.held(self.come())
        self.patch(admission, "verify_device", _trusting)
        self.caught(self.come())

    def replay(self) -> Verdict:
        verdict, door, choose = Verdict(), self.paired(), random.Random(66)
        for number in range(500):
            nonce = f"{choose.getrandbits(128):032x}"
            plain = plain_params("openclaw-tui/ui", device=OURS, nonce=nonce)
            verdict.note(f"replay {number}", _is_admitted(door, plain))
        return verdict

    @hostile(500)
    def test_ghsa_rv39_79c4_7459_used_nonce_replayed(self) -> None:
        """A handshake recorded on one connection, sent on another: the nonce is not its own."""
        self.held(self.replay())

        def forgetful(params: ConnectParams, nonce: str, now_ms: int) -> Identity:
            assert isinstance(params.device, msgspec.Struct)
            return device_proof.verify_device(params, params.device.nonce, now_ms)

        self.patch(admission, "verify_device", forgetful)
        self.caught(self.replay())

    def bring_the_secret(self, **policy: Any) -> Verdict:
        verdict = Verdict()
        door = Door(secret=TOKEN, **policy)
        for number in range(300):
            device = KeyedDevice(1000 + number)
            client = ("openclaw-tui/ui", "cli/cli", "node-host/node", "webchat-ui/webchat")[
                number % 4
            ]
            role = "node" if number % 4 == 2 else "operator"
            plain = plain_params(client, device=device, role=role)
            peer = REMOTE if number % 3 else elsewhere(number)
            _is_admitted(door, plain, peer)
            verdict.note((client, number), door.devices.get(device.id) is not None)
        return verdict

    @hostile(300)
    def test_cve_2026_32042_shared_secret_creates_a_grant(self) -> None:
        """An unpaired device with the shared secret was in (8.7): here it waits for the owner."""
        self.held(self.bring_the_secret())
        self.patch(Pairing, "_may_pair_silently", lambda *_: True)
        self.caught(self.bring_the_secret())


def elsewhere(number: int) -> Any:
    """Somebody on the internet, each time from elsewhere."""
    return evolve(REMOTE, address=f"203.{number // 250 % 250}.{number % 250}.9", loopback=False)


def _is_admitted(door: Door, plain: Plain, peer: Any = REMOTE) -> bool:
    try:
        decision = door.admission.admit(msgspec.convert(plain, ConnectParams), peer, NONCE)
    except (ConnectRefused, msgspec.ValidationError):
        return False
    ended: list[bool] = []
    if hasattr(decision, "addCallbacks"):
        decision.addCallbacks(lambda _: ended.append(True), lambda _: ended.append(False))
        return ended == [True]
    return True


def _trusting(params: ConnectParams, nonce: str, now_ms: int) -> Identity:
    """The bug: a device that shows its key and a fresh nonce is believed without a signature."""
    assert isinstance(params.device, msgspec.Struct)
    raw = device_proof._decode(params.device.public_key) or b""
    if params.device.nonce != nonce or len(raw) != 32:
        return device_proof.verify_device(params, nonce, now_ms)
    return Identity(params.device.id, params.device.public_key)
