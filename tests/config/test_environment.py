"""What counts as a variable that is set."""

from unittest import TestCase

from openclaw.config.environment import variable


class VariableTests(TestCase):
    """Blank is absent."""

    def test_a_variable_is_read_without_blanks_around_it(self) -> None:
        self.assertEqual(variable({"PORT": " 18789\n"}, "PORT"), "18789")

    def test_absent_empty_and_blank_are_the_same(self) -> None:
        for environ in ({}, {"PORT": ""}, {"PORT": " \t"}):
            self.assertIsNone(variable(environ, "PORT"))
