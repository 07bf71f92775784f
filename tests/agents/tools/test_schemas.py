"""Schemas of arguments: plain, without references, as the structs say."""

from typing import Annotated, Literal

from msgspec import Meta, field
from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.tools.schemas import Arguments, schema_of


class Inner(Arguments, frozen=True, kw_only=True):
    title: Annotated[str, Meta(description="A name that is also a word of schemas.")]
    properties: dict[str, int] = field(default_factory=dict)


class Outer(Arguments, frozen=True, kw_only=True):
    """Not for the model: the tool has a description of its own."""

    session_key: Annotated[str, Meta(description="Which.", min_length=1)]
    kind: Literal["a", "b"] = "a"
    one: Inner | None = None
    many: tuple[Inner, ...] = ()


class Endless(Arguments, frozen=True, kw_only=True):
    again: "tuple[Endless, ...]" = ()


class SchemaTests(SynchronousTestCase):
    def test_names_bounds_and_what_is_required(self) -> None:
        schema = schema_of(Outer)
        self.assertEqual(schema["type"], "object")
        self.assertEqual(schema["required"], ["sessionKey"])
        self.assertIs(schema["additionalProperties"], False)
        self.assertNotIn("description", schema)
        self.assertEqual(
            schema["properties"]["sessionKey"],
            {"type": "string", "description": "Which.", "minLength": 1},
        )
        self.assertEqual(schema["properties"]["kind"]["enum"], ["a", "b"])

    def test_no_references(self) -> None:
        schema = schema_of(Outer)
        self.assertNotIn("$", str(schema))
        inner = schema["properties"]["many"]["items"]
        self.assertEqual(sorted(inner["properties"]), ["properties", "title"])
        self.assertEqual(schema["properties"]["one"]["anyOf"][0], inner)

    def test_what_holds_itself_is_refused(self) -> None:
        with self.assertRaises(ValueError):
            schema_of(Endless)
