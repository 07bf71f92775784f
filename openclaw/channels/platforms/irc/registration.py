"""From an open connection to a nick that is signed in and in its channels; says what is wrong."""

import base64
import re
from collections.abc import Sequence

from attrs import define, field
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime

from openclaw.channels.platforms.irc.connection import Connection
from openclaw.channels.platforms.irc.lines import Line, fold, is_target
from openclaw.channels.platforms.irc.pace import Pace
from openclaw.channels.platforms.irc.settings import IRCSettings
from openclaw.deferreds import deferred
from openclaw.interfaces.channels import ChannelDown, ChannelFailed

REGISTER_SECONDS = 15.0
GREETING_SECONDS = 2.0
"""How long the rest of the greeting may take once we are welcome; some servers send none."""

JOIN_SECONDS = 15.0
"""How long a server may take to say whether we are in a channel."""

NICKSERV_SECONDS = 5.0
"""How long services may take to say that we are signed in; channels may want to know before."""

CAPS = (
    "message-tags",
    "server-time",
    "account-tag",
    "echo-message",
    "batch",
    "draft/chathistory",
    "chathistory",
)
_NICK_TAKEN = ("433", "436", "437")
_SASL_FAILED = ("902", "904", "905", "906", "908")
_NOT_JOINED = re.compile("40[357]|437|448|461|47[0134-79]|480|485|489|495|500|519|520")
"""What a ``JOIN`` may be answered with; after 470 the server joins us to another channel."""

_REFUSED = re.compile(r"(?i)\b(invalid|incorrect|wrong|fail|not\s+registered|isn'?t\s+registered)")
_TRIES = 10
_CHUNK = 400


@define(kw_only=True)
class Session:
    """Who we are on the server, and what it can do.

    :ivar mask: ``user@host`` as others see it; empty until the server has told.
    :ivar not_joined: channels we could not get into, with the server's words.
    :ivar began: the server's clock when we came, as its tags write it; empty if it tells none.
    :ivar early: what people said before we were in every channel.
    """

    nick: str
    server: str = ""
    mask: str = ""
    caps: set[str] = field(factory=set)
    features: dict[str, str] = field(factory=dict)
    joined: set[str] = field(factory=set)
    not_joined: dict[str, str] = field(factory=dict)
    began: str = ""
    early: list[Line] = field(factory=list)

    @property
    def prefix(self) -> str:
        """What stands before our lines when others get them; as long as it can be if unknown."""
        return f"{self.nick}!{self.mask or 'u' * 11 + '@' + 'h' * 63}"

    @property
    def has_history(self) -> bool:
        """Whether the server keeps what was said while we were away."""
        needed = {"batch", "server-time", "message-tags"} <= self.caps
        return needed and bool({"draft/chathistory", "chathistory"} & self.caps)

    def fold(self, name: str) -> str:
        """A name as this server compares it."""
        return fold(name, self.features.get("CASEMAPPING", "rfc1459"))

    def is_own(self, nick: str) -> bool:
        """Whether a nick is ours."""
        return self.fold(nick) == self.fold(self.nick)

    def is_channel(self, name: str) -> bool:
        """Whether a name is a channel's; signs before it name a part of its people."""
        signs = self.features.get("STATUSMSG", "@+")
        return name.lstrip(signs)[:1] in tuple(self.features.get("CHANTYPES", "#&"))


class Registration:
    """Makes a session out of a connection, once."""

    def __init__(
        self, connection: Connection, settings: IRCSettings, clock: IReactorTime, pace: Pace
    ) -> None:
        self._pace = pace
        self._connection = connection
        self._settings = settings
        self._clock = clock
        self._offered: dict[str, str] = {}
        self._session = Session(nick=settings.nick)
        self._tries = 0

    @deferred
    async def run(self) -> Session:
        """Come in.

        :raises ChannelDown: the server does not answer, or has no room for us now.
        :raises ChannelFailed: it will not have us as we are.
        """
        self._greet()
        try:
            await self._registered().addTimeout(REGISTER_SECONDS, self._clock)
        except TooLate:
            raise ChannelDown(
                f"the server did not let us in within {REGISTER_SECONDS:g} s"
            ) from None
        await self._greeted()
        self._check_signed_in()
        await self._identified()
        await self._join_all()
        return self._session

    def _greet(self) -> None:
        say, settings = self._connection.send, self._settings
        say("CAP", "LS", "302")
        if settings.password:
            say("PASS", str(settings.password))
        say("NICK", settings.nick)
        say("USER", settings.username, "0", "*", settings.realname or settings.nick)

    @deferred
    async def _registered(self) -> None:
        """Until we are welcome."""
        while True:
            line = await self._read()
            self._check(line)
            if line.command == "CAP":
                self._capability(line)
            elif line.command == "AUTHENTICATE" and line.param(0) == "+":
                self._authenticate()
            elif line.command in ("903", "907"):
                self._connection.send("CAP", "END")
            elif line.command in _NICK_TAKEN:
                self._another_nick()
            elif line.command == "001":
                self._welcomed(line)
                return

    async def _greeted(self) -> None:
        """Hear what the server says of itself."""
        heard = self._until_motd()
        heard.addTimeout(GREETING_SECONDS, self._clock)
        try:
            await heard
        except TooLate:
            return  # It has no message of the day, and does not say so.

    @deferred
    async def _until_motd(self) -> None:
        """Until the message of the day is over."""
        while True:
            line = await self._read()
            self._check(line)
            if line.command in ("376", "422"):
                return

    async def _read(self) -> Line:
        line = await self._connection.read()
        if line.command == "PRIVMSG":
            self._session.early.append(line)
        elif line.command == "005":
            self._session.features.update(_features(line.params[1:-1]))
        return line

    def _welcomed(self, line: Line) -> None:
        self._session.nick = line.param(0)
        self._session.server = line.prefix
        self._session.began = line.tags.get("time", "")

    def _check(self, line: Line) -> None:
        """Raise for what cannot be mended by trying again."""
        words = line.param(-1)
        if line.command == "464":
            raise ChannelFailed(
                f"the IRC server refuses the password ({words}): set channels.irc.password"
            )
        if line.command in _SASL_FAILED:
            raise ChannelFailed(
                f"the IRC server refuses the account ({words}): set channels.irc.saslUsername and "
                "channels.irc.saslPassword"
            )
        if line.command == "465":
            raise ChannelFailed(
                f"we are banned from this IRC server ({words}): ask its operators, then reload irc"
            )
        if line.command == "432" and self._tries:
            raise ChannelDown(
                f"the nick {self._settings.nick} is taken, and no longer one is", 60.0
            )
        if line.command == "432":
            raise ChannelFailed(
                f"the IRC server takes no nick {self._session.nick!r} ({words}): set "
                "channels.irc.nick to another one"
            )

    def _capability(self, line: Line) -> None:
        kind, words = line.param(1).upper(), line.param(-1).split()
        if kind == "LS":
            self._offered.update(_features(words))
            if line.param(2) != "*":
                self._ask_for(self._wanted())
        elif kind == "ACK":
            self._session.caps.update(word.lstrip("-~=") for word in words)
            if "sasl" in self._session.caps and self._settings.sasl_password:
                self._connection.send("AUTHENTICATE", "PLAIN")
            else:
                self._connection.send("CAP", "END")
        elif kind == "NAK":
            # All or nothing: a server that takes back one of its offers keeps the essential one.
            left = [name for name in ("sasl",) if name in words and len(words) > 1]
            self._ask_for(left)

    def _wanted(self) -> list[str]:
        wanted = [name for name in CAPS if name in self._offered]
        if self._settings.sasl_password and "sasl" in self._offered:
            wanted.append("sasl")
        return wanted

    def _ask_for(self, names: Sequence[str]) -> None:
        if names:
            self._connection.send("CAP", "REQ", " ".join(names))
        else:
            self._connection.send("CAP", "END")

    def _authenticate(self) -> None:
        name = self._settings.sasl_username or self._settings.nick
        plain = f"{name}\0{name}\0{self._settings.sasl_password}".encode()
        told = base64.b64encode(plain).decode()
        for at in range(0, len(told), _CHUNK):
            self._connection.send("AUTHENTICATE", told[at : at + _CHUNK])
        if len(told) % _CHUNK == 0:
            self._connection.send("AUTHENTICATE", "+")

    def _check_signed_in(self) -> None:
        if self._settings.sasl_password and "sasl" not in self._session.caps:
            raise ChannelFailed(
                "this IRC server has no SASL, so it did not learn channels.irc.saslPassword: use "
                "channels.irc.nickservPassword instead, if the network has services"
            )

    def _another_nick(self) -> None:
        self._tries += 1
        if self._tries >= _TRIES:
            raise ChannelDown(f"the nick {self._settings.nick} and all like it are taken", 60.0)
        self._session.nick += "_"
        self._connection.send("NICK", self._session.nick)

    async def _identified(self) -> None:
        """Tell services the password; networks that let only the known into channels want that."""
        settings = self._settings
        if not settings.nickserv_password:
            return
        account = [settings.sasl_username] if settings.sasl_username else []
        if not is_target(settings.nickserv_service):
            raise ChannelFailed("channels.irc.nickservService: expected a nick such as NickServ")
        told = ["IDENTIFY", *account, str(settings.nickserv_password)]
        self._connection.send("PRIVMSG", settings.nickserv_service, " ".join(told))
        answer = self._services_answered()
        answer.addTimeout(NICKSERV_SECONDS, self._clock)
        try:
            await answer
        except TooLate:
            # No word is no refusal: some services say nothing. Joining will tell.
            return

    @deferred
    async def _services_answered(self) -> None:
        while True:
            line = await self._read()
            if line.command == "900":
                return
            unknown = line.command == "401" and line.param(1) == self._settings.nickserv_service
            from_services = line.nick.lower() == self._settings.nickserv_service.lower()
            if unknown or (from_services and _REFUSED.search(line.param(-1))):
                raise ChannelFailed(
                    f"{self._settings.nickserv_service} on IRC refuses us ({line.param(-1)}): set "
                    "channels.irc.nickservPassword"
                )
            if from_services and re.search(
                r"(?i)identified|recogni[sz]ed|accepted", line.param(-1)
            ):
                return

    async def _join_all(self) -> None:
        """Enter the channels; one that does not let us in is no reason to stay out of the rest."""
        session = self._session
        bot = session.features.get("BOT")
        if bot:
            self._connection.send("MODE", session.nick, f"+{bot}")
        waiting = set()
        for channel in wanted_channels(self._settings):
            await self._pace.take()
            self._connection.send("JOIN", *name_and_key(channel))
            waiting.add(session.fold(name_and_key(channel)[0]))
        answered = self._answered(waiting)
        answered.addTimeout(JOIN_SECONDS, self._clock)
        try:
            await answered
        except TooLate:
            session.not_joined |= dict.fromkeys(sorted(waiting), "the server does not answer")

    @deferred
    async def _answered(self, waiting: set[str]) -> None:
        """Until the server has said of each channel whether we are in it.

        :param waiting: what it has not said of yet.
        """
        session = self._session
        while waiting:
            line = await self._read()
            name = session.fold(line.param(0 if line.command == "JOIN" else 1))
            if line.command == "JOIN" and session.is_own(line.nick):
                session.mask = line.mask
                session.joined.add(name)
                waiting.discard(name)
            elif _NOT_JOINED.fullmatch(line.command) and name in waiting:
                session.not_joined[name] = line.param(-1)
                waiting.discard(name)


def name_and_key(channel: str) -> list[str]:
    """What ``JOIN`` has to say of a channel: its name, and its key if it has one."""
    name, _, key = channel.partition(" ")
    return [name, key] if key else [name]


def wanted_channels(settings: IRCSettings) -> list[str]:
    """The channels to join, each with its key behind a space if it has one."""
    listed = {one.partition(" ")[0].lower(): one for one in settings.channels}
    named = (name for name, group in settings.groups.items() if group.enabled and name != "*")
    return [*listed.values(), *(name for name in named if name not in listed)]


def _features(words: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in words:
        name, _, value = word.partition("=")
        found[name.upper() if name.isupper() else name] = value
    return found
