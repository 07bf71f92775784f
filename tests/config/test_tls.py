from pathlib import Path
from typing import Any

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.schema import Config
from openclaw.config.tls import TlsSettings, tls_settings
from openclaw.config.units import decode_unit
from openclaw.errors import ConfigError

HOME = Path("/home/me")
DAY = 86_400.0


def decided(tls: dict[str, Any], transport: dict[str, Any] | None = None) -> TlsSettings:
    """Decide over these two sections."""
    tree = {"gateway": {"tls": tls}, "security": {"transport": {"tls": transport or {}}}}
    return tls_settings(msgspec.convert(tree, Config, dec_hook=decode_unit), HOME)


class TlsTests(SynchronousTestCase):
    def refused(self, *sections: dict[str, Any]) -> str:
        error: ConfigError = self.assertRaises(ConfigError, decided, *sections)
        return error.path

    def test_the_default_is_off_and_strict(self) -> None:
        found = decided({})
        self.assertEqual((found.enabled, found.min_version, found.ciphers), (False, "TLSv1.3", ()))
        self.assertEqual((found.rotation_seconds, found.overlap_seconds), (90 * DAY, 7 * DAY))
        self.assertEqual(found.client_certificates, "off")

    def test_both_spellings_of_the_files_mean_the_same(self) -> None:
        pair = (Path("/a.crt"), HOME / "a.key")
        for tls in (
            {"cert": "/a.crt", "key": "~/a.key"},
            {"certPath": "/a.crt", "keyPath": "~/a.key"},
            {"cert": "/a.crt", "certPath": "/a.crt", "keyPath": "~/a.key"},
        ):
            found = decided({"enabled": True, **tls})
            self.assertEqual((found.certificate, found.key), pair)

    def test_what_contradicts_itself_or_is_half_is_refused(self) -> None:
        self.assertEqual(self.refused({"cert": "/a", "certPath": "/b"}), "gateway.tls.certPath")
        self.assertEqual(self.refused({"key": "/a", "keyPath": "/b"}), "gateway.tls.keyPath")
        self.assertEqual(self.refused({"cert": "/a"}), "gateway.tls.key")
        self.assertEqual(self.refused({"keyPath": "/a"}), "gateway.tls.cert")
        off = {"enabled": True, "autoGenerate": False}
        self.assertEqual(self.refused(off), "gateway.tls.cert")
        for overlap, interval in (("7d", "7d"), ("8d", "7d"), ("0", "7d")):
            rotation = {"interval": interval, "overlap": overlap}
            self.assertEqual(
                self.refused({}, {"certificateRotation": rotation}),
                "security.transport.tls.certificateRotation.overlap",
            )

    def test_rotation_can_be_off(self) -> None:
        found = decided({}, {"certificateRotation": {"enabled": False, "overlap": "99d"}})
        self.assertIsNone(found.rotation_seconds)

    def test_authorities_make_client_certificates_optional_unless_more_is_asked(self) -> None:
        for wanted, expected in ((None, "optional"), ("required", "required"), ("off", "off")):
            tls: dict[str, Any] = {"enabled": True, "caPath": "~/ca.pem"}
            found = decided(tls if wanted is None else {**tls, "clientCertificates": wanted})
            self.assertEqual(found.client_certificates, expected)
            self.assertEqual(found.authorities, HOME / "ca.pem")
        for wanted in ("optional", "required"):
            self.assertEqual(self.refused({"clientCertificates": wanted}), "gateway.tls.caPath")
