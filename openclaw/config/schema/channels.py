"""What every channel's account can be told, whatever its platform; a platform adds its own keys."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, field
from msgspec.structs import force_setattr

from openclaw.config.schema.fields import Positive, Section, now
from openclaw.config.units import Seconds

DmPolicy = Literal["pairing", "allowlist", "open", "disabled"]
GroupPolicy = Literal["allowlist", "open", "disabled"]
AllowBots = bool | Literal["mentions"]
ReplyToMode = Literal["off", "first", "all", "batched"]
StreamingMode = Literal["off", "partial", "block", "progress", "quiet"]


class StreamingSettings(Section, frozen=True, kw_only=True):
    """Whether an answer is shown while it grows, in the original's longer spelling."""

    mode: Annotated[StreamingMode | None, now("The same as ``streaming`` as a word.")] = None


class TopicSettings(Section, frozen=True, kw_only=True):
    """One thread of a group, or ``*`` for all others.

    Keys that are absent mean what the group says.
    """

    enabled: Annotated[bool, now("Whether anything is taken from it.")] = True
    require_mention: Annotated[
        bool | None, now("Whether only messages that address the assistant are taken.")
    ] = None
    group_policy: Annotated[
        GroupPolicy | None,
        now("``open``: everybody in it may speak, but for ``allowFrom``; ``disabled``: nobody."),
    ] = None
    allow_from: Annotated[
        tuple[str | int, ...] | None, now("Ids of those who may speak to the assistant in it.")
    ] = None
    agent: Annotated[str | None, now("Which agent answers in it.")] = None
    agent_id: Annotated[str | None, now("The same as ``agent``.")] = None


class GroupSettings(TopicSettings, frozen=True, kw_only=True):
    """One group or channel of an account, or ``*`` for all others.

    Keys that are absent mean what the account says.
    """

    topics: Annotated[
        dict[str, TopicSettings], now("Its threads by their ids, ``*`` for all others.")
    ] = field(default_factory=dict)
    allow: Annotated[bool, now("The same as ``enabled``, as the original has it.")] = True
    users: Annotated[
        tuple[str | int, ...] | None, now("The same as ``allowFrom``, as the original has it.")
    ] = None

    def __post_init__(self) -> None:
        """Let both spellings of each thing mean the same."""
        force_setattr(self, "enabled", self.enabled and self.allow)
        if self.users is not None and self.allow_from is None:
            force_setattr(self, "allow_from", self.users)


class ChannelSettings(Section, frozen=True, kw_only=True):
    """One account of a channel; the keys beside ``accounts`` hold for every account."""

    enabled: Annotated[bool, now("Whether it is started.")] = True
    name: Annotated[str, now("What people call the account.")] = ""
    dm_policy: Annotated[
        DmPolicy,
        now(
            "Who may write directly: those who showed a code that was approved, those on the list, "
            'everybody (needs "*" in allowFrom), nobody.'
        ),
    ] = "pairing"
    allow_from: Annotated[
        tuple[str | int, ...],
        now("Immutable ids of those who may write; never names."),
    ] = ()
    group_policy: Annotated[GroupPolicy, now("Groups: those that are listed, all, none.")] = (
        "allowlist"
    )
    group_allow_from: Annotated[
        tuple[str | int, ...] | None,
        now("Ids of those who may speak in groups; everybody in a listed group if absent."),
    ] = None
    groups: Annotated[
        dict[str, GroupSettings], now("Groups and channels by their ids, ``*`` for all others.")
    ] = field(default_factory=dict)
    require_mention: Annotated[bool, now("Whether groups have to address the assistant.")] = True
    mention_patterns: Annotated[
        tuple[str, ...], now("Regular expressions that count as addressing the assistant.")
    ] = ()
    allow_bots: Annotated[
        AllowBots,
        now("Whether other bots are heard; ``mentions``: where they address the assistant."),
    ] = False
    history_limit: Annotated[
        int, Meta(ge=0, le=1000), now("Messages of a group that are kept as context.")
    ] = 50
    debounce_ms: Annotated[
        int, Meta(ge=0, le=60_000), now("Messages of one sender within this time are one.")
    ] = 0
    streaming: Annotated[
        StreamingMode | bool | StreamingSettings | None,
        now(
            "Whether an answer is shown while it grows: ``off``, or ``partial``; the original's "
            "``block``, ``progress`` and ``quiet`` are the same here."
        ),
    ] = None
    edit_min_ms: Annotated[
        Positive | None, now("Least milliseconds between two edits of a growing answer.")
    ] = None
    text_chunk_limit: Annotated[Positive | None, now("Where long answers are cut.")] = None
    media_max_mb: Annotated[Positive | None, now("Most megabytes of one file.")] = None
    reply_to_mode: Annotated[
        ReplyToMode,
        now("Which parts of an answer quote the message; ``batched`` is the same as ``first``."),
    ] = "first"
    typing: Annotated[bool, now("Whether a typing sign is shown.")] = True
    allow_insecure: Annotated[bool, now("Whether http and ws are used beyond this machine.")] = (
        False
    )
    max_connections: Annotated[Positive | None, now("Most sockets at a time.")] = None
    reconnect_interval: Annotated[
        Seconds | None, now("Pause before a lost connection is tried again.")
    ] = None
    webhook_path: Annotated[
        str | None, now("Where its webhook is served; ``/webhook/<channel>/<account>`` if absent.")
    ] = None
    webhook_url: Annotated[
        str | None, now("The same as the platform reaches it, from outside.")
    ] = None

    def group_senders(self) -> tuple[str | int, ...] | None:
        """Who may speak in groups that say nothing of it; ``None`` for everybody in a listed one.

        A platform whose other keys say something about that overrides it.
        """
        return self.group_allow_from

    def shows_growth(self) -> bool | None:
        """Whether an answer is shown while it grows; ``None`` if that is not said."""
        said = self.streaming
        if isinstance(said, StreamingSettings):
            said = said.mode
        return said if said is None else said not in ("off", False)

    def access(self) -> Mapping[str, GroupSettings]:
        """What is said about groups, by the ids of chats and of what they belong to.

        A platform whose own keys say more about them overrides it.
        """
        return self.groups


class DirectSettings(Section, frozen=True, kw_only=True):
    """Direct messages in the original's older spelling, for platforms that had it."""

    enabled: Annotated[bool, now("Whether any are taken.")] = True
    policy: Annotated[DmPolicy | None, now("The same as ``dmPolicy``.")] = None
    allow_from: Annotated[tuple[str | int, ...] | None, now("The same as ``allowFrom``.")] = None

    def put_into(self, settings: ChannelSettings) -> None:
        """Say the same in the keys where everybody looks for it."""
        policy = self.policy if self.enabled else "disabled"
        if policy is not None:
            force_setattr(settings, "dm_policy", policy)
        if self.allow_from is not None:
            force_setattr(settings, "allow_from", self.allow_from)
