"""Tests of device proofs: what official clients sign is accepted, every mutation of it is not."""

import base64
import copy
import random
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import ConnectRefused
from openclaw.protocol.connect import ConnectParams
from openclaw.security.device_proof import verify_device
from tests.security.clients import NONCE, NOW_MS, KeyedDevice, b64, plain_params

DEVICE, OTHER = KeyedDevice(1), KeyedDevice(2)
AUTHS: tuple[dict[str, str], ...] = (
    {"token": "tok"},
    {"deviceToken": "dev"},
    {"bootstrapToken": "boot"},
    {"token": "tok", "deviceToken": "dev", "bootstrapToken": "boot"},
    {"password": "pw"},
    {},
)
REASONS = {
    "DEVICE_AUTH_DEVICE_ID_MISMATCH": ("device identity mismatch", "device-id-mismatch"),
    "DEVICE_AUTH_SIGNATURE_EXPIRED": ("device signature expired", "device-signature-stale"),
    "DEVICE_AUTH_NONCE_MISMATCH": ("device nonce mismatch", "device-nonce-mismatch"),
    "DEVICE_AUTH_SIGNATURE_INVALID": ("device signature invalid", "device-signature"),
}


def verify(plain: dict[str, Any], nonce: str = NONCE, now_ms: int = NOW_MS) -> str:
    """The proven device id, or the code of the refusal."""
    try:
        params = msgspec.convert(plain, ConnectParams)
        return verify_device(params, nonce, now_ms).device_id
    except msgspec.ValidationError:
        return "schema"
    except ConnectRefused as error:
        assert error.details is not None
        code = str(error.details["code"])
        assert (error.message, error.details["reason"]) == REASONS[code]
        assert (error.wire_code, error.close_code) == ("INVALID_REQUEST", 1008)
        assert error.reason == error.message and error.details["next"]
        return code


class AcceptedProofTests(SynchronousTestCase):
    """Everything that official clients send."""

    def test_both_texts_with_every_credential(self) -> None:
        """v3 and v2; the token that is signed is the first present one, never the password."""
        for version in (2, 3):
            for auth in AUTHS:
                plain = plain_params(auth=auth, device=DEVICE, version=version)
                self.assertEqual(verify(plain), DEVICE.id, (version, auth))

    def test_key_encodings(self) -> None:
        """base64url and standard base64, padded and not; the identity has one spelling."""
        device = next(d for d in map(KeyedDevice, range(3, 99)) if b64(d.raw).count("-") > 1)
        standard = base64.b64encode(device.raw).decode()
        urlsafe = base64.urlsafe_b64encode(device.raw).decode()
        for key in (standard, standard.rstrip("="), urlsafe, urlsafe.rstrip("=")):
            plain = plain_params(device=device)
            plain["device"]["publicKey"] = key
            identity = verify_device(msgspec.convert(plain, ConnectParams), NONCE, NOW_MS)
            self.assertEqual(
                (identity.device_id, identity.public_key), (device.id, b64(device.raw))
            )

    def test_platform_is_signed_trimmed_and_lowercase(self) -> None:
        """As JavaScript trims, and in ASCII only; an absent family is empty."""
        for platform, family, signed in (
            (" MacIntel\n", " iPhone ", "macintel|iphone"),
            ("linux", None, "linux|"),
            ("\u00dcNIX\ufeff", "\u00c9T\u00c9", "\u00dcnix|\u00c9t\u00c9"),
            ("\x1fodd", "", "\x1fodd|"),
        ):
            plain = plain_params(platform=platform, family=family, device=DEVICE)
            text = f"v3|{DEVICE.id}|cli|cli|operator|{','.join(plain['scopes'])}|{NOW_MS}|"
            text += f"{plain['auth']['token']}|{NONCE}|{signed}"
            plain["device"]["signature"] = b64(DEVICE.key.sign(text.encode()))
            self.assertEqual(verify(plain), DEVICE.id, platform)

    def test_two_minutes_of_skew(self) -> None:
        """Either way, to the millisecond."""
        plain = plain_params(device=DEVICE)
        for skew in (-120_000, -1, 0, 1, 120_000):
            self.assertEqual(verify(plain, now_ms=NOW_MS + skew), DEVICE.id)
        for skew in (-600_000, -120_001, 120_001, 10**15):
            code = verify(plain, now_ms=NOW_MS + skew)
            self.assertEqual(code, "DEVICE_AUTH_SIGNATURE_EXPIRED")


class RefusedProofTests(SynchronousTestCase):
    """Everything else, with the right reason and in the right order."""

    def check(self, code: str, **device: Any) -> None:
        """Replace fields of a good proof and expect this refusal."""
        plain = plain_params(device=DEVICE)
        plain["device"] |= device
        self.assertEqual(verify(plain), code, device)

    def test_identity(self) -> None:
        """The id is the hash of the key: wrong, foreign, uppercase, short and unreadable ones."""
        code = "DEVICE_AUTH_DEVICE_ID_MISMATCH"
        self.check(code, id="ab" * 32)
        self.check(code, id=OTHER.id)
        self.check(code, id=DEVICE.id.upper())
        for key in (
            "AAAA",
            b64(OTHER.raw),
            b64(DEVICE.raw + b"x"),
            "!" * 43,
            "\u00e9",
            "A",
            "====",
        ):
            self.check(code, publicKey=key)

    def test_signature(self) -> None:
        """Zero, another device's, cut, unreadable."""
        code = "DEVICE_AUTH_SIGNATURE_INVALID"
        for signature in (b64(bytes(64)), b64(bytes(63)), "x", "%", b64(OTHER.key.sign(b"x"))):
            self.check(code, signature=signature)

    def test_a_used_nonce_is_refused(self) -> None:
        """A recorded handshake is worth nothing on the next connection."""
        plain = plain_params(device=DEVICE)
        self.assertEqual(verify(plain), DEVICE.id)
        self.assertEqual(verify(plain, nonce="another"), "DEVICE_AUTH_NONCE_MISMATCH")

    def test_order_of_the_checks(self) -> None:
        """Identity, clock, nonce, signature; the first that fails is named."""
        bad = {"id": "00" * 32, "signedAt": 5, "nonce": "x", "signature": b64(bytes(64))}
        expected = list(REASONS)
        for index, code in enumerate(expected):
            self.check(code, **dict(list(bad.items())[index:]))

    def test_separators_inside_fields_are_refused(self) -> None:
        """``a,b`` as one scope reads like two when signed; so does a ``|``."""
        plain = plain_params(device=DEVICE, scopes=["operator.read", "operator.write"])
        plain["scopes"] = ["operator.read,operator.write"]
        self.assertEqual(verify(plain), "DEVICE_AUTH_SIGNATURE_INVALID")
        plain = plain_params(device=DEVICE, platform="a|b", family="c")
        self.assertEqual(verify(plain), "DEVICE_AUTH_SIGNATURE_INVALID")

    def test_a_signature_has_one_spelling(self) -> None:
        """Stray bits in the last character are not ignored."""
        plain = plain_params(device=DEVICE)
        last = plain["device"]["signature"][-1]
        for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
            if other != last:
                changed = plain["device"]["signature"][:-1] + other
                self.check("DEVICE_AUTH_SIGNATURE_INVALID", signature=changed)


def _set(plain: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        plain = plain[name]
    plain[path[-1]] = value


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SIGNED_FIELDS: dict[tuple[str, ...], st.SearchStrategy[Any]] = {
    ("device", "id"): st.one_of(TEXT, st.just(OTHER.id)),
    ("device", "publicKey"): st.one_of(TEXT, st.binary(min_size=32, max_size=32).map(b64)),
    ("device", "signature"): st.one_of(TEXT, st.binary(min_size=64, max_size=64).map(b64)),
    ("device", "signedAt"): st.integers(0, 2**63),
    ("device", "nonce"): TEXT,
    ("client", "id"): st.sampled_from(["gateway-client", "openclaw-tui", "webchat", "test"]),
    ("client", "mode"): st.sampled_from(["ui", "backend", "node", "probe", "webchat"]),
    ("client", "platform"): TEXT,
    ("client", "deviceFamily"): TEXT,
    ("role",): st.one_of(st.just("node"), TEXT),
    ("scopes",): st.lists(st.sampled_from(["operator.admin", "operator.read", "operator.write"])),
    ("auth", "token"): TEXT,
}


class MutationTests(SynchronousTestCase):
    """Nothing of what was signed can be changed afterwards."""

    accepted_unchanged = 0

    @settings(
        max_examples=2500,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.sampled_from(sorted(SIGNED_FIELDS)).flatmap(
            lambda path: st.tuples(st.just(path), SIGNED_FIELDS[path])
        )
    )
    def test_no_mutation_is_accepted(self, mutation: tuple[tuple[str, ...], Any]) -> None:
        """One field of a v3 handshake becomes another value: refused, each time."""
        path, value = mutation
        plain = plain_params(auth={"token": "tok"}, scopes=["operator.read"], device=DEVICE)
        before = copy.deepcopy(plain)
        _set(plain, path, value)
        same = plain == before or (
            path[-1] in ("platform", "deviceFamily")
            and value.strip().lower() == before["client"][path[-1]].lower()
        )
        self.assertEqual(verify(plain) == DEVICE.id, same, mutation)

    def test_every_single_bit(self) -> None:
        """Each bit of signature and key flipped, and 300 pairs of bits."""
        plain = plain_params(device=DEVICE)
        signature = base64.urlsafe_b64decode(plain["device"]["signature"] + "==")
        pairs = random.Random(5)
        flips = [(bit, bit) for bit in range(512)]
        flips += [(pairs.randrange(512), pairs.randrange(512)) for _ in range(300)]
        for one, other in flips:
            changed = bytearray(signature)
            for bit in {one, other}:
                changed[bit // 8] ^= 1 << bit % 8
            plain["device"]["signature"] = b64(bytes(changed))
            self.assertEqual(verify(plain), "DEVICE_AUTH_SIGNATURE_INVALID", (one, other))
