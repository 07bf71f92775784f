"""The contract of every channel, kept inside a whole gateway."""

from openclaw.testing.contract import WholeCase, WholeContract
from openclaw_channel_lines.tests.server import Server


class LinesTests(WholeContract, WholeCase):
    channel = "lines"
    person = ("ada", "ada")
    group = "room"

    def make_counterpart(self) -> Server:
        self.server = Server()
        return self.server

    async def stop_counterpart(self) -> None:
        await self.server.port.stopListening()
        self.server.drop()
