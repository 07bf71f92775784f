"""JSON Schema of a tool's arguments, as plain as models read it: made from the struct, no refs."""

from collections.abc import Mapping
from typing import Any

import msgspec

_AT = "#/$defs/"
_LEFT_OUT = frozenset({"title", "$defs"})


class Arguments(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """What the arguments of every tool are made of; keys are camelCase for models.

    Each field says in a ``Meta(description=…)`` what it is. Its bounds are checked.
    """


def schema_of(arguments: type[Any]) -> dict[str, Any]:
    """Describe the arguments of a tool.

    :raises ValueError: the struct holds itself, which cannot be written without references.
    """
    (found,), parts = msgspec.json.schema_components([arguments], ref_template=_AT + "{name}")
    described: dict[str, Any] = _plain(found, parts, ())
    described.pop("description", None)
    return described


def _plain(schema: Any, parts: Mapping[str, Any], above: tuple[str, ...]) -> Any:
    """Put every definition where it is referred to; ``above`` are those that it stands in."""
    if not isinstance(schema, Mapping):  # ``additionalProperties: false`` is one.
        return schema
    name = str(schema.get("$ref", "")).removeprefix(_AT)
    if name:
        if name in above:
            raise ValueError(f"the arguments of a tool must not hold themselves, as {name} does")
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return {**_plain(parts[name], parts, (*above, name)), **rest}
    return {
        key: _below(key, value, parts, above)
        for key, value in schema.items()
        if key not in _LEFT_OUT
    }


def _below(key: str, value: Any, parts: Mapping[str, Any], above: tuple[str, ...]) -> Any:
    """What stands under one word of a schema: schemas by name, several, one, or a plain value."""
    if key == "properties":
        return {name: _plain(one, parts, above) for name, one in value.items()}
    if key in ("anyOf", "prefixItems"):
        return [_plain(one, parts, above) for one in value]
    return _plain(value, parts, above) if key in ("items", "additionalProperties") else value
