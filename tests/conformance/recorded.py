"""Frames recorded between official clients and the original gateway, with their answers."""

import json
from pathlib import Path
from typing import Any

from tests.conformance.cases import ALL_SCOPES
from tests.conformance.target import Gateway

_PATH = Path(__file__).with_name("recorded.json")
_SCOPES = [scope for scope in ALL_SCOPES if scope != "operator.questions"]


def load(part: str, gateway: Gateway) -> list[dict[str, Any]]:
    """One part of the recording, with this gateway's token and address put in.

    :param part: ``connects`` (each a whole connection), ``frames`` (one frame before or after
        the hello) or ``requests``.
    """
    text = _PATH.read_text(encoding="utf-8")
    text = text.replace('"<scopes>"', json.dumps(_SCOPES))
    text = text.replace("<gateway-token>", gateway.token)
    text = text.replace("<gateway-origin>", gateway.http)
    rows: list[dict[str, Any]] = json.loads(text)[part]
    return rows


def difference(expected: Any, found: Any, path: str = "") -> str:
    """Where ``found`` lacks something of ``expected``; empty if it has it all.

    Objects may have more keys than were recorded: the gateway may say more, never less.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        parts = (
            difference(value, found.get(key), f"{path}/{key}") for key, value in expected.items()
        )
        return "; ".join(filter(None, parts))
    return "" if expected == found else f"at {path}: expected {expected!r}, found {found!r}"
