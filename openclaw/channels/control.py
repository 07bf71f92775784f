"""Tells commands about runs and approvals from what else is said, and whose word is the owner's."""

from collections.abc import Callable

from attrs import field, frozen

from openclaw.interfaces.messages import Inbound

_SAID = frozenset(("message", "command"))


def sender_name(message: Inbound) -> str:
    """Who said something, as ``gateway.auth.admin_channels`` names people: ``channel:id``."""
    return f"{message.channel}:{message.sender.id}"


@frozen
class Control:
    """What the way in has to know of such commands.

    :ivar owners: senders whose word is the owner's; only immutable ids are compared.
    :ivar method_of: the method that a text stands for as such a command; empty for all else.
    """

    owners: frozenset[str] = frozenset()
    method_of: Callable[[str], str] = field(default=lambda text: "")

    def is_owner(self, message: Inbound) -> bool:
        """Whether the owner said it."""
        return sender_name(message) in self.owners

    def is_command(self, message: Inbound) -> bool:
        """Whether it is such a command, whoever gives it; a pressed button or an edit is none.

        It begins with its slash: such a message is never put together with others.
        """
        said = message.kind in _SAID and message.text.startswith("/")
        return said and bool(self.method_of(message.text))

    def is_urgent(self, message: Inbound) -> bool:
        """Whether it is such a command of the owner: it needs no mention, and is never too much."""
        return self.is_owner(message) and self.is_command(message)


NOBODY = Control()
"""Where no owner is named and no such command is known."""
