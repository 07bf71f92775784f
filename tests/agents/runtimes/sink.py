"""Whoever listens to a run: it keeps what it hears."""

from collections.abc import Callable

from zope.interface import implementer

from openclaw.interfaces.agents import IRunSink


@implementer(IRunSink)
class Heard:
    """Keeps what the runtime produced.

    :ivar on_delta: told after each delta.
    """

    def __init__(self) -> None:
        self.started: list[tuple[str, str]] = []
        self.deltas: list[str] = []
        self.is_watched = True
        self.on_delta: Callable[[], object] = lambda: None

    def thought(self, text: str) -> None:
        """Nobody looks."""

    def watched(self) -> bool:
        """See :meth:`IRunSink.watched`."""
        return self.is_watched

    def model_started(self, provider: str, model: str) -> None:
        """Keep it."""
        self.started.append((provider, model))

    def delta(self, text: str) -> None:
        """Keep it."""
        self.deltas.append(text)
        self.on_delta()
