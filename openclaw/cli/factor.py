"""Shows the gateway a code of the second factor where it wants one; checks none itself.

A command without a device proves it for itself: what it showed counts on its own connection.
"""

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
    """Ask the gateway; if it wants a second factor, show one and ask it again.

    The code is that of ``--mfa-code``, which is sent to no gateway that does not want it; without
    one the user is asked.

    :param ask: takes method and params; raises ``RequestFailed`` if the gateway says no.
    :raises RequestFailed: as ``ask``; where there is no code and nobody at the terminal; and where
        ``--mfa-code`` is not good: each works once.
    """
    try:
        return ask(method, params)
    except RequestFailed as error:
        if not _can_be_shown(error, given):
            raise
    if given.mfa_code is None:
        aside(f"{method} needs your second factor.")
    prompt = "Code of your authenticator app"
    with_code(prompt, lambda code: ask("mfa.verify", {"code": code}), given.mfa_code)
    return ask(method, params)


def with_code(prompt: str, use: Callable[[str], Any], given_code: str | None = None) -> Any:
    """Use the code that was given, or let the user type one, again if it was wrong.

    :param use: takes a code; raises ``RequestFailed`` if it is not good.
    """
    if given_code is not None:
        return use(given_code)
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
    at_terminal = not given.as_json and sys.stdin.isatty()
    return wanted and (given.mfa_code is not None or at_terminal)
