"""The row of the second factor: what one transaction writes and reads. No state, no decisions."""

import msgspec

from openclaw.errors import StoreError
from openclaw.interfaces.storage import ITransaction

_NAME = "mfa"
_PURPOSE = "setting.value"
_SAVE = """insert into setting(name, value) values (:name, :value)
on conflict(name) do update set value = excluded.value"""


class Enrolment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A confirmed second factor; its ``repr`` shows no secret.

    :ivar secret: base32.
    :ivar last_step: the time step of the password that was used last.
    :ivar recovery: hashes of the recovery codes that are left.
    """

    secret: str
    enrolled_at_ms: int
    last_step: int
    recovery: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Enrolment(enrolled_at_ms={self.enrolled_at_ms}, last_step={self.last_step})"


_decoder = msgspec.json.Decoder(Enrolment)


def load(tx: ITransaction) -> Enrolment | None:
    """Read the row; ``None`` if nothing is enrolled.

    :raises StoreError: it is damaged.
    """
    rows = tx.rows("select value from setting where name = :name", name=_NAME)
    if not rows:
        return None
    try:
        return _decoder.decode(tx.open(_PURPOSE, _NAME, bytes(rows[0][0])))
    except msgspec.MsgspecError:
        raise StoreError("the second factor in the journal cannot be read") from None


def save(tx: ITransaction, *, enrolment: Enrolment) -> None:
    """Write the row."""
    value = tx.seal(_PURPOSE, _NAME, msgspec.json.encode(enrolment))
    tx.execute(_SAVE, name=_NAME, value=value)


def delete(tx: ITransaction) -> None:
    """Remove the row."""
    tx.execute("delete from setting where name = :name", name=_NAME)
