"""Messages as platforms tell them, for tests of what becomes of them."""

from typing import Any

from openclaw.interfaces.messages import Inbound, Person

ADA = Person(id="42", name="Ada")


def inbound(number: int = 1, text: str = "", **more: Any) -> Inbound:
    """A direct message of Ada's."""
    fields: dict[str, Any] = {
        "channel": "test",
        "account": "default",
        "chat_type": "dm",
        "chat_id": "42",
        "sender": ADA,
        "message_id": str(number),
        "dedupe_id": f"{more.get('chat_id', '42')}:{number}",
        "timestamp_ms": 1_700_000_000_000 + number,
        "text": text or f"message {number}",
    }
    return Inbound(**(fields | more))
