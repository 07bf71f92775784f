"""Where the channel kit meets a platform: what a channel does, and what it is given for it."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Literal

from attrs import field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import Attribute, Interface

from openclaw.interfaces.messages import Attachment, Inbound, Outgoing, Sent, Target
from openclaw.interfaces.outbound import IOutboundHTTP, IOutboundResponse, IOutboundSockets

Unit = Literal["characters", "utf-16", "bytes"]
Streaming = Literal["off", "partial"]


class ChannelDown(Exception):
    """The connection of an account ended; the kit connects again.

    :ivar after_seconds: the platform said to wait so long; else 0.
    :ivar at_once: an ordinary end (a server that asked for a new connection): no pause, no fault.
    """

    def __init__(self, message: str, after_seconds: float = 0.0, at_once: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.after_seconds = after_seconds
        self.at_once = at_once


class ChannelFailed(Exception):
    """The account cannot work until somebody mends something: connecting again would not help.

    The message says what is wrong and the exact remedy.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@frozen(kw_only=True)
class TextLimit:
    """How much text fits into one message, counted after rendering.

    :ivar default: where a text is cut; ``hard`` is where the platform refuses.
    :ivar lines: most lines of one message, 0 for any number.
    :ivar caption: most text with an attachment; 0 if attachments carry none.
    """

    default: int
    hard: int
    unit: Unit = "characters"
    lines: int = 0
    caption: int = 0


@frozen(kw_only=True)
class Abilities:
    """What a platform can do besides sending text."""

    edit: bool = False
    delete: bool = False
    react: bool = False
    typing_seconds: float = 0.0
    """How often a typing sign has to be repeated; 0 if there is none."""
    threads: bool = False
    media: bool = False
    webhook: bool = False
    idempotent: bool = False
    """A send with the same :attr:`Outgoing.id` happens once: it may be repeated at will."""
    lookup: bool = False
    """:meth:`IChannel.find` can tell whether a message was sent."""


@frozen(kw_only=True)
class Variable:
    """A variable of the environment that says what the default account's settings do not.

    :ivar key: as the configuration spells it.
    :ivar unless: keys that say the same in another way, and go before it.
    :ivar kind: how the variable is read; a secret is only referred to.
    """

    name: str
    key: str
    unless: tuple[str, ...] = ()
    kind: Literal["secret", "text", "number", "switch", "list"] = "secret"


@frozen(kw_only=True)
class Manifest:
    """What the gateway knows of a platform without loading its code.

    :ivar id: the key under ``channels`` of the configuration.
    :ivar settings: ``module:name`` of the msgspec struct of one account's settings, a
        :class:`openclaw.config.schema.channels.ChannelSettings`.
    :ivar factory: ``module:name`` of what makes one account's :class:`IChannel` from an
        :class:`ILink`.
    :ivar streaming: what is done with an answer while it grows, unless configured.
    :ivar edit_ms: least time between two edits of one message: in direct chats, in groups.
    :ivar max_connections: most sockets of one account at a time.
    :ivar reconnect_seconds: pause before the first new attempt.
    :ivar media_bytes: most that is sent or fetched as one file.
    :ivar webhook_bytes: most that a webhook's body may be.
    :ivar webhook_path: where an account's webhook is served, unless configured.
    :ivar variables: where is looked for what the default account is not configured with.
    """

    id: str
    label: str
    settings: str
    factory: str
    text: TextLimit
    abilities: Abilities = field(factory=Abilities)
    streaming: Streaming = "off"
    edit_ms: tuple[int, int] = (1000, 3000)
    max_connections: int = 5
    reconnect_seconds: float = 1.0
    media_bytes: int = 20 << 20
    webhook_bytes: int = 1 << 20
    webhook_path: str = "/webhook/{channel}/{account}"
    variables: tuple[Variable, ...] = ()


@frozen(kw_only=True)
class WebhookRequest:
    """A request to an account's webhook.

    :ivar headers: by lowercase name, the first value of each.
    :ivar body: the raw bytes: what signatures are made over.
    :ivar path: what follows the account's own path, ``""`` or ``/…``.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@frozen(kw_only=True)
class WebhookAnswer:
    """What a webhook answers."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class WebhookPlace:
    """Where a webhook's request goes.

    :ivar rest: what follows the account's own path, ``""`` or ``/…``.
    :ivar body_bytes: most that the request's body may be.
    """

    channel: str
    account: str
    rest: str = ""
    body_bytes: int = 1 << 20


Taken = Literal["queued", "duplicate", "refused", "noted"]
"""What became of an inbound event: in the inbox; there before; not let in; kept as context."""


class IChannelState(Interface):
    """A few durable values of one account: offsets, sync tokens. For small things only."""

    def get(name: str) -> str:
        """A value as it was last put; empty if it never was. Answers from memory."""

    def put(name: str, value: str) -> Deferred[None]:
        """Keep a value; fires when it is on disk. An empty one is forgotten."""


class ILink(Interface):
    """What one account is given: its settings, its tools, and the way into the gateway."""

    channel: str = Attribute("The channel's id.")
    account: str = Attribute("The account's id.")
    settings: Any = Attribute("Its settings, of the type that the manifest names.")
    manifest: Manifest = Attribute("The channel's manifest.")
    clock: IReactorTime = Attribute("Time that passes; for every pause and time-out.")
    now_ms: Callable[[], int] = Attribute("Wall clock, Unix milliseconds.")
    random: Random = Attribute("For jitter, ids that need not be secret, boundaries of forms.")
    http: IOutboundHTTP = Attribute("The outbound HTTP client.")
    sockets: IOutboundSockets = Attribute("The outbound WebSocket and TCP client.")
    state: IChannelState = Attribute("The account's durable values.")
    webhook_url: str = Attribute("Where the platform reaches the account's webhook; may be empty.")

    def connected(name: str = "") -> None:
        """The account works: messages can come and go.

        :param name: the assistant's own name there, for status.
        """

    def degraded(why: str) -> None:
        """It is connected and does not work as it should; :meth:`connected` takes it back."""

    def heard() -> None:
        """Something arrived: the transport lives. Cheap; call it for every frame or poll."""

    def receive(message: Inbound) -> Deferred[Taken]:
        """Hand in an event.

        :return: fires when the platform may be told that it was taken: it is on disk, or will
            never be wanted. Fails with :class:`openclaw.interfaces.queue.QueueFull` or
            :class:`openclaw.errors.StoreError`: then the platform must not be told, and the event
            will have to come again.
        :raises ValueError: the message says that it is another account's.
        """

    def moved(old_chat_id: str, new_chat_id: str) -> None:
        """A chat has a new id; what was configured and queued for the old one is meant for it."""


class IChannel(Interface):
    """One account on one platform; made without doing anything.

    What is not among the manifest's abilities is never called.
    """

    def run() -> Deferred[None]:
        """Connect, and serve until the connection ends.

        The kit calls it again, after a pause, for as long as the account is wanted; it never runs
        twice at a time.

        :return: fails with :class:`ChannelDown` or :class:`ChannelFailed` (anything else counts as
            the former). Cancelling it closes every socket; it fires once they are closed.
        """

    def send(outgoing: Outgoing) -> Deferred[Sent]:
        """Send one message.

        :return: fails with :class:`openclaw.interfaces.queue.Undelivered`, which says whether it
            may be repeated. ``later`` where there is no connection.
        """

    def edit(outgoing: Outgoing) -> Deferred[Sent]:
        """Change the text of ``outgoing.message_id``; if that is impossible, send it anew.

        A text that is there already is a success. Fails as :meth:`send` does.
        """

    def delete(target: Target, message_id: str) -> Deferred[None]:
        """Delete a message of ours; one that is gone is a success. Fails as :meth:`send` does."""

    def react(target: Target, message_id: str, emoji: str) -> Deferred[None]:
        """React to a message, or take our reaction back if ``emoji`` is empty."""

    def typing(target: Target, on: bool) -> Deferred[None]:
        """Show, or no longer show, that an answer is being written. Its failure harms nothing."""

    def find(outgoing: Outgoing) -> Deferred[Sent | None]:
        """Look whether an earlier :meth:`send`, whose answer was lost, had happened."""

    def fetch(attachment: Attachment) -> Deferred[IOutboundResponse]:
        """Begin to fetch a file that came with a message, by its ``ref``."""

    def webhook(request: WebhookRequest) -> Deferred[WebhookAnswer]:
        """Serve a request of the platform: check its signature first, then everything else."""

    def render(text: str) -> str:
        """Markdown in the platform's own form, as its limits count it."""

    def probe() -> Deferred[str]:
        """Ask the platform for a sign of life; fires with what it said of us, in short.

        Fails with :class:`ChannelDown` or :class:`ChannelFailed`.
        """


@frozen(kw_only=True)
class AccountStatus:
    """How one account does; what every view of it is made from.

    :ivar state: ``disabled stopped starting connected degraded reconnecting failed``.
    :ivar label: what people call the channel.
    :ivar is_default: whether it is meant where only the channel is named.
    :ivar mode: how messages come in: ``polling``, ``webhook``, ``socket``.
    :ivar last_error: what is wrong and what to do about it; empty if nothing is.
    :ivar clients: how many clients are connected to it; ``None`` where it connects itself.
    """

    channel: str
    account: str
    state: str
    label: str = ""
    is_default: bool = True
    enabled: bool = True
    configured: bool = True
    name: str = ""
    mode: str = ""
    reconnect_attempts: int = 0
    last_start_at: int = 0
    last_stop_at: int = 0
    last_connected_at: int = 0
    last_disconnect_at: int = 0
    last_disconnect: str = ""
    last_error: str = ""
    last_inbound_at: int = 0
    last_outbound_at: int = 0
    last_transport_at: int = 0
    clients: int | None = None

    @property
    def connected(self) -> bool:
        """Whether messages can come and go."""
        return self.state in ("connected", "degraded")


class IChannels(Interface):
    """Every configured account, for methods, HTTP and the views of health."""

    def manifests() -> Sequence[Manifest]:
        """Channels that could be configured, by id."""

    def statuses() -> Sequence[AccountStatus]:
        """Every configured account, in the configuration's order."""

    def default_account(channel: str) -> str:
        """The account that is meant where none is named; fails for a channel that is not there.

        :raises openclaw.errors.InvalidRequest: no such channel is configured.
        """

    def send(outgoing: Sequence[Outgoing]) -> Deferred[Sequence[Sent]]:
        """Put calls into the outbox, in order, and wait for what the platform says to each.

        :return: fails with :class:`openclaw.errors.GatewayError` in the platform's words. What is
            already in the outbox stays there if nobody waits any more.
        """

    def compose(target: Target, text: str, key: str, **more: Any) -> Deferred[Sequence[Outgoing]]:
        """Cut a text into what an account can send, in order.

        :param key: the parts' ids are made from it, so that the same text is sent once.
        """

    def attach(channel: str, account: str, url: str) -> Deferred[Attachment]:
        """Fetch a file from a public address, to be sent by an account.

        :return: fails with :class:`openclaw.errors.InvalidRequest`, which says why.
        """

    def webhook_at(path: str) -> WebhookPlace | None:
        """Whose webhook is at a path; ``None`` if nobody's."""

    def webhook(place: WebhookPlace, request: WebhookRequest) -> Deferred[WebhookAnswer]:
        """Hand a request to an account's webhook.

        :return: fails with :class:`openclaw.interfaces.queue.QueueFull` or
            :class:`openclaw.errors.StoreError` if what came could not be taken.
        """

    def probe(channel: str, account: str) -> Deferred[str]:
        """Ask an account's platform for a sign of life."""

    def reload(channel: str, account: str) -> Deferred[Sequence[str]]:
        """Stop and start one account, or all of a channel; fires with which ones."""

    def stop_account(channel: str, account: str) -> Deferred[bool]:
        """Stop an account until it is reloaded or the gateway starts anew."""
