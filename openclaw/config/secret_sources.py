"""Reads secrets from files and from the system's keyring; what it read is in no error."""

from pathlib import Path
from typing import Any

import msgspec

from openclaw.config.schema.fields import SecretRef
from openclaw.errors import ConfigError

MAX_BYTES = 1 << 20


def from_file(secret: SecretRef, home: str, path: str) -> str:
    """Read a file that holds one secret, or with ``id`` a place in a JSON file.

    :param home: what ``~`` means.
    :param path: JSON path of the reference, for the error.
    :raises ConfigError: it cannot be read, or what is there is no text.
    """
    name = secret.path or (secret.id if secret.id.startswith(("/", "~/")) else "")
    if not name:
        raise ConfigError("needs the file's path", f"{path}.path")
    file = Path(home) / name[2:] if name.startswith("~/") else Path(name)
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(f"the secret's file {file} cannot be read: {words}", path) from None
    value = _pointed(text, secret.id, file, path) if secret.path and secret.id else text.strip()
    if not value:
        raise ConfigError(f"the secret's file {file} is blank", path)
    return value


def from_keyring(secret: SecretRef, path: str) -> str:
    """Ask the system's keyring, which may ask its user.

    :raises ConfigError: there is no keyring, or it does not have it.
    """
    try:
        import keyring  # An extra: most gateways run where there is none.
    except ImportError:
        raise ConfigError(
            "needs the keyring package: pip install 'openclaw-gateway[keyring]'", path
        ) from None
    try:
        value = keyring.get_password(secret.service, secret.id)
    except keyring.errors.KeyringError as error:
        raise ConfigError(f"the keyring does not answer: {error}", path) from None
    if not value:
        raise ConfigError(
            f'the keyring has no "{secret.id}" of service "{secret.service}"; store it with '
            f"keyring set {secret.service} {secret.id}",
            path,
        )
    return str(value).strip()


def _pointed(text: str, pointer: str, file: Path, path: str) -> str:
    """Follow a JSON pointer (RFC 6901)."""
    try:
        found: Any = msgspec.json.decode(text)
        for step in pointer.lstrip("/").split("/"):
            step = step.replace("~1", "/").replace("~0", "~")
            found = found[int(step)] if isinstance(found, list) else found[step]
    except (msgspec.DecodeError, LookupError, TypeError, ValueError):
        found = None
    if not isinstance(found, str):
        raise ConfigError(f"the file {file} has no text at {pointer}", path)
    return found.strip()
