"""The sign that an answer is being written: bots have none, but for two ways round that."""

from openclaw.channels.platforms.slack.api import WebApi
from openclaw.channels.platforms.slack.emoji import name_of
from openclaw.channels.platforms.slack.failures import SlackError
from openclaw.channels.platforms.slack.fields import is_ts
from openclaw.channels.platforms.slack.posts import Posts
from openclaw.channels.platforms.slack.settings import SlackSettings
from openclaw.channels.platforms.slack.wire import chat_type
from openclaw.interfaces.messages import Target

STATUS = "is typing..."


class TypingSign:
    """A status in threads of the assistant view; elsewhere a reaction, if one is configured."""

    def __init__(self, api: WebApi, posts: Posts, settings: SlackSettings) -> None:
        self._api = api
        self._posts = posts
        self._reaction = name_of(settings.typing_reaction)
        self._refused: set[tuple[str, str]] = set()
        self._marked: set[tuple[str, str]] = set()

    async def show(self, target: Target, on: bool) -> None:
        """Show it, or take it back; ordinary threads in direct chats refuse, and are left alone."""
        chat = await self._posts.chat(target.chat_id)
        place = (chat, target.thread_id)
        threaded = is_ts(target.thread_id) and chat_type(chat) == "dm"
        if threaded and place not in self._refused and await self._status(place, on):
            return
        if self._reaction and is_ts(target.reply_to):
            await self._mark((chat, target.reply_to), on)

    async def _status(self, place: tuple[str, str], on: bool) -> bool:
        chat, thread = place
        status = STATUS if on else ""
        try:
            await self._api.call(
                "assistant.threads.setStatus",
                {"channel_id": chat, "thread_ts": thread, "status": status},
            )
        except SlackError as error:
            if error.kind == "refused":
                self._refused.add(place)
            return False
        return True

    async def _mark(self, place: tuple[str, str], on: bool) -> None:
        if on == (place in self._marked):
            return  # It is repeated while the answer is written.
        await self._posts.mark(*place, self._reaction, on)
        if on:
            self._marked.add(place)
        else:
            self._marked.discard(place)
