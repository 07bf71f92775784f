"""Runs the command line inside a test, in a thread, as a process would: arguments in, text out."""

import json
import os
from pathlib import Path
from typing import Any

from attrs import frozen
from click.testing import CliRunner
from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

import openclaw
from openclaw.cli.given import Given
from openclaw.cli.main import run
from tests.client.stand_in import StandIn

reactor: Any = the_reactor


@frozen
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


def run_here(
    arguments: list[str], home: Path, environ: dict[str, str] | None = None, stdin: str = ""
) -> Ran:
    """Run one command with nothing of this machine's environment."""
    given = Given(environ=environ or {}, home=home)
    with CliRunner().isolation(input=stdin) as (out, err, _):
        try:
            status = run(arguments, given)
        finally:
            printed, complained = out.getvalue().decode(), err.getvalue().decode()
    return Ran(status, printed, complained)


def child_environment(home: Path) -> dict[str, str]:
    """The environment of a command in a process of its own: this checkout, that home."""
    return {
        "HOME": str(home.absolute()),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(openclaw.__file__).parent.parent),
        "TERM": "xterm",
        "LANG": "C.UTF-8",
    }


class CommandTestCase(TestCase):
    """A stand-in gateway, and a home directory whose state points to it."""

    timeout = 120

    def setUp(self) -> None:
        self.gateway = StandIn(reactor)
        self.gateway.listen()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.gateway.stop()))
        self.home = Path(self.mktemp())
        self.own = self.home / ".openclaw" / "gateway"
        self.own.mkdir(parents=True)
        (self.own / "gateway-token").write_text("right\n")
        self.note_port(self.gateway.port)

    def note_port(self, port: int) -> None:
        """Say in the state directory that a gateway runs there: this very process."""
        note = {"pid": os.getpid(), "port": port, "host": "127.0.0.1"}
        (self.own / "runtime.json").write_text(json.dumps(note))

    def run_command(self, *arguments: str, stdin: str = "", **environ: str) -> Deferred[Ran]:
        """Run one command against the stand-in, which it has to find by itself."""
        return deferToThread(run_here, list(arguments), self.home, environ, stdin)
