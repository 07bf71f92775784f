"""Events of a room as they came, read with care: anybody may put anything into one. No meaning."""

from typing import Any

from attrs import frozen

Json = dict[str, Any]


def mapping(value: object) -> Json:
    """An object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """An array, or an empty one in place of anything else."""
    return value if isinstance(value, list) else []


def words(value: object) -> str:
    """A text, or an empty one in place of anything else."""
    return value if isinstance(value, str) else ""


def whole(value: object) -> int:
    """A number, or 0 in place of anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if abs(value) < 1 << 62 else 0
    return 0


@frozen(kw_only=True)
class Event:
    """One event.

    :ivar state_key: ``None`` for what is no state.
    :ivar relation: ``m.relates_to``.
    """

    id: str
    type: str
    sender: str
    timestamp_ms: int
    content: Json
    state_key: str | None = None
    unsigned: Json
    relation: Json

    @property
    def relates_as(self) -> str:
        """``m.replace``, ``m.thread``, ``m.annotation``, or empty."""
        return words(self.relation.get("rel_type"))

    @property
    def relates_to(self) -> str:
        """The event that it replaces, annotates, or whose thread it is in."""
        return words(self.relation.get("event_id")) if self.relates_as else ""

    @property
    def thread(self) -> str:
        """The root of the thread that it is in; empty outside of threads."""
        return self.relates_to if self.relates_as == "m.thread" else ""

    @property
    def answers(self) -> str:
        """The event that a person answered; not what merely stands in for a thread."""
        if self.thread and self.relation.get("is_falling_back") is True:
            return ""
        return words(mapping(self.relation.get("m.in_reply_to")).get("event_id"))

    @property
    def membership(self) -> str:
        """``join``, ``invite`` …, for a member event; else empty."""
        return words(self.content.get("membership")) if self.type == "m.room.member" else ""

    @property
    def is_redacted(self) -> bool:
        """Whether nothing is left of it."""
        return "redacted_because" in self.unsigned or "redacted_by" in self.unsigned


def read(raw: object) -> Event | None:
    """Read an event; ``None`` for what has no id, type or sender."""
    given = mapping(raw)
    event_id, kind = words(given.get("event_id")), words(given.get("type"))
    sender = words(given.get("sender"))
    if not (event_id and kind and sender):
        return None
    content = mapping(given.get("content"))
    state_key = given.get("state_key")
    return Event(
        id=event_id,
        type=kind,
        sender=sender,
        timestamp_ms=whole(given.get("origin_server_ts")),
        content=content,
        state_key=state_key if isinstance(state_key, str) else None,
        unsigned=mapping(given.get("unsigned")),
        relation=mapping(content.get("m.relates_to")),
    )


def read_all(raws: object) -> list[Event]:
    """Read events in their order, leaving out what is none."""
    return [event for raw in sequence(raws) if (event := read(raw)) is not None]
