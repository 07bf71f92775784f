"""The gateway as one service: the order in which its parts start and stop."""

import os
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.application.service import Service
from twisted.internet.defer import Deferred, TimeoutError, race
from twisted.internet.interfaces import IListeningPort
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, Logger, globalLogPublisher
from twisted.python.failure import Failure

from openclaw import __version__
from openclaw.assembly.audit import note_start
from openclaw.assembly.channel_plan import plan_channels
from openclaw.assembly.collector import settle
from openclaw.assembly.encryption import encrypted, make_keeper
from openclaw.assembly.listening import bind, raise_file_limit
from openclaw.assembly.parts import Parts, assemble
from openclaw.assembly.phases import Phases
from openclaw.assembly.runtime_file import RuntimeFile, RuntimeInfo
from openclaw.assembly.web import missing_page
from openclaw.config.listening import LOOPBACK
from openclaw.config.serving import check_serving
from openclaw.config.settings import Options, Settings, read_settings
from openclaw.config.token import read_or_make_token
from openclaw.deferreds import Tasks, deferred
from openclaw.errors import GatewayError
from openclaw.monitoring.log_file import Console, LogFile, at_level

# What a stop may take at most, step by step; together less than ten seconds.
DRAIN_SECONDS = 5.0
RECORD_SECONDS = 1.0
CHANNELS_SECONDS = 1.5
CLOSE_SECONDS = 1.0
PROGRAMS_SECONDS = 1.5  # Beside channels and sockets.
CLEAN_UP_SECONDS = 1.0


class GatewayService(Service):
    """Everything between the start of the process and its end.

    :ivar exit_status: what the process should exit with after a stop.
    """

    _log = Logger()
    name = "openclaw"

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        sockets: list[socket.socket],
        phases: Phases,
        reactor: Any,
        greet: bool,
        tailscale_sockets: Sequence[socket.socket] = (),
    ) -> None:
        self.exit_status = 0
        self._settings = settings
        self._parts = parts
        self._sockets = sockets
        self._tailscale_sockets = tailscale_sockets
        self._phases = phases
        self._reactor = reactor
        self._greet = greet
        self._tasks = Tasks()
        self._notes = Tasks()
        self._ports: list[IListeningPort] = []
        self._log_file = LogFile(settings.log_file, hide=parts.hide)
        self._runtime = RuntimeFile(settings.places.own_dir / "runtime.json")
        self._started: Deferred[None] = Deferred()

    @property
    def port(self) -> int:
        """The TCP port that is bound."""
        return self._parts.port

    def console(self) -> ILogObserver:
        """What shows log events on standard output."""
        logging = self._settings.config.logging
        console = Console(json=logging.format == "json", hide=self._parts.hide)
        return at_level(console, logging.level)

    def when_started(self) -> Deferred[None]:
        """Fires once clients can connect; fails if the start does."""
        waiting: Deferred[None] = Deferred()
        self._started.addBoth(lambda result: _pass_on(result, waiting))
        return waiting

    # -- start ---------------------------------------------------------------------------------

    def startService(self) -> None:
        """Start accepting at once; who comes too early is told that the gateway is starting."""
        super().startService()
        level = self._settings.config.logging.level
        self._file_observer = at_level(self._log_file, level)
        globalLogPublisher.addObserver(self._file_observer)
        self._phases.done("log")
        self._phases.report()
        for note in self._settings.notes:
            self._log.info("{remark}", remark=note)
        for warning in self._settings.warnings:
            self._log.warn("{remark}", remark=warning)
        for obstacle in self._parts.obstacles:
            self._log.warn("model provider {obstacle}", obstacle=obstacle)
        self._phases.done("skills")
        factory = encrypted(self._parts.factory, self._parts.certificate, self._reactor)
        for sockets, protocol in (
            (self._sockets, factory),
            (self._tailscale_sockets, self._parts.tailscale_factory),
        ):
            for one in sockets:
                guarded = self._parts.limits.guarded(protocol, self._parts.door.noticed)
                adopted = self._reactor.adoptStreamPort(one.fileno(), one.family, guarded)
                self._ports.append(adopted)
                one.close()
        self._tasks.spawn("start", self._start())

    async def _start(self) -> None:
        parts = self._parts
        try:
            parts.store.startService()
            await parts.store.when_open()
            await parts.access.load()
            await parts.second_factor.load()
            await parts.approvals.load()
            await parts.conversations.load()
            await parts.queue.open()
            await parts.heartbeat.load()
            if parts.channels is not None:
                await parts.channels.load()
        except Exception as error:  # Whatever keeps it from starting must end the process.
            if self.running:  # Else it was told to stop in the middle of its start.
                self._failed(error)
            return
        self._phases.done("gateway")
        if parts.channels is not None:
            parts.channels.start()
        self._phases.done("channels")
        parts.heartbeat.startService()
        self._phases.done("cron")
        parts.conversations.open()
        if parts.channels is not None:
            parts.channels.open()
        self._phases.done("agent")
        for service in parts.helpers:
            service.startService()
        parts.health.refresh()
        parts.door.ready = True
        self._write_runtime()
        if parts.certificate is not None:
            parts.certificate.on_change(self._write_runtime)
            parts.certificate.on_change(parts.health.refresh)
        settle()
        self._phases.done("ready")
        self._phases.report()
        self._announce()
        revision = parts.config_revision
        self._notes.spawn("audit", note_start(parts.audit, self._settings, revision))
        self._started.callback(None)

    def _failed(self, error: Exception) -> None:
        phase = self._phases.current
        if isinstance(error, GatewayError):  # Its words say it all: the journal is in use, broken …
            self._log.error("start failed in phase {phase}: {why}", phase=phase, why=error.message)
        else:
            self._log.failure("start failed in phase {phase}", phase=phase)
        sys.stderr.write(f"Error: start failed in phase {phase}: {error}\n")
        self.exit_status = getattr(error, "exit_status", 1)
        self._started.errback(Failure(error))
        self._started.addErrback(lambda _: None)
        # twistd has no way to be told an exit status: leave with ours once everything is closed.
        self._reactor.addSystemEventTrigger("after", "shutdown", self._leave)
        self._reactor.callLater(0, self._reactor.stop)

    def _leave(self) -> None:
        sys.stderr.flush()
        sys.stdout.flush()
        os._exit(self.exit_status)

    def _write_runtime(self) -> None:
        host, certificate = self._settings.hosts[0], self._parts.certificate
        scheme = "ws" if certificate is None else "wss"
        self._runtime.write(
            RuntimeInfo(
                pid=os.getpid(),
                port=self.port,
                host=host,
                url=f"{scheme}://{_literal(host)}:{self.port}",
                config_hash=self._settings.loaded.hash,
                started_at_ms=self._parts.started_at_ms,
                version=__version__,
                fingerprints=() if certificate is None else certificate.fingerprints,
            )
        )

    def _announce(self) -> None:
        self._log.info(
            "ready on {host}:{port} after {milliseconds} ms",
            host=self._settings.hosts[0],
            port=self.port,
            milliseconds=self._phases.total_ms(),
        )
        if self._greet:
            link = self._parts.sign_in()
            sys.stdout.write(
                f"\nWeb chat: {link.url}\n"
                "          (signs one browser in, once, within ten minutes; "
                "`openclaw dashboard` prints a fresh one)\n\n"
            )
            sys.stdout.flush()

    # -- stop ----------------------------------------------------------------------------------

    def stopService(self) -> Deferred[None]:
        """Drain, tell everybody, close; fires within ten seconds whatever is going on."""
        super().stopService()
        return self._stop()

    @deferred
    async def _stop(self) -> None:
        parts = self._parts
        parts.stopping = True
        for port in self._ports:
            port.stopListening()
        await self._at_most(RECORD_SECONDS, "the note of the start", self._notes.drain())
        parts.audit.note("gateway.stopped", "gateway")
        await self._tasks.cancel()
        await parts.heartbeat.stopService()
        if parts.channels is not None:
            parts.channels.shut()
        await self._drain()
        programs = parts.programs.stop(PROGRAMS_SECONDS)
        if parts.channels is not None:
            await self._at_most(CHANNELS_SECONDS, "closing channels", parts.channels.stop())
        parts.door.shut("gateway stopping")
        await self._sockets_closed()
        await self._at_most(PROGRAMS_SECONDS, "ending agents", programs)
        await self._at_most(CLEAN_UP_SECONDS, "clean-up", self._clean_up())
        self._runtime.remove(os.getpid())
        self._log.info("stopped")
        globalLogPublisher.removeObserver(self._file_observer)
        self._log_file.close()

    async def _drain(self) -> None:
        """Let what runs come to its end for a while; the rest is on disk."""
        drained = self._parts.conversations.drain()
        if not drained.called:
            await race([drained, deferLater(self._reactor, DRAIN_SECONDS)])
            self._parts.runs.interrupt()
            left = self._parts.conversations.drain()
            await self._at_most(RECORD_SECONDS, "recording what was interrupted", left)

    async def _at_most(self, seconds: float, what: str, work: Deferred[None]) -> None:
        """Wait for a step of the stop, but not for ever: a disk may hang."""
        try:
            await work.addTimeout(seconds, self._reactor)
        except TimeoutError:
            self._log.warn("stop: {what} not done within {seconds} s", what=what, seconds=seconds)

    async def _sockets_closed(self) -> None:
        """Wait a moment for clients to answer the close; then drop them."""
        deadline = self._reactor.seconds() + CLOSE_SECONDS
        while list(self._parts.door.sockets()) and self._reactor.seconds() < deadline:
            await deferLater(self._reactor, 0.02)
        for one in self._parts.door.sockets():
            one.drop()

    @deferred
    async def _clean_up(self) -> None:
        for service in reversed(self._parts.helpers):
            if service.running:
                await _stopped(service)
        try:
            await self._parts.access.devices.flush()
        except Exception:  # When a device was last seen is not worth a stop that hangs or fails.
            self._log.failure("device times not written")
        await _stopped(self._parts.store)


async def _stopped(service: Any) -> None:
    result = service.stopService()
    if isinstance(result, Deferred):
        await result


def _pass_on(result: Any, waiting: Deferred[None]) -> Any:
    waiting.callback(result)
    return result


def _literal(host: str) -> str:
    """An address as it stands in a URL; one that means all of them is reached on this machine."""
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def build(
    options: Options,
    environ: Mapping[str, str],
    home: Path,
    reactor: Any,
    greet: bool,
    seconds: Callable[[], float] = time.monotonic,
) -> GatewayService:
    """Read the configuration, bind the port, make and wire everything.

    :raises StartError: it cannot start.
    """
    began = seconds()
    phases = Phases(seconds, began)
    settings = read_settings(options, environ, home)
    check_serving(settings)
    plan = plan_channels(settings, environ)
    remarks = (*plan.remarks, *missing_page(settings))
    settings = evolve(settings, warnings=(*settings.warnings, *remarks))
    raise_file_limit()
    sockets = bind(settings.hosts, settings.port)
    serve = settings.access.tailscale_port
    for_tailscale = [] if serve is None else bind((LOOPBACK,), serve)
    token = settings.token
    if settings.token_source == "file":
        token = read_or_make_token(settings.places.token_path, os.urandom)
    secret = read_or_make_token(settings.places.own_dir / "device-secret", os.urandom)
    phases.done("config")
    port = sockets[0].getsockname()[1]
    shared = settings.password if settings.auth_mode == "password" else token
    certificate = make_keeper(settings, reactor)
    parts = assemble(settings, shared or "", secret.encode(), port, reactor, certificate, plan)
    return GatewayService(settings, parts, sockets, phases, reactor, greet, for_tailscale)
