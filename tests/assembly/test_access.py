"""From ``gateway.pairing`` as it is written to what decides; and which addresses are ours."""

from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.assembly.access import is_own_address, pairing_policy
from openclaw.config.load import load
from openclaw.config.serving import check_serving
from openclaw.config.settings import Options, read_settings
from openclaw.errors import ConfigError
from openclaw.protocol.base import encode
from openclaw.security.addresses import parse
from openclaw.security.policy import PairingPolicy, PlacePolicy


class PolicyTests(SynchronousTestCase):
    """Every key reaches the place where it counts."""

    def policy(self, pairing: Any) -> PairingPolicy:
        """What a configuration means."""
        path = Path(self.mktemp())
        path.write_bytes(encode({"gateway": {"pairing": pairing}}))
        return pairing_policy(load(path).config.gateway.pairing)

    def test_without_a_word(self) -> None:
        """The defaults of both sides agree."""
        self.assertEqual(self.policy({}), PairingPolicy())

    def test_every_key(self) -> None:
        """As in the documentation."""
        policies = {
            "localhost": {"autoApprove": False, "ownTailnet": True},
            "lan": {"autoApprove": True, "requireToken": True, "tokenLifetime": "30d"},
            "tailnet": {"tokenLifetime": "12h"},
            "wan": {"mfa": True, "tokenLifetime": "7d"},
        }
        self.assertEqual(
            self.policy({"mode": "strict", "renewTokens": True, "policies": policies}),
            PairingPolicy(
                mode="strict",
                localhost=PlacePolicy(auto_approve=False),
                lan=PlacePolicy(
                    auto_approve=True, require_token=True, lifetime_seconds=30 * 86_400
                ),
                tailnet=PlacePolicy(lifetime_seconds=12 * 3600),
                wan=PlacePolicy(mfa=True, lifetime_seconds=7 * 86_400),
                own_tailnet=True,
                renew_tokens=True,
            ),
        )

    def test_nonsense_is_refused(self) -> None:
        """With the path of what is wrong."""
        for pairing, path in (
            ({"mode": "off"}, "gateway.pairing.mode"),
            ({"policies": {"lan": {"tokenLifetime": "long"}}}, "gateway.pairing.policies.lan"),
        ):
            error = self.assertRaises(ConfigError, self.policy, pairing)
            self.assertIn(path, str(error))

    def test_without_pairing_only_on_loopback(self) -> None:
        """#82: a gateway that others reach asks before it lets devices in."""
        home = Path(self.mktemp())
        home.mkdir()
        path = home / "openclaw.json"
        path.write_bytes(encode({"gateway": {"pairing": {"mode": "disabled"}}}))
        for host, refused in (("127.0.0.1", False), ("0.0.0.0", True)):
            options = Options(config=str(path), host=host, allow_plaintext=True)
            settings = read_settings(options, {}, home)
            if refused:
                error = self.assertRaises(ConfigError, check_serving, settings)
                self.assertEqual(error.path, "gateway.pairing.mode")
            else:
                check_serving(settings)


class OwnAddressTests(SynchronousTestCase):
    """What a socket can be bound to."""

    def test_ours_and_others(self) -> None:
        """Loopback is ours; an address of the documentation is nobody's."""
        for text, own in (("127.0.0.1", True), ("192.0.2.1", False), ("2001:db8::1", False)):
            address = parse(text)
            assert address is not None
            self.assertEqual(is_own_address(address), own, text)
