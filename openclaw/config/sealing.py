"""What the configuration says about sealing at rest, decided; makes no key and opens no journal."""

from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from openclaw.config.references import describe, resolve
from openclaw.config.schema import Config
from openclaw.config.schema.security import Encryption
from openclaw.errors import ConfigError

_HERE, _THERE = "security.encryption", "security.transport.encryption"


@frozen(kw_only=True)
class SealingSettings:
    """How the journal is sealed.

    :ivar key_file: where the keys are, unless ``keys`` has them.
    :ivar keys: keys as they were written elsewhere; ``None``: in the file.
    :ivar keys_from: where that was, in words.
    """

    storage: bool = False
    key_file: Path = Path("encryption-keys")
    keys: str | None = field(default=None, repr=False)
    keys_from: str = ""


def sealing_settings(
    config: Config, environ: Mapping[str, str], own_dir: Path, home: Path
) -> SealingSettings:
    """Decide everything about sealing.

    :param own_dir: where the key file is unless it is said.
    :raises ConfigError: two places contradict each other, or the key is not to be had.
    """
    path, encryption = _section(config)
    if encryption.storage == "none":
        return SealingSettings()
    if encryption.master_key is not None and encryption.key_file is not None:
        raise ConfigError("is set, and keyFile as well; keep one of the two", f"{path}.masterKey")
    if encryption.master_key is not None:
        return SealingSettings(
            storage=True,
            keys=resolve(encryption.master_key, environ, f"{path}.masterKey"),
            keys_from=f"{path}.masterKey{describe(encryption.master_key)}",
        )
    named = encryption.key_file
    if named is None:
        return SealingSettings(storage=True, key_file=own_dir / "encryption-keys")
    file = home / named[2:] if named.startswith("~/") else Path(named)
    return SealingSettings(storage=True, key_file=file)


def _section(config: Config) -> tuple[str, Encryption]:
    here, there = config.security.encryption, config.security.transport.encryption
    if here is not None and there is not None and here != there:
        raise ConfigError(f"says something else than {_THERE}; keep one of the two", _HERE)
    if here is not None:
        return _HERE, here
    return _THERE, there or Encryption()
