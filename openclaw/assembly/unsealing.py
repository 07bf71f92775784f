"""Writes a sealed journal in plain text again; a process of its own, while no gateway runs."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from openclaw.assembly.sealing import journal_path, key_source
from openclaw.config.sealing import key_settings
from openclaw.config.settings import Options, read_settings
from openclaw.errors import StoreError
from openclaw.security.sealing.sealer import Sealer
from openclaw.storage.engine import WriteEngine
from openclaw.storage.migrations import MIGRATIONS
from openclaw.storage.unsealing import unseal


def unseal_journal(options: Options, environ: Mapping[str, str], home: Path) -> list[str]:
    """Unseal the journal with the keys that the configuration names, sealed or not.

    :return: what was done, and what to do next, in lines.
    :raises openclaw.errors.StartError: the configuration cannot be used.
    :raises StoreError: there is no such journal, it is in use, or the key is not the right one.
    """
    settings = read_settings(options, environ, home)
    config = settings.config
    known = {**config.env.vars, **environ}
    keys = key_settings(config, known, settings.places.own_dir, home)
    path = journal_path(settings)
    if not path.exists():
        raise StoreError(f"there is no journal at {path}")
    opened: list[int] = []
    sealer = Sealer(key_source(keys), os.urandom)
    engine = WriteEngine(
        path,
        time.time_ns() // 1_000_000,
        MIGRATIONS,
        sealer=sealer,
        ready=lambda connection, _: opened.append(unseal(connection, sealer)),
    )
    engine.open()
    engine.close()
    lines = [f"The journal {path} is in plain text: {opened[0]} values were unsealed."]
    if settings.sealing.storage:
        lines.append('Now set security.encryption.storage to "none": else the next start seals it.')
    lines.append("Keep the keys for as long as there are older copies of the journal.")
    return lines
