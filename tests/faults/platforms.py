"""Every platform's counterpart behind the fault proxy, ready for one contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import define, frozen
from twisted.internet.defer import Deferred

from openclaw.channels.counterpart import Counterpart
from tests.channels.discord.counterpart import FakeDiscord
from tests.channels.irc.counterpart import IRC
from tests.channels.matrix.counterpart import ADA, Homeserver
from tests.channels.slack.counterpart import SlackCounterpart
from tests.channels.telegram.counterpart import Telegram
from tests.faults.proxy import FaultProxy, HttpProxy

ALICE = "700000000000000042"


@define(eq=False)
class Platform:
    """One platform: its server, and what stands between it and the account.

    :ivar person: chat and sender of a direct message.
    :ivar http: the proxy before its API; that before its socket too, where it has no other.
    :ivar line: the proxy through which messages come.
    :ivar settings: the account's configuration, through the proxies.
    """

    id: str
    counterpart: Any
    person: tuple[str, str]
    line: FaultProxy
    settings: Mapping[str, Any]
    http: HttpProxy | None = None

    @property
    def tried(self) -> int:
        """How often something connected, or asked."""
        asked = len(self.http.requests) if self.http is not None else 0
        return self.line.total + asked

    @property
    def most(self) -> int:
        """The most receiving connections that the account ever had at a time.

        Where it has a socket of its own the proxy counts: a server that is cut off may believe in a
        connection that the account has long closed.
        """
        only_asks = self.line is self.http
        return int(self.counterpart.most_sockets) if only_asks else self.line.most

    @property
    def is_heard(self) -> bool:
        """Whether the platform has the account's connection."""
        return bool(self.counterpart.open_sockets == 1)

    @property
    def proxies(self) -> list[FaultProxy]:
        """All of them."""
        return list({id(one): one for one in (self.line, self.http) if one is not None}.values())

    def say(self, text: str) -> str:
        """Let a person write; the message's id."""
        chat, sender = self.person
        counterpart: Counterpart = self.counterpart
        return counterpart.say(text, chat_id=chat, sender_id=sender)

    def answers(self, word: str) -> int:
        """How many messages of the assistant's have a word in them."""
        return sum(word in one.text for one in self.counterpart.shown())

    def faults(self, **changes: Any) -> None:
        """Change what both directions of every connection suffer."""
        for proxy in self.proxies:
            proxy.up.set(**changes)
            proxy.down.set(**changes)

    def clear(self) -> None:
        """All is well again."""
        for proxy in self.proxies:
            proxy.refusing = False
            proxy.up.clear()
            proxy.down.clear()
        if self.http is not None:
            self.http.http.rules.clear()

    async def stop(self) -> None:
        """Close everything."""
        self.clear()
        for proxy in self.proxies:
            await proxy.stop()
        stopped = self.counterpart.stop()
        if isinstance(stopped, Deferred):
            await stopped
        else:
            await stopped


@frozen
class Kind:
    """How one platform is made."""

    id: str
    make: Callable[[Any], Platform]


def _over(proxy: FaultProxy, url: str) -> str:
    """An address, by way of a proxy."""
    return url.replace(f":{urlsplit(url).port}", f":{proxy.port}")


def _telegram(reactor: Any) -> Platform:
    telegram = Telegram(clock=reactor)
    proxy = HttpProxy(urlsplit(telegram.root).port or 0, reactor)
    settings = dict(telegram.settings())
    del settings["pollTimeoutSeconds"]  # What is tested is what people get.
    settings["apiRoot"] = _over(proxy, settings["apiRoot"])
    return Platform("telegram", telegram, ("42", "42"), proxy, settings, proxy)


def _slack(reactor: Any) -> Platform:
    slack = SlackCounterpart(reactor)
    slack.listen()
    http = HttpProxy(urlsplit(slack.url).port or 0, reactor)
    line = FaultProxy(slack.sockets.port, reactor)
    slack.sockets.shown_port = line.port
    settings = {**slack.settings(), "apiUrl": _over(http, f"{slack.url}/api/")}
    return Platform("slack", slack, ("D042", "U042"), line, settings, http)


def _discord(reactor: Any) -> Platform:
    discord = FakeDiscord(reactor)
    discord.start()
    discord.gateway.interval_ms = 41_250  # As the real one.
    http = HttpProxy(urlsplit(discord.world.files_root).port or 0, reactor)
    line = FaultProxy(urlsplit(discord.world.base).port or 0, reactor)
    discord.world.base = _over(line, discord.world.base)
    settings = {**discord.settings(), "apiUrl": _over(http, discord.root)}
    settings |= {"allowFrom": ["*"], "dmPolicy": "open", "groupPolicy": "open"}
    return Platform("discord", discord, (ALICE, ALICE), line, settings, http)


def _matrix(reactor: Any) -> Platform:
    homeserver = Homeserver(clock=reactor)
    proxy = HttpProxy(urlsplit(homeserver.root).port or 0, reactor)
    settings = {**homeserver.settings(), "homeserver": _over(proxy, homeserver.root)}
    return Platform("matrix", homeserver, ("!ada", ADA), proxy, settings, proxy)


def _irc(reactor: Any) -> Platform:
    irc = IRC()
    irc.server.wall = reactor.seconds
    proxy = FaultProxy(irc.port, reactor)
    settings = {**irc.settings(), "port": proxy.port}
    return Platform("irc", irc, ("ada", "account:ada"), proxy, settings)


KINDS = (
    Kind("telegram", _telegram),
    Kind("slack", _slack),
    Kind("discord", _discord),
    Kind("matrix", _matrix),
    Kind("irc", _irc),
)
