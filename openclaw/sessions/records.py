"""A session as it is held in memory, and the form its parts have in the journal."""

from typing import Literal

from attrs import evolve, field, frozen

from openclaw.interfaces.conversations import Wishes
from openclaw.interfaces.messages import Origin
from openclaw.protocol.base import UNSET, UnsetType, Wire
from openclaw.protocol.schema.sessions import ToolOverrides

LastStatus = Literal["running", "done", "failed", "aborted", "interrupted"]


class Settings(Wire, frozen=True, kw_only=True):
    """What is kept of a session beside its transcript; one JSON text in its row.

    :ivar summary: what stands for the transcript up to ``summary_seq`` when a model reads it.
    :ivar memory: what its agent wrote down for later; no other session sees it.
    """

    label: str = ""
    model: str = ""
    title: str = ""
    preview: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    status: LastStatus | UnsetType = UNSET
    started_at: int = 0
    ended_at: int = 0
    last_run_id: str = ""
    summary: str = ""
    summary_seq: int = 0
    tool_overrides: ToolOverrides | UnsetType = UNSET
    inherited_tool_allow: list[str] | UnsetType = UNSET
    inherited_tool_deny: list[str] | UnsetType = UNSET
    memory: str = ""

    @property
    def lasting(self) -> "Settings":
        """What stays when the session starts over: how it is set up, and what was to be kept."""
        return Settings(
            label=self.label,
            model=self.model,
            tool_overrides=self.tool_overrides,
            inherited_tool_allow=self.inherited_tool_allow,
            inherited_tool_deny=self.inherited_tool_deny,
            memory=self.memory,
        )


class StoredInput(Wire, frozen=True, kw_only=True):
    """The part of an input that has no column of its own."""

    text: str
    agent_id: str
    message_seq: int
    timeout_seconds: float | None = None
    system: str = ""
    origin: Origin | None = None
    owner: bool = False
    scopes: tuple[str, ...] = ()
    wishes: Wishes | None = None
    commanded_by: str = ""


@frozen(kw_only=True)
class Session:
    """One session.

    :ivar last_seq: place of its latest message; 0 if it is empty.
    :ivar active: run ids that wait or run, in order.
    """

    key: str
    session_id: str
    agent_id: str
    created_at_ms: int
    updated_at_ms: int
    archived: bool = False
    last_seq: int = 0
    settings: Settings = field(factory=Settings)
    active: tuple[str, ...] = ()

    def with_active(self, run_id: str) -> "Session":
        """The same with one run more."""
        return evolve(self, active=(*self.active, run_id))

    def without_active(self, run_id: str) -> "Session":
        """The same with one run less."""
        return evolve(self, active=tuple(one for one in self.active if one != run_id))
