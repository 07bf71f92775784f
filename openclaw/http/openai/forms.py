"""Forms that a program wants its answer in: any JSON, or JSON of a schema; passed on, not checked.

https://platform.openai.com/docs/guides/structured-outputs
"""

from typing import Annotated, Any

from msgspec import Meta

from openclaw.http.openai.functions import Name
from openclaw.http.openai.shape import Shape
from openclaw.interfaces.agents import AnswerForm


class SchemaForm(Shape, frozen=True, kw_only=True):
    """A JSON Schema with a name.

    :ivar strict: whether the model may say nothing else; not every schema can be kept so.
    """

    name: Name
    description: Annotated[str, Meta(max_length=4096)] | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class PlainText(Shape, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """Words, the usual form."""


class AnyJson(Shape, frozen=True, kw_only=True, tag_field="type", tag="json_object"):
    """Any JSON object."""


class JsonOfSchema(Shape, frozen=True, kw_only=True, tag_field="type", tag="json_schema"):
    """JSON of a schema, as chat completions write it."""

    json_schema: SchemaForm


class FlatJsonOfSchema(SchemaForm, frozen=True, kw_only=True, tag_field="type", tag="json_schema"):
    """The same, as responses write it."""


ResponseFormat = PlainText | AnyJson | JsonOfSchema
TextFormat = PlainText | AnyJson | FlatJsonOfSchema


def form_of(asked: ResponseFormat | TextFormat | None) -> AnswerForm | None:
    """What a run is told of it; ``None`` for words."""
    if asked is None or isinstance(asked, PlainText):
        return None
    if isinstance(asked, AnyJson):
        return AnswerForm()
    wanted = asked.json_schema if isinstance(asked, JsonOfSchema) else asked
    return AnswerForm(
        name=wanted.name,
        description=wanted.description or "",
        schema=wanted.schema or {},
        strict=wanted.strict,
    )
