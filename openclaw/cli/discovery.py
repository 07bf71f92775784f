"""Finds the gateway and its credentials on this machine without asking; connects to nothing."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import evolve, field, frozen

from openclaw.cli.given import Given
from openclaw.cli.problems import Problem, UsageProblem
from openclaw.client.address import DEFAULT_PORT, GatewayAddress, parse_address
from openclaw.config.fingerprints import read_fingerprints
from openclaw.config.settings import Options, Places, Settings, find_places, read_settings
from openclaw.config.ssh import SshTarget, read_ssh_target
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
    :ivar pins: fingerprints of the certificates it may show; without one the system's rules hold.
    :ivar ssh: the host that a tunnel to it leads to; ``address`` is as seen from there.
    :ivar open_door: the gateway is configured to ask for nothing.
    :ivar gone_pid: the process of a gateway that ran here last and is no more.
    :ivar warning: something to say in passing; empty mostly.
    """

    address: GatewayAddress
    source: str
    secret: Secret
    places: Places
    log_file: Path
    pins: tuple[str, ...] = ()
    ssh: SshTarget | None = None
    open_door: bool = False
    gone_pid: int | None = None
    warning: str = ""

    @property
    def on_this_machine(self) -> bool:
        """Whether its files are ours to look at."""
        return self.address.local and self.ssh is None


@frozen
class _Runtime:
    """What a running gateway says about itself in ``runtime.json``."""

    pid: int
    port: int
    host: str
    secure: bool
    fingerprints: tuple[str, ...] = ()


@frozen
class _Scene:
    """Everything that is known before anything is decided."""

    given: Given
    settings: Settings | None
    where: Places
    runtime: _Runtime | None

    def variable(self, name: str) -> str:
        """Read an environment variable; empty if it is not set."""
        return self.given.environ.get(name, "").strip()

    @property
    def remote(self) -> Settings | None:
        """The settings, if they are about a gateway elsewhere."""
        remote = self.settings is not None and self.settings.config.gateway.mode == "remote"
        return self.settings if remote else None

    def is_secure(self, port: int) -> bool:
        """Whether the gateway of this machine on this port speaks TLS."""
        if self.runtime is not None and self.runtime.port == port:
            return self.runtime.secure
        return self.settings is not None and self.settings.tls.enabled


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
    merely found is never sent to another machine. With ``--ssh``, or ``gateway.remote.ssh``, the
    address is one of the host at the other end.

    :raises Problem: a given value makes no sense.
    """
    where = _places(given)
    settings, warning = _settings(given)
    runtime = _read_runtime(where.own_dir / "runtime.json")
    gone = runtime is not None and not lives(runtime.pid)
    scene = _Scene(given, settings, where, None if gone else runtime)
    ssh = _option_ssh(given)
    address, source = _address(scene) if ssh is None else _address_there(scene)
    if ssh is None and source.startswith("gateway.remote") and settings is not None:
        ssh = settings.remote_ssh
    log_file = settings.log_file if settings else where.own_dir / "logs/gateway.log"
    return Target(
        address=address,
        source=source,
        secret=_secret(scene, address, source, ssh),
        places=where,
        log_file=log_file,
        pins=_pins(scene, address, source, ssh),
        ssh=ssh,
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
    fingerprints = said.get("fingerprints")
    return _Runtime(
        pid,
        port,
        host=str(said.get("host", "")),
        secure=str(said.get("url", "")).startswith("wss:"),
        fingerprints=tuple(map(str, fingerprints)) if isinstance(fingerprints, list) else (),
    )


def _address(scene: _Scene) -> tuple[GatewayAddress, str]:
    if (named := _named_address(scene)) is not None:
        return named
    if text := scene.variable("OPENCLAW_GATEWAY_PORT"):
        address = _parsed(f"ws://127.0.0.1:{text}", "OPENCLAW_GATEWAY_PORT")
        secure = scene.is_secure(address.port)
        return evolve(address, secure=secure), "OPENCLAW_GATEWAY_PORT"
    if (remote := _remote_address(scene)) is not None:
        return remote
    runtime, settings = scene.runtime, scene.settings
    if runtime is not None:
        host = _EVERYWHERE.get(runtime.host, runtime.host) or "127.0.0.1"
        note = f"{scene.where.own_dir / 'runtime.json'}, pid {runtime.pid}"
        return GatewayAddress(host, runtime.port, runtime.secure), note
    if settings and settings.loaded.exists and {"port", "tls"} & set(_gateway_section(settings)):
        address = GatewayAddress("127.0.0.1", settings.port, settings.tls.enabled)
        return address, str(scene.where.config_path)
    return GatewayAddress("127.0.0.1"), "the usual port"


def _address_there(scene: _Scene) -> tuple[GatewayAddress, str]:
    """The address as the host at the other end of ``--ssh`` knows it; nothing here tells that."""
    if (named := _named_address(scene)) is not None:
        return named
    return GatewayAddress("127.0.0.1", DEFAULT_PORT), "--ssh"


def _named_address(scene: _Scene) -> tuple[GatewayAddress, str] | None:
    for text, source in (
        (scene.given.url, "--url"),
        (scene.variable("OPENCLAW_GATEWAY_URL"), "OPENCLAW_GATEWAY_URL"),
    ):
        if text:
            return _parsed(text, source), source
    return None


def _remote_address(scene: _Scene) -> tuple[GatewayAddress, str] | None:
    if scene.remote is None:
        return None
    url = scene.remote.config.gateway.remote.url
    if url:
        return _parsed(url, "gateway.remote.url"), "gateway.remote.url"
    if scene.remote.remote_ssh is not None:
        return GatewayAddress("127.0.0.1", DEFAULT_PORT), "gateway.remote.ssh"
    return None


def _option_ssh(given: Given) -> SshTarget | None:
    if not given.ssh:
        return None
    try:
        return read_ssh_target(given.ssh)
    except ValueError as error:
        raise UsageProblem(f"--ssh: {error}") from None


def _pins(
    scene: _Scene, address: GatewayAddress, source: str, ssh: SshTarget | None
) -> tuple[str, ...]:
    given, settings = scene.given.tls_fingerprint, scene.settings
    pins: tuple[str, ...] = ()
    where = "--tls-fingerprint"
    if given:
        try:
            pins = read_fingerprints(given)
        except ValueError as error:
            raise UsageProblem(f"{where}: {error}") from None
    elif settings is not None and _is_configured_remote(settings, source, ssh):
        pins, where = settings.remote_fingerprints, "gateway.remote.tlsFingerprint"
    elif ssh is None and address.local and address.secure:
        return _own_pins(scene, address)
    if pins and not address.secure:
        raise UsageProblem(f"{where}: {address.url} has no certificate; use wss://")
    return pins


def _own_pins(scene: _Scene, address: GatewayAddress) -> tuple[str, ...]:
    """What the gateway of this machine wrote down about its certificate."""
    runtime = scene.runtime
    if runtime is not None and runtime.port == address.port:
        return runtime.fingerprints
    try:
        said = json.loads((scene.where.own_dir / "tls" / "pins.json").read_bytes())
        pins = [said["fingerprint"], *([said["next"]["fingerprint"]] if "next" in said else ())]
    except (OSError, ValueError, TypeError, KeyError):
        return ()
    return tuple(map(str, pins))


def _is_configured_remote(settings: Settings, source: str, ssh: SshTarget | None) -> bool:
    """Whether this is the gateway that the section ``gateway.remote`` is about."""
    if source.startswith("gateway.remote"):
        return True
    return source == "--ssh" and ssh == settings.remote_ssh


def _gateway_section(settings: Settings) -> Mapping[str, object]:
    section = settings.loaded.tree.get("gateway")
    return section if isinstance(section, dict) else {}


def _parsed(text: str, source: str) -> GatewayAddress:
    try:
        return parse_address(text)
    except ValueError as error:
        raise UsageProblem(f"{source}: {error}") from None


def _secret(scene: _Scene, address: GatewayAddress, source: str, ssh: SshTarget | None) -> Secret:
    settings = scene.settings
    if scene.given.token:
        return Secret(scene.given.token, source="--token", kind="option")
    for name in ("OPENCLAW_GATEWAY_TOKEN", "OPENCLAW_GATEWAY_PASSWORD"):
        if found := scene.variable(name):
            token = found if name.endswith("TOKEN") else ""
            return Secret(token, "" if token else found, name, "environment")
    if settings is not None and _is_configured_remote(settings, source, ssh):
        remote = Secret(
            settings.remote_token or "",
            settings.remote_password or "",
            "gateway.remote",
            "config",
        )
        return remote if remote.token or remote.password else Secret()
    if ssh is not None or not address.local:
        return Secret()
    return _local_secret(settings, scene.where)


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
