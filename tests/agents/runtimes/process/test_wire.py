"""Lines of Pi's wire, as it was heard to write them, and lines that are none."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.process import wire
from openclaw.interfaces.agents import Usage

PARTIAL = '"partial":{"role":"assistant","content":[{"type":"text","text":"w1"}]}'
GOOD: list[tuple[str, object]] = [
    ('{"id":"2","type":"response","command":"prompt","success":true}', wire.Response("2", True)),
    (
        '{"type":"response","command":"parse","success":false,"error":"Failed to parse"}',
        wire.Response("", False, "Failed to parse"),
    ),
    ('{"type":"agent_start"}', None),
    ('{"type":"turn_end","message":{"role":"assistant","content":[]},"toolResults":[]}', None),
    ('{"type":"message_end","message":{"role":"user","content":[]}}', None),
    (
        '{"type":"message_update","assistantMessageEvent":{"type":"text_delta","contentIndex":0,'
        f'"delta":"w1",{PARTIAL}}},"message":{{"role":"assistant"}}}}',
        wire.Said("w1"),
    ),
    (
        '{"type":"message_update","assistantMessageEvent":{"type":"text_start","contentIndex":0,'
        f"{PARTIAL}}}}}",
        None,
    ),
    (
        '{"type":"message_update","assistantMessageEvent":{"type":"thinking_delta","delta":"hm"}}',
        wire.Thought("hm"),
    ),
    (
        '{"type":"message_end","message":{"role":"assistant","content":[{"type":"text","text":"w"},'
        '{"type":"toolCall","id":"c","name":"bash","arguments":{}}],"usage":{"input":10,"output":5,'
        '"cacheRead":1,"cacheWrite":2,"totalTokens":15,"cost":{"total":0}},"stopReason":"toolUse"}}',
        wire.MessageEnd("toolUse", "w", "", Usage(10, 5, 1, 2)),
    ),
    (
        '{"type":"message_end","message":{"role":"assistant","content":[],"stopReason":"error",'
        '"errorMessage":"500 mock failure 500"}}',
        wire.MessageEnd("error", error="500 mock failure 500"),
    ),
    (
        '{"type":"tool_execution_start","toolCallId":"c","toolName":"bash","args":{"command":"ls"}}',
        wire.ToolStart("c", "bash", '{"command":"ls"}'),
    ),
    (
        '{"type":"tool_execution_end","toolCallId":"c","toolName":"bash","result":{"content":'
        '[{"type":"text","text":"out"}],"details":{}},"isError":true}',
        wire.ToolEnd("c", "bash", "out", True),
    ),
    ('{"type":"extension_ui_request","id":"u","method":"input"}', wire.Question("u")),
    ('{"type":"extension_ui_request","id":"u","method":"setStatus"}', None),
    ('{"type":"compaction_start","reason":"threshold"}', wire.Compacting(True)),
    ('{"type":"compaction_end","reason":"threshold","result":null}', wire.Compacting(False)),
    ('{"type":"agent_end","messages":[{"role":"user"}]}', wire.END),
    ('{"type":"something new","message":7}', None),
]
BAD = [
    b"",
    b"Debugger attached.",
    b"{",
    b"null",
    b"[]",
    b'"agent_end"',
    b'{"type":5}',
    b'{"kind":"agent_end"}',
    b'{"type":"response","success":"yes"}',
    b'{"type":"message_end","message":5}',
    b'{"type":"message_update","assistantMessageEvent":[]}',
    b'{"type":"tool_execution_end","result":7}',
    b"\xff\xfe",
]


class DecodingTests(SynchronousTestCase):
    def test_lines_of_the_wire(self) -> None:
        for line, meaning in GOOD:
            self.assertEqual(wire.decode_line(line.encode()), meaning, line)

    def test_lines_that_are_none(self) -> None:
        for line in BAD:
            with self.assertRaises(wire.NoLine, msg=line):
                wire.decode_line(line)

    @given(st.binary(max_size=200))
    def test_any_bytes_are_a_line_or_none(self, line: bytes) -> None:
        with contextlib.suppress(wire.NoLine):
            wire.decode_line(line)

    def test_an_end_is_known_by_its_head(self) -> None:
        self.assertTrue(wire.is_run_end(b'{"type":"agent_end","messages":[{"ro'))
        self.assertFalse(wire.is_run_end(b'{"type":"message_update","agent_end'))
