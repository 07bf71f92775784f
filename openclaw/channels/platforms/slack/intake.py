"""What becomes of an event: who it is for, its names, its place; then it is handed in."""

from collections.abc import Callable
from typing import Literal

from msgspec.structs import replace
from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from openclaw.channels.platforms.slack import wire
from openclaw.channels.platforms.slack.api import Answer
from openclaw.channels.platforms.slack.fields import Fields, part, text
from openclaw.channels.platforms.slack.people import People
from openclaw.channels.platforms.slack.settings import SlackSettings
from openclaw.channels.platforms.slack.threads import Threads
from openclaw.channels.platforms.slack.wire import Identity
from openclaw.interfaces.channels import ChannelFailed, ILink
from openclaw.interfaces.messages import Inbound

Kind = Literal["events_api", "slash_commands", "interactive"]


class Intake:
    """The way in, the same for both modes.

    :param app_id: the app of the app-level token; empty if there is none.
    :param failed: told when an event says that the account cannot go on.
    """

    _log = Logger()

    def __init__(
        self,
        link: ILink,
        me: Identity,
        people: People,
        threads: Threads,
        app_id: str,
        failed: Callable[[ChannelFailed], None],
    ) -> None:
        self._link = link
        self._settings: SlackSettings = link.settings
        self._me = me
        self._people = people
        self._threads = threads
        self._app_id = app_id
        self._failed = failed
        self._locks: dict[str, DeferredLock] = {}

    async def take(self, kind: str, payload: Fields, envelope: str) -> Answer | None:
        """Take one delivery; when this returns, Slack may be told.

        :param kind: as Socket Mode names it; others are taken and counted for nothing.
        :return: what is said back at once, for those that take an answer.
        :raises openclaw.interfaces.queue.QueueFull: Slack must not be told.
        :raises openclaw.errors.StoreError: likewise.
        """
        if kind == "slash_commands" and not self._settings.slash_command.enabled:
            return _aside("Slash commands are off (channels.slack.slashCommand.enabled).")
        try:
            message = self._read(kind, payload, envelope)
        except Exception:  # An event that we cannot read would come again for ever.
            self._log.failure("slack event not understood")
            return None
        if message is not None:
            await self._hand_in(message)
        return None

    def _read(self, kind: str, payload: Fields, envelope: str) -> Inbound | None:
        now_ms = self._link.now_ms()
        if kind == "slash_commands":
            plain = self._settings.slash_command.name.lstrip("/")
            return wire.command(payload, self._me, envelope, now_ms, plain)
        if kind == "interactive":
            return wire.button(payload, self._me, envelope, now_ms)
        if kind != "events_api" or not wire.is_ours(payload, self._me):
            return None
        self._check(payload)
        return wire.event(payload, self._me)

    def _check(self, payload: Fields) -> None:
        app = text(payload, "api_app_id")
        if app and self._app_id and app != self._app_id:
            self._failed(
                ChannelFailed(
                    f"the tokens belong to different apps: appToken to {self._app_id}, the events "
                    f"come from {app}; copy both tokens from one app"
                )
            )
        if _is_end(part(payload, "event")):
            self._failed(
                ChannelFailed(
                    "the app was removed from the workspace or its tokens were revoked: install it "
                    "again at api.slack.com/apps and put the new botToken into the configuration"
                )
            )

    async def _hand_in(self, message: Inbound) -> None:
        # Names may take a moment: what was said first must still come first.
        lock = self._locks.setdefault(message.chat_id, DeferredLock())
        async with lock:
            people = await self._people.known(wire.people_of(message))
            placed = self._placed(wire.dressed(message, people, self._me))
            try:
                await self._link.receive(placed)
            finally:
                if not lock.waiting:
                    self._locks.pop(message.chat_id, None)

    def _placed(self, message: Inbound) -> Inbound:
        """See to threads: whether one addresses the assistant, and whether one begins here."""
        if message.kind not in ("message", "edit"):
            return message
        if message.thread_id:
            return self._in_thread(message)
        if self._begins_thread(message):
            return replace(message, thread_id=message.message_id)
        return message

    def _in_thread(self, message: Inbound) -> Inbound:
        implicit, quote = self._settings.implicit_mentions, message.reply_to
        own = quote is not None and quote.is_own
        if quote is not None and own and not implicit.reply_to_bot:
            # Whoever decides about mentions would take it for one.
            message = replace(message, reply_to=replace(quote, is_own=False))
        spoken = self._threads.has(message.chat_id, message.thread_id)
        if message.mention != "none" or not (
            (own and implicit.reply_to_bot) or (spoken and implicit.thread_participation)
        ):
            return message
        return replace(message, mention="reply")

    def _begins_thread(self, message: Inbound) -> bool:
        """Whether the answer will open a thread, whose session the question belongs to."""
        if message.chat_type == "dm" or self._settings.reply_to_mode == "off":
            return False
        return message.mention == "native" or not self._needs_mention(message.chat_id)

    def _needs_mention(self, chat_id: str) -> bool:
        groups = self._settings.groups
        group = groups.get(chat_id) or groups.get("*")
        if group is None or group.require_mention is None:
            return self._settings.require_mention
        return group.require_mention


def _is_end(event: Fields) -> bool:
    """Whether an event says that the bot's token is no good any more; people have some too."""
    if text(event, "type") == "tokens_revoked":
        return bool(part(event, "tokens").get("bot"))
    return text(event, "type") == "app_uninstalled"


def _aside(said: str) -> Answer:
    """What only the one who gave a command sees."""
    return {"response_type": "ephemeral", "text": said}
