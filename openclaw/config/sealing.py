"""What the configuration says about sealing, decided; makes no key and opens no journal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from attrs import field, frozen

from openclaw.config.references import describe, resolve
from openclaw.config.schema import Config
from openclaw.config.schema.security import Encryption
from openclaw.errors import ConfigError

_HERE, _THERE = "security.encryption", "security.transport.encryption"
SessionSealing = Literal["none", "aes-256-gcm", "chacha20-poly1305"]


@frozen(kw_only=True)
class KeySettings:
    """Where the keys are.

    :ivar file: the journal's keys, unless ``given`` has them.
    :ivar given: keys as they were written elsewhere; ``None``: in files.
    :ivar given_from: where that was, in words.
    """

    file: Path = Path("encryption-keys")
    given: str | None = field(default=None, repr=False)
    given_from: str = ""

    @property
    def session_file(self) -> Path:
        """The keys of exported sessions, which are never replaced: exports are out of our sight."""
        return self.file.with_name(f"{self.file.name}-sessions")


@frozen(kw_only=True)
class SealingSettings:
    """What is sealed, and with which keys.

    :ivar storage: the journal is.
    :ivar session: how exported sessions are.
    """

    storage: bool = False
    session: SessionSealing = "none"
    keys: KeySettings = KeySettings()


def sealing_settings(
    config: Config, environ: Mapping[str, str], own_dir: Path, home: Path
) -> SealingSettings:
    """Decide everything about sealing; keys that nothing needs are not looked up.

    :param own_dir: where the key file is unless it is said.
    :raises ConfigError: two places contradict each other, or the key is not to be had.
    """
    _, encryption = _section(config)
    if encryption.storage == "none" and encryption.session == "none":
        return SealingSettings()
    return SealingSettings(
        storage=encryption.storage != "none",
        session=encryption.session,
        keys=key_settings(config, environ, own_dir, home),
    )


def key_settings(
    config: Config, environ: Mapping[str, str], own_dir: Path, home: Path
) -> KeySettings:
    """Say where the keys are, whether or not anything is to be sealed with them.

    :raises ConfigError: as :func:`sealing_settings`.
    """
    path, encryption = _section(config)
    if encryption.master_key is not None and encryption.key_file is not None:
        raise ConfigError("is set, and keyFile as well; keep one of the two", f"{path}.masterKey")
    if encryption.master_key is not None:
        return KeySettings(
            given=resolve(encryption.master_key, environ, f"{path}.masterKey"),
            given_from=f"{path}.masterKey{describe(encryption.master_key)}",
        )
    named = encryption.key_file
    if named is None:
        return KeySettings(file=own_dir / "encryption-keys")
    return KeySettings(file=home / named[2:] if named.startswith("~/") else Path(named))


def _section(config: Config) -> tuple[str, Encryption]:
    here, there = config.security.encryption, config.security.transport.encryption
    if here is not None and there is not None and here != there:
        raise ConfigError(f"says something else than {_THERE}; keep one of the two", _HERE)
    if here is not None:
        return _HERE, here
    return _THERE, there or Encryption()
