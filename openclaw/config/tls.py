"""What the configuration says about TLS on the gateway's port, decided; opens no file."""

from pathlib import Path
from typing import Literal

from attrs import frozen

from openclaw.config.schema import Config
from openclaw.config.schema.gateway import Tls
from openclaw.config.schema.security import TlsVersion
from openclaw.errors import ConfigError

ClientCertificates = Literal["off", "optional", "required"]


@frozen(kw_only=True)
class TlsSettings:
    """How the port speaks TLS.

    :ivar certificate: PEM file of the certificate and its chain; ``None``: self-signed, made here.
    :ivar key: PEM file of its private key; never ``None`` where there is a certificate.
    :ivar authorities: PEM file of whom client certificates must be signed by.
    :ivar rotation_seconds: how long a certificate of our own is valid; ``None``: no rotation.
    :ivar overlap_seconds: how long before its use the next one is published.
    """

    enabled: bool = False
    certificate: Path | None = None
    key: Path | None = None
    authorities: Path | None = None
    client_certificates: ClientCertificates = "off"
    min_version: TlsVersion = "TLSv1.3"
    ciphers: tuple[str, ...] = ()
    rotation_seconds: float | None = None
    overlap_seconds: float = 0.0


def tls_settings(config: Config, home: Path) -> TlsSettings:
    """Decide everything about TLS.

    :param home: the user's home directory, for ``~``.
    :raises ConfigError: if keys contradict each other, or one is missing.
    """
    tls, transport = config.gateway.tls, config.security.transport.tls
    certificate = _path(tls.cert, tls.cert_path, "cert", home)
    key = _path(tls.key, tls.key_path, "key", home)
    if (certificate is None) != (key is None):
        missing = "cert" if certificate is None else "key"
        raise ConfigError("certificate and key go together, and it is missing", _at(missing))
    if tls.enabled and certificate is None and not tls.auto_generate:
        raise ConfigError("is needed, because gateway.tls.autoGenerate is false", _at("cert"))
    rotation = transport.certificate_rotation
    if rotation.enabled and not 0 < rotation.overlap < rotation.interval:
        raise ConfigError(
            "expected more than nothing and less than interval",
            "security.transport.tls.certificateRotation.overlap",
        )
    authorities = _expanded(tls.ca_path, home) if tls.ca_path else None
    return TlsSettings(
        enabled=tls.enabled,
        certificate=certificate,
        key=key,
        authorities=authorities,
        client_certificates=_client_certificates(tls, authorities),
        min_version=transport.min_version,
        ciphers=transport.ciphers,
        rotation_seconds=float(rotation.interval) if rotation.enabled else None,
        overlap_seconds=float(rotation.overlap),
    )


def _client_certificates(tls: Tls, authorities: Path | None) -> ClientCertificates:
    wanted = tls.client_certificates
    if wanted is None:
        return "optional" if authorities else "off"
    if wanted != "off" and authorities is None:
        raise ConfigError(
            f'gateway.tls.clientCertificates is "{wanted}" and needs it: '
            "a PEM file of the authorities, or of the clients' own self-signed certificates",
            _at("caPath"),
        )
    return wanted


def _path(one: str | None, other: str | None, name: str, home: Path) -> Path | None:
    if one and other and one != other:
        raise ConfigError(
            f'is "{other}", but gateway.tls.{name} is "{one}"; keep one of the two',
            _at(f"{name}Path"),
        )
    text = one or other
    return _expanded(text, home) if text else None


def _expanded(text: str, home: Path) -> Path:
    return home / text[2:] if text.startswith("~/") else Path(text)


def _at(key: str) -> str:
    return f"gateway.tls.{key}"
