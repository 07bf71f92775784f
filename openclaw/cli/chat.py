"""``openclaw chat``: talks with the assistant, line by line or one message for a script."""

import sys
from typing import TYPE_CHECKING

import click

from openclaw.cli.given import Given, common
from openclaw.cli.output import aside, harmless, print_json, say
from openclaw.cli.problems import Problem

if TYPE_CHECKING:
    from openclaw.cli.conversation import Answer, Conversation

SCOPES = ("operator.read", "operator.write")
SHOWN_HISTORY = 4
_LEAVE = frozenset({"/quit", "/exit", "/q"})


@click.command("chat")
@click.argument("message", nargs=-1)
@click.option("--session", metavar="NAME", help="Which conversation [main].")
@common
@click.pass_obj
def command(given: Given, message: tuple[str, ...], session: str | None) -> None:
    """Talk with the assistant, or send it one MESSAGE and print its answer.

    Without MESSAGE on a terminal: a conversation. Ctrl-C stops an answer, /quit leaves.
    """
    text = " ".join(message).strip()
    if not text and not sys.stdin.isatty():
        text = sys.stdin.read().strip()
        if not text:
            raise click.UsageError("standard input holds no message")
    if not text and given.as_json:
        raise click.UsageError("--json needs a MESSAGE, or one on standard input")
    # Twisted is loaded only by what really connects.
    from openclaw.cli.conversation import Conversation
    from openclaw.cli.live import LiveConnection

    with LiveConnection(given, SCOPES) as gateway:
        conversation = Conversation(gateway, session)
        if text:
            _one(conversation, text, given)
        else:
            _talk(conversation, gateway.target.address.url)


def _one(conversation: "Conversation", text: str, given: Given) -> None:
    answer = conversation.ask(text, (lambda _: None) if given.as_json else _print_now)
    if given.as_json:
        print_json(answer.document(conversation.session_key))
    else:
        _finish(answer)
    if answer.state != "final":
        raise click.exceptions.Exit(130 if answer.state == "aborted" else 1)


def _talk(conversation: "Conversation", url: str) -> None:
    _prepare_input()
    say(f"{conversation.session_key} at {url}", bold=True)
    say("/help lists commands. Ctrl-C stops an answer, /quit leaves.", dim=True)
    for role, text in conversation.latest(SHOWN_HISTORY):
        say(f"\nyou> {text}" if role == "user" else text, dim=True)
    while (line := _read_line()) is not None:
        if line in _LEAVE:
            return
        if line:
            _exchange(conversation, line)


def _exchange(conversation: "Conversation", text: str) -> None:
    try:
        _finish(conversation.ask(text, _print_now))
    except Problem as problem:
        say(f"\nError: {problem.message}", err=True, fg="red")
        if problem.next_step:
            say(problem.next_step, err=True)


def _read_line() -> str | None:
    """One line, ``None`` at the end; an interrupted one is empty, two in a row are the end."""
    for _ in range(2):
        try:
            return input("\nyou> ").strip()
        except EOFError:
            click.echo()
            return None
        except KeyboardInterrupt:
            aside("\nCtrl-C again or /quit leaves.")
    return None


def _print_now(text: str) -> None:
    click.echo(harmless(text), nl=False)
    sys.stdout.flush()


def _finish(answer: "Answer") -> None:
    if answer.shown:
        click.echo()
    if answer.state == "aborted":
        aside("stopped")
    elif answer.state == "error":
        say(f"Error: {answer.error}", err=True, fg="red")


def _prepare_input() -> None:
    """Give ``input`` its line editing where there is any."""
    try:
        import readline  # noqa: F401  # Importing it is what does it.
    except ImportError:
        return
