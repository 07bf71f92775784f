"""What the user said: the options that every command takes. What follows from it is elsewhere."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from attrs import define, field

Command = TypeVar("Command", bound=Callable[..., Any])

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "": 0.001}
_DURATION = re.compile(r"(\d+(?:\.\d+)?) ?(ms|s|m|)")


@define
class Given:
    """One call of the command line.

    :ivar timeout_seconds: ``None`` for each command's own.
    :ivar as_json: one JSON document on standard output, and nothing else.
    """

    environ: Mapping[str, str] = field(factory=lambda: dict(os.environ), repr=False)
    home: Path = field(factory=Path.home)
    url: str | None = None
    token: str | None = field(default=None, repr=False)
    state_dir: str | None = None
    config: str | None = None
    timeout_seconds: float | None = None
    as_json: bool = False
    allow_plaintext_lan: bool = False
    tls_fingerprint: str | None = None
    ssh: str | None = None
    mfa_code: str | None = field(default=None, repr=False)


class Duration(click.ParamType[float]):
    """A time such as ``500ms``, ``10s`` or ``2m``; a bare number means milliseconds."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read one; the result is in seconds."""
        match = _DURATION.fullmatch(str(value))
        if match is None or float(match[1]) == 0:
            self.fail(f"{value!r} is not a time such as 500ms, 10s or 2m", param, ctx)
        return float(match[1]) * _UNITS[match[2]]


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep what was given; the innermost command's word is the last, so it wins."""
    if value is not None and value is not False and param.name is not None:
        setattr(ctx.ensure_object(Given), param.name, value)


def _option(*names: str, **more: Any) -> Callable[[Command], Command]:
    return click.option(*names, expose_value=False, callback=_remember, **more)


def places(command: Command) -> Command:
    """Add ``--config`` and ``--state-dir`` to a command."""
    command = _option("--config", metavar="FILE", help="Configuration file.")(command)
    return _option("--state-dir", metavar="DIR", help="State directory [~/.openclaw].")(command)


def common(command: Command) -> Command:
    """Add the options that every command takes."""
    for add in (
        _option("--json", "as_json", is_flag=True, help="Print one JSON document."),
        _option(
            "--timeout",
            "timeout_seconds",
            type=Duration(),
            help="How long to wait: 500ms, 10s, 2m; a bare number is milliseconds.",
        ),
        _option(
            "--allow-plaintext-lan",
            is_flag=True,
            help="Accept ws:// inside a private network.",
        ),
        _option(
            "--tls-fingerprint",
            metavar="SHA256",
            help="Certificate that the gateway must show; others are refused.",
        ),
        _option("--ssh", metavar="USER@HOST", help="Reach the gateway through an SSH tunnel."),
        _option(
            "--mfa-code",
            metavar="CODE",
            help="Second factor, for where nobody can be asked; each works once.",
        ),
        places,
        _option("--token", help="Gateway token [found on this machine]."),
        _option("--url", help="Gateway address [found on this machine]."),
    ):
        command = add(command)
    return command
