"""An IRC server on loopback with the extensions of IRCv3: strict, with services and a memory.

Refused: lines that are too long or no UTF-8, commands before registration, wrong passwords and
accounts, taken and impossible nicks, channels with keys and bans, floods.
"""

import base64
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from attrs import define, field
from twisted.internet import reactor as default_reactor
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

reactor: Any = default_reactor
NAME = "irc.example"
CAPS = (
    "sasl=PLAIN message-tags server-time account-tag echo-message batch draft/chathistory "
    "multi-prefix"
)
TAGGED = ("server-time", "account-tag", "message-tags")


def stamp(moment: float) -> str:
    """A moment as a tag has it."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def fold(name: str) -> str:
    """Names as this server compares them (CASEMAPPING=ascii)."""
    return name.lower()


@define(kw_only=True)
class Post:
    """Something that was said."""

    msgid: str
    target: str
    prefix: str
    account: str
    text: str
    moment: float
    tags: dict[str, str] = field(factory=dict)
    delivered: int = 0

    def line(self, caps: set[str], **more: str) -> str:
        """As a client with these capabilities gets it."""
        tags = dict(more)
        if "server-time" in caps:
            tags["time"] = stamp(self.moment)
        if "message-tags" in caps:
            tags |= {"msgid": self.msgid, **self.tags}
        if "account-tag" in caps and self.account:
            tags["account"] = self.account
        head = "@" + ";".join(f"{name}={value}" for name, value in tags.items()) + " "
        return f"{head if tags else ''}:{self.prefix} PRIVMSG {self.target} :{self.text}"


class Client(LineOnlyReceiver):
    """One connection."""

    delimiter = b"\n"
    MAX_LENGTH = 9000
    factory: "Server"
    transport: Any

    def __init__(self) -> None:
        self.nick = self.user = ""
        self.account = ""
        self.caps: set[str] = set()
        self.negotiating = self.registered = False
        self.password = ""
        self.penalty = 0.0
        self.deaf = False

    @property
    def prefix(self) -> str:
        return f"{self.nick}!~{self.user}@client.example"

    def connectionMade(self) -> None:
        self.factory.clients.append(self)
        if self.factory.frozen:
            self.transport.pauseProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.clients.remove(self)
        for people in self.factory.channels.values():
            people.discard(self)
        self.factory.noted()
        if self.registered:
            self.factory.tell_all(f":{self.prefix} QUIT :gone", but=self)

    def say(self, line: str) -> None:
        if not self.factory.frozen:
            self.transport.write(line.encode() + b"\r\n")

    def numeric(self, code: str, *params: str) -> None:
        *most, last = params
        words = " ".join([self.nick or "*", *most])
        tag = f"@time={stamp(time.time())} " if "server-time" in self.caps else ""
        self.say(f"{tag}:{NAME} {code} {words} :{last}")

    def lineReceived(self, raw: bytes) -> None:
        if self.deaf:
            return
        raw = raw.removesuffix(b"\r")
        server = self.factory
        server.heard.append(raw)
        tags, _, rest = raw.partition(b" ") if raw.startswith(b"@") else (b"", b"", raw)
        if len(rest) > 510 or b"\0" in raw or b"\r" in raw:
            server.violations.append(f"a line of {len(rest)} bytes or with a NUL or CR")
            self.numeric("417", "Input line was too long")
            return
        words, colon, trailing = rest.decode().partition(" :")
        command, *params = words.split()
        if colon:
            params.append(trailing)
        if self.registered and command not in ("PONG", "QUIT") and self._floods():
            return
        known = getattr(self, f"do_{command.upper()}", None)
        if known is None:
            self.numeric("421", command, "Unknown command")
        elif not self.registered and command.upper() not in server.EARLY:
            self.numeric("451", "You have not registered")
        else:
            known(params, tags.decode()[1:])

    def _floods(self) -> bool:
        """As in RFC 1459, 8.10: a timer that each line moves, and that may not run away."""
        server, now = self.factory, time.monotonic()
        self.penalty = max(self.penalty, now) + server.line_seconds
        if self.penalty - now > server.line_seconds * server.most_lines:
            server.violations.append("excess flood")
            self.say("ERROR :Closing link: (Excess Flood)")
            self.transport.loseConnection()
            return True
        return False

    # -- registration --------------------------------------------------------------------------

    def do_CAP(self, params: list[str], tags: str) -> None:
        offered = self.factory.offered.split()
        if params[0] == "LS":
            self.negotiating = not self.registered
            half = len(offered) // 2
            self.say(f":{NAME} CAP * LS * :{' '.join(offered[:half])}")
            self.say(f":{NAME} CAP * LS :{' '.join(offered[half:])}")
        elif params[0] == "REQ":
            wanted = params[1].split()
            known = {name.partition("=")[0] for name in offered}
            if set(wanted) <= known - self.factory.takes_back:
                self.caps |= set(wanted)
                self.say(f":{NAME} CAP * ACK :{params[1]}")
            else:
                self.say(f":{NAME} CAP * NAK :{params[1]}")
        elif params[0] == "END":
            self.negotiating = False
            self._register()

    def do_AUTHENTICATE(self, params: list[str], tags: str) -> None:
        if params == ["PLAIN"]:
            self.say("AUTHENTICATE +")
            return
        _, name, password = base64.b64decode(params[0], validate=True).decode().split("\0")
        if self.factory.accounts.get(name) == password:
            self.account = name
            self.numeric("900", f"*!*@{NAME}", name, f"You are now logged in as {name}")
            self.numeric("903", "SASL authentication successful")
        else:
            self.numeric("904", "SASL authentication failed")

    def do_PASS(self, params: list[str], tags: str) -> None:
        self.password = params[0]

    def do_NICK(self, params: list[str], tags: str) -> None:
        nick = params[0]
        if not nick.strip("_").isalnum() or nick[0].isdigit():
            self.numeric("432", nick, "Erroneous nickname")
        elif self.factory.find(nick) not in (None, self):
            self.numeric("433", nick, "Nickname is already in use")
        elif self.registered:
            self.factory.tell_all(f":{self.prefix} NICK {nick}")
            self.nick = nick
        else:
            self.nick = nick
            self._register()

    def do_USER(self, params: list[str], tags: str) -> None:
        self.user = params[0]
        self._register()

    def _register(self) -> None:
        if self.registered or self.negotiating or not (self.nick and self.user):
            return
        server = self.factory
        if server.password and self.password != server.password:
            self.numeric("464", "Password incorrect")
            self.say("ERROR :Closing link: (Password incorrect)")
            self.transport.loseConnection()
            return
        self.registered = True
        self.numeric("001", f"Welcome {self.nick}")
        self.numeric(
            "005", "CASEMAPPING=ascii", "CHANTYPES=#", "CHATHISTORY=5", "BOT=B", "are here"
        )
        self.numeric("422", "no message of the day")
        server.noted()

    # -- once in -------------------------------------------------------------------------------

    def do_MODE(self, params: list[str], tags: str) -> None:
        self.say(f":{self.nick} MODE {self.nick} :{params[-1]}")

    def do_PING(self, params: list[str], tags: str) -> None:
        self.say(f":{NAME} PONG {NAME} :{params[0]}")

    def do_PONG(self, params: list[str], tags: str) -> None:
        pass

    def do_QUIT(self, params: list[str], tags: str) -> None:
        self.say("ERROR :Closing link: (Quit)")
        self.transport.loseConnection()

    def do_JOIN(self, params: list[str], tags: str) -> None:
        name = params[0]
        if fold(name) in self.factory.bans:
            self.numeric("474", name, "Cannot join channel (+b)")
        elif self.factory.keys.get(fold(name), "") not in ("", *params[1:]):
            self.numeric("475", name, "Cannot join channel (+k)")
        else:
            self.factory.channels.setdefault(fold(name), set()).add(self)
            self.factory.tell_all(f":{self.prefix} JOIN {name}")
            self.numeric("366", name, "End of names")

    def do_PRIVMSG(self, params: list[str], tags: str) -> None:
        server, (target, text) = self.factory, params
        if fold(target) == "nickserv":
            self._services(text)
            return
        if server.refusals:
            code, words = server.refusals.pop(0)
            self.numeric(code, target, words)
            return
        if target.startswith("#"):
            if self not in server.channels.get(fold(target), set()):
                self.numeric("404", target, "Cannot send to channel")
                return
        elif server.find(target) is None and fold(target) not in server.people:
            self.numeric("401", target, "No such nick")
            return
        known = dict(item.partition("=")[::2] for item in tags.split(";") if item)
        post = server.post(self.prefix, target, text, self.account, known)
        if "echo-message" in self.caps:
            self.say(post.line(self.caps))
        if server.losing:
            server.losing -= 1
            self.deaf = True
            self.transport.abortConnection()

    def _services(self, text: str) -> None:
        words = text.split()
        right = words[0] == "IDENTIFY" and words[-1] in self.factory.accounts.values()
        told = "You are now identified" if right else "Invalid password for your account"
        if right:
            self.account = self.nick
        self.say(f":NickServ!services@{NAME} NOTICE {self.nick} :{told}")

    def do_CHATHISTORY(self, params: list[str], tags: str) -> None:
        server = self.factory
        reference = server.next_id("batch")
        after = params[1 if params[0] == "TARGETS" else 2].partition("=")[2]
        limit = int(params[-1])
        if limit > 5 or "draft/chathistory" not in self.caps:
            server.violations.append("more history than is given, or without asking for it")
        found = [post for post in server.posts if stamp(post.moment) > after]
        if params[0] == "TARGETS":
            self.say(f":{NAME} BATCH +{reference} draft/chathistory-targets")
            nicks = {post.prefix.partition("!")[0]: post for post in found if self._is_mine(post)}
            for nick, post in list(nicks.items())[:limit]:
                moment = stamp(post.moment)
                self.say(f"@batch={reference} :{NAME} CHATHISTORY TARGETS {nick} {moment}")
        else:
            self.say(f":{NAME} BATCH +{reference} chathistory {params[1]}")
            for post in [one for one in found if self._is_in(one, params[1])][:limit]:
                post.delivered += 1
                self.say(post.line(self.caps, batch=reference))
        self.say(f":{NAME} BATCH -{reference}")

    def _is_mine(self, post: Post) -> bool:
        return fold(post.target) in (fold(self.nick), fold(self.account))

    def _is_in(self, post: Post, target: str) -> bool:
        if target.startswith("#"):
            return fold(post.target) == fold(target)
        return self._is_mine(post) and fold(post.prefix.partition("!")[0]) == fold(target)


class Server(Factory):
    """The server.

    :ivar people: who is there without a connection; tests speak for them.
    :ivar violations: what a real server would have minded.
    :ivar line_seconds: what each line costs; ``most_lines`` of them may be owed.
    """

    EARLY = ("CAP", "PASS", "NICK", "USER", "AUTHENTICATE", "QUIT", "PING", "PONG")
    protocol: Any = Client
    noisy = False

    def __init__(self) -> None:
        self.clients: list[Client] = []
        self.channels: dict[str, set[Client]] = {}
        self.people: set[str] = set()
        self.accounts: dict[str, str] = {}
        self.password = ""
        self.offered = CAPS
        self.takes_back: set[str] = set()
        self.bans: set[str] = set()
        self.keys: dict[str, str] = {}
        self.posts: list[Post] = []
        self.heard: list[bytes] = []
        self.violations: list[str] = []
        self.refusals: list[tuple[str, str]] = []
        self.losing = 0
        self.frozen = False
        self.line_seconds = 0.1
        self.most_lines = 10
        self.noted: Callable[[], None] = lambda: None
        self._ids: Counter[str] = Counter()
        self._last = 0.0

    def next_id(self, kind: str) -> str:
        """A name that was never given before."""
        self._ids[kind] += 1
        return f"{kind}{self._ids[kind]}"

    def find(self, nick: str) -> Client | None:
        """Who has a nick."""
        found = (one for one in self.clients if one.nick and fold(one.nick) == fold(nick))
        return next(found, None)

    def tell_all(self, line: str, but: Client | None = None) -> None:
        """Tell everybody who is registered."""
        for client in list(self.clients):
            if client.registered and client is not but:
                client.say(line)

    def post(
        self, prefix: str, target: str, text: str, account: str, tags: dict[str, str] | None = None
    ) -> Post:
        """Let somebody say something; every moment is a millisecond of its own."""
        self._last = max(time.time(), self._last + 0.001)
        post = Post(
            msgid=self.next_id("msg"),
            target=target,
            prefix=prefix,
            account=account,
            text=text,
            moment=self._last,
            tags={name: value for name, value in (tags or {}).items() if name.startswith("+")},
        )
        self.posts.append(post)
        self.deliver(post)
        return post

    def deliver(self, post: Post) -> None:
        """Bring something to whoever should hear it and is there."""
        nick = post.prefix.partition("!")[0]
        if post.target.startswith("#"):
            ears = set(self.channels.get(fold(post.target), set()))
        else:
            ears = {one for one in (self.find(post.target),) if one is not None}
        for client in ears:
            if client.registered and fold(client.nick) != fold(nick):
                post.delivered += not self.frozen
                client.say(post.line(client.caps))
