"""A certificate with its private key: made, read, written; nothing is served from here."""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from attrs import field, frozen
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL, crypto

from openclaw.config.fingerprints import fingerprint, key_pin
from openclaw.errors import ConfigError

# A little into the past: the clocks of clients differ from ours.
_EARLIER = timedelta(hours=1)
_FOREVER = timedelta(days=3650)

PrivateKey = (
    ec.EllipticCurvePrivateKey
    | rsa.RSAPrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)


@frozen
class Pair:
    """A private key and the chain of its certificate, the certificate first."""

    key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...]

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate itself."""
        return self.chain[0]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate: what clients pin."""
        return fingerprint(self.certificate.public_bytes(serialization.Encoding.DER))

    @property
    def key_pin(self) -> str:
        """The pin of the key."""
        return key_pin(
            self.certificate.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    @property
    def made_at(self) -> datetime:
        """When one of our own was made."""
        return self.certificate.not_valid_before_utc + _EARLIER

    @property
    def expires_at(self) -> datetime:
        """When it stops being valid."""
        return self.certificate.not_valid_after_utc

    def use_in(self, context: SSL.Context) -> None:
        """Present this pair from now on.

        :raises ValueError: key and certificate do not belong together.
        """
        try:
            context.use_certificate(crypto.X509.from_cryptography(self.certificate))
            for above in self.chain[1:]:
                context.add_extra_chain_cert(crypto.X509.from_cryptography(above))
            context.use_privatekey(crypto.PKey.from_cryptography_key(self.key))
            context.check_privatekey()
        except SSL.Error:
            raise ValueError("the private key does not belong to the certificate") from None


def read_pair(certificate: Path, key: Path) -> Pair:
    """Read two PEM files.

    :raises OSError: if one cannot be read.
    :raises ValueError: if one holds something else.
    """
    chain = x509.load_pem_x509_certificates(certificate.read_bytes())
    return Pair(_read_key(key.read_bytes()), tuple(chain))


def read_configured_pair(certificate: Path, key: Path) -> Pair:
    """Read the files that the configuration names.

    :raises ConfigError: names the key, the file and what is wrong with it.
    """
    try:
        pair = read_pair(certificate, key)
        pair.use_in(SSL.Context(SSL.TLS_SERVER_METHOD))
    except OSError as error:
        path = "gateway.tls.key" if str(error.filename) == str(key) else "gateway.tls.cert"
        raise ConfigError(f"cannot read {error.filename}: {error.strerror}", path) from None
    except ValueError as error:
        raise ConfigError(
            f"cannot use {certificate} with the key {key}: {error}", "gateway.tls.cert"
        ) from None
    return pair


def make_pair(names: Sequence[str], now: datetime, lifetime: timedelta | None) -> Pair:
    """Make a key and a self-signed certificate for it.

    :param names: host names and addresses it is for.
    :param lifetime: how long it is valid; ten years if ``None``.
    """
    # Certificates know whole seconds; ours must not look older than it is.
    now = now.replace(microsecond=0) + timedelta(seconds=1 if now.microsecond else 0)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "openclaw-gateway")])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + (lifetime or _FOREVER))
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(usage, False)
        .sign(key, hashes.SHA256())
    )
    return Pair(key, (certificate,))


def write_pair(path: Path, pair: Pair) -> None:
    """Put key and certificate into one file that only its owner may read, all of it or nothing."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    private = pair.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(private)
        for certificate in pair.chain:
            file.write(certificate.public_bytes(serialization.Encoding.PEM))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read_key(pem: bytes) -> PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, None)
    except UnsupportedAlgorithm:
        raise ValueError("the key is of a kind that TLS has no use for") from None
    except TypeError:
        raise ValueError("the key is protected by a password; store it without one") from None
    if not isinstance(key, PrivateKey):
        raise ValueError("the key is of a kind that TLS has no use for")
    return key


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)
