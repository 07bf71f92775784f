"""Makes the journal, and what seals it, if anything does; opens nothing and reads no key yet."""

import os
from pathlib import Path
from typing import Any

from openclaw.config.sealing import KeySettings
from openclaw.config.settings import Settings
from openclaw.security.sealing.exports import ExportSealing
from openclaw.security.sealing.rotation import Rotation
from openclaw.security.sealing.sealer import Sealer, algorithm_named
from openclaw.security.sealing.sources import GivenKeys, KeyFile, KeySource, SessionKeyFile
from openclaw.storage.sqlite import SQLiteStore


def make_journal(settings: Settings, reactor: Any) -> tuple[SQLiteStore, Rotation | None]:
    """The journal, and what changes its key; ``None`` where it is plain.

    The keys are read when the journal is opened.

    :raises openclaw.errors.ConfigError: keys that were given are no keys.
    """
    sealer = _sealer(settings)
    store = SQLiteStore(journal_path(settings), reactor, reactor, sealer=sealer)
    return store, None if sealer is None else Rotation(store, sealer, reactor)


def make_export_sealing(settings: Settings) -> ExportSealing | None:
    """What seals exported sessions; ``None`` where they are plain.

    :raises openclaw.errors.ConfigError: keys that were given are no keys.
    """
    sealing = settings.sealing
    if sealing.session == "none":
        return None
    source: KeySource = SessionKeyFile(sealing.keys.session_file)
    if sealing.keys.given is not None:
        source = GivenKeys(sealing.keys.given, sealing.keys.given_from)
    return ExportSealing(source, algorithm_named(sealing.session), os.urandom)


def journal_path(settings: Settings) -> Path:
    """Where the journal is."""
    return settings.places.own_dir / "journal.sqlite"


def _sealer(settings: Settings) -> Sealer | None:
    if not settings.sealing.storage:
        return None
    return Sealer(key_source(settings.sealing.keys), os.urandom)


def key_source(keys: KeySettings) -> KeySource:
    """Where the journal's keys come from.

    :raises openclaw.errors.ConfigError: keys that were given are no keys.
    """
    return KeyFile(keys.file) if keys.given is None else GivenKeys(keys.given, keys.given_from)
