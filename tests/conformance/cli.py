"""Runs the official ``openclaw`` command with a home of its own and nothing inherited."""

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import attrs

from tests.conformance import packages
from tests.conformance.target import Gateway, clean_environment

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[=>]")


def plain(text: str) -> str:
    """Terminal text without its escape sequences."""
    return _ESCAPES.sub("", text)


@attrs.frozen
class Outcome:
    """How one command ended."""

    status: int
    out: str
    err: str
    seconds: float

    @property
    def text(self) -> str:
        """Both streams, without colours."""
        return plain(self.out + self.err)

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


class CommandLine:
    """The official command line, set up for one gateway."""

    def __init__(self, gateway: Gateway, *, token: str | None = None, remote: bool = False) -> None:
        self.home = (
            gateway.directory / f"cli-home-{token or 'ok'}-{'remote' if remote else 'local'}"
        )
        self._gateway = gateway
        self._token = token or gateway.token
        self._remote = remote
        self._configure()

    def _configure(self) -> None:
        folder = self.home / ".openclaw"
        folder.mkdir(parents=True, exist_ok=True)
        if self._remote:
            remote = {"url": self._gateway.ws, "token": self._token}
            gateway: dict[str, Any] = {"mode": "remote", "remote": remote}
        else:
            auth = {"mode": "token", "token": self._token}
            gateway = {"mode": "local", "port": self._gateway.port, "auth": auth}
        (folder / "openclaw.json").write_text(json.dumps({"gateway": gateway}))

    def command(self, *arguments: str) -> list[str]:
        """The whole command line for ``openclaw ARGUMENTS``."""
        return [str(packages.node()), str(packages.openclaw_program()), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """What the command sees of the world."""
        return clean_environment(self.home)

    def run(self, *arguments: str, seconds: float = 60) -> Outcome:
        """Run ``openclaw ARGUMENTS`` to its end.

        :raises AssertionError: it was still running after ``seconds``.
        """
        begun = time.monotonic()
        try:
            done = subprocess.run(
                self.command(*arguments),
                env=self.environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as hung:
            shown = (hung.stdout or b"")[-500:], (hung.stderr or b"")[-500:]
            raise AssertionError(f"openclaw {arguments} ran over {seconds} s: {shown}") from hung
        return Outcome(done.returncode, done.stdout, done.stderr, time.monotonic() - begun)

    def start(self, *arguments: str, output: Path) -> subprocess.Popen[bytes]:
        """Start ``openclaw ARGUMENTS`` and leave it running, its output in a file."""
        with output.open("wb") as stream:
            return subprocess.Popen(
                self.command(*arguments),
                env=self.environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
