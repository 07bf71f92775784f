"""The ``security`` section: the wire's encryption, and what is sealed; keys only."""

from typing import Annotated, Literal

from openclaw.config.schema.fields import Secret, Section, at_least, later, now
from openclaw.config.units import Seconds

TlsVersion = Literal["TLSv1.2", "TLSv1.3"]


class CertificateRotation(Section, frozen=True, kw_only=True):
    """How long a certificate that the gateway made itself is used."""

    enabled: Annotated[bool, now("Whether it is replaced before it expires.")] = True
    interval: Annotated[Seconds, now("How long one is valid.")] = Seconds(90 * 86_400)
    overlap: Annotated[
        Seconds, now("How long before its use the next one's fingerprint is published.")
    ] = Seconds(7 * 86_400)


class TransportTls(Section, frozen=True, kw_only=True):
    """What TLS on the gateway's port must be at least."""

    min_version: Annotated[TlsVersion, now("The oldest version that is spoken.")] = "TLSv1.3"
    ciphers: Annotated[
        tuple[str, ...],
        now("Cipher suites that may be used, by their standard names; empty: the usual good ones."),
    ] = ()
    certificate_rotation: Annotated[
        CertificateRotation, now("Replacement of a certificate that the gateway made.")
    ] = CertificateRotation()


class Encryption(Section, frozen=True, kw_only=True):
    """What is sealed where it is kept."""

    storage: Annotated[
        Literal["none", "aes-256-gcm"],
        now(
            "What people, agents and devices said, in the journal. A plain journal is sealed at "
            "the next start; a sealed one does not open without its key."
        ),
    ] = "none"
    message: Annotated[
        Literal["none", "aes-256-gcm"],
        later("Messages that leave the process into a queue of another program."),
    ] = "none"
    session: Annotated[
        Literal["none", "aes-256-gcm", "chacha20-poly1305"],
        now(
            "Conversations that ``openclaw sessions export`` writes to a file; their keys are in "
            "``<keyFile>-sessions``, or in ``masterKey``."
        ),
    ] = "none"
    key_file: Annotated[
        str | None,
        now("The keys' file; ``<state-dir>/gateway/encryption-keys``, made once, when absent."),
    ] = None
    master_key: Annotated[
        Secret | None,
        now(
            "The key from elsewhere instead: 32 bytes in base64 or hexadecimal; older ones that "
            "still open stand behind it, with spaces between. `openclaw encryption key` makes one."
        ),
    ] = None


class Transport(Section, frozen=True, kw_only=True):
    """Encryption on the way."""

    tls: Annotated[TransportTls, now("TLS on the gateway's port.")] = TransportTls()
    encryption: Annotated[Encryption | None, now("Another place for ``security.encryption``.")] = (
        None
    )


class Audit(Section, frozen=True, kw_only=True):
    """The trail of what was decided about access."""

    max_age: Annotated[Seconds, now("How long an entry is kept.")] = Seconds(90 * 86_400)
    max_rows: Annotated[int, at_least(100, "How many are kept at most.")] = 100_000


class Security(Section, frozen=True, kw_only=True):
    """Encryption."""

    transport: Annotated[Transport, now("Encryption on the way.")] = Transport()
    encryption: Annotated[Encryption | None, now("What is sealed at rest.")] = None
