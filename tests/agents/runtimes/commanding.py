"""Conversations, runs, a desk of approvals, and the agent that obeys commands about them."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, cast

from twisted.internet.defer import succeed

from openclaw.agents.runtimes.commands import Scene
from openclaw.agents.runtimes.controls import Controls
from openclaw.agents.runtimes.embedded import MOST_DELTAS, EmbeddedAgent
from openclaw.interfaces.approvals import Consent, Danger
from openclaw.interfaces.status import IGatewayView
from openclaw.protocol.scopes import ADMIN, expand
from openclaw.security.exec.binding import command_line
from openclaw.security.exec.desk import ApprovalDesk
from tests.security.exec.test_desk import Noted
from tests.sessions.rig import COMMANDS, MAIN, Call, World, WorldCase

WHO = "device-1"
EVERYTHING = tuple(sorted(expand((ADMIN,))))


def make_ids() -> Callable[[], str]:
    """Ids whose first eight characters tell them apart."""
    numbers = count(1)
    return lambda: f"{next(numbers):08x}-0000-4000-8000-000000000000"


class CommandedCase(WorldCase):
    """One process; its commands do what they say.

    :ivar factor: methods that ask for a second factor.
    """

    def setUp(self) -> None:
        self.factor: set[str] = set()
        super().setUp()
        self.number = 0

    def start(self, world: World) -> World:
        """Start a process, with a desk and an agent of its own."""
        self.desk = ApprovalDesk(
            self.journal, cast(Any, Noted()), world.clock, world.now_ms, make_ids()
        )
        self.successResultOf(self.desk.load())
        controls = Controls()
        controls.runs, controls.conversations = world.runs, world.conversations
        controls.approvals, controls.command_line = self.desk, command_line
        controls.needs_factor = lambda name: name in self.factor
        scene = Scene(
            cast(IGatewayView, None), lambda: [COMMANDS], lambda: COMMANDS, _never, controls
        )
        agent = EmbeddedAgent(scene, world.clock)

        def obey(call: Call) -> None:
            agent.run(call.request, call.sink).chainDeferred(call.done)

        world.commands.on_run = obey
        return super().start(world)

    def command(self, text: str, key: str = MAIN, **more: Any) -> str:
        """Give a command, the owner's unless it is said otherwise; the name of its run."""
        self.number += 1
        name = f"command-{self.number}"
        given = {"commanded_by": WHO, "scopes": EVERYTHING, **more}
        self.successResultOf(self.world.accept(name, text, key, **given))
        self.world.clock.pump([0.0] + [0.02] * MOST_DELTAS)
        return name

    def answer(self, text: str, key: str = MAIN, **more: Any) -> str:
        """Give a command, and tell what it was answered."""
        last = self.world.heard.of("chat", self.command(text, key, **more))[-1]
        return str(last["message"]["content"][0]["text"])

    def wanted(self, command: str = "rm", session_key: str = MAIN) -> Consent:
        """A question to a person."""
        danger = Danger(node="gateway", command=command, argv=("-r",), session_key=session_key)
        return self.successResultOf(self.desk.request(danger))

    def pending(self) -> Sequence[str]:
        """The ids of what waits."""
        return [one.id for one in self.desk.pending()]


def _never(session_key: str) -> Any:
    return succeed(None)
