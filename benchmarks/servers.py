"""How each measured program is started: command, environment, configuration."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from benchmarks.install import ROOT, Tools
from benchmarks.processes import PinnedProcess

TOKEN = "benchmark-token-of-no-value"
ORIGINAL, OURS, PEER = "original", "ours", "nanobot"
FLOORS = ("websocket", "tcp")


@attrs.frozen
class Launch:
    """Everything needed to start one program."""

    command: Sequence[Path | str]
    environment: Mapping[str, str]


@attrs.frozen
class Server:
    """One running program and where it listens."""

    name: str
    port: int
    process: PinnedProcess

    @property
    def address(self) -> dict[str, Any]:
        """Parameters with which the load generator reaches it."""
        return {"url": f"ws://127.0.0.1:{self.port}/", "token": TOKEN}


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def gateway_config(home: Path, port: int, model_port: int | None) -> dict[str, Any]:
    """A configuration that both gateways understand; without ``model_port`` there is no model."""
    config: dict[str, Any] = {
        "gateway": {
            "mode": "local",
            "port": port,
            "bind": "loopback",
            "auth": {"mode": "token", "token": TOKEN},
        },
        "logging": {"file": str(home / "gateway.log")},
        "agents": {"defaults": {"workspace": str(home / "workspace")}},
    }
    if model_port is not None:
        config["agents"]["defaults"]["model"] = {"primary": "mock/mock-1"}
        config["models"] = {"providers": {"mock": model_provider(model_port)}}
    return config


def model_provider(port: int) -> dict[str, Any]:
    """The stand-in of ``driver/model.js`` as a provider."""
    model = {"id": "mock-1", "name": "Mock", "contextWindow": 200_000, "maxTokens": 4096}
    return {
        "baseUrl": f"http://127.0.0.1:{port}/v1",
        "apiKey": "no-key",
        "api": "openai-completions",
        "models": [{**model, "input": ["text"], "reasoning": False}],
    }


def write_config(home: Path, config: Mapping[str, Any]) -> Path:
    """Write a configuration below the program's home."""
    path = home / "config.json"
    path.write_text(json.dumps(config, indent=1))
    return path


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """An environment that owes nothing to the caller's."""
    return {
        "HOME": str(home),
        "TMPDIR": str(home),
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        **more,
    }


def original(tools: Tools, home: Path, port: int, model_port: int | None) -> Launch:
    """The original gateway, from its npm package."""
    config = write_config(home, gateway_config(home, port, model_port))
    state = {"OPENCLAW_STATE_DIR": str(home / "state"), "OPENCLAW_CONFIG_PATH": str(config)}
    command: list[Path | str] = [
        tools.node,
        tools.node_modules / "openclaw" / "openclaw.mjs",
        "gateway",
        "run",
    ]
    return Launch(command, clean_environment(home, **state))


def ours(tools: Tools, home: Path, port: int, model_port: int | None) -> Launch:
    """Our gateway, by the start contract that packagers use."""
    config = write_config(home, gateway_config(home, port, model_port))
    command: list[Path | str] = [
        tools.python.parent / "twistd",
        "--nodaemon",
        "--pidfile=",
        "openclaw",
    ]
    command += [
        "--config",
        config,
        "--state-dir",
        home / "state",
        "--port",
        str(port),
        "--token",
        TOKEN,
    ]
    return Launch(command, clean_environment(home, PYTHONPATH=str(ROOT)))


def peer(tools: Tools, home: Path, port: int, model_port: int | None) -> Launch:
    """The closest Python peer; only its start and its memory are comparable."""
    assert tools.peer is not None
    config = {
        "gateway": {"port": port},
        "channels": {"websocket": {"port": free_port()}},
        "providers": {
            "custom": {"apiKey": "no-key", "apiBase": f"http://127.0.0.1:{model_port}/v1"}
        },
        "agents": {
            "defaults": {
                "model": "mock-1",
                "provider": "custom",
                "workspace": str(home / "workspace"),
            }
        },
    }
    command: list[Path | str] = [
        tools.peer,
        "gateway",
        "--foreground",
        "--config",
        write_config(home, config),
    ]
    return Launch(command, clean_environment(home))


RECIPES = {ORIGINAL: original, OURS: ours, PEER: peer}


def start_server(
    name: str, tools: Tools, home: Path, cores: Sequence[int], model_port: int | None
) -> Server:
    """Start one of :data:`RECIPES` on ``cores``; it is not ready yet when this returns."""
    home.mkdir(parents=True, exist_ok=True)
    port = free_port()
    launch = RECIPES[name](tools, home, port, model_port)
    return Server(name, port, start(launch, home, cores))


def start_floor(kind: str, tools: Tools, home: Path, cores: Sequence[int]) -> Server:
    """Start one of the bare echo servers."""
    port = free_port()
    command: list[Path | str] = [tools.python, "-m", "benchmarks.floor", kind, str(port)]
    launch = Launch(command, clean_environment(home, PYTHONPATH=str(ROOT)))
    return Server(kind, port, start(launch, home, cores))


def start(
    launch: Launch, home: Path, cores: Sequence[int], *, piped: bool = False
) -> PinnedProcess:
    """Start one launch in its home, its output in ``output.log`` there."""
    return PinnedProcess(
        launch.command,
        cores=cores,
        environment=launch.environment,
        directory=home,
        log=home / "output.log",
        piped=piped,
    )
