"""Tests of the wire: what is written, what is read, whose words are found."""

import json

from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.wire import (
    NotAChunk,
    decode_chunk,
    encode_request,
    error_words,
    stop_reason,
)
from openclaw.interfaces.agents import ModelInfo, RunRequest, Turn

MODEL = ModelInfo(provider="mock", id="family/mock-1", name="Mock")


class RequestTests(SynchronousTestCase):
    """The body of a request."""

    def test_turns_system_and_streaming(self) -> None:
        request = RunRequest(
            run_id="r",
            session_key="agent:main:main",
            agent_id="main",
            model=MODEL,
            turns=[Turn("user", "hi"), Turn("assistant", "ho"), Turn("user", "你好")],
            system="be brief",
        )
        self.assertEqual(
            json.loads(encode_request(request)),
            {
                "model": "family/mock-1",
                "messages": [
                    {"role": "system", "content": "be brief"},
                    {"role": "user", "content": "hi"},
                    {"role": "assistant", "content": "ho"},
                    {"role": "user", "content": "你好"},
                ],
                "stream": True,
                "stream_options": {"include_usage": True},
            },
        )


class ChunkTests(SynchronousTestCase):
    """What is read of an answer."""

    def test_text_in_its_forms(self) -> None:
        for choice, text in [
            ('{"delta":{"content":"a"}}', "a"),
            ('{"delta":{"role":"assistant","content":null}}', ""),
            ('{"delta":{"content":[{"type":"text","text":"a"},{"type":"x"}]}}', "a"),
            ('{"delta":{"reasoning_content":"hm"}}', ""),
            ('{"delta":{"refusal":"no"}}', "no"),
            ('{"message":{"content":"a"}}', "a"),
            ("{}", ""),
        ]:
            chunk = decode_chunk(b'{"choices":[%s],"more":[1]}' % choice.encode())
            assert chunk.choices is not None
            self.assertEqual(chunk.choices[0].text, text, choice)

    def test_what_is_no_chunk(self) -> None:
        for data in (
            b"{",
            b"hello",
            b"[]",
            b'{"choices":7}',
            b'{"choices":[{"delta":1}]}',
            b"\xff",
        ):
            self.assertRaises(NotAChunk, decode_chunk, data)

    def test_stop_reasons(self) -> None:
        self.assertEqual(
            [stop_reason(word) for word in ("stop", "end_turn", "length", "content_filter")],
            ["stop", "stop", "length", "content_filter"],
        )


class WordsTests(SynchronousTestCase):
    """An upstream's own words."""

    def test_table(self) -> None:
        for body, words in [
            (b'{"error":{"message":"No such model","type":"x","code":null}}', "No such model"),
            (b'{"error":"model not found"}', "model not found"),
            (b'{"message":"Forbidden"}', "Forbidden"),
            (b'{"detail":[{"loc":["body"],"msg":"field required"}]}', "field required"),
            (b'[{"error":{"code":400,"message":"bad"}}]', "bad"),
            (b'{"error":{"code":"invalid_key"}}', "invalid_key"),
            (b'{"error":{"message":"two\\nlines"}}', "two lines"),
            (b"plain words", "plain words"),
            (b"<html><body>502</body></html>", ""),
            (b"{}", ""),
            (b"", ""),
            (b'{"error":{"message":{"message":{"message":{"message":"deep"}}}}}', ""),
        ]:
            self.assertEqual(error_words(body), words, body)
