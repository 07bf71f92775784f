"""The public keys of an OpenID provider, from the configuration or a file; asks no network."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from attrs import frozen
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry, deserialize_compact
from twisted.logger import Logger

from openclaw.errors import ConfigError
from openclaw.security.identities.token_text import MAX_LENGTH, TokenText

_AT = "access.authentication.oidc.jwks"
_MAX_BYTES = 1 << 20
_SMALLEST_RSA = 2048
# RFC 9864 gives the algorithm a new name; providers still use the old one.
warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)


class _Registry(JWSRegistry):
    """Real tokens have longer headers and signatures than the library expects of them."""

    max_header_length = MAX_LENGTH
    max_payload_length = MAX_LENGTH


@frozen
class ProviderKey:
    """One public key.

    :ivar algorithm: the only one it may be used with.
    """

    key_id: str | None
    algorithm: str
    key: Key

    def signed(self, token: TokenText) -> bool:
        """Whether this key signed a token."""
        algorithms = [self.algorithm]
        try:
            deserialize_compact(
                token.text,
                self.key,
                algorithms,
                _Registry(algorithms=algorithms, strict_check_header=False),
            )
        except (JoseError, ValueError):
            return False
        return True


class ProviderKeys:
    """The keys in use now.

    :param source: the key set, or a file of it, which is read again when it has changed.
    :param algorithms: those that are accepted.
    :raises openclaw.errors.ConfigError: there is no key that can be used.
    """

    _log = Logger()

    def __init__(self, source: Path | Mapping[str, Any], algorithms: Sequence[str]) -> None:
        self._algorithms = frozenset(algorithms)
        self._path = source if isinstance(source, Path) else None
        self._stamp: tuple[int, int] | None = None
        if isinstance(source, Path):
            self._stamp = _stamp(source)
            self._keys = self._read(source)
        else:
            self._keys = read_keys(source, self._algorithms)

    def find(self, algorithm: str, key_id: str | None) -> ProviderKey | None:
        """The one key for a token; a token that names none has to leave no doubt."""
        self._refresh()
        fitting = [
            key
            for key in self._keys
            if key.algorithm == algorithm and (key_id is None or key.key_id == key_id)
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _refresh(self) -> None:
        """Read a changed file; one that cannot be used changes nothing."""
        if self._path is None:
            return
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys = self._read(self._path)
        except ConfigError as error:
            self._log.warn("the provider's keys stay as they were: {why}", why=str(error))
        else:
            self._log.info("the provider's keys were read again")

    def _read(self, path: Path) -> list[ProviderKey]:
        try:
            with path.open("rb") as file:
                raw = file.read(_MAX_BYTES + 1)
            found = msgspec.json.decode(raw) if len(raw) <= _MAX_BYTES else None
        except (OSError, msgspec.MsgspecError) as error:
            why = getattr(error, "strerror", None) or "it is not JSON"
            raise ConfigError(f"cannot use {path}: {why}", _AT) from None
        return read_keys(found, self._algorithms)


def read_keys(found: object, algorithms: frozenset[str]) -> list[ProviderKey]:
    """Read a key set; keys for other things are left out.

    :raises openclaw.errors.ConfigError: it is none, holds a private key, or nothing to use.
    """
    listed = found.get("keys") if isinstance(found, Mapping) else None
    if not isinstance(listed, list):
        raise ConfigError('expected a key set: an object with "keys"', _AT)
    keys = [_read_key(one, f"{_AT}.keys[{index}]") for index, one in enumerate(listed)]
    usable = [key for key in keys if key is not None and key.algorithm in algorithms]
    if not usable:
        raise ConfigError(f"no key for {', '.join(sorted(algorithms))} is in it", _AT)
    return usable


def _read_key(one: object, path: str) -> ProviderKey | None:
    if not isinstance(one, dict):
        raise ConfigError("expected a key", path)
    if "d" in one or "k" in one:
        raise ConfigError("is a secret key; only public keys belong here", path)
    if one.get("use", "sig") != "sig" or "verify" not in one.get("key_ops", ("verify",)):
        return None
    try:
        key = JWKRegistry.import_key(one)
    except (JoseError, ValueError, TypeError):
        return None  # Of a kind that nobody here knows, or damaged.
    algorithm, key_id = _algorithm(key), one.get("kid")
    if algorithm is None or one.get("alg", algorithm) != algorithm:
        return None
    return ProviderKey(key_id if isinstance(key_id, str) else None, algorithm, key)


def _algorithm(key: Key) -> str | None:
    """The one algorithm that a key is used with; ``None`` for keys that are not used at all."""
    if isinstance(key, RSAKey):
        return "RS256" if key.public_key.key_size >= _SMALLEST_RSA else None
    if isinstance(key, ECKey):
        return "ES256" if key.curve_name == "P-256" else None
    if isinstance(key, OKPKey):
        return "EdDSA" if key.curve_name == "Ed25519" else None
    return None


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
