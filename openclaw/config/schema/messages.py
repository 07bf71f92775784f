"""The ``messages`` section: what becomes of messages that come while an answer is on its way."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from openclaw.config.schema.fields import Section, later, now
from openclaw.config.units import Seconds

MessagesKept = Annotated[int, Meta(ge=0, le=1000)]
QueueMode = Literal["followup", "collect", "steer", "interrupt"]


class MessageQueue(Section, frozen=True, kw_only=True):
    """Messages that come while their session is busy."""

    mode: Annotated[
        QueueMode,
        now(
            "``followup``: each has a run of its own, one after the other; ``collect``: those that "
            "wait are one input; ``steer``: they are told to the run between two steps; "
            "``interrupt``: the newest ends what runs."
        ),
    ] = "followup"
    by_channel: Annotated[
        dict[str, QueueMode], now("The same for single channels; ``webchat`` for clients.")
    ] = field(default_factory=dict)
    debounce_ms: Annotated[Any, later("See ``debounceMs`` of each channel.")] = None
    cap: Annotated[Any, later("Most that wait; 100 in each session.")] = None
    drop: Annotated[Any, later("Nothing is dropped.")] = None


class GroupChat(Section, frozen=True, kw_only=True):
    """Groups of every channel that says nothing else."""

    mention_patterns: Annotated[
        tuple[str, ...] | None, now("See ``mentionPatterns`` of each channel.")
    ] = None
    history_limit: Annotated[MessagesKept | None, now("See ``historyLimit`` of each channel.")] = (
        None
    )


class Messages(Section, frozen=True, kw_only=True):
    """How messages are shaped."""

    queue: Annotated[MessageQueue, now("Messages that come while their session is busy.")] = (
        MessageQueue()
    )
    notice_after: Annotated[
        Seconds,
        now(
            "How long a message from a chat platform may wait for its agent before its sender and "
            "the operator are told; ``0``: never."
        ),
    ] = Seconds(60)
    response_prefix: Annotated[Any, later("Text before every answer.")] = None
    ack_reaction: Annotated[Any, later("Emoji that says a message was seen.")] = None
    ack_reaction_scope: Annotated[Any, later("Where it is shown.")] = None
    group_chat: Annotated[GroupChat, now("Groups of every channel.")] = GroupChat()
    inbound: Annotated[Any, later("How messages are gathered; see each channel.")] = None
    tts: Annotated[Any, later("Spoken answers.")] = None
