"""What counts as a variable that is set."""

from unittest import TestCase

from openclaw.config.environment import typed, variable


class VariableTests(TestCase):
    """Blank is absent."""

    def test_a_variable_is_read_without_blanks_around_it(self) -> None:
        self.assertEqual(variable({"PORT": " 18789\n"}, "PORT"), "18789")

    def test_absent_empty_and_blank_are_the_same(self) -> None:
        for environ in ({}, {"PORT": ""}, {"PORT": " \t"}):
            self.assertIsNone(variable(environ, "PORT"))

    def test_each_kind_is_read_as_its_key_means_it(self) -> None:
        for kind, text, value in (
            ("number", "6697", 6697),
            ("number", "-1", "-1"),
            ("switch", "TRUE", True),
            ("switch", "off", False),
            ("switch", "perhaps", "perhaps"),
            ("list", "#a, #b,", ["#a", "#b"]),
            ("text", "6697", "6697"),
        ):
            self.assertEqual(typed(text, kind), value)
