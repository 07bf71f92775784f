"""The official clients' own types of requests, as judges of what the gateway sends.

Their types name every parameter that the API has; here they also refuse any other, and look into
every list.
"""

import collections.abc
import os
import types
import typing
from functools import cache
from typing import Annotated, Any, Required, Union, get_args, get_origin

import typing_extensions
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from pydantic import TypeAdapter

TYPES: dict[str, Any] = {
    "openai-completions": CompletionCreateParamsStreaming,
    "openai-responses": ResponseCreateParamsStreaming,
    "anthropic-messages": MessageCreateParamsStreaming,
}
_REQUIRED: tuple[Any, ...] = (Required, typing_extensions.Required)
_FILES = (typing.IO, os.PathLike)
_LISTS = (collections.abc.Iterable, collections.abc.Sequence, list)


def judge(api: str, body: dict[str, Any]) -> None:
    """Hold a request against the official types.

    :raises pydantic.ValidationError: naming what is not theirs.
    """
    _adapter(api).validate_python(body)


@cache
def _adapter(api: str) -> TypeAdapter[Any]:
    return TypeAdapter(_strict(TYPES[api], {}))


def _strict(kind: Any, known: dict[Any, Any]) -> Any:
    """A type that is the same, but takes no unknown keys and reads its lists at once."""
    if typing_extensions.is_typeddict(kind):
        return known[kind] if kind in known else _strict_dict(kind, known)
    origin = get_origin(kind)
    if origin is None:
        return kind
    inner = [_strict(one, known) for one in get_args(kind)]
    if origin in (Annotated, *_REQUIRED):
        return inner[0]
    if origin in (Union, types.UnionType):
        return Union[tuple(inner)]  # noqa: UP007 - made at run time, of any length
    if origin in _FILES:
        return None  # Never sent: the clients read files themselves.
    if origin in _LISTS:
        return list[inner[0]]  # type: ignore[valid-type]  # made at run time
    return kind


def _strict_dict(kind: Any, known: dict[Any, Any]) -> Any:
    known[kind] = Any  # A type that holds itself is not followed twice.
    hints = typing_extensions.get_type_hints(kind, include_extras=True)
    # The keys' own record is no good: it was made before these texts were types.
    fields = {
        name: typing_extensions.Required[_strict(hint, known)]
        if get_origin(hint) in _REQUIRED
        else typing_extensions.NotRequired[_strict(hint, known)]
        for name, hint in hints.items()
    }
    make: Any = typing_extensions.TypedDict
    made = make(kind.__name__, fields)
    made.__pydantic_config__ = {"extra": "forbid"}
    known[kind] = made
    return made
