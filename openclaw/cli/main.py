"""The ``openclaw`` command: its commands by name, loaded only when used, and how failures end."""

import importlib
import os
import sys
from typing import NoReturn

import click

from openclaw import __version__
from openclaw.cli.given import Given, common
from openclaw.cli.output import aside, print_json, say
from openclaw.cli.problems import Problem

# Name, module (each has ``command``), what it is for.
_COMMANDS = {
    "gateway": ("gateway", "Run the gateway, or ask the running one."),
    "status": ("status", "What the gateway is doing."),
    "health": ("health", "Is the gateway well?"),
    "chat": ("chat", "Talk with the assistant."),
    "sessions": ("sessions", "List the conversations."),
    "channels": ("channels", "The chat platforms it can be reached on."),
    "message": ("message", "Say something on a chat platform."),
    "queue": ("queue", "What waits, and what could not be delivered."),
    "skills": ("skills", "What agents know how to do."),
    "logs": ("logs", "Show the gateway's log."),
    "mfa": ("mfa", "Protect what matters with an authenticator app."),
    "dashboard": ("dashboard", "Print a sign-in link for the web chat."),
    "devices": ("devices", "List the paired devices, let new ones in."),
    "pairing": ("pairing", "Let in who shows a code."),
    "worker": ("worker", "Run agents here for a gateway on another host."),
    "qr": ("qr", "Set a phone or another machine up with a code."),
    "token": ("token", "Replace the gateway's token."),
    "encryption": ("encryption", "How the journal is sealed, and its key."),
    "protocol": ("protocol", "Describe the wire protocol."),
    "version": ("version", "Print the versions."),
    "completion": ("completion", "Print a shell's completion script."),
}

_ELSEWHERE = {
    "doctor": " What is wrong: openclaw status. What is unsafe: openclaw gateway audit --security."
}
"""Commands of the original that have other names here."""


class Commands(click.Group):
    """Imports a command only when it is called or described."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, the everyday ones first."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"openclaw.cli.{_COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was meant; for a misspelt one, name the nearest."""
        if args[0] not in _COMMANDS and not ctx.resilient_parsing:
            # Only a mistake needs it.
            from difflib import get_close_matches

            near = get_close_matches(args[0], _COMMANDS, 1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{_ELSEWHERE.get(args[0], meant)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in _COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="openclaw %(version)s")
@common
def cli() -> None:
    """Talk to your personal assistant's gateway, or run it.

    Commands find the gateway on this machine by themselves.
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; the console script's entry point."""
    given = Given()
    try:
        sys.exit(run(arguments, given))
    except BrokenPipeError:  # ``openclaw logs | head``: nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def run(arguments: list[str] | None, given: Given) -> int:
    """Run one command and show how it failed, if it did.

    :return: the exit status.
    """
    no_colour = bool(given.environ.get("NO_COLOR"))
    try:
        status = cli.main(
            arguments,
            prog_name="openclaw",
            standalone_mode=False,
            obj=given,
            color=False if no_colour else None,
        )
    except Problem as problem:
        show(problem, given)
        return problem.exit_status
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        aside("")
        return 130
    return status if isinstance(status, int) else 0


def show(problem: Problem, given: Given) -> None:
    """Tell the user: words on standard error, or one document on standard output."""
    if given.as_json:
        print_json(problem.document())
        return
    say(f"Error: {problem.message}", err=True, fg="red")
    if problem.next_step:
        say(problem.next_step, err=True)
