"""Decode and validate, with errors in the words official clients know. No policy."""

import re
from typing import TypeVar

import msgspec

from openclaw.errors import InvalidRequest

T = TypeVar("T")

_KINDS = {"int": "integer", "str": "string", "bool": "boolean", "float": "number"}
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>[^`]+)`")
_EXPECTED = re.compile(r"Expected `(?P<kinds>[^`]+)`, got `[^`]+`")
_SHORT = re.compile(r"Expected `(?:str|array)` of length >= (?P<length>\d+)")
_LONG = re.compile(r"Expected `(?:str|array)` of length <= (?P<length>\d+)")
_AT_LEAST = re.compile(r"Expected `(?:int|float)` >= (?P<bound>\S+)")
_AT_MOST = re.compile(r"Expected `(?:int|float)` <= (?P<bound>\S+)")


def _pointer(path: str) -> str:
    """``$.client.id`` or ``$.a[0].b`` as ``/client/id``, ``/a/0/b``."""
    return re.sub(r"[.\[]", "/", path.removeprefix("$")).replace("]", "")


def _rule(text: str) -> str:
    for pattern, words in (
        (_SHORT, "must not have fewer than {0} characters"),
        (_LONG, "must not have more than {0} characters"),
        (_AT_LEAST, "must be >= {0}"),
        (_AT_MOST, "must be <= {0}"),
    ):
        if match := pattern.match(text):
            return words.format(match[1])
    if match := _EXPECTED.match(text):
        kinds = [_KINDS.get(kind, kind) for kind in match["kinds"].split(" | ")]
        return f"must be {' or '.join(kinds)}"
    if text.startswith("Invalid enum value"):
        return "must be equal to one of the allowed values"
    return text[:1].lower() + text[1:]


def explain(error: msgspec.ValidationError) -> str:
    """Say what is wrong and where: ``at /client/id: must be string``."""
    text, _, path = str(error).partition(" - at `")
    at = _pointer(path.removesuffix("`"))
    if match := _MISSING.match(text):
        return (f"at {at}: " if at else "") + f"must have required property '{match['name']}'"
    if match := _UNKNOWN.match(text):
        return f"at {at or 'root'}: unexpected property '{match['name']}'"
    return (f"at {at}: " if at else "") + _rule(text)


def convert_params(what: str, value: object, into: type[T]) -> T:
    """Validate params that are already decoded.

    :param what: names them in the error, such as ``connect``.
    :raises InvalidRequest: ``invalid connect params: at /client/id: must be ...``.
    """
    try:
        return msgspec.convert(value, into)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"invalid {what} params: {explain(error)}") from None


def decode_params(what: str, decoder: msgspec.json.Decoder[T], text: msgspec.Raw | bytes) -> T:
    """Decode and validate the params of one request.

    :raises InvalidRequest: as :func:`convert_params`.
    """
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"invalid {what} params: {explain(error)}") from None
