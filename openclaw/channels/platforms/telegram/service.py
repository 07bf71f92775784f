"""One bot account on Telegram: connects, serves, sends. What keeps it running is the kit."""

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.channels.platforms.telegram import calls
from openclaw.channels.platforms.telegram.api import (
    BotAPI,
    Refused,
    Unanswered,
    address,
    broken,
    is_unknown,
    undelivered,
)
from openclaw.channels.platforms.telegram.commands import offered, tell
from openclaw.channels.platforms.telegram.intake import Intake
from openclaw.channels.platforms.telegram.multipart import File
from openclaw.channels.platforms.telegram.objects import User, read
from openclaw.channels.platforms.telegram.pauses import Pauses
from openclaw.channels.platforms.telegram.polling import Poller
from openclaw.channels.platforms.telegram.settings import TelegramSettings
from openclaw.channels.platforms.telegram.unconfirmed import Unconfirmed
from openclaw.channels.platforms.telegram.webhook import Webhook
from openclaw.channels.platforms.telegram.wire import Reader
from openclaw.channels.text.telegram import counted
from openclaw.deferreds import Tasks, deferred
from openclaw.interfaces.channels import (
    ChannelDown,
    ChannelFailed,
    IChannel,
    ILink,
    WebhookAnswer,
    WebhookRequest,
)
from openclaw.interfaces.messages import Attachment, Outgoing, Sent, Target
from openclaw.interfaces.outbound import IOutboundResponse, OutboundError
from openclaw.interfaces.queue import Undelivered

TYPING_FAILURES = 3
"""So many typing signs in a row may fail before a chat is shown none until the next answer."""


def make(link: ILink) -> "Telegram":
    """Make one account's channel; the manifest names this."""
    return Telegram(link)


@implementer(IChannel)
class Telegram:
    """One bot account.

    :param link: the account's settings and tools, and its way into the gateway.
    """

    _log = Logger()

    def __init__(self, link: ILink) -> None:
        self._link = link
        self._settings: TelegramSettings = link.settings
        self._api: BotAPI | None = None
        self._webhook: Webhook | None = None
        self._told_commands = False
        self._typing_failures: dict[str, int] = {}
        self._pauses = Pauses(link.clock.seconds)

    @deferred
    async def run(self) -> None:
        """See :meth:`IChannel.run`."""
        tasks = Tasks()
        try:
            api = await self._connect()
            me = await self._greet(api)
            self._api = api
            await self._serve(api, me, tasks)
        finally:
            self._api = self._webhook = None
            await tasks.cancel()

    async def _connect(self) -> BotAPI:
        token = str(self._settings.bot_token or "")
        if not token and self._settings.token_file:
            token = await self._read_token(Path(self._settings.token_file).expanduser())
        where = address(self._settings.api_root, token, self._settings.allow_insecure)
        link = self._link
        return BotAPI(link.http, link.clock, where, link.random.randbytes)

    async def _read_token(self, path: Path) -> str:
        try:
            return await deferToThread(path.read_text, "utf-8")
        except (OSError, ValueError) as error:
            raise ChannelFailed(
                f"channels.telegram.tokenFile cannot be read: {path}: "
                f"{getattr(error, 'strerror', None) or 'it is no text'}"
            ) from None

    async def _greet(self, api: BotAPI) -> User:
        """Ask who we are; nothing else is asked with a token that is none."""
        try:
            return read(await api.call("getMe"), User)
        except (Refused, Unanswered) as error:
            raise broken(error) from None
        except ValueError:
            raise ChannelDown("Telegram: getMe did not say who the bot is") from None

    async def _serve(self, api: BotAPI, me: User, tasks: Tasks) -> None:
        commands = offered(self._settings)
        reader = Reader(
            channel=self._link.channel,
            account=self._link.account,
            me=me,
            now_ms=self._link.now_ms,
            commands=frozenset(commands),
        )
        intake = Intake(self._link, api, reader, tasks)
        webhook = self._make_webhook(api, intake)
        if webhook is None:
            await self._forget_webhook(api)
        if not self._told_commands:
            self._told_commands = await tell(api, commands)
        name = _name(me, self._settings)
        if webhook is None:
            unconfirmed = Unconfirmed(intake.take, tasks, self._link.clock)
            wait = self._settings.poll_timeout_seconds
            await Poller(self._link, api, unconfirmed, me.id, wait, name).forever()
        else:
            # Before Telegram is told, for what waits there comes at once.
            self._webhook = webhook
            most = self._settings.webhook_max_connections
            await webhook.register(most)
            await webhook.watch(name, most)

    def _make_webhook(self, api: BotAPI, intake: Intake) -> Webhook | None:
        if not self._settings.webhook_url:
            return None
        url = self._link.webhook_url or self._settings.webhook_url
        return Webhook(self._link, api, intake, url, str(self._settings.webhook_secret or ""))

    async def _forget_webhook(self, api: BotAPI) -> None:
        """Remove a webhook that was set: beside one, nothing can be polled."""
        try:
            await api.call("deleteWebhook", {})
        except (Refused, Unanswered) as error:
            if is_unknown(error):
                return  # The token was just found good: a server that has no webhooks.
            raise broken(error) from None

    @deferred
    async def send(self, outgoing: Outgoing) -> Sent:
        """See :meth:`IChannel.send`."""
        api = self._ready(outgoing.target)
        if outgoing.attachment is not None:
            return await self._send_file(api, outgoing, outgoing.attachment)
        call = calls.send_text(outgoing, self._settings.link_preview)
        return await self._made(api, call, outgoing.target)

    @deferred
    async def edit(self, outgoing: Outgoing) -> Sent:
        """See :meth:`IChannel.edit`."""
        api = self._ready(outgoing.target)
        if not outgoing.message_id.isdigit():
            return await self.send(outgoing)
        call = calls.edit_text(outgoing, self._settings.link_preview)
        try:
            return await self._perform(api, call, outgoing.target)
        except Refused as error:
            if error.says("message is not modified"):
                return Sent(message_id=outgoing.message_id)
            if error.says("message to edit not found", "can't be edited", "message_id_invalid"):
                return await self.send(outgoing)
            raise self._failed(error, outgoing.target, True) from None
        except Unanswered as error:
            raise undelivered(error, True) from None

    @deferred
    async def delete(self, target: Target, message_id: str) -> None:
        """See :meth:`IChannel.delete`."""
        try:
            await self._change(target, "deleteMessage", message_id)
        except Refused as error:
            if not error.says("message to delete not found", "message_id_invalid"):
                raise self._failed(error, target, True) from None

    @deferred
    async def react(self, target: Target, message_id: str, emoji: str) -> None:
        """See :meth:`IChannel.react`; an emoji that Telegram has not got becomes a thumb."""
        for wanted in dict.fromkeys((emoji, emoji and calls.FALLBACK_REACTION)):
            reaction = [{"type": "emoji", "emoji": wanted}] if wanted else []
            try:
                await self._change(target, "setMessageReaction", message_id, reaction=reaction)
            except Refused as error:
                if not error.says("reaction_invalid", "reaction_empty", "not modified"):
                    raise self._failed(error, target, True) from None
            else:
                return

    async def _change(self, target: Target, method: str, message_id: str, **more: Any) -> None:
        """Do to a message what may as well be done twice."""
        api = self._ready(target)
        if not message_id.isdigit():
            raise Undelivered(f"Telegram: {message_id!r} is no message of a chat", "never")
        params = {"chat_id": calls.chat(target.chat_id), "message_id": int(message_id), **more}
        try:
            await api.call(method, params)
        except Unanswered as error:
            raise undelivered(error, True) from None

    @deferred
    async def typing(self, target: Target, on: bool) -> None:
        """See :meth:`IChannel.typing`; Telegram shows a sign for five seconds."""
        where = f"{target.chat_id}:{target.thread_id}"
        if not on:
            self._typing_failures.pop(where, None)
            return
        failures = self._typing_failures.get(where, 0)
        if self._api is None or failures >= TYPING_FAILURES:
            return
        params: dict[str, Any] = {"chat_id": calls.chat(target.chat_id), "action": "typing"}
        if target.thread_id.isdigit():
            params["message_thread_id"] = int(target.thread_id)  # Here the general topic is named.
        try:
            await self._api.call("sendChatAction", params)
        except (Refused, Unanswered) as error:
            final = isinstance(error, Refused) and error.code in (401, 403)
            self._typing_failures[where] = TYPING_FAILURES if final else failures + 1
            self._log.debug("no typing sign on Telegram: {why}", why=str(error))
        else:
            self._typing_failures.pop(where, None)

    def find(self, outgoing: Outgoing) -> Deferred[Sent | None]:
        """See :meth:`IChannel.find`; a bot cannot read what it sent."""
        return succeed(None)

    @deferred
    async def fetch(self, attachment: Attachment) -> IOutboundResponse:
        """See :meth:`IChannel.fetch`; ``ref`` is a ``file_id``."""
        if self._api is None:
            raise OutboundError("Telegram is not connected", "connect")
        try:
            file = await self._api.call("getFile", {"file_id": attachment.ref})
        except Refused as error:
            if error.says("file is too big"):
                raise OutboundError(
                    "Telegram gives bots no files above 20 MB", "too_large"
                ) from None
            raise OutboundError(f"Telegram does not give the file: {error}", "refused") from None
        except Unanswered as error:
            raise OutboundError(error.message, "lost") from None
        path = file.get("file_path") if isinstance(file, dict) else None
        if not isinstance(path, str) or not path or path.startswith("/"):
            raise OutboundError(
                "Telegram named no file to fetch; a Bot API server of your own must run without "
                "--local",
                "refused",
            )
        return await self._api.download(path)

    @deferred
    async def webhook(self, request: WebhookRequest) -> WebhookAnswer:
        """See :meth:`IChannel.webhook`."""
        if self._webhook is None:
            return WebhookAnswer(status=503 if self._settings.webhook_url else 404)
        return await self._webhook.serve(request)

    def render(self, text: str) -> str:
        """See :meth:`IChannel.render`: without tags, for Telegram counts none."""
        return counted(text)

    @deferred
    async def probe(self) -> str:
        """See :meth:`IChannel.probe`."""
        me = await self._greet(self._api or await self._connect())
        return f"{_name(me, self._settings)} ({me.id})"

    def _ready(self, target: Target) -> BotAPI:
        if self._api is None:
            raise Undelivered("Telegram is not connected", "later")
        self._pauses.check(target.chat_id)
        return self._api

    async def _send_file(self, api: BotAPI, outgoing: Outgoing, file: Attachment) -> Sent:
        data = await self._read_file(file)
        call = calls.send_file(outgoing, len(data))
        sent = await self._made(api, call, outgoing.target, file, data)
        if not outgoing.text.strip() or call.text_field:
            return sent
        text = calls.send_text(outgoing, self._settings.link_preview)
        try:
            # The message that is kept is the one with the file; edits and replies are about that.
            await self._made(api, text, outgoing.target)
        except Undelivered as error:
            raise Undelivered(f"the file was sent, its text not: {error.message}", "unknown") from (
                None
            )
        return sent

    async def _read_file(self, file: Attachment) -> bytes:
        limit = calls.UPLOAD_BYTES

        def contents() -> bytes:
            with Path(file.path).open("rb") as source:
                return source.read(limit + 1)

        try:
            data = await deferToThread(contents)
        except OSError as error:
            raise Undelivered(f"the file to send cannot be read: {error.strerror}", "never") from (
                None
            )
        if len(data) > limit:
            raise Undelivered("Telegram takes no files above 50 MB from bots", "never")
        if not data:
            raise Undelivered("the file to send is empty, and Telegram takes none such", "never")
        return data

    async def _made(
        self,
        api: BotAPI,
        call: calls.Call,
        target: Target,
        file: Attachment | None = None,
        data: bytes = b"",
    ) -> Sent:
        """Make a call that must not be made twice."""
        try:
            return await self._perform(api, call, target, file, data)
        except (Refused, Unanswered) as error:
            raise self._failed(error, target, False) from None

    async def _perform(
        self,
        api: BotAPI,
        call: calls.Call,
        target: Target,
        file: Attachment | None = None,
        data: bytes = b"",
    ) -> Sent:
        """Make a call, and the others that its refusals lead to."""
        while True:
            try:
                result = await self._once(api, call, file, data)
            except Refused as error:
                better = calls.mended(call, error)
                if better is None:
                    raise
                self._log.debug("Telegram refused a form, trying another: {why}", why=str(error))
                if error.moved_to:
                    self._link.moved(target.chat_id, error.moved_to)
                call = better
                continue
            return _sent(result, call, target)

    def _once(
        self, api: BotAPI, call: calls.Call, file: Attachment | None, data: bytes
    ) -> Deferred[Any]:
        if file is None:
            return api.call(call.method, call.params)
        name = file.name or Path(file.path).name
        upload = File(slot=call.file_field, name=name, mime=file.mime, data=data)
        return api.upload(call.method, call.params, upload)

    def _failed(self, error: Refused | Unanswered, target: Target, repeatable: bool) -> Undelivered:
        problem = undelivered(error, repeatable)
        if problem.after_ms:
            self._pauses.impose(target.chat_id, problem.after_ms / 1000)
        return problem


def _sent(result: Any, call: calls.Call, target: Target) -> Sent:
    """What became of a call; what is missing in the answer is what was asked for."""
    result = result if isinstance(result, dict) else {}
    number = result.get("message_id") or call.params.get("message_id") or ""
    chat_id = str(call.params["chat_id"])
    return Sent(message_id=str(number), chat_id=chat_id if chat_id != target.chat_id else "")


def _name(me: User, settings: TelegramSettings) -> str:
    """What status shows, with the usual reason for a bot that is silent in groups."""
    name = f"@{me.username}" if me.username else me.first_name
    wanted = [settings.require_mention, *(one.require_mention for one in settings.groups.values())]
    if False in wanted and not me.can_read_all_group_messages:
        name += (
            " (privacy mode is on, so groups are only heard where it is addressed: turn it off "
            "with @BotFather /setprivacy, then remove the bot from the group and add it again)"
        )
    return name
