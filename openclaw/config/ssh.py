"""Where an SSH tunnel leads, ``user@host:port``: read strictly, as it becomes an argument."""

import re

from attrs import frozen

_USER = r"[A-Za-z0-9_][A-Za-z0-9._\-]{0,63}"
_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9._\-]{0,252}[A-Za-z0-9])?"
_LITERAL = r"\[[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9._\-]{1,32})?\]"
_TARGET = re.compile(
    rf"(?:ssh://)?(?:(?P<user>{_USER})@)?(?P<host>{_NAME}|{_LITERAL})(?::(?P<port>[0-9]{{1,5}}))?/?",
    re.ASCII,
)


@frozen
class SshTarget:
    """A host to log in to; nothing in it can be taken for an option or for shell syntax.

    :ivar user: empty for the one of the SSH configuration.
    :ivar host: a name, an alias of the SSH configuration, or an address without brackets.
    :ivar port: ``None`` for the one of the SSH configuration.
    """

    host: str
    user: str = ""
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        return f"{user}{host}" + (f":{self.port}" if self.port else "")


def read_ssh_target(text: str) -> SshTarget:
    """Read ``[user@]host[:port]`` or ``ssh://[user@]host[:port]``; an IPv6 address in brackets.

    :raises ValueError: if it is anything else.
    """
    match = _TARGET.fullmatch(text)
    port = int(match["port"]) if match and match["port"] else None
    if match is None or port == 0 or (port or 0) > 65535:
        raise ValueError(f"expected user@host or user@host:port, found {text!r}")
    return SshTarget(match["host"].strip("[]"), match["user"] or "", port)
