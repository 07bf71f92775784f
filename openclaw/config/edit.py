"""Change the configuration file on somebody's behalf: whole or not at all, the last one kept."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openclaw.config.load import from_text, load
from openclaw.errors import ConfigError

BACKUP = ".bak"


def change_file(path: Path, change: Callable[[dict[str, Any]], None]) -> Path | None:
    """Change what a file says.

    A file with comments, or in any form but plain JSON, is not touched: what people wrote by hand
    would be lost.

    :param change: changes the tree in place.
    :return: where the previous version lies; ``None`` if there was none.
    :raises ConfigError: it cannot be changed, or could not be used afterwards; it is as before.
    """
    loaded = load(path)
    if loaded.exists:
        try:
            tree = json.loads(loaded.raw_text)
        except ValueError:
            raise ConfigError(
                f"{path} has comments or another form than plain JSON, which writing it would lose"
            ) from None
    else:
        tree = {}
    change(tree)
    text = json.dumps(tree, indent=2, ensure_ascii=False) + "\n"
    from_text(text, path)
    kept = None
    if loaded.exists:
        kept = path.with_name(path.name + BACKUP)
        _replace(kept, loaded.raw_text)
    _replace(path, text)
    return kept


def _replace(path: Path, text: str) -> None:
    """Write a file that is whole at every moment, and that only its owner reads."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
