"""Installs the homeserver and the client once, below the user's cache directory."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
INSTALL_SECONDS = 600

_failure: list[str] = []


class NotInstalled(Exception):
    """It cannot be had; says why."""


def cache(environ: Mapping[str, str]) -> Path:
    """Where what tests install is kept between runs."""
    root = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME", "/tmp")) / ".cache")
    return Path(root) / "openclaw-tests"


def python(environ: Mapping[str, str]) -> Path:
    """The Python of the environment, which is made if it is not there. Blocks.

    :raises NotInstalled: no network, no wheels for this machine …; the second call knows at once.
    """
    if _failure:
        raise NotInstalled(_failure[0])
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + version.encode()).hexdigest()[:12]
    place = cache(environ) / f"matrix-{digest}"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        # Two jobs of one run want it at the same moment.
        with place.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (place / "installed").exists():
                _install(place, environ)
    except (OSError, subprocess.SubprocessError) as error:
        _failure.append(f"matrix-synapse and matrix-nio cannot be installed: {_words(error)}")
        raise NotInstalled(_failure[0]) from None
    return place / "bin" / "python"


def _install(place: Path, environ: Mapping[str, str]) -> None:
    shutil.rmtree(place, ignore_errors=True)
    kept = {name: value for name, value in environ.items() if not name.startswith("PYTHON")}
    _run([sys.executable, "-m", "venv", str(place)], kept)
    pip = [str(place / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    _run([*pip, "--quiet", "--only-binary", ":all:", "-r", str(REQUIREMENTS)], kept)
    (place / "installed").touch()


def _run(command: list[str], environ: Mapping[str, str]) -> None:
    subprocess.run(
        command,
        env={**environ},
        check=True,
        timeout=INSTALL_SECONDS,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _words(error: OSError | subprocess.SubprocessError) -> str:
    output = getattr(error, "output", None)
    if isinstance(output, bytes) and output.strip():
        return output.decode(errors="replace").strip().splitlines()[-1]
    return str(error)


def clean(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """An environment for what runs there: nothing of our Python in it, and no proxy."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith("PYTHON") and "proxy" not in name.lower()
    }
