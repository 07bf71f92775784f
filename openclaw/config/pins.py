"""Pinned certificates and keys of the configuration, checked; compares nothing."""

from collections.abc import Mapping

from openclaw.config.check import join
from openclaw.config.fingerprints import read_fingerprints, read_key_pin
from openclaw.errors import ConfigError


def remote_fingerprints(text: str | None) -> tuple[str, ...]:
    """Read ``gateway.remote.tlsFingerprint``.

    :raises ConfigError: if there is something that is no fingerprint.
    """
    if text is None or not text.strip():
        return ()
    try:
        return read_fingerprints(text)
    except ValueError as error:
        raise ConfigError(str(error), "gateway.remote.tlsFingerprint") from None


def host_pins(configured: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Read ``connections.pins``.

    :return: pins by lowercase host name.
    :raises ConfigError: for a pin that is none, or a host with an empty list: a host whose every
        connection fails is nothing anybody means.
    """
    pins = {}
    for host, texts in configured.items():
        path = join("connections.pins", host)
        if not texts:
            raise ConfigError("expected at least one pin", path)
        pins[_host(host, path)] = tuple(_pin(text, path, n) for n, text in enumerate(texts))
    return pins


def _host(text: str, path: str) -> str:
    host = text.strip().lower().removesuffix(".").removeprefix("[").removesuffix("]")
    if not host or any(character in host for character in "/@*, ") or host.count(":") == 1:
        raise ConfigError("expected a host name, without scheme, port or wildcard", path)
    return host


def _pin(text: str, path: str, index: int) -> str:
    try:
        return read_key_pin(text)
    except ValueError as error:
        raise ConfigError(str(error), f"{path}[{index}]") from None
