"""The whole configuration: its top-level keys; large sections have modules of their own."""

from typing import Annotated, Any, Literal

from msgspec import field

from openclaw.config.schema.agents import Agents
from openclaw.config.schema.bindings import BindingRow
from openclaw.config.schema.fields import Section, at_least, later, now
from openclaw.config.schema.gateway import Gateway
from openclaw.config.schema.mcp import Mcp
from openclaw.config.schema.messages import Messages
from openclaw.config.schema.models import Models
from openclaw.config.schema.security import Audit, Security
from openclaw.config.schema.skills import Skills
from openclaw.config.schema.tools import Tools
from openclaw.config.schema.traffic import (
    Access,
    Connections,
    Deduplication,
    Network,
    Ordering,
    Queue,
)
from openclaw.config.units import Bytes, Seconds


class Hooks(Section, frozen=True, kw_only=True):
    """Webhooks into the agent."""

    enabled: Annotated[bool, later("Whether they are served.")] = False
    token: Annotated[Any, later("Their secret.")] = None
    path: Annotated[str, later("Their base path.")] = "/hooks"
    mappings: Annotated[Any, later("What a call becomes.")] = None
    presets: Annotated[Any, later("Ready-made mappings.")] = None
    internal: Annotated[Any, later("Hooks on the gateway's own events.")] = None
    gmail: Annotated[Any, later("Mail notifications.")] = None
    allowed_agent_ids: Annotated[Any, later("Agents that may be called.")] = None
    default_session_key: Annotated[str | None, later("Session of a call.")] = None
    allow_request_session_key: Annotated[bool, later("Whether a call names its session.")] = False
    allowed_session_key_prefixes: Annotated[Any, later("Sessions it may name.")] = None
    transforms_dir: Annotated[str | None, later("Scripts of the original; never run.")] = None


class Logging(Section, frozen=True, kw_only=True):
    """The gateway's own log."""

    file: Annotated[
        str | None,
        now("Log file; ``<state-dir>/gateway/logs/gateway.log`` when absent."),
    ] = None
    level: Annotated[
        Literal["silent", "fatal", "error", "warn", "info", "debug", "trace"],
        now("The least important events that are written."),
    ] = "info"
    format: Annotated[
        Literal["json", "text"],
        now("How they look on standard output; the file has JSON."),
    ] = "text"
    console_level: Annotated[str | None, later("Level on the console.")] = None
    console_style: Annotated[str | None, later("Looks of the console.")] = None
    redact_sensitive: Annotated[str | None, later("Secrets are never logged here.")] = None
    redact_patterns: Annotated[Any, later("More patterns to hide.")] = None
    max_file_bytes: Annotated[int | None, later("Size after which the file is rotated.")] = None


class SessionMaintenance(Section, frozen=True, kw_only=True):
    """Which sessions are removed, with their transcripts; never one that runs or is archived."""

    mode: Annotated[
        Literal["enforce", "warn"],
        now("Whether they are removed, or the log tells which would be."),
    ] = "enforce"
    prune_after: Annotated[
        Seconds, now("How long a session stays that nobody uses; ``0``: for ever.")
    ] = Seconds(30 * 86_400)
    prune_one_off_after: Annotated[
        Seconds,
        now("The same for sessions of API requests that name no user and no session; ours."),
    ] = Seconds(86_400)
    max_entries: Annotated[int, at_least(0, "Most sessions; ``0``: as many as there are.")] = 5_000
    max_disk_bytes: Annotated[
        Bytes, now("How much of the journal may be in use; ``0``: there is no bound.")
    ] = Bytes(10 << 30)
    high_water_bytes: Annotated[
        Bytes | None, now("How much is left in use when it was too much; four fifths if absent.")
    ] = None
    reset_archive_retention: Annotated[Any, later("No archive is kept of a reset.")] = None
    archive_dashboard_after: Annotated[Any, later("Sessions that are put aside by themselves.")] = (
        None
    )
    preserve_recent: Annotated[Any, later("The oldest always go first.")] = None
    cold_storage: Annotated[Any, later("Where old transcripts go.")] = None
    rotate_bytes: Annotated[Any, later("The journal is one file.")] = None


class Session(Section, frozen=True, kw_only=True):
    """Which conversations share a history."""

    dm_scope: Annotated[
        Literal["main", "per-peer", "per-channel-peer", "per-account-channel-peer"],
        now(
            "Which direct messages share one session: all (``main``), those of one person on all "
            "channels (by the same id), on one channel, or of one account of it."
        ),
    ] = "per-channel-peer"
    main_key: Annotated[str, now("Name of the main session.")] = "main"
    scope: Annotated[str | None, later("``per-sender`` or ``global``.")] = None
    reset: Annotated[Any, later("When a session starts anew.")] = None
    reset_by_type: Annotated[Any, later("The same by kind of conversation.")] = None
    reset_by_channel: Annotated[Any, later("The same by channel.")] = None
    reset_triggers: Annotated[Any, later("Words that start one.")] = None
    idle_minutes: Annotated[int | None, later("Idle time that ends one.")] = None
    identity_links: Annotated[Any, later("Accounts that are one person.")] = None
    maintenance: Annotated[SessionMaintenance, now("What is forgotten when.")] = (
        SessionMaintenance()
    )
    send_policy: Annotated[Any, later("Where answers may go.")] = None
    store: Annotated[str | None, later("The original's session file; not read.")] = None
    agent_to_agent: Annotated[Any, later("Messages between agents.")] = None


class Environment(Section, frozen=True, kw_only=True):
    """Variables for ``${NAME}`` in secrets; the real environment wins."""

    vars: Annotated[dict[str, str], now("Values by name.")] = field(default_factory=dict)
    shell_env: Annotated[Any, later("A login shell's variables; no shell is run.")] = None


class Config(Section, frozen=True, kw_only=True):
    """``openclaw.json``."""

    gateway: Annotated[Gateway, now("The listening side.")] = Gateway()
    agents: Annotated[Agents, now("Who answers.")] = Agents()
    models: Annotated[Models, now("Servers of models.")] = Models()
    logging: Annotated[Logging, now("The gateway's own log.")] = Logging()
    session: Annotated[Session, now("Conversations.")] = Session()
    env: Annotated[Environment, now("Variables for ``${NAME}``.")] = Environment()
    network: Annotated[Network, now("Sockets.")] = Network()
    ordering: Annotated[Ordering, now("Which messages keep their order.")] = Ordering()
    queue: Annotated[Queue, now("Where messages wait.")] = Queue()
    deduplication: Annotated[Deduplication, now("Repeated messages.")] = Deduplication()
    access: Annotated[Access, now("Who may come in, besides ``gateway.auth``.")] = Access()
    connections: Annotated[Connections, now("Outgoing connections.")] = Connections()
    hooks: Annotated[Hooks, later("Webhooks into the agent.")] = Hooks()
    channels: Annotated[
        dict[str, Any], now("Chat platforms by their ids; each has keys of its own.")
    ] = field(default_factory=dict)
    bindings: Annotated[tuple[BindingRow, ...], now("Which agent answers which chat.")] = ()
    messages: Annotated[Messages, now("How messages are shaped.")] = Messages()
    crons: Annotated[Any, later("Declared jobs by name.")] = None
    cron: Annotated[Any, later("The scheduler.")] = None
    nodes: Annotated[Any, later("Kinds of nodes.")] = None
    node_host: Annotated[Any, later("This host as a node.")] = None
    canvas_host: Annotated[Any, later("The canvas listener.")] = None
    skills: Annotated[Skills, now("Skills of agents.")] = Skills()
    tools: Annotated[Tools, now("Tools of agents.")] = Tools()
    plugins: Annotated[Any, later("Plugins of the original; never loaded.")] = None
    monitoring: Annotated[Any, later("Alerts.")] = None
    security: Annotated[Security, now("Transport and encryption.")] = Security()
    memory: Annotated[Any, later("Limits and caches.")] = None
    commands: Annotated[Any, later("Chat commands.")] = None
    approvals: Annotated[Any, later("Who approves what.")] = None
    secrets: Annotated[Any, later("Where secrets live.")] = None
    auth: Annotated[Any, later("Profiles at model providers.")] = None
    mcp: Annotated[Mcp, now("Tool servers.")] = Mcp()
    acp: Annotated[Any, later("Editors as clients.")] = None
    browser: Annotated[Any, later("The original's browser.")] = None
    desktop: Annotated[Any, later("The original's desktop.")] = None
    ui: Annotated[Any, later("Looks of the original's pages.")] = None
    web: Annotated[Any, later("The original's web channel.")] = None
    talk: Annotated[Any, later("Speech.")] = None
    audio: Annotated[Any, later("Sound.")] = None
    tts: Annotated[Any, later("Read aloud.")] = None
    media: Annotated[Any, later("Attachments.")] = None
    broadcast: Annotated[Any, later("One message to several agents.")] = None
    discovery: Annotated[Any, later("How gateways find each other.")] = None
    audit: Annotated[Audit, now("The audit trail.")] = Audit()
    diagnostics: Annotated[Any, later("Traces.")] = None
    telemetry: Annotated[Any, later("Nothing is ever sent.")] = None
    update: Annotated[Any, later("Updates of the original.")] = None
    proxy: Annotated[Any, later("Proxy for outgoing requests.")] = None
    identity: Annotated[Any, later("The agent's name.")] = None
    cli: Annotated[Any, later("The command line.")] = None
    surfaces: Annotated[Any, later("Where the agent appears.")] = None
    wizard: Annotated[Any, later("Notes of the original's set-up; ignored.")] = None
    meta: Annotated[Any, later("Notes of the original; ignored.")] = None
    schema_uri: Annotated[str | None, now("For editors; ignored.")] = field(
        default=None, name="$schema"
    )
