"""Where the owner was last spoken with in private, by account; says nothing there."""

from collections.abc import Callable, Sequence

import msgspec
from twisted.logger import Logger

from openclaw.channels.control import Control, sender_name
from openclaw.channels.records import ChannelValues
from openclaw.interfaces.messages import Inbound, Target
from openclaw.protocol.base import encode

_decoder = msgspec.json.Decoder(Target)


class OwnerChats:
    """The owner's direct chats; durable soon after one is known.

    :param accounts: every account there is, ``(channel, account)``, in their order.
    """

    _log = Logger()

    def __init__(
        self,
        control: Control,
        values: ChannelValues,
        accounts: Callable[[], Sequence[tuple[str, str]]],
    ) -> None:
        self._control = control
        self._values = values
        self._accounts = accounts

    def note(self, message: Inbound) -> None:
        """Remember where a message came from, if the owner said it in private."""
        if message.chat_type != "dm" or not self._control.is_owner(message):
            return
        place = Target(
            channel=message.channel,
            account=message.account,
            chat_id=message.chat_id,
            thread_id=message.thread_id,
        )
        state = self._values.of(message.channel, message.account)
        name, value = _name(sender_name(message)), encode(place).decode()
        if state.get(name) != value:
            state.put(name, value).addErrback(
                lambda failure: self._log.failure("an owner's chat was not noted", failure=failure)
            )

    def known(self) -> Sequence[Target]:
        """One direct chat of each owner whose are known."""
        found = []
        for owner in sorted(self._control.owners):
            values = [self._values.get(*key, _name(owner)) for key in self._accounts()]
            found += [_decoder.decode(value) for value in values if value][:1]
        return found


def _name(owner: str) -> str:
    return f"chat of {owner}"
