"""What gateway and command line go by: option, environment, file, default, in that order."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from attrs import evolve, field, frozen

from openclaw.config.access import AccessSettings, access_settings
from openclaw.config.address_list import AddressList, read_address_list
from openclaw.config.agents import check_agents
from openclaw.config.backends import AgentBackend, backends
from openclaw.config.bindings import check_bindings
from openclaw.config.environment import variable
from openclaw.config.listening import (
    address,
    configured_address,
    listeners,
    networks,
    port,
)
from openclaw.config.load import LoadedConfig, load
from openclaw.config.mcp import McpServerSettings, mcp_servers
from openclaw.config.pins import host_pins, remote_fingerprints
from openclaw.config.providers import ModelProvider, providers
from openclaw.config.references import resolve
from openclaw.config.schema import Config
from openclaw.config.schema.agents import choice_of
from openclaw.config.schema.gateway import AuthMode
from openclaw.config.sealing import SealingSettings, sealing_settings
from openclaw.config.skills import SkillValues, skill_values
from openclaw.config.ssh import SshTarget, read_ssh_target
from openclaw.config.tls import TlsSettings, tls_settings
from openclaw.errors import ConfigError

_NAMED = 10

VARIABLES = (
    "OPENCLAW_STATE_DIR",
    "OPENCLAW_CONFIG_PATH",
    "OPENCLAW_GATEWAY_TOKEN",
    "OPENCLAW_GATEWAY_PASSWORD",
    "OPENCLAW_GATEWAY_PORT",
    "OPENCLAW_GATEWAY_HOST",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "ANTHROPIC_API_KEY",
)
Source = Literal["option", "environment", "config", "file", "none"]


@frozen
class Options:
    """What was given on the command line; ``None`` is not given."""

    config: str | None = None
    state_dir: str | None = None
    host: str | None = None
    port: str | int | None = None
    token: str | None = field(default=None, repr=False)
    allow_plaintext: bool = False


@frozen
class Places:
    """Where things are: known before the file is read.

    :ivar config_is_required: the file was named on the command line and must exist.
    :ivar config_is_named: somebody named it, there or in the environment.
    """

    state_dir: Path
    config_path: Path
    config_is_required: bool = False
    config_is_named: bool = False

    @property
    def own_dir(self) -> Path:
        """Our part of the state directory, which the original may share."""
        return self.state_dir / "gateway"

    @property
    def token_path(self) -> Path:
        """The file of the token that is made when none is configured."""
        return self.own_dir / "gateway-token"


@frozen
class Settings:
    """Everything that was decided; ``repr`` shows no secret.

    :ivar hosts: addresses to listen on, the configured one first.
    :ivar port: 0 takes any free one.
    :ivar token: ``None`` if it is in the token file, or none is used (``token_source``).
    :ivar workspace: the default agent's folder.
    :ivar workspaces: every agent's folder, by its id.
    :ivar allowed_origins: origins besides our own.
    :ivar trusted_proxies: networks, ``10.0.0.1/32``.
    :ivar address_list: who may connect at all.
    :ivar mcp: servers of tools, by name.
    :ivar tls: how the port speaks TLS.
    :ivar allow_plaintext: listening without TLS where others could listen in is accepted.
    :ivar remote_fingerprints: certificates of the gateway that the command line talks to.
    :ivar remote_ssh: the host that it is reached through.
    :ivar pins: keys of the servers that outgoing connections lead to, by lowercase host name.
    :ivar sealing: how the journal is sealed.
    :ivar access: credentials besides token and password, and second factors.
    :ivar skills: what skills are given, by their keys.
    :ivar backends: agents that are programs, by id; each is a provider too.
    :ivar search_path: where programs are.
    :ivar variables: names of the environment that have a value; the values are not kept.
    :ivar notes: what is worth knowing once at start, though nothing is wrong.
    :ivar warnings: what an operator should read once at start.
    """

    loaded: LoadedConfig
    places: Places
    hosts: tuple[str, ...]
    port: int
    auth_mode: AuthMode
    token: str | None = field(repr=False)
    token_source: Source
    password: str | None = field(repr=False)
    remote_token: str | None = field(repr=False)
    remote_password: str | None = field(repr=False)
    allowed_origins: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    log_file: Path
    workspace: Path
    workspaces: Mapping[str, Path]
    providers: Mapping[str, ModelProvider]
    mcp: Mapping[str, McpServerSettings] = field(factory=dict)
    tls: TlsSettings = field(factory=TlsSettings)
    allow_plaintext: bool = False
    remote_fingerprints: tuple[str, ...] = ()
    remote_ssh: SshTarget | None = None
    pins: Mapping[str, tuple[str, ...]] = field(factory=dict)
    sealing: SealingSettings = field(factory=SealingSettings)
    access: AccessSettings = field(factory=AccessSettings)
    address_list: AddressList = field(factory=AddressList)
    skills: Mapping[str, SkillValues] = field(factory=dict)
    backends: Mapping[str, AgentBackend] = field(factory=dict)
    search_path: str = field(default="", eq=False, repr=False)
    variables: frozenset[str] = field(default=frozenset(), eq=False, repr=False)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def config(self) -> Config:
        """The checked configuration."""
        return self.loaded.config

    def workspace_of(self, agent_id: str) -> Path:
        """The folder of an agent; one in no list has the folder of none of those that are."""
        beside = self.workspace.with_name(f"{self.workspace.name}-{agent_id}")
        return self.workspaces.get(agent_id) or beside


def find_places(options: Options, environ: Mapping[str, str], home: Path) -> Places:
    """Say where state directory and configuration are.

    :param home: the user's home directory, for ``~``.
    """
    state = _first(options.state_dir, environ, "OPENCLAW_STATE_DIR", "--state-dir")
    state_dir = _expanded(state or "~/.openclaw", home)
    config = _first(options.config, environ, "OPENCLAW_CONFIG_PATH", "--config")
    return Places(
        state_dir,
        _expanded(config, home) if config else state_dir / "openclaw.json",
        config_is_required=options.config is not None,
        config_is_named=bool(config),
    )


def read_settings(options: Options, environ: Mapping[str, str], home: Path) -> Settings:
    """Find and read the file, then decide.

    :raises ConfigError: if something cannot be used.
    """
    places = find_places(options, environ, home)
    loaded = load(places.config_path)
    if places.config_is_required and not loaded.exists:
        raise ConfigError(f"there is no configuration at {places.config_path}")
    return effective(options, environ, loaded, places, home)


def effective(
    options: Options,
    environ: Mapping[str, str],
    loaded: LoadedConfig,
    places: Places,
    home: Path,
) -> Settings:
    """Decide every value: option beats environment beats file beats default. Touches nothing.

    :raises ConfigError: if a value cannot be used, or two contradict each other.
    """
    config, gateway = loaded.config, loaded.config.gateway
    known = {**config.env.vars, **environ}
    token, token_source = _token(options, environ, config, known)
    password = variable(environ, "OPENCLAW_GATEWAY_PASSWORD") or resolve(
        gateway.auth.password, known, "gateway.auth.password"
    )
    mode = _auth_mode(config, token_source, password)
    check_agents(config.agents)
    check_bindings(config)
    programs, left_out = backends(config, known, home)
    ready, warnings = providers(config, known, programs.values())
    mcp, remarks = mcp_servers(config.mcp, known, home)
    skills, more_remarks = skill_values(config.skills, known)
    workspace = config.agents.defaults.workspace
    common = _expanded(workspace, home) if workspace else places.state_dir / "workspace"
    log_file = config.logging.file
    settings = Settings(
        loaded=loaded,
        places=places,
        hosts=listeners(_host(options, environ, config)),
        port=_port(options, environ, config),
        auth_mode=mode,
        token=token,
        token_source="none" if mode == "none" else token_source,
        password=password,
        remote_token=resolve(gateway.remote.token, known, "gateway.remote.token"),
        remote_password=resolve(gateway.remote.password, known, "gateway.remote.password"),
        allowed_origins=(*gateway.allowed_origins, *gateway.control_ui.allowed_origins),
        trusted_proxies=networks(gateway.trusted_proxies, "gateway.trustedProxies"),
        log_file=_expanded(log_file, home) if log_file else places.own_dir / "logs/gateway.log",
        workspace=common,
        workspaces=_workspaces(config, common, home),
        providers=ready,
        mcp=mcp,
        search_path=known.get("PATH", ""),
        variables=frozenset(name for name, value in known.items() if value),
        tls=tls_settings(config, home),
        allow_plaintext=options.allow_plaintext or gateway.allow_plaintext,
        remote_fingerprints=remote_fingerprints(gateway.remote.tls_fingerprint),
        remote_ssh=_ssh(gateway.remote.ssh),
        pins=host_pins(config.connections.pins),
        sealing=sealing_settings(config, known, places.own_dir, home),
        access=access_settings(config, home),
        address_list=read_address_list(config.access.ip_whitelist),
        skills=skills,
        backends=programs,
    )
    said = (*warnings, *left_out, *remarks, *more_remarks, *_remarks(settings))
    return _with_words(settings, said)


def _with_words(settings: Settings, said: tuple[str, ...]) -> Settings:
    """The same with what is to be said at start; nobody wrote a file before a first start."""
    if settings.loaded.exists:
        return evolve(settings, warnings=said)
    absent = f"no configuration at {settings.places.config_path}; defaults are used"
    if settings.places.config_is_named:
        return evolve(settings, warnings=(*said, absent))
    return evolve(settings, warnings=said, notes=(absent,))


def _host(options: Options, environ: Mapping[str, str], config: Config) -> str:
    if options.host is not None:
        return address(options.host, "--host")
    from_environment = variable(environ, "OPENCLAW_GATEWAY_HOST")
    if from_environment:
        return address(from_environment, "OPENCLAW_GATEWAY_HOST")
    return configured_address(config.gateway)


def _port(options: Options, environ: Mapping[str, str], config: Config) -> int:
    if options.port is not None:
        return port(str(options.port), "--port")
    from_environment = variable(environ, "OPENCLAW_GATEWAY_PORT")
    if from_environment:
        return port(from_environment, "OPENCLAW_GATEWAY_PORT")
    return config.gateway.port


def _token(
    options: Options,
    environ: Mapping[str, str],
    config: Config,
    known: Mapping[str, str],
) -> tuple[str | None, Source]:
    if options.token is not None:
        if not options.token.strip():
            raise ConfigError("must not be blank", "--token")
        return options.token.strip(), "option"
    from_environment = variable(environ, "OPENCLAW_GATEWAY_TOKEN")
    if from_environment:
        return from_environment, "environment"
    configured = resolve(config.gateway.auth.token, known, "gateway.auth.token")
    return configured, "config" if configured else "file"


def _auth_mode(config: Config, token_source: Source, password: str | None) -> AuthMode:
    auth = config.gateway.auth
    if auth.mode and auth.type and auth.mode != auth.type:
        raise ConfigError(
            f'is "{auth.type}", but gateway.auth.mode is "{auth.mode}"; keep one of the two',
            "gateway.auth.type",
        )
    mode = auth.mode or auth.type or _mode_by_need(config)
    if config.access.authentication.required is not None and (
        config.access.authentication.required is (mode == "none")
    ):
        raise ConfigError(
            f'contradicts gateway.auth.mode "{mode or "token"}"; keep one of the two',
            "access.authentication.required",
        )
    if mode is None and password and token_source == "config":
        raise ConfigError(
            'expected "token" or "password", because both secrets are set',
            "gateway.auth.mode",
        )
    if mode == "password" and not password:
        raise ConfigError(
            'gateway.auth.mode is "password" and needs it, here or in OPENCLAW_GATEWAY_PASSWORD',
            "gateway.auth.password",
        )
    if mode is None:
        return "password" if password and token_source == "file" else "token"
    return mode


def _mode_by_need(config: Config) -> AuthMode | None:
    return "none" if config.access.authentication.required is False else None


def _ssh(text: str | None) -> SshTarget | None:
    if not text:
        return None
    try:
        return read_ssh_target(text)
    except ValueError as error:
        raise ConfigError(str(error), "gateway.remote.ssh") from None


def _remarks(settings: Settings) -> list[str]:
    """Tell an operator about values that were taken as they are."""
    config, remarks = settings.config, []
    if config.gateway.bind == "tailnet":
        remarks.append('gateway.bind "tailnet" is not served yet; listening on loopback')
    remarks += _idle(settings.loaded)
    remarks += _unused(settings.access)
    return [*remarks, *_unprovided(settings)]


def _unprovided(settings: Settings) -> list[str]:
    """Name the chosen models that no configured provider has."""
    agents, remarks = settings.config.agents, []
    aliases = {
        use.alias.casefold(): ref for ref, use in agents.defaults.models.items() if use.alias
    }
    chosen = choice_of(agents.defaults.model)
    for name, path in [
        (chosen.primary, "agents.defaults.model"),
        *((one, "agents.defaults.model.fallbacks") for one in chosen.fallbacks),
    ]:
        ref = aliases.get((name or "").casefold(), name)
        if ref and ref.partition("/")[0] not in settings.providers:
            remarks.append(f'{path}: no provider is configured for "{ref}"')
    return remarks


def _idle(loaded: LoadedConfig) -> list[str]:
    """Name the keys that do nothing: misspelt, another program's, or not served yet."""
    remarks = []
    for paths, what in ((loaded.unknown_keys, "unknown"), (loaded.not_served, "not served yet")):
        sections = [path for path in paths if path.rpartition(".")[0] not in paths]
        if sections:
            more = f" and {len(sections) - _NAMED} more" if len(sections) > _NAMED else ""
            named = [_guessed(path, loaded.meant) for path in sections[:_NAMED]]
            remarks.append(f"{what}, so ignored: {', '.join(named)}{more}")
    return remarks


def _guessed(path: str, meant: Mapping[str, str]) -> str:
    return f"{path} (is {meant[path]} meant?)" if path in meant else path


def _unused(access: AccessSettings) -> list[str]:
    """Kinds of credentials that are named and cannot be used, or the other way round."""
    kinds, remarks = access.kinds, []
    for kind, configured, key in (
        ("oidc", access.oidc is not None, "access.authentication.oidc"),
        ("certificate", bool(access.certificates), "access.authentication.certificates"),
        ("tailscale", access.tailscale_port is not None, "gateway.tailscale"),
    ):
        named = kinds is not None and kind in kinds
        if named and not configured and access.proxy_users is None:
            remarks.append(f'access.authentication.methods names "{kind}", but {key} is not set')
        if configured and kinds is not None and not named:
            remarks.append(f'{key} is set, but access.authentication.methods lacks "{kind}"')
    return remarks


def _workspaces(config: Config, common: Path, home: Path) -> dict[str, Path]:
    """A folder for each agent: its own, the common one for the first, a sibling for the others."""
    known = config.agents.known
    default = next((one.id for one in known if one.default), known[0].id if known else "main")
    folders = {default: common}
    for one in known:
        beside = common if one.id == default else common.with_name(f"{common.name}-{one.id}")
        folders[one.id] = _expanded(one.workspace, home) if one.workspace else beside
    return folders


def _first(option: str | None, environ: Mapping[str, str], name: str, flag: str) -> str | None:
    if option is not None and not option.strip():
        raise ConfigError("must not be blank", flag)
    return option or variable(environ, name)


def _expanded(text: str, home: Path) -> Path:
    if text == "~" or text.startswith("~/"):
        return home / text[2:]
    return Path(text)
