"""What a model thought, kept so that only the model that thought it is shown it again."""

from collections.abc import Mapping
from typing import Any

import msgspec

from openclaw.interfaces.agents import ModelInfo


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The text in :attr:`Turn.thinking`: whose it is, and what its API wants back."""

    api: str
    model: str
    content: dict[str, Any]


_kept = msgspec.json.Decoder(Kept)


def write_thinking(api: str, model: ModelInfo, content: Mapping[str, Any]) -> str:
    """Keep what is to be handed back."""
    return msgspec.json.encode(Kept(api=api, model=model.ref, content=dict(content))).decode()


def read_thinking(text: str, api: str, model: ModelInfo) -> dict[str, Any]:
    """Find what this model wants back; nothing if another one thought it."""
    if not text:
        return {}
    try:
        kept = _kept.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return {}
    return kept.content if (kept.api, kept.model) == (api, model.ref) else {}
