"""Which columns hold what people and machines said: what is sealed if anything is."""

from attrs import frozen


@frozen
class Payload:
    """One column.

    :ivar key: columns that name its row for as long as it exists, a unique index over them.
    :ivar text: the column is text, so sealed values are written in base64.
    """

    table: str
    column: str
    key: tuple[str, ...]
    text: bool = False

    @property
    def purpose(self) -> str:
        """What its values are sealed for."""
        return f"{self.table}.{self.column}"


PAYLOADS = (
    Payload("message", "body", ("message_id",)),
    Payload("input", "body", ("run_id",)),
    Payload("input", "result", ("run_id",)),
    Payload("session", "settings", ("key",), text=True),
    Payload("device", "body", ("device_id",)),
    Payload("device_token", "body", ("device_id", "role")),
    Payload("pairing", "body", ("request_id",)),
    Payload("sender", "body", ("channel", "account", "sender_id")),
    Payload("audit", "body", ("id",)),
    Payload("route", "body", ("session_key",)),
    Payload("queue_message", "failures", ("message_id",)),
    Payload("queue_message", "body", ("message_id",)),
    Payload("queue_letter", "reason", ("message_id",)),
    Payload("queue_letter", "body", ("message_id",)),
    Payload("approval", "body", ("id",)),
    Payload("setting", "value", ("name",)),
    Payload("channel_state", "value", ("channel", "account", "name")),
)


def row_id(*key: str) -> str:
    """Join the key of a row to one name; the separator is in no id."""
    return "\x1f".join(key)
