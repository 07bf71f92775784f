"""An SSH tunnel for the time of a command: the system's ssh, started by argv; no shell, no SSH."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread, current_thread, main_thread
from typing import Any

from openclaw.cli.problems import Problem, UsageProblem
from openclaw.client.address import GatewayAddress
from openclaw.config.ssh import SshTarget, read_ssh_target

UNATTENDED_SECONDS = 30.0
ATTENDED_SECONDS = 180.0
"""Somebody may have to look for a password."""

_ATTEMPTS = 3
_KEPT = frozenset(
    (
        *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TERM", "TZ", "TMPDIR"),
        *("SSH_AUTH_SOCK", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "DISPLAY", "WAYLAND_DISPLAY"),
        *("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"),
    )
)
_OPTIONS = (
    "ExitOnForwardFailure=yes",
    # A shared connection would outlive us, and keep the port.
    "ControlMaster=no",
    "ControlPath=none",
    "ForkAfterAuthentication=no",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=3",
)


def find_free_port() -> int:
    """A port of 127.0.0.1 that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Tunnel:
    """Leads from a free port of this machine to a gateway, through a host that ssh logs in to.

    :param there: the gateway's address as seen from that host.
    :param environ: of which ssh gets what it needs for keys and questions, and nothing else.
    :param free_port: finds a port of 127.0.0.1 that nobody has, at least now.
    """

    def __init__(
        self,
        ssh: SshTarget,
        there: GatewayAddress,
        environ: Mapping[str, str],
        free_port: Callable[[], int] = find_free_port,
    ) -> None:
        self._free_port = free_port
        self._ssh = ssh
        self._there = there
        self._environ = {name: environ[name] for name in sorted(_KEPT & set(environ))}
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._before: dict[signal.Signals, Any] = {}

    def open(self, seconds: float | None = None) -> int:
        """Make sure that the tunnel is up.

        :param seconds: how long logging in may take; ``None`` for the usual.
        :return: the port of 127.0.0.1 that leads there.
        :raises Problem: ssh cannot be run, or cannot log in, or may not forward.
        """
        if self._process is not None and self._process.poll() is None:
            return self._port
        attended = sys.stdin.isatty()
        patience = seconds or (ATTENDED_SECONDS if attended else UNATTENDED_SECONDS)
        words = ""
        for _ in range(_ATTEMPTS):
            words = self._try(patience, attended)
            if not words:
                return self._port
            if "Address already in use" not in words:
                break  # Else somebody took the port that was free a moment ago.
        raise Problem(
            f"No SSH tunnel to {self._ssh}: {words}",
            f"Check that this works: ssh {self._ssh.user and self._ssh.user + '@'}{self._ssh.host}",
            code="SSH_FAILED",
        )

    def close(self) -> None:
        """End ssh, and with it the tunnel."""
        process, self._process = self._process, None
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
        if process is None:
            return
        process.terminate()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def arguments(self, program: str, port: int, attended: bool) -> list[str]:
        """The argument vector; nothing that a user names can become an option."""
        host = self._there.host
        literal = f"[{host}]" if ":" in host else host
        try:
            named = read_ssh_target(literal)
        except ValueError:
            raise UsageProblem(f"cannot forward to {host!r}") from None
        if named.user or named.port:
            raise UsageProblem(f"cannot forward to {host!r}")
        batch = () if attended else ("BatchMode=yes",)
        options = [part for option in (*_OPTIONS, *batch) for part in ("-o", option)]
        user = ["-l", self._ssh.user] if self._ssh.user else []
        port_there = ["-p", str(self._ssh.port)] if self._ssh.port else []
        forward = f"127.0.0.1:{port}:{literal}:{self._there.port}"
        # -v: it says when it listens. Trying the port would find whoever else has it.
        return [
            *(program, "-v", "-N", "-T", *options, *user, *port_there),
            *("-L", forward, "--", self._ssh.host),
        ]

    def _try(self, patience: float, attended: bool) -> str:
        """Start ssh once.

        :return: what it complained about; empty if the tunnel is up.
        """
        self._port = self._free_port()
        arguments = self.arguments(_program(self._environ), self._port, attended)
        with _interrupts_ignored():
            process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=self._environ,
            )
        self._process = process
        self._clean_up_when_told_to_end()
        listening = f"Local forwarding listening on 127.0.0.1 port {self._port}."
        said = _Said(process, listening)
        if said.settled.wait(patience) and said.listens and process.poll() is None:
            return ""
        self.close()
        return said.complaint() or f"no answer within {patience:g} s"

    def _clean_up_when_told_to_end(self) -> None:
        """A signal's default action would leave ssh behind."""
        if current_thread() is not main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                self._before[number] = signal.signal(number, _leave)


class _Said:
    """Reads what ssh says, as long as it says something, or it would block.

    :ivar settled: set once it listens, or has ended.
    """

    def __init__(self, process: subprocess.Popen[bytes], listening: str) -> None:
        self.settled = Event()
        self.listens = False
        self._process = process
        self._listening = listening
        self._lines: deque[str] = deque(maxlen=20)
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def complaint(self) -> str:
        """The last thing that was no diagnostics; empty if there was none."""
        self._thread.join(1)
        spoken = [line for line in self._lines if line and not line.startswith(_NOISE)]
        useful = [line for line in spoken if "Address already in use" in line]
        return (useful or spoken or [""])[-1].rstrip(".")

    def _read(self) -> None:
        assert self._process.stderr is not None
        for raw in self._process.stderr:
            line = raw.decode(errors="replace").strip()
            self._lines.append(line)
            if line.endswith(self._listening):
                self.listens = True
            if self.listens and "Entering interactive session" in line:
                self.settled.set()
        self._process.wait()
        self.listens = False
        self.settled.set()


_NOISE = ("debug", "OpenSSH_", "Authenticated to", "Transferred:", "Bytes per second", "Warning: P")


def _program(environ: Mapping[str, str]) -> str:
    """Find ssh; directories relative to where we happen to be are not searched."""
    places = environ.get("PATH", os.defpath).split(os.pathsep)
    path = os.pathsep.join(place for place in places if Path(place).is_absolute())
    program = shutil.which("ssh", path=path)
    if program is None:
        raise Problem(
            "There is no ssh program here.", "Install OpenSSH's client.", code="SSH_FAILED"
        )
    return program


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Start a program that Ctrl-C does not end: for us it may mean to stop the assistant's run."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)
