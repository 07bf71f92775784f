"""Matrix inside a whole gateway."""

from openclaw.channels.counterpart import Counterpart
from tests.channels.matrix.counterpart import ADA, Homeserver
from tests.channels.whole import WholeCase, WholeContract


class MatrixTests(WholeContract, WholeCase):
    channel = "matrix"
    person = ("!ada", ADA)
    group = "!friends:hs.test"

    def make_counterpart(self) -> Counterpart:
        self.homeserver = Homeserver()
        return self.homeserver

    async def stop_counterpart(self) -> None:
        await self.homeserver.stop()
