"""The keys of one Slack account, in the original's spellings."""

from typing import Annotated, Literal

from msgspec import field
from msgspec.structs import force_setattr

from openclaw.config.schema.channels import (
    ChannelSettings,
    DirectSettings,
    GroupSettings,
    ReplyToMode,
)
from openclaw.config.schema.fields import Secret, Section, now

API_URL = "https://slack.com/api/"
EVENTS_PATH = "/slack/events"


class SlashCommand(Section, frozen=True, kw_only=True):
    """The app's slash commands."""

    enabled: Annotated[bool, now("Whether they are taken.")] = False
    name: Annotated[
        str, now("The command whose text is a message; of others the name is part of it.")
    ] = "openclaw"


class ImplicitMentions(Section, frozen=True, kw_only=True):
    """What addresses the assistant without naming it."""

    reply_to_bot: Annotated[bool, now("A reply in a thread under its own message.")] = True
    thread_participation: Annotated[bool, now("A message in a thread where it has spoken.")] = True


class SlackSettings(ChannelSettings, frozen=True, kw_only=True):
    """One app in one workspace."""

    mode: Annotated[
        Literal["socket", "http"],
        now("How events come: over a connection of ours, or to the account's webhook."),
    ] = "socket"
    bot_token: Annotated[Secret | None, now("The bot token, ``xoxb-…``.")] = None
    app_token: Annotated[
        Secret | None, now("The app-level token, ``xapp-…``; needed for ``socket``.")
    ] = None
    signing_secret: Annotated[
        Secret | None, now("The app's signing secret; needed for ``http``.")
    ] = None
    api_url: Annotated[str, now("The Web API, up to and with ``/api/``.")] = API_URL
    webhook_path: Annotated[
        str | None,
        now(
            "Where its webhook is served; ``/slack/events`` for ``http`` if absent, so that "
            "several such accounts need one each."
        ),
    ] = None
    channels: Annotated[
        dict[str, GroupSettings], now("Channels by their ids; the same as ``groups``.")
    ] = field(default_factory=dict)
    dm: Annotated[DirectSettings | None, now("Direct messages, the older spelling.")] = None
    reply_to_mode: Annotated[
        ReplyToMode,
        now(
            "Whether an answer in a channel opens a thread under the message (``first``, ``all``), "
            "which then is a session of its own, or stands in the channel."
        ),
    ] = "off"
    slash_command: Annotated[SlashCommand, now("Slash commands.")] = field(
        default_factory=SlashCommand
    )
    implicit_mentions: Annotated[
        ImplicitMentions, now("What addresses the assistant without naming it.")
    ] = field(default_factory=ImplicitMentions)
    typing_reaction: Annotated[
        str,
        now("Emoji name that marks a message while it is answered, as bots cannot show typing."),
    ] = ""
    unfurl_links: Annotated[bool, now("Whether Slack shows what links lead to.")] = False
    unfurl_media: Annotated[bool, now("Whether Slack shows linked pictures and films.")] = False

    def __post_init__(self) -> None:
        """Let both spellings of each thing mean the same; fill in the known path."""
        if self.mode == "http" and self.webhook_path is None:
            force_setattr(self, "webhook_path", EVENTS_PATH)
        if self.channels:
            force_setattr(self, "groups", {**self.groups, **self.channels})
        if self.dm is not None:
            self.dm.put_into(self)
