"""Lengths as platforms count, and slices by UTF-16 offsets."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.text.units import length, utf16_index, utf16_length, utf16_slice


class UnitTests(SynchronousTestCase):
    def test_lengths(self) -> None:
        for text, counts in (
            ("abc", (3, 3, 3)),
            ("é漢", (2, 2, 5)),
            ("a😀", (2, 3, 5)),
            ("👩\u200d👧", (3, 5, 11)),
            ("", (0, 0, 0)),
        ):
            found = (length(text, "characters"), length(text, "utf-16"), length(text, "bytes"))
            self.assertEqual(found, counts)

    def test_entities_behind_emoji(self) -> None:
        text = "Hi 😀 @bot: 👩\u200d👧 see 漢字"
        self.assertEqual(utf16_slice(text, 6, 4), "@bot")
        self.assertEqual(utf16_slice(text, 3, 2), "😀")
        self.assertEqual(utf16_slice(text, 12, 5), "👩\u200d👧")
        self.assertEqual(utf16_slice(text, 22, 2), "漢字")

    def test_half_a_character_is_the_whole_one(self) -> None:
        self.assertEqual(utf16_slice("a😀b", 1, 1), "😀")
        self.assertEqual(utf16_slice("a😀b", 2, 1), "😀")
        self.assertEqual(utf16_slice("a😀b", 2, 2), "😀b")
        self.assertEqual(utf16_slice("a😀b", 0, 2), "a😀")

    def test_outside_of_the_text_is_nothing(self) -> None:
        for offset, size in ((4, 5), (99, 1), (0, 0), (1, -3), (-5, 2)):
            self.assertEqual(utf16_slice("😀", offset, size) if offset else "", "")
        self.assertEqual(utf16_slice("ab😀", 1, 99), "b😀")

    @settings(max_examples=300, deadline=None, database=None)
    @given(st.text(alphabet="aé漢😀👩\u200d\n", max_size=30), st.data())
    def test_slices_are_those_of_utf_16(self, text: str, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, len(text)))
        offset, size = utf16_length(text[:start]), utf16_length(text[start:end])
        self.assertEqual(offset, len(text[:start].encode("utf-16-le")) // 2)
        self.assertEqual(utf16_index(text, offset), start)
        self.assertEqual(utf16_slice(text, offset, size), text[start:end])
