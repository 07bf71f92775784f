"""What an account on Telegram can be told beyond what every channel's account can."""

from typing import Annotated, Literal

from msgspec import Meta

from openclaw.config.schema.channels import ChannelSettings
from openclaw.config.schema.fields import Secret, Section, now

API_ROOT = "https://api.telegram.org"


class CustomCommand(Section, frozen=True, kw_only=True):
    """A command that Telegram offers to people who type a slash."""

    command: Annotated[str, now("The word: 1 to 32 of ``a-z 0-9 _``, without the slash.")]
    description: Annotated[str, now("What people are told of it, at most 256 characters.")]


class Commands(Section, frozen=True, kw_only=True):
    """What is offered behind a slash, besides ``customCommands``."""

    native: Annotated[
        bool | Literal["auto"], now("Whether the gateway's own commands are; ``auto`` is yes.")
    ] = "auto"


class TelegramSettings(ChannelSettings, frozen=True, kw_only=True):
    """One bot account."""

    bot_token: Annotated[Secret, now("The token that @BotFather gave.")] = ""
    token_file: Annotated[
        str, now("A file that holds the token, read at every start; ``botToken`` comes first.")
    ] = ""
    api_root: Annotated[
        str, now("The Bot API's address without ``/bot<token>``; one of your own, if you run it.")
    ] = API_ROOT
    webhook_secret: Annotated[
        Secret,
        now("1 to 256 of ``A-Z a-z 0-9 _ -``; Telegram shows it with every webhook request."),
    ] = ""
    webhook_max_connections: Annotated[
        int, Meta(ge=1, le=100), now("Most webhook requests that Telegram makes at a time.")
    ] = 40
    poll_timeout_seconds: Annotated[
        int, Meta(ge=0, le=50), now("How long a poll waits at Telegram for something to come.")
    ] = 30
    commands: Annotated[Commands, now("What is offered behind a slash.")] = Commands()
    custom_commands: Annotated[
        tuple[CustomCommand, ...], now("More commands to offer behind a slash.")
    ] = ()
    link_preview: Annotated[bool, now("Whether links in answers show a preview.")] = True

    def group_senders(self) -> tuple[str | int, ...] | None:
        """See :meth:`ChannelSettings.group_senders`: those in ``allowFrom``, if there are any.

        The original keeps listed groups to them too; a file of its must not let in more people.
        """
        listed = self.groups and self.group_policy == "allowlist" and "*" not in self.allow_from
        if self.group_allow_from is None and listed and self.allow_from:
            return self.allow_from
        return self.group_allow_from
