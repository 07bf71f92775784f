"""Asks the user for a code of the second factor where the gateway wants one; checks none itself."""

import sys
from collections.abc import Callable
from typing import Any

import click

from openclaw.cli.given import Given
from openclaw.cli.output import aside, say
from openclaw.client.errors import RequestFailed

TRIES = 3
_WRONG = "MFA_CODE_INVALID"

Ask = Callable[[str, object], Any]


def with_factor(ask: Ask, given: Given, method: str, params: object) -> Any:
    """Ask the gateway; if it wants a second factor, ask the user for one and ask it again.

    :param ask: takes method and params; raises ``RequestFailed`` if the gateway says no.
    :raises RequestFailed: as ``ask``, and where nobody is at the terminal.
    """
    try:
        return ask(method, params)
    except RequestFailed as error:
        if not _can_be_shown(error, given):
            raise
    aside(f"{method} needs your second factor.")
    with_code("Code of your authenticator app", lambda code: ask("mfa.verify", {"code": code}))
    return ask(method, params)


def with_code(prompt: str, use: Callable[[str], Any]) -> Any:
    """Let the user type a code, again if it was wrong.

    :param use: takes a code; raises ``RequestFailed`` if it is not good.
    """
    for left in reversed(range(TRIES)):
        code = click.prompt(prompt, err=True)
        try:
            return use(code)
        except RequestFailed as error:
            if error.detail_code != _WRONG or not left:
                raise
            say("That code is not good. Each works once, and for about a minute.", err=True)
    raise AssertionError("the last try either returns or raises")


def _can_be_shown(error: RequestFailed, given: Given) -> bool:
    wanted = error.detail_code == "MFA_REQUIRED" and error.details.get("enrolled") is not False
    return wanted and not given.as_json and sys.stdin.isatty()
