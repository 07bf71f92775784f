"""Sections about messages on their way: queue, order, sockets, limits, pools; keys only."""

from typing import Annotated, Literal

from msgspec import field

from openclaw.config.schema.authentication import Authentication
from openclaw.config.schema.fields import Section, at_least, later, now
from openclaw.config.units import Bytes, PerMinute, Seconds


class RetryPolicy(Section, frozen=True, kw_only=True):
    """How a failed delivery is tried again."""

    max_attempts: Annotated[
        int,
        at_least(1, "Attempts in all; fewer if ``ordering.timeout`` is over before."),
    ] = 3
    backoff: Annotated[
        Literal["exponential", "linear", "fixed"],
        now("How waits grow; each is up to 10 % longer, so that many spread out."),
    ] = "exponential"
    initial_delay: Annotated[Seconds, now("Wait before the second attempt.")] = Seconds(1)
    max_delay: Annotated[
        Seconds, now("Longest wait; one that a platform asks for is kept exactly.")
    ] = Seconds(30)


class DeadLetter(Section, frozen=True, kw_only=True):
    """What becomes of messages that cannot be delivered."""

    enabled: Annotated[
        bool, now("Whether they are kept; else what fails for good is only logged.")
    ] = True
    max_age: Annotated[Seconds, now("How long.")] = Seconds(604_800)


class QueueLimits(Section, frozen=True, kw_only=True):
    """Bounds of the queue."""

    max_size: Annotated[
        int,
        at_least(
            1, "Messages that may wait or run in one queue: the inbox, or an account's outbox."
        ),
    ] = 10_000
    retry_policy: Annotated[RetryPolicy, now("Repeated attempts.")] = RetryPolicy()
    dead_letter: Annotated[DeadLetter, now("Undeliverable messages.")] = DeadLetter()


class Queue(Section, frozen=True, kw_only=True):
    """Where messages wait."""

    enabled: Annotated[
        bool, now("Whether what waits is stored; off, it is lost at a stop as with ``memory``.")
    ] = True
    backend: Annotated[
        Literal["sqlite", "memory", "redis", "kafka", "nats", "postgres"],
        now(
            "Where they wait: in the journal, or in ``memory``, which forgets at a stop. "
            "The others are not served yet and refused at the start."
        ),
    ] = "sqlite"
    config: Annotated[QueueLimits, now("Bounds.")] = QueueLimits()
    url: Annotated[str | None, later("Address of the backend.")] = None


class Deduplication(Section, frozen=True, kw_only=True):
    """How repeated messages of a platform are recognised."""

    enabled: Annotated[
        bool, now("Whether they are, once the first one is done with; one that is kept always is.")
    ] = True
    strategy: Annotated[
        Literal["message_id", "content_hash"],
        now(
            "By what: the platform's id, with channel and account; or besides by the same words of "
            "the same person in the same place within the window."
        ),
    ] = "message_id"
    window: Annotated[
        Seconds, now("For how long; at least 24 hours where it is remembered in the journal.")
    ] = Seconds(300)
    storage: Annotated[
        Literal["memory", "durable"],
        now("Where it is remembered: ``memory`` for exactly the window."),
    ] = "durable"


class Ordering(Section, frozen=True, kw_only=True):
    """Which messages keep their order."""

    enabled: Annotated[bool, now("Whether order is kept; off, as with ``none``.")] = True
    guarantee: Annotated[Literal["per_session", "global", "none"], now("Within what.")] = (
        "per_session"
    )
    buffer_size: Annotated[
        int, at_least(1, "Messages of one queue worked on at a time, one of each conversation.")
    ] = 100
    timeout: Annotated[
        Seconds,
        now(
            "Longest that the waits between attempts of one message may keep its conversation, "
            "added up; then it is a dead letter. ``0`` for ever."
        ),
    ] = Seconds(10)


class WebSocket(Section, frozen=True, kw_only=True):
    """The sockets' timers and sizes."""

    ping_interval: Annotated[Seconds, now("Time between pings.")] = Seconds(25)
    ping_timeout: Annotated[Seconds, now("Silence after a ping that ends a connection.")] = Seconds(
        25
    )
    max_frame_size: Annotated[
        Bytes | None,
        later("Largest piece an outgoing message is cut into; absent: uncut."),
    ] = None
    compression: Annotated[bool, later("Whether messages are compressed.")] = False


class Tcp(Section, frozen=True, kw_only=True):
    """Options of the sockets below."""

    keep_alive: Annotated[bool, now("Whether the system probes silent peers.")] = True
    keep_alive_interval: Annotated[Seconds, now("Time between probes.")] = Seconds(30)
    keep_alive_probes: Annotated[int, at_least(1, "Probes before it gives up.")] = 3


class Dns(Section, frozen=True, kw_only=True):
    """Names of other hosts."""

    cache: Annotated[bool, now("Whether answers are kept.")] = True
    cache_ttl: Annotated[Seconds, now("How long.")] = Seconds(300)
    prefetch: Annotated[bool, now("Whether known hosts are looked up early.")] = False


class Network(Section, frozen=True, kw_only=True):
    """Sockets, TCP and names."""

    websocket: Annotated[WebSocket, now("WebSocket timers and sizes.")] = WebSocket()
    tcp: Annotated[Tcp, later("TCP options.")] = Tcp()
    dns: Annotated[Dns, later("Name look-ups.")] = Dns()


class RateLimiting(Section, frozen=True, kw_only=True):
    """How many frames and HTTP requests are served; no limit unless set."""

    all: Annotated[PerMinute | None, now("Of all connections together, ``1000rpm``.")] = field(
        default=None, name="global"
    )
    per_connection: Annotated[PerMinute | None, now("Of one connection, ``100rpm``.")] = None
    per_ip: Annotated[
        PerMinute | None, now("Of one address, or one IPv6 network of 64 bits, ``500rpm``.")
    ] = None


class Access(Section, frozen=True, kw_only=True):
    """Who may come in, besides authentication."""

    ip_whitelist: Annotated[
        tuple[str, ...],
        now(
            "Addresses, networks and host names that may connect; empty: all. Names are looked up "
            "every minute and let nobody in while that fails. Programs on this machine always "
            "may; behind a trusted proxy the client that it reports is meant."
        ),
    ] = ()
    rate_limiting: Annotated[RateLimiting, now("Limits of plain traffic.")] = RateLimiting()
    authentication: Annotated[Authentication, now("Kinds of credentials, second factors.")] = (
        Authentication()
    )


class Pool(Section, frozen=True, kw_only=True):
    """Outgoing HTTP connections."""

    max_size: Annotated[
        int, at_least(1, "Most connections, busy and idle ones together; further requests wait.")
    ] = 100
    min_size: Annotated[
        int,
        at_least(0, "Idle connections kept until ``idleTimeout``; more than these only for 30 s."),
    ] = 10
    idle_timeout: Annotated[Seconds, now("Idle time that ends one.")] = Seconds(300)
    connection_timeout: Annotated[
        Seconds, now("Deadline of connecting: name, TCP, TLS, and the wait for a place.")
    ] = Seconds(10)
    test_on_borrow: Annotated[
        bool,
        now(
            "Whether an idle one is tested before use; what must not be sent twice (``POST``) then "
            "takes none that was idle for more than 4 s."
        ),
    ] = True


class ChannelConnections(Section, frozen=True, kw_only=True):
    """Connections of one channel."""

    max_connections: Annotated[int, at_least(1, "Most connections.")] = 5
    reconnect_interval: Annotated[Seconds, now("Wait before connecting again.")] = Seconds(10)


class Connections(Section, frozen=True, kw_only=True):
    """Outgoing connections."""

    pool: Annotated[Pool, now("Outgoing HTTP connections.")] = Pool()
    per_channel: Annotated[dict[str, ChannelConnections], later("By channel.")] = field(
        default_factory=dict
    )
    pins: Annotated[
        dict[str, tuple[str, ...]],
        now(
            "By host name: pins (``sha256/...``) of the public keys of which one must be in the "
            "server's certificate chain, besides everything else that is checked. List the key "
            "in use and a spare one."
        ),
    ] = field(default_factory=dict)
