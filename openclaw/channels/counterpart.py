"""What a stand-in for a platform can do, so that one contract tests every channel; no Twisted."""

from collections.abc import Mapping
from typing import Any, Protocol

from attrs import frozen


@frozen(kw_only=True)
class Shown:
    """A message of the assistant's as a person sees it now, edits applied.

    :ivar text: without the platform's markup, as far as the stand-in can tell.
    """

    chat_id: str
    message_id: str
    text: str
    thread_id: str = ""
    reply_to: str = ""
    reactions: tuple[str, ...] = ()
    files: tuple[bytes, ...] = ()


class Counterpart(Protocol):
    """A platform's server on loopback, with people who write to the assistant.

    Everything happens at once; what travels does so over real sockets.
    """

    def settings(self) -> Mapping[str, Any]:
        """One account's configuration that points at this server."""

    def say(self, text: str, *, chat_id: str, sender_id: str, group: bool = False) -> str:
        """Let somebody write, addressing the assistant in a group; returns the message's id."""

    def repeat(self, message_id: str) -> None:
        """Deliver a message again, as the platform does when it was not told that it arrived."""

    def acknowledged(self, message_id: str) -> bool:
        """Whether the platform was told that a message arrived."""

    def shown(self) -> list[Shown]:
        """Every message of the assistant's, in the order of sending."""

    def refuse(self, times: int, status: int, retry_after: float = 0.0) -> None:
        """Answer the next sends with an error such as 429 with a pause, 500 or 400."""

    def lose_answers(self, times: int) -> None:
        """Do what the next sends ask, and cut the connection instead of answering."""

    def drop(self) -> None:
        """Cut every connection."""

    def freeze(self, frozen: bool) -> None:
        """Accept and keep connections, and say nothing more on any."""

    def revoke(self) -> None:
        """From now on the account's credentials are wrong."""

    @property
    def open_sockets(self) -> int:
        """Receiving connections of the account that are open now."""

    @property
    def most_sockets(self) -> int:
        """The most that ever were open at a time."""
