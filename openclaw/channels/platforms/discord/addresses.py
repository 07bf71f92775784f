"""Which socket is opened next: the session's own, or the one that Discord names for new ones."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from openclaw.channels.hosts import is_loopback
from openclaw.channels.platforms.discord.api import Api, Root
from openclaw.channels.platforms.discord.session import Session
from openclaw.interfaces.channels import ChannelDown


class Addresses:
    """Finds the gateway.

    :param root: where the API is: where that is this machine, so must the gateway be.
    """

    def __init__(self, api: Api, root: Root, allow_insecure: bool) -> None:
        self._api = api
        self._root = root
        self._allow_insecure = allow_insecure
        self._shunned = ""

    def shun(self, session: Session | None) -> None:
        """The session's own address could not be reached; the next try is at the common one."""
        self._shunned = session.id if session else ""

    async def ask(self) -> dict[str, Any]:
        """What Discord says of its gateway; fails with DiscordError."""
        told = await self._api.get("/gateway/bot")
        return told if isinstance(told, dict) else {}

    async def next(self, session: Session | None, told: dict[str, Any] | None = None) -> str:
        """The address to open; a session is resumed where READY said, if that can be reached.

        :param told: what :meth:`ask` gave, if it was asked already.
        :raises ChannelDown: no more sessions may be started for now, or the address is unusable.
        """
        own = self._usable(session.url) if session else ""
        if session is not None and own and self._shunned != session.id:
            return own
        self._shunned = ""
        if told is None:
            told = await self.ask()
        limit = told.get("session_start_limit") or {}
        if session is None and limit.get("remaining") == 0:
            seconds = float(limit.get("reset_after") or 0) / 1000
            raise ChannelDown(
                "Discord lets the bot start no more sessions today: it started too many",
                after_seconds=max(seconds, 1.0),
            )
        url = self._usable(str(told.get("url") or ""))
        if not url:
            raise ChannelDown("Discord named no gateway address that may be used: it must be wss")
        return url

    def _usable(self, url: str) -> str:
        """The address with what we want of it; empty if the token must not go there."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if self._root.is_loopback and not is_loopback(host):
            return ""
        plain = self._allow_insecure or is_loopback(host)
        if not host or not (parts.scheme == "wss" or (parts.scheme == "ws" and plain)):
            return ""
        query = urlencode({"v": "10", "encoding": "json"})
        return f"{parts.scheme}://{parts.netloc}{parts.path or '/'}?{query}"
