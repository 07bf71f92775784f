"""Recorded and written-down frames that several tests read."""

import json
from pathlib import Path
from typing import Any

_DATA = Path(__file__).with_name("data")


def client_requests() -> list[dict[str, Any]]:
    """Requests that official clients sent and the original gateway answered with yes."""
    lines = (_DATA / "client-requests.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def seed_frame(name: str) -> dict[str, Any]:
    """A literal frame of the older documents."""
    frames = json.loads((_DATA / "seed-frames.json").read_text(encoding="utf-8"))
    frame: dict[str, Any] = frames[name]
    return frame


def seed_text(name: str) -> bytes:
    """The same as it is sent."""
    return json.dumps(seed_frame(name), ensure_ascii=False).encode()
