"""The grammar of IRC: lines, tags, case, and how much fits into 512 bytes; pure.

See https://modern.ircdocs.horse and https://ircv3.net/specs/extensions/message-tags.
"""

import re
from collections.abc import Mapping

from attrs import field, frozen

from openclaw.channels.text.graphemes import boundary

MOST_BYTES = 512
"""Of a line without its tags, with the two that end it."""

_UNSAFE = re.compile("[\0\r\n]+")
# Ends a line for some server or client, starts a CTCP command, or switches formatting.
_CONTROL = re.compile("[\0-\x01\x05-\x08\x0a-\x0e\x10\x12-\x15\x17-\x1c\x7f]")
_FORMATTING = re.compile(
    "\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?|\x04(?:[0-9a-fA-F]{6})?|[\0-\x08\x0a-\x1f\x7f]"
)
_ESCAPES = {":": ";", "s": " ", "\\": "\\", "r": "\r", "n": "\n"}
_ESCAPED = {";": "\\:", " ": "\\s", "\\": "\\\\", "\r": "\\r", "\n": "\\n"}
# A target must name one place: no list, no mask of servers, nothing that begins a parameter anew.
_TARGET = re.compile(r"[^\s\0,:$@!*?\x01-\x1f][^\s\0,!*?\x01-\x1f]{0,199}")

_RFC1459 = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ[]\\~", "abcdefghijklmnopqrstuvwxyz{}|^")
_STRICT = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ[]\\", "abcdefghijklmnopqrstuvwxyz{}|")
_ASCII = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


@frozen(kw_only=True)
class Line:
    """One line.

    :ivar prefix: who says it, ``nick!user@host`` or a server's name; empty for the server itself.
    :ivar command: in capitals, or three digits.
    """

    command: str
    params: tuple[str, ...] = ()
    prefix: str = ""
    tags: Mapping[str, str] = field(factory=dict)

    @property
    def nick(self) -> str:
        """Who says it."""
        return self.prefix.partition("!")[0]

    @property
    def mask(self) -> str:
        """``user@host`` of who says it; empty for servers."""
        return self.prefix.partition("!")[2]

    def param(self, index: int) -> str:
        """A parameter, empty if there are not so many; ``-1`` is the last."""
        try:
            return self.params[index]
        except IndexError:
            return ""


def parse(data: bytes) -> Line | None:
    """Read one line without its end; ``None`` for one that is empty or has no command.

    What is no UTF-8 is read as Windows-1252, which clients without it write.
    """
    text = _decoded(data).lstrip(" ")
    tags: dict[str, str] = {}
    prefix = ""
    if text.startswith("@"):
        raw, _, text = text[1:].partition(" ")
        tags = _tags(raw)
        text = text.lstrip(" ")
    if text.startswith(":"):
        prefix, _, text = text[1:].partition(" ")
    head, colon, trailing = f" {text}".partition(" :")
    words = [word for word in head.split(" ") if word]
    if not words:
        return None
    params = (*words[1:], trailing) if colon else tuple(words[1:])
    return Line(command=words[0].upper(), params=params, prefix=prefix, tags=tags)


def written(command: str, *params: str, tags: Mapping[str, str] | None = None) -> bytes:
    """A line with its end; nothing in a parameter can end it early.

    :raises ValueError: a parameter before the last is empty or has a space in it.
    """
    clean = [_UNSAFE.sub(" ", param) for param in params]
    for param in clean[:-1]:
        if not param or " " in param or param.startswith(":"):
            raise ValueError(f"{command}: {param!r} can only be the last parameter")
    if clean and (not clean[-1] or " " in clean[-1] or clean[-1].startswith(":")):
        clean[-1] = f":{clean[-1]}"
    told = ";".join(f"{name}={_escaped(value)}" for name, value in (tags or {}).items())
    words = [f"@{told}"] if told else []
    return (" ".join([*words, command, *clean]) + "\r\n").encode("utf-8", "replace")


def is_target(text: str) -> bool:
    """Whether something can be written to a place of this name: one nick or one channel."""
    return _TARGET.fullmatch(text) is not None


def fold(text: str, casemapping: str = "rfc1459") -> str:
    """A nick or channel as servers compare it."""
    tables = {"ascii": _ASCII, "rfc1459-strict": _STRICT}
    return text.translate(tables.get(casemapping, _RFC1459))


def without_formatting(text: str) -> str:
    """What somebody wrote, without colours, styles and other control characters."""
    return _FORMATTING.sub("", text)


def sayable(text: str) -> list[str]:
    """The lines of a text as they may be sent: no empty one, and none that is a command."""
    lines = (_CONTROL.sub("", line).rstrip() for line in re.split("[\r\n]+", text))
    return [line for line in lines if line]


def cut(line: str, most_bytes: int) -> list[str]:
    """Cut a line so that each part has at most so many bytes, if possible between words."""
    parts = []
    while len(line.encode("utf-8", "replace")) > most_bytes:
        head = line.encode("utf-8", "replace")[:most_bytes].decode("utf-8", "ignore")
        space = head.rfind(" ")
        at = space if space > len(head) // 2 else boundary(line, len(head)) or len(head)
        parts.append(line[:at].rstrip())
        line = line[at:].lstrip()
    return [part for part in (*parts, line) if part]


def room(own_prefix: str, target: str) -> int:
    """Bytes of text that fit into one ``PRIVMSG`` as others get it."""
    return MOST_BYTES - 2 - len(f":{own_prefix} PRIVMSG {target} :".encode())


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _tags(raw: str) -> dict[str, str]:
    found = {}
    for item in raw.split(";"):
        name, _, value = item.partition("=")
        if name:
            found[name] = _unescaped(value)
    return found


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.?)", lambda match: _ESCAPES.get(match[1], match[1]), value)


def _escaped(value: str) -> str:
    return "".join(_ESCAPED.get(char, char) for char in value)
