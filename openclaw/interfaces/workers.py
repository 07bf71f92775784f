"""Where workers, agents on other hosts, meet the runs that they are given."""

from collections.abc import Sequence

from zope.interface import Attribute, Interface

from openclaw.interfaces.agents import RunOutcome
from openclaw.interfaces.tools import ToolCall, ToolResult


class IWorkerLink(Interface):
    """The connection of one worker."""

    conn_id: str = Attribute("The connection's id, of this gateway's making.")

    def tell(event: str, payload: object) -> bool:
        """Send an event to this worker alone; false if it is too large for the wire."""


class IWorkers(Interface):
    """The workers there are.

    What is told of a run counts only from the connection that was given it. All that take the
    name of a run raise :class:`openclaw.errors.InvalidRequest` if it is not that connection's.
    """

    def ready(link: IWorkerLink, backends: Sequence[str], slots: int) -> bool:
        """A worker takes runs from now on, or changes which; true if it was not known."""

    def gone(conn_id: str) -> None:
        """A worker's connection has ended; its runs run elsewhere, or fail with words."""

    def delta(conn_id: str, run: str, text: str, thinking: str) -> None:
        """More of an answer, or of what a model thinks."""

    def tool_started(conn_id: str, run: str, call: ToolCall) -> None:
        """The agent uses a tool of its own."""

    def tool_ended(conn_id: str, run: str, call: ToolCall, result: ToolResult) -> None:
        """It has used it."""

    def ended(conn_id: str, run: str, outcome: RunOutcome) -> None:
        """A run is done."""

    def failed(conn_id: str, run: str, words: str, kind: str) -> None:
        """A run has no answer."""
