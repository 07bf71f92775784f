"""Find or fetch what is measured beside the gateway: the original from npm, a peer from PyPI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import attrs

PEER = "nanobot-ai==0.3.5"
ROOT = Path(__file__).parent.parent


@attrs.frozen
class Tools:
    """Programs the benchmarks start. ``peer`` is None when the peer is not wanted."""

    node: Path
    node_modules: Path
    python: Path
    peer: Path | None


def find_node(node_modules: Path) -> Path:
    """Find the Node that came from npm, for the original refuses older ones; else the system's."""
    found = sorted(node_modules.glob("node-linux-*/bin/node"))
    system = shutil.which("node")
    if not found and system is None:
        raise FileNotFoundError("no node program, neither from npm nor of the system")
    return found[0] if found else Path(system or "")


def find_node_modules() -> Path:
    """Use the npm packages that the tests install.

    :raises FileNotFoundError: they are not installed.
    """
    for candidate in (ROOT / "node_modules", Path(os.environ.get("OPENCLAW_NODE_MODULES", "."))):
        if (candidate / "openclaw" / "openclaw.mjs").exists():
            return candidate
    raise FileNotFoundError("no npm packages: run tools/install-node-packages.sh")


def install_peer(directory: Path) -> Path:
    """Install the peer into a virtual environment of its own, once."""
    program = directory / "bin" / "nanobot"
    if not program.exists():
        venv.create(directory, with_pip=True)
        subprocess.run([directory / "bin" / "pip", "install", "--quiet", PEER], check=True)
    return program


def find_tools(
    cache: Path, node_modules: Path | None, peer: Path | None, *, want_peer: bool
) -> Tools:
    """Use what the caller names, install the rest below ``cache``."""
    modules = (node_modules or find_node_modules()).absolute()
    if want_peer and peer is None:
        peer = install_peer(cache / "nanobot")
    return Tools(
        node=find_node(modules),
        node_modules=modules,
        python=Path(sys.executable).absolute(),
        peer=peer.absolute() if want_peer and peer else None,
    )
