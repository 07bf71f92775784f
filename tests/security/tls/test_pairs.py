import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import ConfigError
from openclaw.security.tls.pairs import (
    Pair,
    make_pair,
    read_configured_pair,
    read_pair,
    write_pair,
)

NOW = datetime(2026, 11, 20, 10, 0, 0, 400_000, tzinfo=UTC)


def pair_for(*names: str) -> Pair:
    """A pair for these names, valid for ninety days."""
    return make_pair(names or ["localhost"], NOW, timedelta(days=90))


class MakingTests(SynchronousTestCase):
    def test_it_is_for_all_names_and_addresses(self) -> None:
        certificate = pair_for("localhost", "127.0.0.1", "::1", "gw.example").certificate
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.assertEqual(names.get_values_for_type(x509.DNSName), ["localhost", "gw.example"])
        addresses = [str(one) for one in names.get_values_for_type(x509.IPAddress)]
        self.assertEqual(addresses, ["127.0.0.1", "::1"])

    def test_it_lasts_as_long_as_asked(self) -> None:
        pair = pair_for()
        self.assertEqual(pair.made_at, NOW.replace(microsecond=0) + timedelta(seconds=1))
        self.assertEqual(pair.expires_at - pair.made_at, timedelta(days=90))
        forever = make_pair(["localhost"], NOW, None)
        self.assertGreater(forever.expires_at - NOW, timedelta(days=3000))

    def test_no_two_are_alike(self) -> None:
        one, other = pair_for(), pair_for()
        self.assertNotEqual(one.fingerprint, other.fingerprint)
        self.assertNotEqual(one.key_pin, other.key_pin)

    def test_openssl_agrees_about_fingerprint_and_dates(self) -> None:
        path = Path(self.mktemp())
        pair = pair_for()
        write_pair(path, pair)
        told = subprocess.run(
            ["openssl", "x509", "-in", str(path), "-noout", "-sha256", "-fingerprint", "-enddate"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        self.assertIn(f"Fingerprint={pair.fingerprint}", told)
        self.assertIn("Feb 18 10:00:01 2027", told)


class FileTests(SynchronousTestCase):
    def write(self, content: bytes) -> Path:
        path = Path(self.mktemp())
        path.write_bytes(content)
        return path

    def refused(self, certificate: Path, key: Path) -> ConfigError:
        error: ConfigError = self.assertRaises(ConfigError, read_configured_pair, certificate, key)
        self.assertEqual(error.exit_status, 78)
        return error

    def test_only_the_owner_may_read_what_is_written(self) -> None:
        path = Path(self.mktemp()) / "tls" / "current.pem"
        pair = pair_for()
        write_pair(path, pair)
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(path.parent.stat().st_mode & 0o077, 0)
        self.assertEqual(read_pair(path, path).fingerprint, pair.fingerprint)
        write_pair(path, pair_for())
        self.assertEqual([one.name for one in path.parent.iterdir()], ["current.pem"])

    def test_a_chain_is_kept(self) -> None:
        path = Path(self.mktemp())
        write_pair(path, pair_for())
        with path.open("ab") as file:
            file.write(ssl.DER_cert_to_PEM_cert(_der(pair_for())).encode())
        pair = read_configured_pair(path, path)
        self.assertEqual(len(pair.chain), 2)
        pair.use_in(SSL.Context(SSL.TLS_SERVER_METHOD))

    def test_what_cannot_be_used_names_key_and_file(self) -> None:
        one, other = Path(self.mktemp()), Path(self.mktemp())
        write_pair(one, pair_for())
        write_pair(other, pair_for())
        nothing = self.write(b"nothing")
        missing = Path("/nowhere/x.pem")
        self.assertEqual(self.refused(missing, one).path, "gateway.tls.cert")
        self.assertEqual(self.refused(one, missing).path, "gateway.tls.key")
        self.assertIn("/nowhere/x.pem", str(self.refused(one, missing)))
        self.assertIn("does not belong", str(self.refused(one, other)))
        for certificate, key in ((nothing, one), (one, nothing)):
            self.assertEqual(self.refused(certificate, key).path, "gateway.tls.cert")

    def test_no_error_shows_a_key(self) -> None:
        one, other = Path(self.mktemp()), Path(self.mktemp())
        write_pair(one, pair_for())
        write_pair(other, pair_for())
        self.assertNotIn("PRIVATE", str(self.refused(one, other)))
        self.assertNotIn("key=", repr(pair_for()))

    def test_a_key_with_a_password_is_refused_in_words(self) -> None:
        path, locked = Path(self.mktemp()), Path(self.mktemp())
        write_pair(path, pair_for())
        subprocess.run(
            ["openssl", "pkey", "-in", path, "-out", locked, "-aes256", "-passout", "pass:x"],
            check=True,
            capture_output=True,
        )
        self.assertIn("password", str(self.refused(path, locked)))


def _der(pair: Pair) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return pair.certificate.public_bytes(Encoding.DER)
