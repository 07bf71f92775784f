"""A running agent as one speaks with it: commands that are answered, events, an end."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from openclaw.agents.runtimes.process.child import Child, Clogged
from openclaw.agents.runtimes.process.lines import TooLong
from openclaw.agents.runtimes.process.wire import (
    END,
    Compacting,
    Event,
    NoLine,
    Question,
    Response,
    RunEnd,
    decode_line,
    encode_command,
    encode_dismissal,
    is_run_end,
)
from openclaw.deferreds import deferred

REPLY_SECONDS = 60.0
"""How long a command may stay without an answer; a cold start on a busy machine is in it."""

MOST_GARBAGE = 20
"""Lines that are no lines of the wire, per process, that the log is told of."""


class Gone(Exception):
    """The process has ended, or is about to; the words say how."""


class Refused(Exception):
    """The agent said no to a command; its own words."""


class Silent(Exception):
    """The agent did not answer a command in time, or does not read any."""


class Peer:
    """One process of an agent, from its start to its end.

    :param name: whose, for the log.
    :ivar on_event: who hears what happens while a prompt is worked on.
    :ivar on_lost: who hears of its end then.
    :param on_gone: hears of the end first.
    """

    _log = Logger()

    def __init__(self, name: str, clock: IReactorTime, on_gone: Callable[[str], None]) -> None:
        self.on_event: Callable[[Event], None] = lambda event: None
        self.on_lost: Callable[[str], None] = lambda why: None
        self._on_gone = on_gone
        self._working = False
        self._name = name
        self._clock = clock
        self._child: Child | None = None
        self._waiting: dict[str, Deferred[Response]] = {}
        self._unanswered: set[str] = set()
        self._idle: list[Deferred[None]] = []
        self._ends: list[Deferred[None]] = []
        self._compacting = False
        self._prompt_id = ""
        self._count = 0
        self._garbage = 0
        self._gone = ""

    def start(self, child: Child) -> None:
        """It runs."""
        self._child = child

    @property
    def child(self) -> Child:
        """The process itself."""
        assert self._child is not None
        return self._child

    def ask(self, type: str, **fields: Any) -> Deferred[None]:
        """Give a command.

        :return: fires once it was done, or accepted; fails with :class:`Refused`, :class:`Silent`
            or :class:`Gone`.
        """
        if self._gone:
            return fail(Gone(self._gone))
        self._count += 1
        id = str(self._count)
        try:
            self.child.write(encode_command(id, type, **fields))
        except Clogged as error:
            return fail(Silent(str(error)))
        if type == "prompt":
            self._working, self._prompt_id = True, id
        self._unanswered.add(id)
        return self._answer(id, type)

    @deferred
    async def _answer(self, id: str, type: str) -> None:
        waiting = self._waiting[id] = Deferred()
        try:
            response = await waiting.addTimeout(REPLY_SECONDS, self._clock)
        except TooLate:
            words = f"it did not answer the command {type} within {REPLY_SECONDS:g} s"
            raise Silent(words) from None
        finally:
            self._waiting.pop(id, None)
        if not response.ok:
            raise Refused(response.error or f"it refused the command {type}")

    @property
    def idle(self) -> bool:
        """Whether it has done all it was told, also what nobody waits for any more."""
        return not (self._working or self._compacting or self._unanswered)

    def when_gone(self) -> Deferred[None]:
        """Fires once the process is."""
        if self._gone:
            return succeed(None)
        end: Deferred[None] = Deferred()
        self._ends.append(end)
        return end

    def when_idle(self) -> Deferred[None]:
        """Fires once it is idle; fails with :class:`Gone`."""
        if self._gone:
            return fail(Gone(self._gone))
        waiting: Deferred[None] = Deferred()
        self._idle.append(waiting)
        self._tell_idle()
        return waiting

    # -- the process tells -----------------------------------------------------------------------

    def line(self, line: bytes | TooLong) -> None:
        """See :meth:`Listener.line`; a program may write anything."""
        if isinstance(line, TooLong):
            self._too_long(line)
            return
        if not line:
            return
        try:
            meaning = decode_line(line)
        except NoLine:
            self._no_line(line)
            return
        if isinstance(meaning, Response):
            self._answered(meaning)
        elif meaning is not None:
            self._happened(meaning)

    def gone(self, why: str) -> None:
        """See :meth:`Listener.gone`."""
        self._gone = why
        self._working = False
        # First who decides what follows: whoever fails now may want the next process at once.
        self._on_gone(why)
        self.on_lost(why)
        waiting, self._waiting = self._waiting, {}
        idle, self._idle = self._idle, []
        ends, self._ends = self._ends, []
        for end in ends:
            end.callback(None)
        for command in waiting.values():
            command.errback(Gone(why))
        for one in idle:
            one.errback(Gone(why))

    def _answered(self, response: Response) -> None:
        self._unanswered.discard(response.id)
        if response.id == self._prompt_id and not response.ok:
            self._working = False
        waiting = self._waiting.pop(response.id, None)
        if waiting is not None:
            waiting.callback(response)
        self._tell_idle()

    def _happened(self, event: Event) -> None:
        if isinstance(event, Question):
            self._dismiss(event)
            return
        if isinstance(event, Compacting):
            self._compacting = event.going_on
        elif isinstance(event, RunEnd):
            self._working = False
        self.on_event(event)
        self._tell_idle()

    def _dismiss(self, question: Question) -> None:
        try:
            self.child.write(encode_dismissal(question.id))
        except Clogged:  # Who does not read will be found out by the next command.
            self._log.warn("{name} asks and does not read", name=self._name)

    def _tell_idle(self) -> None:
        if not self.idle:
            return
        idle, self._idle = self._idle, []
        for one in idle:
            one.callback(None)

    def _too_long(self, line: TooLong) -> None:
        self._log.warn("{name}: dropped a line of {size} bytes", name=self._name, size=line.size)
        if is_run_end(line.head):
            self._happened(END)

    def _no_line(self, line: bytes) -> None:
        self._garbage += 1
        if self._garbage <= MOST_GARBAGE:
            # Its size only: what a program prints in the wrong place may be anybody's secret.
            self._log.warn(
                "{name}: a line that is none, {size} bytes", name=self._name, size=len(line)
            )
