"""Makes the journal, and what seals it, if anything does; opens nothing and reads no key yet."""

import os
from typing import Any

from openclaw.config.settings import Settings
from openclaw.security.sealing.rotation import Rotation
from openclaw.security.sealing.sealer import Sealer
from openclaw.security.sealing.sources import GivenKeys, KeyFile, KeySource
from openclaw.storage.sqlite import SQLiteStore


def make_journal(settings: Settings, reactor: Any) -> tuple[SQLiteStore, Rotation | None]:
    """The journal, and what changes its key; ``None`` where it is plain.

    The keys are read when the journal is opened.

    :raises openclaw.errors.ConfigError: keys that were given are no keys.
    """
    sealer = _sealer(settings)
    path = settings.places.own_dir / "journal.sqlite"
    store = SQLiteStore(path, reactor, reactor, sealer=sealer)
    return store, None if sealer is None else Rotation(store, sealer, reactor)


def _sealer(settings: Settings) -> Sealer | None:
    sealing = settings.sealing
    if not sealing.storage:
        return None
    source: KeySource = KeyFile(sealing.key_file)
    if sealing.keys is not None:
        source = GivenKeys(sealing.keys, sealing.keys_from)
    return Sealer(source, os.urandom)
