"""Configures gateways whose agent is the published Pi, with the model stand-in behind it."""

import json
from pathlib import Path
from typing import Any

from tests.conformance import packages

KEY_NAME = "STANDIN_KEY"
KEY = "sk-stand-in-0123456789abcdef"
MODEL = "standin/mock-1"
ARGS = ("--mode", "rpc", "--no-session", "--no-context-files", "--no-skills", "--no-extensions")


def program() -> list[str]:
    """Pi as it was published, run by the Node that came with it.

    :raises Missing: it is not installed.
    """
    package = packages.package("@mariozechner/pi-coding-agent")
    return [str(packages.node()), str(package / "dist" / "cli.js"), *ARGS]


def pi_directory(directory: Path, model_port: int) -> Path:
    """Make Pi's own configuration, which knows its key by name only."""
    made = directory / "pi"
    made.mkdir()
    provider = {
        "baseUrl": f"http://127.0.0.1:{model_port}/v1",
        "api": "openai-completions",
        "apiKey": KEY_NAME,
        "models": [{"id": "mock-1", "contextWindow": 32_000, "maxTokens": 1000}],
    }
    (made / "models.json").write_text(json.dumps({"providers": {"standin": provider}}))
    return made


def configuration(directory: Path, model_port: int, **more: Any) -> dict[str, Any]:
    """A configuration whose only agent is Pi."""
    command, *args = program()
    env = {
        "PI_CODING_AGENT_DIR": str(pi_directory(directory, model_port)),
        "PI_OFFLINE": "1",
        KEY_NAME: f"${{{KEY_NAME}}}",
    }
    backend = {"command": command, "args": args, "env": env, **more}
    defaults = {
        "model": {"primary": f"pi/{MODEL}"},
        "workspace": str(directory / "workspace"),
        "cliBackends": {"pi": backend},
    }
    return {"agents": {"defaults": defaults}}
