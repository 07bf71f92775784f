"""Finds the gateway and its credentials on this machine without asking; connects to nothing."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import field, frozen

from openclaw.cli.given import Given
from openclaw.cli.problems import Problem, UsageProblem
from openclaw.client.address import GatewayAddress, parse_address
from openclaw.config.settings import Options, Places, Settings, find_places, read_settings
from openclaw.config.token import read_token
from openclaw.errors import ConfigError

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@frozen
class Secret:
    """A credential and where it came from.

    :ivar source: in words for people; empty if there is none.
    :ivar kind: ``option``, ``environment``, ``config``, ``file`` or ``none``.
    """

    token: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    source: str = ""
    kind: str = "none"


@frozen
class Target:
    """The gateway a command is for.

    :ivar source: why this address, in words for people.
    :ivar secret: what is presented to it.
    :ivar open_door: the gateway is configured to ask for nothing.
    :ivar gone_pid: the process of a gateway that ran here last and is no more.
    :ivar warning: something to say in passing; empty mostly.
    """

    address: GatewayAddress
    source: str
    secret: Secret
    places: Places
    log_file: Path
    open_door: bool = False
    gone_pid: int | None = None
    warning: str = ""

    @property
    def on_this_machine(self) -> bool:
        """Whether its files are ours to look at."""
        return self.address.local


@frozen
class _Runtime:
    """What a running gateway says about itself in ``runtime.json``."""

    pid: int
    port: int
    host: str
    secure: bool


def process_lives(pid: int) -> bool:
    """Whether a process with this id exists, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def discover(given: Given, lives: Callable[[int], bool] = process_lives) -> Target:
    """Decide where to connect and with what.

    Address: ``--url``, ``OPENCLAW_GATEWAY_URL``, ``OPENCLAW_GATEWAY_PORT``, the remote gateway of
    the configuration, the gateway that says it runs here, the configured port, 18789. Token:
    ``--token``, ``OPENCLAW_GATEWAY_TOKEN``, the configuration, the token file. A token that was
    merely found is never sent to another machine.

    :raises Problem: a given value makes no sense.
    """
    where = _places(given)
    settings, warning = _settings(given)
    runtime = _read_runtime(where.own_dir / "runtime.json")
    gone = runtime is not None and not lives(runtime.pid)
    address, source = _address(given, settings, None if gone else runtime, where)
    log_file = settings.log_file if settings else where.own_dir / "logs/gateway.log"
    return Target(
        address=address,
        source=source,
        secret=_secret(given, settings, where, address, source),
        places=where,
        log_file=log_file,
        open_door=settings is not None and settings.auth_mode == "none",
        gone_pid=runtime.pid if runtime is not None and gone else None,
        warning=warning,
    )


def _places(given: Given) -> Places:
    try:
        return find_places(_options(given), given.environ, given.home)
    except ConfigError as error:
        raise UsageProblem(str(error)) from None


def _options(given: Given) -> Options:
    return Options(config=given.config, state_dir=given.state_dir)


def _settings(given: Given) -> tuple[Settings | None, str]:
    """The configuration; a broken one must not keep anybody from asking a running gateway."""
    try:
        return read_settings(_options(given), given.environ, given.home), ""
    except ConfigError as error:
        if given.config is not None:
            raise Problem(f"cannot use the configuration: {error}", code="CONFIG") from None
        return None, f"the configuration is ignored: {error}"


def _read_runtime(path: Path) -> _Runtime | None:
    try:
        said = json.loads(path.read_bytes())
        pid, port = int(said["pid"]), int(said["port"])
    except (OSError, ValueError, TypeError, KeyError):
        return None  # Not there, or cut off: then the configuration decides.
    secure = str(said.get("url", "")).startswith("wss:")
    return _Runtime(pid, port, str(said.get("host", "")), secure)


def _address(
    given: Given, settings: Settings | None, runtime: _Runtime | None, where: Places
) -> tuple[GatewayAddress, str]:
    for text, source in (
        (given.url, "--url"),
        (_variable(given.environ, "OPENCLAW_GATEWAY_URL"), "OPENCLAW_GATEWAY_URL"),
    ):
        if text:
            return _parsed(text, source), source
    if text := _variable(given.environ, "OPENCLAW_GATEWAY_PORT"):
        return _parsed(f"ws://127.0.0.1:{text}", "OPENCLAW_GATEWAY_PORT"), "OPENCLAW_GATEWAY_PORT"
    if settings and settings.config.gateway.mode == "remote":
        remote = settings.config.gateway.remote.url
        if remote:
            return _parsed(remote, "gateway.remote.url"), "gateway.remote.url"
    if runtime is not None:
        host = _EVERYWHERE.get(runtime.host, runtime.host) or "127.0.0.1"
        note = f"{where.own_dir / 'runtime.json'}, pid {runtime.pid}"
        return GatewayAddress(host, runtime.port, runtime.secure), note
    if settings and settings.loaded.exists and "port" in _gateway_section(settings):
        return GatewayAddress("127.0.0.1", settings.port), str(where.config_path)
    return GatewayAddress("127.0.0.1"), "the usual port"


def _gateway_section(settings: Settings) -> Mapping[str, object]:
    section = settings.loaded.tree.get("gateway")
    return section if isinstance(section, dict) else {}


def _parsed(text: str, source: str) -> GatewayAddress:
    try:
        return parse_address(text)
    except ValueError as error:
        raise UsageProblem(f"{source}: {error}") from None


def _secret(
    given: Given,
    settings: Settings | None,
    where: Places,
    address: GatewayAddress,
    source: str,
) -> Secret:
    if given.token:
        return Secret(given.token, source="--token", kind="option")
    for name in ("OPENCLAW_GATEWAY_TOKEN", "OPENCLAW_GATEWAY_PASSWORD"):
        if found := _variable(given.environ, name):
            token = found if name.endswith("TOKEN") else ""
            return Secret(token, "" if token else found, name, "environment")
    if source == "gateway.remote.url" and settings is not None:
        remote = Secret(
            settings.remote_token or "",
            settings.remote_password or "",
            "gateway.remote",
            "config",
        )
        return remote if remote.token or remote.password else Secret()
    if not address.local:
        return Secret()
    return _local_secret(settings, where)


def _local_secret(settings: Settings | None, where: Places) -> Secret:
    if settings is not None and settings.auth_mode == "password" and settings.password:
        return Secret("", settings.password, "gateway.auth.password", "config")
    if settings is not None and settings.token:
        return Secret(settings.token, "", "gateway.auth.token", "config")
    try:
        token = read_token(where.token_path)
    except ConfigError as error:
        raise Problem(str(error), code="CONFIG") from None
    return Secret(token, "", str(where.token_path), "file") if token else Secret()


def _variable(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()
