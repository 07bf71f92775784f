"""A group of commands whose help tells what each is for in a whole sentence; knows no command."""

import click

WHOLE = 1000
"""Characters; click cuts what a command is for after as many, and to one line unless told."""


class Group(click.Group):
    """A group that wraps what it says of its commands, and does not cut it."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (name, one.get_short_help_str(WHOLE))
            for name, one in found
            if one is not None and not one.hidden
        ]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
