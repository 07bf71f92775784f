"""The files in which processes say that their reactor was held, and the path that brings them."""

import json
import os
import sys
from pathlib import Path

from tests.stalls.blame import ROOT

# What Python loads when it starts, in every process that has this on its path.
SITE = """\
from importlib.util import module_from_spec, spec_from_file_location
# Not by its name: that would load the tests, which are not to be loaded before trial is.
spec = spec_from_file_location("watches_the_reactor", {child!r})
child = module_from_spec(spec)
spec.loader.exec_module(child)
child.in_child({place!r})
"""
CHILD = str(Path(__file__).with_name("child.py"))
_SITE_MARK = "watches-the-reactor"


class Reports:
    """The files in which processes say that they were held.

    :param directory: where they are, and the module that Python loads when it starts.
    """

    def __init__(self, directory: Path) -> None:
        self._changed = 0
        self._seen: set[Path] = set()
        # Absolute, for other processes have other working directories.
        self.site = directory.absolute() / f"site-{os.getpid()}"
        self.place = directory.absolute() / f"reports-{os.getpid()}"
        self.site.mkdir(parents=True)
        self.place.mkdir()
        (self.site / _SITE_MARK).touch()
        (self.site / "sitecustomize.py").write_text(SITE.format(child=CHILD, place=str(self.place)))

    def write(self, words: str) -> None:
        """Say it for this process."""
        write_report(self.place, words)

    def changed(self) -> bool:
        """Whether there may be something new; cheap."""
        try:
            changed = os.stat(self.place).st_mtime_ns
        except OSError:  # The run is over.
            return False
        before, self._changed = self._changed, changed
        return changed != before

    def new(self) -> list[str]:
        """What was not read before."""
        paths = [path for path in sorted(self.place.glob("*.json")) if path not in self._seen]
        self._seen.update(paths)
        return [read_report(path) for path in paths]


def write_report(place: Path, words: str) -> None:
    """Write a file, whole or not at all."""
    number = len(list(place.glob(f"{os.getpid()}-*")))
    unfinished = place / f"{os.getpid()}-{number}.part"
    unfinished.write_text(json.dumps({"words": words}))
    unfinished.rename(unfinished.with_suffix(".json"))


def reports_in(directory: Path) -> list[Path]:
    """The files of all processes of a run."""
    return sorted(directory.glob("reports-*/*.json"))


def read_report(path: Path) -> str:
    """What a file says."""
    return str(json.loads(path.read_text())["words"])


def python_path(*entries: str) -> str:
    """A ``PYTHONPATH`` for a process with a reactor: this checkout, more, and the detector."""
    site = [entry for entry in sys.path if os.path.exists(os.path.join(entry, _SITE_MARK))]
    return os.pathsep.join((ROOT.rstrip("/"), *entries, *site))
