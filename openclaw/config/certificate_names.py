"""How the configuration calls client certificates: by fingerprint, by subject, by common name."""

from typing import TYPE_CHECKING

from openclaw.config.fingerprints import read_fingerprints

if TYPE_CHECKING:
    from cryptography.x509 import Name

SUBJECT, COMMON_NAME = "dn:", "cn:"


def read_certificate_names(text: str) -> tuple[str, ...]:
    """Read what a rule is about: ``cn:NAME``, ``dn:CN=…,O=…``, or fingerprints.

    :return: one spelling for each; a certificate has the same, see :func:`subject_names`.
    :raises ValueError: it is none of these.
    """
    kind = text[: len(SUBJECT)].lower()
    if kind == COMMON_NAME:
        name = text[len(COMMON_NAME) :].strip()
        if not name:
            raise ValueError("expected a name after cn:, found nothing")
        return (COMMON_NAME + name,)
    if kind == SUBJECT:
        return (SUBJECT + _read_subject(text[len(SUBJECT) :].strip()),)
    try:
        return read_fingerprints(text)
    except ValueError as error:
        raise ValueError(f"{error}; subjects are written dn:CN=…,O=… or cn:…") from None


def subject_names(subject: "Name") -> tuple[str, ...]:
    """What a certificate with this subject may be called by, the most exact first.

    Whoever has two common names, or an empty one, is not known by either.
    """
    from cryptography.x509.oid import NameOID

    if not subject.rdns:
        return ()
    common = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    whole = SUBJECT + subject.rfc4514_string()
    if len(common) != 1 or not isinstance(name := common[0].value, str) or not name.strip():
        return (whole,)
    return whole, COMMON_NAME + name


def _read_subject(text: str) -> str:
    from cryptography.x509 import Name  # Too much to load for commands that need none of it.
    from cryptography.x509.oid import NameOID

    also = {"emailAddress": NameOID.EMAIL_ADDRESS, "serialNumber": NameOID.SERIAL_NUMBER}
    try:
        subject = Name.from_rfc4514_string(text, also)
    except ValueError:
        subject = Name([])
    if not subject.rdns:
        raise ValueError(
            "expected a subject such as dn:CN=alice,O=Example, as `openssl x509 -noout -subject "
            f'-nameopt RFC2253` prints it, found "{text}"'
        )
    return subject.rfc4514_string()
