"""Secrets that must stay where they were told: who tells which, and a search for strays. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

_TOKEN = re.compile(r"canary-[0-9]+-[0-9a-f]{12}")


def tokens_in(text: str) -> set[str]:
    """Every secret in a text."""
    return set(_TOKEN.findall(text))


@attrs.define
class Aviary:
    """What was seen in each place.

    :ivar told: the session in which each secret was told.
    :ivar strays: one text for each secret that was seen elsewhere.
    :ivar sightings: how often a secret was seen where it belongs.
    """

    told: dict[str, str] = attrs.Factory(dict)
    strays: list[str] = attrs.Factory(list)
    sightings: int = 0

    def seen(self, where: str, session: str, text: str) -> None:
        """Something was told in a session; an empty one for a place that belongs to none."""
        for token in tokens_in(text):
            if session and self.told[token] == session:
                self.sightings += 1
            else:
                self.strays.append(f"{where} of {session or 'nobody'}: {token}")

    def event(self, payload: Any) -> None:
        """An event was told to an operator: it may name the secrets of its session alone."""
        session = str(payload.get("sessionKey", "")) if isinstance(payload, Mapping) else ""
        self.seen("event", session, json.dumps(payload))

    def conversation(self, messages: Iterable[Any]) -> None:
        """The model was shown a conversation: whatever is in it belongs to one session."""
        found = tokens_in(json.dumps(list(messages)))
        sessions = sorted({self.told[token] for token in found})
        if len(sessions) > 1:
            self.strays.append(f"the model was shown {', '.join(sessions)} at once")
