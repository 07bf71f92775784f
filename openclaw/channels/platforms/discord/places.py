"""Where a message goes: targets as Discord's channels, opened where they have to be."""

from __future__ import annotations

from twisted.logger import Logger

from openclaw.channels.platforms.discord.api import Api, Refused, Request
from openclaw.channels.platforms.discord.buckets import Route
from openclaw.channels.platforms.discord.directory import Channel, Directory, channel_of
from openclaw.interfaces.messages import Target


class Places:
    """Finds channels. Everything it asks fails with :class:`DiscordError`."""

    _log = Logger()

    def __init__(self, api: Api, directory: Directory) -> None:
        self._api = api
        self._directory = directory

    async def channel_id(self, target: Target) -> str:
        """The channel that a target means: a thread, a channel, or somebody's direct channel."""
        if target.thread_id:
            return target.thread_id
        kind, chat_id = _address(target.chat_id)
        if kind == "channel" or (not kind and target.chat_type != "dm"):
            return chat_id
        if chat_id in self._directory.direct:
            return self._directory.direct[chat_id]
        is_person = kind == "user" or chat_id in self._directory.people
        if not is_person and await self.look_up(chat_id) is not None:
            return chat_id
        return await self._open_direct(chat_id)

    async def look_up(self, channel_id: str) -> Channel | None:
        """A channel by its id; ``None`` if there is none that we may see."""
        known = self._directory.channels.get(channel_id)
        if known is not None:
            return known
        try:
            channel = channel_of(await self._api.get("/channels/{channel}", channel=channel_id))
        except Refused:
            return None
        self._directory.add(channel)
        return channel

    async def _open_direct(self, user_id: str) -> str:
        route = Route("POST", "/users/@me/channels")
        made = await self._api.call(Request(route=route, body={"recipient_id": user_id}))
        self._directory.direct[user_id] = str(made["id"])
        return str(made["id"])

    async def open_again(self, channel_id: str) -> bool:
        """Take a thread out of the archive; false if the bot may not."""
        route = Route("PATCH", "/channels/{channel}", {"channel": channel_id})
        try:
            await self._api.call(Request(route=route, body={"archived": False}))
        except Refused as error:
            self._log.warn("discord: a thread stays archived: {why}", why=error.message)
            return False
        return True


def _address(chat_id: str) -> tuple[str, str]:
    """Read ``user:1``, ``channel:2``, ``<@1>``, ``<#2>`` or a bare id as kind and id."""
    bare = chat_id.removeprefix("discord:")
    for kind, start in (("user", "user:"), ("channel", "channel:")):
        if bare.startswith(start):
            return kind, bare.removeprefix(start)
    if bare.startswith("<") and bare.endswith(">"):
        inner = bare[1:-1]
        return ("channel" if inner.startswith("#") else "user"), inner.lstrip("#@!")
    return "", bare
