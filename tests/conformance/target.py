"""Starts and stops one gateway as a process of its own: ours, or the original to compare with.

It knows how each is started and when it is ready, and nothing of what it answers.
"""

import http.client
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openclaw.cli.tunnel import find_free_port
from tests.conformance import packages
from tests.conformance.processes import Model, Process, wait_for
from tests.stalls.reports import python_path

TOKEN = "conformance-token-0123456789abcdef0123456789abcdef"
ORIGINAL = os.environ.get("OPENCLAW_CONFORMANCE_TARGET", "ours") == "original"

# Keeps ours to what the original speaks; the original would refuse the key.
STRICT: Mapping[str, Any] = {} if ORIGINAL else {"gateway": {"dialects": ["native"]}}

_START_SECONDS = 90
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT")


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """An environment in which nothing of the user's own installation is visible."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    node_directory = str(packages.node().parent)
    path = os.pathsep.join([node_directory, kept.get("PATH", os.defpath)])
    quiet = {"OPENCLAW_NO_RESPAWN": "1", "NO_COLOR": "1", "CI": "1", "TERM": "xterm-256color"}
    return {**kept, **quiet, "PATH": path, "HOME": str(home), **more}


class Gateway:
    """One gateway with its own home, state directory, configuration and model."""

    def __init__(self, overrides: Mapping[str, Any] | None = None) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="openclaw-conformance-"))
        self.port = find_free_port()
        self.token = TOKEN
        self.home = self.directory / "gateway-home"
        self.state = self.directory / "state"
        self.config = self.directory / "openclaw.json"
        self.model = Model(self.directory)
        self._overrides = overrides or {}
        self._process: Process | None = None

    @property
    def http(self) -> str:
        """Base address without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        """The address that clients dial."""
        return f"ws://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Write the configuration, start model and gateway, wait until it serves connects."""
        for directory in (self.home, self.state, self.directory / "workspace"):
            directory.mkdir(exist_ok=True)
        self.config.write_text(json.dumps(self._configuration(), indent=2))
        self.model.start()
        self.start_process()

    def start_process(self) -> None:
        """Start only the gateway's process; for restarts."""
        build = self._original if ORIGINAL else self._ours
        self._process = build()
        self._process.start()
        wait_for(lambda: self.answers("/readyz"), _START_SECONDS, self._process)

    def stop_process(self, signal_number: int = signal.SIGTERM) -> int | None:
        """Stop only the gateway's process.

        :return: its exit status.
        """
        return None if self._process is None else self._process.stop(signal_number)

    def stop(self) -> None:
        """Stop everything and delete its directory."""
        self.stop_process()
        self.model.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def answers(self, path: str) -> bool:
        """Whether ``GET path`` gives 200 now."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def log_tail(self) -> str:
        """The end of what the gateway printed."""
        return "" if self._process is None else self._process.tail()

    def _configuration(self) -> dict[str, Any]:
        provider = {
            "baseUrl": f"http://127.0.0.1:{self.model.port}/v1",
            "apiKey": "sk-mock",
            "api": "openai-completions",
            "models": [{"id": "mock-1", "name": "Mock One"}],
        }
        gateway = {
            "mode": "local",
            "port": self.port,
            "bind": "loopback",
            "auth": {"mode": "token", "token": self.token},
        }
        workspace = str(self.directory / "workspace")
        configuration: dict[str, Any] = {
            "gateway": gateway,
            "logging": {"file": str(self.directory / "gateway.jsonl")},
            "agents": {"defaults": {"workspace": workspace, "model": {"primary": "mock/mock-1"}}},
            "models": {"providers": {"mock": provider}},
        }
        return merged(configuration, self._overrides)

    def _ours(self) -> Process:
        twistd = Path(sys.executable).with_name("twistd")
        arguments = [str(twistd), "--nodaemon", "--pidfile=", "openclaw"]
        arguments += ["--config", str(self.config), "--state-dir", str(self.state)]
        arguments += ["--port", str(self.port), "--token", self.token]
        kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        environment = {**kept, "HOME": str(self.home), "PYTHONPATH": python_path()}
        return Process(arguments, environment, self.directory / "gateway.log", self.directory)

    def _original(self) -> Process:
        arguments = [str(packages.node()), str(packages.openclaw_program()), "gateway", "run"]
        environment = clean_environment(
            self.home,
            OPENCLAW_STATE_DIR=str(self.state),
            OPENCLAW_CONFIG_PATH=str(self.config),
        )
        return Process(arguments, environment, self.directory / "gateway.log", self.directory)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``over`` laid on it, objects key by key, everything else replaced."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        nested = isinstance(below, dict) and isinstance(value, Mapping)
        result[key] = merged(below, value) if nested and below is not None else value
    return result
