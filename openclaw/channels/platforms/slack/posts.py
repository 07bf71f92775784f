"""The way out: messages posted, changed, taken back, marked. Finding them again is elsewhere."""

from attrs import evolve
from msgspec.structs import replace
from twisted.logger import Logger

from openclaw.channels.platforms.slack import wire
from openclaw.channels.platforms.slack.api import Answer, WebApi
from openclaw.channels.platforms.slack.emoji import name_of
from openclaw.channels.platforms.slack.failures import UNCHANGEABLE, UNTHREADED, SlackError
from openclaw.channels.platforms.slack.fields import is_ts, part, parts, text
from openclaw.channels.platforms.slack.files import Files
from openclaw.channels.platforms.slack.settings import SlackSettings
from openclaw.channels.platforms.slack.threads import Threads
from openclaw.channels.platforms.slack.wire import Identity
from openclaw.channels.text import chunks
from openclaw.channels.text import slack as mrkdwn
from openclaw.interfaces.channels import ILink, TextLimit
from openclaw.interfaces.messages import Outgoing, Sent, Target
from openclaw.interfaces.queue import Undelivered

_JOINED = frozenset(("not_in_channel",))
_UNMARKED = frozenset(
    ("metadata_must_be_sent_from_app", "invalid_metadata_format", "invalid_metadata_schema")
)
_SMALLEST = 200


class Posts:
    """What one account says; everything here raises :class:`SlackError`."""

    _log = Logger()

    def __init__(
        self, link: ILink, api: WebApi, me: Identity, threads: Threads, files: Files
    ) -> None:
        self._settings: SlackSettings = link.settings
        self._limit: TextLimit = link.manifest.text
        self._api = api
        self._me = me
        self._threads = threads
        self._files = files
        self._direct: dict[str, str] = {}
        self._joined: set[str] = set()

    async def send(self, outgoing: Outgoing) -> Sent:
        """Post a message, or share a file."""
        chat = await self.chat(outgoing.target.chat_id)
        thread = self.thread(outgoing.target)
        if not thread:
            return _sent(await self._say(outgoing, chat, thread), chat, outgoing.target)
        with self._threads.speaking(chat, thread):
            ts = await self._say(outgoing, chat, thread)
            await self._threads.spoke(chat, thread)
        return _sent(ts, chat, outgoing.target)

    async def edit(self, outgoing: Outgoing) -> Sent:
        """Change a message; one that cannot be changed is sent anew."""
        if not is_ts(outgoing.message_id):
            return await self.send(outgoing)
        chat = await self.chat(outgoing.target.chat_id)
        change: Answer = {
            "channel": chat,
            "ts": outgoing.message_id,
            "text": mrkdwn.render(outgoing.text),
        }
        try:
            await self._api.call("chat.update", change)
        except SlackError as error:
            if error.code in UNCHANGEABLE:
                return await self.send(outgoing)
            if error.code == "msg_too_long":
                return await self._edit_shorter(outgoing, error)
            raise
        return _sent(outgoing.message_id, chat, outgoing.target)

    async def delete(self, target: Target, message_id: str) -> None:
        """Take a message back, or a file of which no message is known."""
        try:
            if is_ts(message_id):
                chat = await self.chat(target.chat_id)
                await self._api.call("chat.delete", {"channel": chat, "ts": message_id})
            else:
                await self._api.call("files.delete", {"file": message_id})
        except SlackError as error:
            if error.code not in ("message_not_found", "file_not_found", "file_deleted"):
                raise

    async def react(self, target: Target, message_id: str, emoji: str) -> None:
        """Mark a message; without an emoji, take every mark of ours back."""
        chat = await self.chat(target.chat_id)
        if not emoji:
            for mark in await self._own_marks(chat, message_id):
                await self.mark(chat, message_id, mark, False)
            return
        name = name_of(emoji)
        if not name:
            raise SlackError("reactions.add", f"Slack has no name for {emoji}", "refused")
        await self.mark(chat, message_id, name, True)

    async def mark(self, chat: str, message_id: str, name: str, on: bool) -> None:
        """Add a reaction or remove it; that it is so already is a success."""
        method = "reactions.add" if on else "reactions.remove"
        try:
            await self._api.call(method, {"channel": chat, "timestamp": message_id, "name": name})
        except SlackError as error:
            if error.code not in ("already_reacted", "no_reaction"):
                raise

    async def chat(self, chat_id: str) -> str:
        """The conversation behind an id: people's have to be opened first."""
        if not chat_id.startswith(("U", "W")):
            return chat_id
        if chat_id not in self._direct:
            answer = await self._api.call("conversations.open", {"users": chat_id})
            self._direct[chat_id] = text(part(answer, "channel"), "id")
        return self._direct[chat_id]

    def thread(self, target: Target) -> str:
        """The thread that something is said in, or an empty text.

        A message is answered in the thread where it stands; one that stands in a channel opens a
        thread if ``replyToMode`` says so. A direct chat needs none.
        """
        if is_ts(target.thread_id):
            return target.thread_id
        opens = self._settings.reply_to_mode != "off" and wire.chat_type(target.chat_id) != "dm"
        return target.reply_to if opens and is_ts(target.reply_to) else ""

    async def _say(self, outgoing: Outgoing, chat: str, thread: str) -> str:
        if outgoing.attachment is None:
            return await self._post(outgoing, chat, thread)
        comment = mrkdwn.render(outgoing.text) if outgoing.text else ""
        try:
            return await self._files.share(outgoing, chat, thread, comment)
        except SlackError as error:
            if error.code in UNTHREADED and thread:
                return await self._files.share(outgoing, chat, "", comment)
            if error.code in _JOINED and await self._join(chat):
                return await self._files.share(outgoing, chat, thread, comment)
            raise

    async def _post(self, outgoing: Outgoing, chat: str, thread: str) -> str:
        said = mrkdwn.render(outgoing.text)
        if len(said) > self._limit.hard:  # Slack would drop the end, and call it a success.
            too_long = SlackError("chat.postMessage", "msg_too_long", "refused")
            return await self._post_shorter(outgoing, chat, thread, too_long)
        arguments = wire.posted(
            outgoing,
            chat,
            thread,
            said,
            (self._settings.unfurl_links, self._settings.unfurl_media),
        )
        while True:
            try:
                return text(await self._api.call("chat.postMessage", arguments), "ts")
            except SlackError as error:
                if error.code == "msg_too_long":
                    return await self._post_shorter(outgoing, chat, thread, error)
                if not await self._remedied(error.code, arguments):
                    raise

    async def _remedied(self, code: str, arguments: Answer) -> bool:
        """Change what Slack minds about a message; false if that was tried, or is not possible."""
        if code in UNTHREADED and arguments.pop("thread_ts", ""):
            self._log.warn("slack thread is gone, the message goes to the channel")
            return True
        if code in _UNMARKED and arguments.pop("metadata", None) is not None:
            return True
        return code in _JOINED and await self._join(arguments["channel"])

    async def _join(self, chat: str) -> bool:
        """Enter a public channel, once."""
        if not chat.startswith("C") or chat in self._joined:
            return False
        self._joined.add(chat)
        try:
            await self._api.call("conversations.join", {"channel": chat})
        except SlackError as error:
            self._log.warn("cannot join a slack channel: {error}", error=error)
            return False
        return True

    async def _post_shorter(
        self, outgoing: Outgoing, chat: str, thread: str, error: SlackError
    ) -> str:
        """Post a text that Slack finds too long in pieces; the first one's id stands for all."""
        cut = self._pieces(outgoing, error)
        first = await self._post(cut[0], chat, thread)
        await self._post_rest(cut[1:], chat, thread)
        return first

    async def _edit_shorter(self, outgoing: Outgoing, error: SlackError) -> Sent:
        cut = self._pieces(outgoing, error)
        sent = await self.edit(cut[0])
        chat = sent.chat_id or outgoing.target.chat_id
        await self._post_rest(cut[1:], chat, self.thread(outgoing.target))
        return sent

    async def _post_rest(self, rest: list[Outgoing], chat: str, thread: str) -> None:
        try:
            for each in rest:
                await self._post(each, chat, thread)
        except SlackError as error:
            raise Undelivered(
                f"the text was cut, and not all of it sent: {error}", "never"
            ) from None

    def _pieces(self, outgoing: Outgoing, error: SlackError) -> list[Outgoing]:
        half = len(mrkdwn.render(outgoing.text)) // 2
        if half < _SMALLEST:
            raise error
        limit = evolve(self._limit, default=half, hard=half)
        cut = chunks.chunks(outgoing.text, limit, mrkdwn.render)
        if len(cut) < 2:
            raise error
        first = [replace(outgoing, text=cut[0])]
        return first + [
            replace(outgoing, id=f"{outgoing.id}.{number}", text=piece)
            for number, piece in enumerate(cut[1:], 1)
        ]

    async def _own_marks(self, chat: str, message_id: str) -> list[str]:
        answer = await self._api.read(
            "reactions.get", channel=chat, timestamp=message_id, full="true"
        )
        return [
            text(each, "name")
            for each in parts(part(answer, "message"), "reactions")
            if self._me.user_id in each.get("users", ())
        ]


def _sent(ts: str, chat: str, target: Target) -> Sent:
    return Sent(message_id=ts, chat_id="" if chat == target.chat_id else chat)
