"""Tests of the grammar: what is read, what is written, what fits."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.platforms.irc.lines import (
    cut,
    fold,
    is_target,
    parse,
    room,
    sayable,
    without_formatting,
    written,
)

TEXTS = st.text(max_size=600)


class ReadingTests(SynchronousTestCase):
    """Lines as servers write them."""

    def test_every_part_is_found(self) -> None:
        line = parse(b"@time=2026-01-01T00:00:00.000Z;a=b\\:c\\s\\\\\\n :n!u@h PRIVMSG #a :x :y ")
        assert line is not None
        self.assertEqual(line.tags, {"time": "2026-01-01T00:00:00.000Z", "a": "b;c \\\n"})
        self.assertEqual((line.nick, line.mask), ("n", "u@h"))
        self.assertEqual((line.command, line.params), ("PRIVMSG", ("#a", "x :y ")))

    def test_what_may_be_absent_is(self) -> None:
        for raw, command, params in (
            (b"PING", "PING", ()),
            (b"ping :a", "PING", ("a",)),
            (b":irc.example 001 me :", "001", ("me", "")),
            (b":irc.example  005   me A=b", "005", ("me", "A=b")),
            (b"@a :p CMD", "CMD", ()),
        ):
            line = parse(raw)
            assert line is not None
            self.assertEqual((line.command, line.params), (command, params))
            self.assertEqual((line.param(7), line.param(-9)), ("", ""))

    def test_what_says_nothing_is_nothing(self) -> None:
        for raw in (b"", b"   ", b":only-a-prefix", b"@only=tags"):
            self.assertIsNone(parse(raw), raw)

    def test_old_clients_are_read(self) -> None:
        line = parse("PRIVMSG a :schön".encode("cp1252"))
        assert line is not None
        self.assertEqual(line.param(1), "schön")

    @given(st.binary(max_size=600))
    def test_any_bytes_can_be_read(self, raw: bytes) -> None:
        parse(raw)

    def test_formatting_is_taken_out(self) -> None:
        self.assertEqual(
            without_formatting("\x02a\x0304,12b\x03c\x04ff00ffd\x1de\x0f\x16"), "abcde"
        )


class WritingTests(SynchronousTestCase):
    """Nothing that is said can become a command."""

    @given(TEXTS)
    def test_one_call_is_one_line(self, text: str) -> None:
        raw = written("PRIVMSG", "#a", text)
        self.assertEqual((raw.count(b"\n"), raw.count(b"\r"), raw.count(b"\0")), (1, 1, 0))
        self.assertTrue(raw.startswith(b"PRIVMSG #a "))

    @given(st.lists(TEXTS, min_size=1, max_size=3))
    def test_what_is_written_is_read_again(self, params: list[str]) -> None:
        clean = ["".join(c for c in one if c not in "\0\r\n") for one in params]
        line = parse(written("PRIVMSG", "a", clean[-1].encode("utf-8", "replace").decode())[:-2])
        assert line is not None
        self.assertEqual(line.params[1], clean[-1].encode("utf-8", "replace").decode())

    def test_only_the_last_parameter_is_free(self) -> None:
        for bad in ("", "a b", ":a"):
            with self.assertRaises(ValueError):
                written("PRIVMSG", bad, "text")

    def test_tags_are_escaped(self) -> None:
        self.assertEqual(
            written("PRIVMSG", "a", "b", tags={"+x": "1;2 3\\"}),
            b"@+x=1\\:2\\s3\\\\ PRIVMSG a b\r\n",
        )

    def test_targets_name_one_place(self) -> None:
        for good in ("ada", "#room", "&local", "[x]|`^", "ada_"):
            self.assertTrue(is_target(good), good)
        for bad in ("", "a,b", "#a b", ":a", "$*.example", "*", "a!b@c", "a\r\nQUIT", "@ops", "a?"):
            self.assertFalse(is_target(bad), bad)

    @given(TEXTS)
    def test_no_line_is_a_ctcp_command(self, text: str) -> None:
        for line in sayable(text):
            self.assertNotIn("\x01", line)
            self.assertTrue(line.strip())

    @given(TEXTS, st.integers(min_value=20, max_value=400))
    def test_parts_fit_and_lose_nothing(self, text: str, width: int) -> None:
        for line in sayable(text):
            parts = cut(line, width)
            for part in parts:
                self.assertLessEqual(len(part.encode("utf-8", "replace")), width)
            self.assertEqual("".join("".join(parts).split()), "".join(line.split()))

    def test_words_stay_whole(self) -> None:
        self.assertEqual(cut("one two three four", 10), ["one two", "three four"])

    def test_room_is_what_others_get(self) -> None:
        prefix, target = "tia!~u@host.example", "#room"
        text = "x" * room(prefix, target)
        self.assertEqual(len(f":{prefix} PRIVMSG {target} :{text}\r\n"), 512)

    def test_names_are_compared_as_the_server_does(self) -> None:
        self.assertEqual(fold("A[]\\~"), "a{}|^")
        self.assertEqual(fold("A[]\\~", "rfc1459-strict"), "a{}|~")
        self.assertEqual(fold("A[]\\~", "ascii"), "a[]\\~")
