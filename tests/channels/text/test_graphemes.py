"""Where a text may be cut."""

from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.text.graphemes import boundary, is_boundary, next_boundary

WHOLE = (
    "e\u0301",
    "ก\u0e33\u0e31"[:1] + "\u0e31",
    "न\u093f",
    "👍🏽",
    "👩\u200d👩\u200d👧\u200d👦",
    "❤\ufe0f",
    "🏴\U000e0067\U000e0062\U000e007f",
    "🇩🇪",
    "\u1112\u1161\u11ab",
    "\r\n",
    "1\ufe0f\u20e3",
)


class BoundaryTests(SynchronousTestCase):
    def test_nothing_that_is_one_character_to_people_is_cut(self) -> None:
        for text in WHOLE:
            for index in range(1, len(text)):
                self.assertFalse(is_boundary(text, index), (text, index))

    def test_between_two_of_them_it_may(self) -> None:
        for first in WHOLE:
            for second in (*WHOLE, "a", "漢", "가"):
                text = first + second
                self.assertTrue(is_boundary(text, len(first)), text)
                self.assertEqual(next_boundary(text, 0), len(first))
                if len(second) > 1:
                    self.assertEqual(boundary(text, len(text) - 1), len(first))

    def test_flags_are_cut_in_pairs(self) -> None:
        text = "🇩🇪🇫🇷🇯🇵"
        self.assertEqual([is_boundary(text, i) for i in range(7)], [True, False] * 3 + [True])

    def test_a_heap_of_accents_does_not_stop_the_cutting(self) -> None:
        text = "a" + "\u0301" * 5000
        self.assertEqual(boundary(text, 3000), 3000)
        self.assertLess(next_boundary(text, 0), 100)
