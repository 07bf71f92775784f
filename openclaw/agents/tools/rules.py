"""Which tools an agent may use, as configured; on whose behalf it runs is judged elsewhere."""

from collections.abc import Sequence
from copy import copy
from fnmatch import fnmatchcase
from functools import lru_cache

from attrs import frozen

MOST_REMEMBERED = 4096
"""Names whose judgement is kept, of each set of rules; servers may invent new ones for ever."""

GROUPS = {
    "group:fs": ("read", "write", "edit", "ls"),
    "group:web": ("web_fetch", "web_search"),
    "group:sessions": ("sessions_list", "sessions_history", "sessions_send", "session_status"),
    "group:messaging": ("message",),
    "group:memory": ("memory_search", "memory_get", "memory_set"),
    "group:automation": ("cron", "gateway"),
    "group:nodes": ("nodes",),
    "group:ui": ("browser", "canvas"),
    "group:runtime": ("exec", "bash", "process"),
    "group:mcp": ("*__*",),
    "bundle-mcp": ("*__*",),
}
"""Names for several tools at once; tools that other packages bring are named as well."""
PROFILES: dict[str, tuple[str, ...]] = {
    "minimal": ("session_status", "skill"),
    "messaging": (
        "group:messaging",
        "sessions_list",
        "sessions_history",
        "sessions_send",
        "session_status",
        "skill",
        "group:mcp",
    ),
    "coding": (
        "skill",
        "group:fs",
        "group:runtime",
        "group:web",
        "group:sessions",
        "group:memory",
        "cron",
        "group:mcp",
    ),
    "full": ("*",),
}


@frozen(kw_only=True)
class ToolRules:
    """One layer of rules.

    :ivar profile: a key of :data:`PROFILES`, empty for none.
    :ivar allow: the only tools; ``None`` for any, nothing in it for none at all.
    :ivar also_allow: tools besides those of the profile and of ``allow``.
    :ivar deny: never these, whatever else says they may.
    :ivar approval: of these, a person approves every use.
    """

    profile: str = ""
    allow: tuple[str, ...] | None = None
    also_allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    approval: tuple[str, ...] = ()

    def permits(self, name: str) -> bool:
        """Whether this layer lets a tool pass; the profile is not looked at."""
        if matches(name, self.deny):
            return False
        return self.allow is None or matches(name, (*self.allow, *self.also_allow))


class LayeredRules:
    """All rules of one agent: each layer only takes away.

    :param layers: what holds for all first, the agent's own last; its profile replaces theirs.
    :param besides: rules that hold as well, of a model or a session: their profiles replace none.
    """

    def __init__(
        self, layers: Sequence[ToolRules] = (), besides: Sequence["LayeredRules"] = ()
    ) -> None:
        self._layers = tuple(layers)
        self._besides = tuple(besides)
        chosen = [layer.profile for layer in layers if layer.profile]
        more = [name for layer in layers for name in layer.also_allow]
        self._profile = (*PROFILES[chosen[-1] if chosen else "full"], *more)
        # Every run asks of every tool.
        self._layers_permit = lru_cache(MOST_REMEMBERED)(self._judged)

    def permits(self, name: str) -> bool:
        """Whether the agent may use a tool."""
        return self._layers_permit(name) and all(one.permits(name) for one in self._besides)

    def _judged(self, name: str) -> bool:
        return matches(name, self._profile) and all(one.permits(name) for one in self._layers)

    def needs_approval(self, name: str) -> bool:
        """Whether a person has to approve every use of a tool; any layer can say so."""
        if any(one.needs_approval(name) for one in self._besides):
            return True
        return any(matches(name, one.approval) for one in self._layers)

    def with_besides(self, *others: "LayeredRules") -> "LayeredRules":
        """The same, where others hold as well."""
        if not others:
            return self
        more = copy(self)  # What is remembered of the layers holds for both.
        more._besides = (*self._besides, *others)
        return more


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a tool is among names, groups and patterns with ``*``; their case does not matter."""
    lower = name.lower()
    for pattern in patterns:
        wanted = pattern.strip().lower()
        if any(_matches(lower, one) for one in GROUPS.get(wanted, (wanted,))):
            return True
    return False


def _matches(name: str, pattern: str) -> bool:
    # Only the star means something: a name with brackets must not become a class of characters.
    return fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]"))
