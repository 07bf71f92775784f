"""``python -m openclaw.assembly.worker``: a worker in the foreground; a signal ends it.

``openclaw worker run`` finds the gateway and becomes this process. Secrets come by environment.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import globalLogBeginner

from openclaw.agents.runtimes.process.runtime import ProcessRuntime, make_runtime
from openclaw.agents.runtimes.process.supervisor import Alarm
from openclaw.assembly.agents import program_of
from openclaw.assembly.worker.host import WorkerHost
from openclaw.client.address import parse_address
from openclaw.client.dial import Dialer
from openclaw.client.errors import ClientError
from openclaw.client.gateway import GatewayClient
from openclaw.client.identity import DeviceIdentity
from openclaw.client.settings import Credentials, Introduction, command_line_client
from openclaw.config.backends import AgentBackend, passed_on
from openclaw.config.known import known_secrets
from openclaw.config.redact import KnownSecrets
from openclaw.config.settings import Options, Settings, read_settings
from openclaw.config.token import read_or_make_token
from openclaw.errors import ConfigError, StartError
from openclaw.monitoring.log_file import Console, at_level
from openclaw.protocol.scopes import WORKER

STOP_SECONDS = 5.0


def main(arguments: Sequence[str], environ: Mapping[str, str], home: Path) -> int:
    """Run until a signal comes or the gateway refuses for good; return the exit status."""
    from twisted.internet import reactor

    os.umask(0o077)
    given = _parser().parse_args(arguments)
    try:
        settings = read_settings(Options(given.config, given.state_dir), environ, home)
        backends = _backends(given, settings, environ)
        seed = read_or_make_token(settings.places.state_dir / "worker" / "device-key", os.urandom)
    except StartError as error:
        sys.stderr.write(f"Error: {error}\n")
        return error.exit_status
    hidden = [secret for one in backends.values() for secret in one.secrets]
    known = known_secrets(settings, *hidden, *filter(None, _secrets(environ)))
    console = at_level(Console(json=False, hide=known.clean), "warn")
    globalLogBeginner.beginLoggingTo([console], redirectStandardIO=False)
    runtimes = _runtimes(backends, settings, reactor, known)
    device = DeviceIdentity.from_seed(sha256(seed.encode()).digest())
    client = GatewayClient(_dialer(given, environ, device, reactor))
    host = WorkerHost(client, runtimes, given.slots, reactor, _say)
    return _serve(host, runtimes, reactor)


def _serve(host: WorkerHost, runtimes: Mapping[str, ProcessRuntime], reactor: Any) -> int:
    statuses = [0]

    def refused(failure: Any) -> None:
        if reactor.running and failure.check(ClientError):
            statuses[0] = 1
            sys.stderr.write(f"Error: {failure.value}\n")
            reactor.stop()

    def end() -> Deferred[Any]:
        stopping = [one.stop(STOP_SECONDS) for one in runtimes.values()]
        return DeferredList([host.stop(), *stopping])

    reactor.callWhenRunning(lambda: host.start().addErrback(refused))
    reactor.addSystemEventTrigger("before", "shutdown", end)
    reactor.run()
    return statuses[0]


def _backends(
    given: argparse.Namespace, settings: Settings, environ: Mapping[str, str]
) -> dict[str, AgentBackend]:
    """What this worker runs: the program on the command line, or what the configuration names."""
    if given.program:
        missing = [name for name in given.env if name not in environ]
        if missing:
            raise ConfigError(f"the environment variable {missing[0]} is not set", "--env")
        own = {name: environ[name] for name in given.env}
        return {
            given.backend: AgentBackend(
                id=given.backend,
                argv=tuple(given.program),
                env={**passed_on(environ), **own},
                secrets=tuple(own.values()),
                max_processes=max(8, given.slots),
            )
        }
    here = {id: one for id, one in settings.backends.items() if one.runs_on == "gateway"}
    if not here:
        raise ConfigError(
            "no agent to run; name one behind the options, -- pi --mode rpc --no-session, "
            f"or configure agents.defaults.cliBackends in {settings.places.config_path}"
        )
    return here


def _runtimes(
    backends: Mapping[str, AgentBackend], settings: Settings, reactor: Any, known: KnownSecrets
) -> dict[str, ProcessRuntime]:
    def alarmed(alarm: Alarm) -> None:
        _say(f"{alarm.name} {alarm.why}")

    return {
        id: make_runtime(
            program_of(one), lambda agent: settings.workspace, reactor, known.clean, alarmed
        )
        for id, one in backends.items()
    }


def _dialer(
    given: argparse.Namespace, environ: Mapping[str, str], device: DeviceIdentity, reactor: Any
) -> Dialer:
    token, password = _secrets(environ)
    introduction = Introduction(
        command_line_client(id="openclaw-worker", mode="worker"),
        Credentials(token=token, password=password),
        role=WORKER,
    )
    return Dialer(
        parse_address(given.url),
        introduction,
        reactor,
        device=device,
        pins=tuple(given.pin),
        allow_plaintext_lan=given.allow_plaintext_lan,
    )


def _secrets(environ: Mapping[str, str]) -> tuple[str, str]:
    return environ.get("OPENCLAW_GATEWAY_TOKEN", ""), environ.get("OPENCLAW_GATEWAY_PASSWORD", "")


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="openclaw worker run")
    parser.add_argument("--url", required=True)
    parser.add_argument("--config")
    parser.add_argument("--state-dir")
    parser.add_argument("--backend", default="pi")
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--env", action="append", default=[])
    parser.add_argument("--pin", action="append", default=[])
    parser.add_argument("--allow-plaintext-lan", action="store_true")
    parser.add_argument("program", nargs="*")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ, Path.home()))
