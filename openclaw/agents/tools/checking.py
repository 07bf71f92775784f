"""Reads what a model wrote as the arguments of a tool, and tells it what is wrong with that."""

from typing import Any

import msgspec

from openclaw.interfaces.tools import ToolFailed
from openclaw.protocol.validation import explain

MOST_CHARACTERS = 1_000_000


def read_arguments(name: str, into: type[Any], text: str) -> Any:
    """Decode and check the arguments of one call.

    Numbers and booleans may be written as text, as some models do.

    :param text: JSON, or nothing for no arguments.
    :raises ToolFailed: says what is wrong and what is expected.
    """
    if len(text) > MOST_CHARACTERS:
        raise ToolFailed(
            f"the arguments of {name} have {len(text)} characters, more than {MOST_CHARACTERS}: "
            "use it several times with less"
        )
    try:
        return msgspec.json.decode(text.strip().encode() or b"{}", type=into, strict=False)
    except msgspec.ValidationError as error:
        raise ToolFailed(
            f"the arguments of {name} are not as its schema says: {explain(error)}; "
            f"expected {expected(into)}. Nothing was done."
        ) from None
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise ToolFailed(
            f"the arguments of {name} are no JSON object ({error}); "
            f"expected {expected(into)}. Nothing was done."
        ) from None


def expected(into: type[Any]) -> str:
    """The fields of the arguments in one line, those that may be left out with a ``?``."""
    if not isinstance(into, type) or not issubclass(into, msgspec.Struct):
        return "a JSON object"
    fields = msgspec.structs.fields(into)
    names = [field.encode_name + ("" if field.required else "?") for field in fields]
    return "{" + ", ".join(names) + "}"
