"""Seals and opens single values with the keys of one source; knows no rows and no files."""

from collections.abc import Callable, Sequence

from attrs import frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from zope.interface import implementer

from openclaw.errors import ConfigError, KeyMissing, KeyWrong, StoreError
from openclaw.interfaces.storage import SEALED_MARK, ISealer
from openclaw.security.sealing.keys import ID_BYTES, Key, derived
from openclaw.security.sealing.sources import KeySource

NONCE_BYTES = 12
_AT_ID = len(SEALED_MARK) + 1
_AT_NONCE = _AT_ID + ID_BYTES
_AT_TEXT = _AT_NONCE + NONCE_BYTES
_TAG_BYTES = 16

Cipher = AESGCM | ChaCha20Poly1305


@frozen
class Algorithm:
    """One way to seal.

    :ivar code: the byte that names it in what it sealed.
    """

    name: str
    code: bytes
    cipher: type[Cipher]


AES_256_GCM = Algorithm("aes-256-gcm", b"\x01", AESGCM)
CHACHA20_POLY1305 = Algorithm("chacha20-poly1305", b"\x02", ChaCha20Poly1305)
_ALGORITHMS = {one.code: one for one in (AES_256_GCM, CHACHA20_POLY1305)}


def algorithm_named(name: str) -> Algorithm:
    """The algorithm that the configuration calls by this name."""
    return next(one for one in _ALGORITHMS.values() if one.name == name)


def key_name_of(data: bytes) -> str:
    """The name of the key that a value was sealed with; empty if it was not sealed."""
    is_sealed = data.startswith(SEALED_MARK) and len(data) >= _AT_TEXT + _TAG_BYTES
    return data[_AT_ID:_AT_NONCE].hex() if is_sealed else ""


@implementer(ISealer)
class Sealer:
    """A value sealed is: mark, algorithm, key id, nonce, ciphertext with its tag.

    Every purpose has a key of its own. Header, purpose and row are authenticated with the value, so
    it opens nowhere else.

    :param random_bytes: a source of so many random bytes, good enough for keys and nonces.
    """

    def __init__(
        self,
        source: KeySource,
        random_bytes: Callable[[int], bytes],
        algorithm: Algorithm = AES_256_GCM,
    ) -> None:
        self.source = source
        self.random_bytes = random_bytes
        self.algorithm = algorithm
        self._keys: dict[bytes, Key] = {}
        self._header = b""
        self._ciphers: dict[tuple[bytes, str], Cipher] = {}

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys that open; the first one seals."""
        return tuple(self._keys.values())

    @property
    def key_id(self) -> str:
        """Names the key in use; empty while older ones still open as well."""
        return self.keys[0].name if len(self._keys) == 1 else ""

    def use(self, keys: Sequence[Key]) -> None:
        """Seal with the first of these keys from now on, and open with all of them."""
        self._keys = {key.id: key for key in keys}
        self._header = SEALED_MARK + self.algorithm.code + keys[0].id

    def unlock(self, known: bytes) -> None:
        """Read the keys; see :meth:`ISealer.unlock`."""
        try:
            keys = self.source.read()
        except ConfigError as error:
            raise KeyWrong(str(error)) from None
        if not keys and known:
            raise KeyMissing(
                f"the journal is sealed, and its key is not there: put {self.source.where} back "
                "from your copy; without it nobody can read the journal"
            )
        keys = keys or self.source.make(self.random_bytes)
        self.use(keys)
        if known and known[_AT_ID:_AT_NONCE] not in self._keys:
            raise KeyWrong(
                f"the journal was sealed with key {known[_AT_ID:_AT_NONCE].hex()}, and "
                f"{self.source.where} holds {', '.join(key.name for key in keys)}: "
                "put the right key there, behind the present one if both are needed"
            )

    def is_current(self, data: bytes) -> bool:
        """Whether a value was sealed with the key that is in use now."""
        return data.startswith(self._header)

    def seal(self, purpose: str, row_id: str, data: bytes) -> bytes:
        """Seal one value for one place."""
        header = self._header
        nonce = self.random_bytes(NONCE_BYTES)
        cipher = self._cipher(header[len(SEALED_MARK) :], purpose)
        sealed = cipher.encrypt(nonce, data, _bound_to(header, purpose, row_id))
        return b"".join((header, nonce, sealed))

    def open(self, purpose: str, row_id: str, data: bytes) -> bytes:
        """Undo :meth:`seal`; a plain value is refused like any other that was not sealed."""
        header = data[:_AT_NONCE]
        if not header.startswith(SEALED_MARK) or len(data) < _AT_TEXT + _TAG_BYTES:
            raise StoreError(f"a value of {purpose} in the journal is not sealed")
        cipher = self._cipher(header[len(SEALED_MARK) :], purpose)
        try:
            return cipher.decrypt(
                data[_AT_NONCE:_AT_TEXT], data[_AT_TEXT:], _bound_to(header, purpose, row_id)
            )
        except InvalidTag:
            raise StoreError(f"a value of {purpose} in the journal was altered or moved") from None

    def _cipher(self, named: bytes, purpose: str) -> Cipher:
        """The cipher of an algorithm, a key and a purpose; deriving a key takes its time."""
        cipher = self._ciphers.get((named, purpose))
        if cipher is not None:
            return cipher
        algorithm, key = _ALGORITHMS.get(named[:1]), self._keys.get(named[1:])
        if algorithm is None or key is None:
            raise StoreError(f"a value of {purpose} was sealed with a key that is not there")
        cipher = algorithm.cipher(derived(key.raw, f"{algorithm.name} {purpose}"))
        self._ciphers[named, purpose] = cipher
        return cipher


def _bound_to(header: bytes, purpose: str, row_id: str) -> bytes:
    named = purpose.encode()
    return b"".join((header, len(named).to_bytes(2, "big"), named, row_id.encode()))
