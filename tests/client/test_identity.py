"""Tests of openclaw.client.identity: the proof a gateway can check."""

from base64 import urlsafe_b64decode
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from twisted.trial.unittest import SynchronousTestCase

from openclaw.client.identity import DeviceIdentity
from openclaw.client.settings import Credentials
from openclaw.protocol.connect import Challenge, ClientInfo

SEED = bytes(range(32))
CLIENT = ClientInfo(
    id="openclaw-tui", mode="ui", version="1", platform=" Linux ", device_family="PC İ"
)


def _raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class IdentityTests(SynchronousTestCase):
    """One key, one proof."""

    def setUp(self) -> None:
        self.device = DeviceIdentity.from_seed(SEED)
        self.proof = self.device.prove(
            Challenge(nonce="n-1", ts=1234), CLIENT, "operator", ["b", "a"], "secret"
        )

    def test_the_signature_covers_the_v3_text(self) -> None:
        """Scopes in the order sent; only ASCII letters are folded."""
        text = f"v3|{self.device.device_id}|openclaw-tui|ui|operator|b,a|1234|secret|n-1|linux|pc İ"
        public = Ed25519PublicKey.from_public_bytes(_raw(self.proof.public_key))
        public.verify(_raw(self.proof.signature), text.encode())

    def test_the_id_is_the_hash_of_the_key(self) -> None:
        """Lowercase hex of the raw key."""
        self.assertEqual(self.proof.id, sha256(_raw(self.proof.public_key)).hexdigest())
        self.assertEqual(len(_raw(self.proof.public_key)), 32)

    def test_it_answers_this_challenge(self) -> None:
        """Nonce and time are the gateway's."""
        self.assertEqual((self.proof.nonce, self.proof.signed_at), ("n-1", 1234))

    def test_base64_is_url_safe_without_padding(self) -> None:
        """As official clients send it."""
        for text in (self.proof.public_key, self.proof.signature):
            self.assertFalse(set(text) & set("+/="), text)

    def test_no_secret_is_shown(self) -> None:
        """Neither key nor credentials have a telling repr."""
        shown = repr(self.device) + repr(Credentials("tok-1", "pass-1", "dev-1", "boot-1"))
        for secret in ("tok-1", "pass-1", "dev-1", "boot-1", "PrivateKey"):
            self.assertNotIn(secret, shown)

    def test_what_is_signed_is_the_first_credential_and_never_a_password(self) -> None:
        """The order of the protocol."""
        self.assertEqual(Credentials(password="p").signed, "")
        self.assertEqual(Credentials(bootstrap_token="b", password="p").signed, "b")
        self.assertEqual(Credentials(device_token="d", bootstrap_token="b").signed, "d")
        self.assertEqual(Credentials(token="t", device_token="d").signed, "t")
