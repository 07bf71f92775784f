"""TLS for the blocking client: the certificate is checked before a byte of ours is sent."""

import socket
import ssl
from collections.abc import Collection

from openclaw.client.address import GatewayAddress
from openclaw.client.blocking_socket import Deadline
from openclaw.client.errors import GatewayUnreachable, UntrustedCertificate
from openclaw.config.fingerprints import fingerprint


def encrypt(
    stream: socket.socket, address: GatewayAddress, pins: Collection[str], deadline: Deadline
) -> ssl.SSLSocket:
    """Begin TLS on a fresh connection; it is closed if that fails.

    :param pins: fingerprints of which the certificate must have one; none: the system's rules.
    :raises UntrustedCertificate: it is somebody else's.
    :raises GatewayUnreachable: the peer speaks no TLS.
    """
    context = _unchecked() if pins else ssl.create_default_context()
    try:
        stream.settimeout(deadline.left())
        encrypted = context.wrap_socket(stream, server_hostname=address.certificate_name)
    except ssl.SSLCertVerificationError as error:
        stream.close()
        why = error.verify_message.rstrip(".")
        seen = _shown(address, deadline)
        raise UntrustedCertificate(address.url, seen, pinned=False, why=why) from None
    except TimeoutError:
        stream.close()
        raise deadline.missed() from None
    except OSError as error:
        stream.close()
        raise GatewayUnreachable(address.url, f"no TLS there: {_words(error)}") from None
    except BaseException:
        stream.close()
        raise
    seen = fingerprint(encrypted.getpeercert(binary_form=True) or b"")
    if pins and seen not in pins:
        encrypted.close()
        raise UntrustedCertificate(address.url, seen, pinned=True)
    return encrypted


def _shown(address: GatewayAddress, deadline: Deadline) -> str:
    """Look at the certificate that was refused, on a connection that carries nothing."""
    try:
        place = (address.host, address.port)
        with (
            socket.create_connection(place, deadline.left()) as stream,
            _unchecked().wrap_socket(stream, server_hostname=address.certificate_name) as look,
        ):
            return fingerprint(look.getpeercert(binary_form=True) or b"")
    except OSError:
        return ""


def _unchecked() -> ssl.SSLContext:
    """A context that believes anybody: whoever uses it compares fingerprints."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _words(error: OSError) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error.strerror or error).replace("_", " ").lower()
