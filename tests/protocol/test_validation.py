"""What is wrong with params, in the words official clients know."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import InvalidRequest
from openclaw.protocol.base import UNSET, UnsetType, Wire
from openclaw.protocol.validation import convert_params, decode_params


class Inner(Wire, frozen=True, kw_only=True):
    """Something inside."""

    mode: Literal["a", "b"] = "a"
    deep_name: str = ""


class Sample(Wire, frozen=True, kw_only=True):
    """One of everything."""

    text: Annotated[str, Meta(min_length=1, max_length=3)]
    count: Annotated[int, Meta(ge=0, le=10)] = 0
    flag: bool = False
    rate: float = 0.0
    names: list[str] = []  # noqa: RUF012  # msgspec copies it.
    inner: Inner = Inner()
    items: list[Inner] = []  # noqa: RUF012
    either: str | int | UnsetType = UNSET


class Closed(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing else may be there."""

    a: int = 0
    inner: "Closed | None" = None


TABLE = (
    ("{}", "must have required property 'text'"),
    ('{"text":""}', "at /text: must not have fewer than 1 characters"),
    ('{"text":"long"}', "at /text: must not have more than 3 characters"),
    ('{"text":1}', "at /text: must be string"),
    ('{"text":null}', "at /text: must be string"),
    ('{"text":"x","count":-1}', "at /count: must be >= 0"),
    ('{"text":"x","count":11}', "at /count: must be <= 10"),
    ('{"text":"x","count":1.5}', "at /count: must be integer"),
    ('{"text":"x","count":"1"}', "at /count: must be integer"),
    ('{"text":"x","flag":0}', "at /flag: must be boolean"),
    ('{"text":"x","rate":"1"}', "at /rate: must be number"),
    ('{"text":"x","names":{}}', "at /names: must be array"),
    ('{"text":"x","names":["a",1]}', "at /names/1: must be string"),
    ('{"text":"x","inner":[]}', "at /inner: must be object"),
    ('{"text":"x","inner":{"mode":"c"}}',
     "at /inner/mode: must be equal to one of the allowed values"),
    ('{"text":"x","inner":{"deepName":1}}', "at /inner/deepName: must be string"),
    ('{"text":"x","items":[{},{"deepName":1}]}', "at /items/1/deepName: must be string"),
    ('{"text":"x","either":[]}', "at /either: must be integer or string"),
    ("[]", "must be object"),
    ("1", "must be object"),
)  # fmt: skip


class ValidationTests(SynchronousTestCase):
    def words(self, text: str, into: type = Sample) -> str:
        """What is said of bad params, alike for text and for what is decoded."""
        with self.assertRaises(InvalidRequest) as told:
            decode_params("x.y", msgspec.json.Decoder(into), text.encode())
        with self.assertRaises(InvalidRequest) as converted:
            convert_params("x.y", msgspec.json.decode(text), into)
        self.assertEqual(told.exception.message, converted.exception.message)
        start = "invalid x.y params: "
        self.assertTrue(told.exception.message.startswith(start))
        return str(told.exception.message[len(start) :])

    def test_every_rule_has_its_words(self) -> None:
        for text, words in TABLE:
            self.assertEqual(self.words(text), words, text)

    def test_unknown_properties_where_they_are_refused(self) -> None:
        self.assertEqual(self.words('{"b":1}', Closed), "at root: unexpected property 'b'")
        self.assertEqual(
            self.words('{"inner":{"b":1}}', Closed), "at /inner: unexpected property 'b'"
        )

    def test_unknown_properties_where_they_are_not(self) -> None:
        found = convert_params("x", {"text": "x", "novelty": {"a": [1]}}, Sample)
        self.assertEqual(found, Sample(text="x"))

    def test_numbers_beyond_reason_are_named(self) -> None:
        with self.assertRaises(InvalidRequest):
            decode_params("x", msgspec.json.Decoder(Sample), b'{"text":"x","rate":1e999}')
