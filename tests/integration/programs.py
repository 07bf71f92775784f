"""Programs of the system that tests run for real; a test is skipped where one is missing."""

import os
import shutil
from collections.abc import Callable
from typing import Any, TypeVar

Test = TypeVar("Test")
# Daemons lie where only root looks.
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))


def program(name: str) -> str:
    """Where a program is; empty if it is not installed."""
    return shutil.which(name, path=PATH) or ""


def needed(*names: str) -> Callable[[Test], Test]:
    """Skip a test, or a class of them, unless these programs are installed."""
    missing = [name for name in names if not program(name)]

    def mark(test: Test) -> Test:
        if missing:
            marked: Any = test
            marked.skip = f"not installed: {', '.join(missing)}"
        return test

    return mark
