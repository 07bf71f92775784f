"""Every type of the wire, and the plainest value of each."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

import openclaw.protocol
from openclaw.protocol.base import Wire


def wire_types() -> list[type[Wire]]:
    """All subclasses of ``Wire`` that the protocol package defines."""
    for module in pkgutil.walk_packages(openclaw.protocol.__path__, "openclaw.protocol."):
        importlib.import_module(module.name)
    found = {one for one in _below(Wire) if one.__module__.startswith("openclaw.protocol.")}
    return sorted(found, key=lambda one: f"{one.__module__}.{one.__qualname__}")


def _below(base: type[Wire]) -> Iterator[type[Wire]]:
    for one in base.__subclasses__():
        yield one
        yield from _below(one)


def plainest(kind: inspect.Type) -> Any:
    """A value of a type with everything left out that may be."""
    if isinstance(kind, inspect.Metadata):
        return plainest(kind.type)
    if isinstance(kind, inspect.StructType):
        return {field.encode_name: plainest(field.type) for field in kind.fields if field.required}
    if isinstance(kind, inspect.UnionType):
        real = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
        return plainest(real[0])
    if isinstance(kind, inspect.LiteralType):
        return kind.values[0]
    if isinstance(kind, inspect.StrType):
        return "x" * (kind.min_length or 1)
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return kind.ge or 1
    for simple, value in _SIMPLE:
        if isinstance(kind, simple):
            return value
    raise TypeError(f"no sample for {kind!r}")


_SIMPLE: tuple[tuple[type[inspect.Type], Any], ...] = (
    (inspect.BoolType, True),
    (inspect.ListType, []),
    (inspect.VarTupleType, []),
    (inspect.DictType, {}),
    (inspect.AnyType, {}),
    (inspect.RawType, {}),
)


def sample(one: type[Wire]) -> Wire:
    """The plainest instance of a wire type."""
    return msgspec.convert(plainest(inspect.type_info(one)), one)


def fields(one: type[Wire]) -> tuple[inspect.Field, ...]:
    """The fields of a wire type."""
    info = inspect.type_info(one)
    assert isinstance(info, inspect.StructType)
    return info.fields


def options(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    """The members of a union, or the one type."""
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)
