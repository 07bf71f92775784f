"""IRC inside a whole gateway."""

from openclaw.channels.counterpart import Counterpart
from tests.channels.irc.counterpart import IRC, ROOM
from tests.channels.whole import WholeCase, WholeContract


class IRCTests(WholeContract, WholeCase):
    channel = "irc"
    person = ("ada", "account:ada")
    group = ROOM

    def make_counterpart(self) -> Counterpart:
        self.irc = IRC()
        return self.irc

    async def stop_counterpart(self) -> None:
        await self.irc.stop()
