"""What the port speaks, with Python's ssl as the judge."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from OpenSSL import SSL, crypto
from twisted.internet.ssl import PrivateCertificate
from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.fingerprints import fingerprint
from openclaw.config.tls import TlsSettings
from openclaw.errors import ConfigError
from openclaw.interfaces.security import ClientCertificate, Peer
from openclaw.security.tls.clients import client_certificate, with_certificate
from openclaw.security.tls.contexts import ServerContexts
from openclaw.security.tls.pairs import Pair, make_pair
from tests.http.test_outbound import certificate_for_loopback
from tests.security.tls.wire import Shaken, trusting

REFUSED = (ssl.SSLError, SSL.Error)


def fresh(*names: str) -> Pair:
    """A pair for these names."""
    return make_pair(names or ["localhost"], datetime.now(UTC), timedelta(days=1))


class _Transport:
    """What a TLS transport tells of its peer."""

    def __init__(self, connection: SSL.Connection) -> None:
        self.getPeerCertificate = connection.get_peer_certificate


class ContextCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.pair = fresh()

    def shake(self, settings: TlsSettings, client: ssl.SSLContext | None = None) -> Shaken:
        return Shaken.with_pair(self.pair, settings, client=client)


class VersionTests(ContextCase):
    def client(self, version: ssl.TLSVersion) -> ssl.SSLContext:
        context = trusting()
        context.maximum_version = version
        return context

    def test_tls_1_3_is_the_floor(self) -> None:
        settings = TlsSettings(enabled=True)
        self.assertEqual(self.shake(settings).client.version(), "TLSv1.3")
        self.assertRaises(REFUSED, self.shake, settings, self.client(ssl.TLSVersion.TLSv1_2))

    def test_tls_1_2_can_be_had_and_nothing_older(self) -> None:
        settings = TlsSettings(enabled=True, min_version="TLSv1.2")
        self.assertEqual(self.shake(settings).client.version(), "TLSv1.3")
        shaken = self.shake(settings, self.client(ssl.TLSVersion.TLSv1_2))
        self.assertEqual(shaken.client.version(), "TLSv1.2")
        old = trusting()
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        self.assertRaises(REFUSED, self.shake, settings, old)

    def test_suites_without_forward_secrecy_or_authentication_are_not_spoken(self) -> None:
        settings = TlsSettings(enabled=True, min_version="TLSv1.2")
        for suites in ("AES128-GCM-SHA256:@SECLEVEL=0", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"):
            client = self.client(ssl.TLSVersion.TLSv1_2)
            client.set_ciphers(suites)
            self.assertRaises(REFUSED, self.shake, settings, client)


class SuiteTests(ContextCase):
    def test_the_suite_is_one_of_the_list(self) -> None:
        for name in (
            "TLS_AES_128_GCM_SHA256",
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
        ):
            cipher = self.shake(TlsSettings(enabled=True, ciphers=(name,))).client.cipher()
            self.assertEqual(cipher and cipher[0], name)

    def test_both_names_of_an_older_suite_are_known(self) -> None:
        for name in ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"):
            settings = TlsSettings(enabled=True, min_version="TLSv1.2", ciphers=(name,))
            cipher = self.shake(settings).client.cipher()
            self.assertEqual(cipher and cipher[0], "ECDHE-ECDSA-AES256-GCM-SHA384")

    def test_an_unknown_or_weak_name_is_refused_with_its_place(self) -> None:
        good = "TLS_AES_128_GCM_SHA256"
        for version, name in (
            ("TLSv1.3", "TLS_AES_128_GCM"),
            ("TLSv1.3", "ALL"),
            ("TLSv1.3", f"{good}:ALL"),
            ("TLSv1.3", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
            ("TLSv1.2", "AES128-SHA"),
            ("TLSv1.2", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
            ("TLSv1.2", "NULL"),
        ):
            settings = TlsSettings(enabled=True, min_version=version, ciphers=(good, name))  # type: ignore[arg-type]  # the table's texts
            error: ConfigError = self.assertRaises(ConfigError, ServerContexts, settings, self.pair)
            self.assertEqual(error.path, "security.transport.tls.ciphers[1]")
            self.assertEqual(error.exit_status, 78)


class ProtocolTests(ContextCase):
    def negotiated(self, *offered: str) -> str | None:
        client = trusting()
        if offered:
            client.set_alpn_protocols(list(offered))
        return self.shake(TlsSettings(enabled=True), client).client.selected_alpn_protocol()

    def test_http_1_1_is_what_is_spoken(self) -> None:
        self.assertEqual(self.negotiated("h2", "http/1.1"), "http/1.1")
        self.assertEqual(self.negotiated("http/1.1"), "http/1.1")
        self.assertIsNone(self.negotiated("h2"))
        self.assertIsNone(self.negotiated())

    def test_no_session_can_be_resumed_past_a_rotation(self) -> None:
        contexts, client = ServerContexts(TlsSettings(enabled=True), self.pair), trusting()
        before = Shaken(contexts, client)
        self.assertEqual(before.echo(b"x"), b"x")
        contexts.use(fresh())
        after = Shaken(contexts, client, before.client.session)
        self.assertEqual(after.echo(b"x"), b"x")
        self.assertFalse(before.client.session_reused or after.client.session_reused)


class ReplacementTests(ContextCase):
    def test_open_connections_live_on_while_new_ones_see_the_new_certificate(self) -> None:
        contexts = ServerContexts(TlsSettings(enabled=True), self.pair)
        old = Shaken(contexts)
        following = fresh()
        contexts.use(following)
        new = Shaken(contexts)
        for shaken, pair in ((old, self.pair), (new, following)):
            shown = shaken.client.getpeercert(binary_form=True) or b""
            self.assertEqual(fingerprint(shown), pair.fingerprint)
            self.assertEqual(shaken.echo(b"still here"), b"still here")


class ClientCertificateTests(ContextCase):
    def setUp(self) -> None:
        super().setUp()
        self.known, self.stranger = certificate_for_loopback(), certificate_for_loopback()
        self.authorities = self.write(self.known)

    def write(self, shown: PrivateCertificate) -> Path:
        path = Path(self.mktemp())
        path.write_bytes(shown.dumpPEM() + shown.privateKey.dump(crypto.FILETYPE_PEM))
        return path

    def client(self, shown: PrivateCertificate | None) -> ssl.SSLContext:
        context = trusting()
        if shown is not None:
            context.load_cert_chain(self.write(shown))
        return context

    def seen(self, mode: str, shown: PrivateCertificate | None) -> ClientCertificate | None:
        settings = TlsSettings(
            enabled=True,
            client_certificates=mode,  # type: ignore[arg-type]  # the table's texts
            authorities=self.authorities,
        )
        shaken = self.shake(settings, self.client(shown))
        self.assertEqual(shaken.echo(b"x"), b"x")
        transport = _Transport(shaken.server)
        peer = with_certificate(Peer("127.0.0.1", True), transport)
        behind_proxy = with_certificate(Peer("127.0.0.1", True, forwarded=True), transport)
        self.assertIsNone(behind_proxy.certificate)
        self.assertEqual(peer.certificate, client_certificate(transport))
        return peer.certificate

    def test_a_verified_certificate_is_told(self) -> None:
        for mode in ("optional", "required"):
            seen = self.seen(mode, self.known)
            assert seen is not None
            self.assertEqual(seen.names[0], fingerprint(self.known.dump()))
            ends = self.known.original.to_cryptography().not_valid_after_utc
            self.assertEqual(seen.expires_at_ms, ends.timestamp() * 1000)

    def test_none_is_fine_unless_required(self) -> None:
        self.assertIsNone(self.seen("optional", None))
        self.assertRaises(REFUSED, self.seen, "required", None)

    def test_a_strangers_certificate_ends_the_handshake(self) -> None:
        for mode in ("optional", "required"):
            self.assertRaises(REFUSED, self.seen, mode, self.stranger)

    def test_nobody_is_asked_by_default(self) -> None:
        self.assertIsNone(self.seen("off", self.known))

    def test_a_connection_without_tls_has_none(self) -> None:
        peer = Peer("127.0.0.1", True)
        self.assertIs(with_certificate(peer, object()), peer)

    def test_authorities_that_are_none_are_a_configuration_error(self) -> None:
        empty = Path(self.mktemp())
        for path in (empty, Path("/nowhere/ca.pem")):
            settings = TlsSettings(enabled=True, client_certificates="optional", authorities=path)
            error: ConfigError = self.assertRaises(ConfigError, ServerContexts, settings, self.pair)
            self.assertEqual(error.path, "gateway.tls.caPath")
            empty.write_text("nothing")
