from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase

from openclaw.assembly.encryption import encrypted, make_keeper, names_of
from openclaw.config.settings import Options, Settings, read_settings


class EncryptionTests(SynchronousTestCase):
    def settings(self, gateway: dict[str, Any]) -> Settings:
        state = Path(self.mktemp())
        state.mkdir()
        (state / "openclaw.json").write_bytes(msgspec.json.encode({"gateway": gateway}))
        return read_settings(Options(state_dir=str(state)), {}, state)

    def test_a_certificate_is_for_every_name_the_gateway_may_have(self) -> None:
        origins = [
            "https://gw.example:8443",
            "https://[fd00::1]",
            "null",
            "https://[::1",
            "nonsense",
        ]
        found = names_of(self.settings({"host": "192.168.1.10", "allowedOrigins": origins}))
        for name in ("localhost", "127.0.0.1", "::1", "192.168.1.10", "gw.example", "fd00::1"):
            self.assertEqual(found.count(name), 1, found)
        self.assertEqual(len(found), len(set(found)))

    def test_an_address_that_means_all_is_no_name(self) -> None:
        for host in ("0.0.0.0", "::"):
            self.assertNotIn(host, names_of(self.settings({"host": host})))

    def test_without_tls_there_is_no_certificate_and_nothing_in_between(self) -> None:
        settings, factory = self.settings({}), Factory()
        self.assertIsNone(make_keeper(settings, Clock()))
        self.assertIs(encrypted(factory, None, Clock()), factory)
        self.assertFalse((settings.places.own_dir / "tls").exists())

    def test_with_tls_the_certificate_lies_in_our_part_of_the_state_directory(self) -> None:
        settings, clock = self.settings({"tls": {"enabled": True}}), Clock()
        keeper = make_keeper(settings, clock)
        self.assertIsNotNone(keeper)
        self.assertTrue((settings.places.own_dir / "tls" / "current.pem").is_file())
        self.assertIsInstance(encrypted(Factory(), keeper, clock), TLSMemoryBIOFactory)
