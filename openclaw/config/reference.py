"""Write the configuration reference from the schema: ``python -m openclaw.config.reference``."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
import msgspec.structs
from attrs import frozen

from openclaw.config.check import in_words, join, note_of, section_in, unwrapped
from openclaw.config.schema import Config
from openclaw.config.schema.fields import Section
from openclaw.config.settings import VARIABLES
from openclaw.config.units import encode_unit

TARGET = Path("docs/config-reference.rst")
_APPLIES = {"restart": "restart", "hot": "at once", "later": "not yet served"}
_HEAD = """\
.. Made by ``python -m openclaw.config.reference``; edit the schema instead.

Configuration reference
=======================

The gateway reads ``openclaw.json`` in its state directory (``~/.openclaw``): JSON, with comments if
you like. An option beats the environment, the environment beats the file, the file beats the
default. The gateway never writes the file at a start.

A wrong value of a key below ends the start with status 78 and names the key. A key that nobody
knows is reported and ignored, so that the file can be shared. *Not yet served* means that the key
is understood, reported, and does nothing yet; what is below it waits with it.

Secrets may be written ``${NAME}``, which reads the environment, or the section ``env.vars``.
Durations are written ``"500ms"``, ``"30s"``, ``"5m"``, ``"12h"``, ``"7d"``; sizes ``"16kb"``,
``"100mb"`` (1 kb is 1024 bytes); rates ``"60rpm"``.

Environment
-----------

"""


@frozen
class Row:
    """One key of the reference."""

    path: str
    type: str
    default: str
    applies: str
    description: str


def rows(section: type[Section], path: str = "", above: str = "") -> Iterator[Row]:
    """Yield every key below a section, sections before what they hold.

    :param above: when a change of the section itself applies.
    """
    for field in msgspec.structs.fields(section):
        kind, own = unwrapped(field.type)
        applies = "later" if above == "later" else own
        key = join(path, field.encode_name)
        note = note_of(field.type)
        said = (note.description if note else None) or ""
        yield Row(key, _type(field.type), _default(field), _APPLIES[applies or "restart"], said)
        inner, step = _inside(kind)
        if inner is not None and inner.__name__ != "SecretRef":
            yield from rows(inner, key + step, applies)


def reference() -> str:
    """Write the whole page."""
    parts = [_HEAD, *(f"- ``{name}``\n" for name in VARIABLES)]
    section = ""
    for row in rows(Config):
        top = row.path.partition(".")[0]
        if top != section:
            section = top
            parts.append(f"\n{top}\n{'-' * len(top)}\n")
        parts.append(
            f"\n``{row.path}``\n"
            f"    {row.description}\n\n"
            f"    *{row.type}* · default: {row.default} · change: {row.applies}\n"
        )
    return "".join(parts)


def main(arguments: Sequence[str]) -> int:
    """Write the page, or with ``--check`` compare it; the result is an exit status."""
    parser = argparse.ArgumentParser(prog="openclaw.config.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail if outdated")
    parser.add_argument("target", nargs="?", type=Path, default=TARGET)
    options = parser.parse_args(arguments)
    page, target = reference(), options.target
    if not options.check:
        target.write_text(page, encoding="utf-8")
        return 0
    if target.exists() and target.read_text(encoding="utf-8") == page:
        return 0
    print(f"{target} is outdated; run python -m openclaw.config.reference", file=sys.stderr)
    return 1


def _type(kind: Any) -> str:
    bare = unwrapped(kind)[0]
    return "anything" if bare is Any else in_words(kind)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "none, required"
    if field.default_factory is not msgspec.NODEFAULT:
        return "``{}``"
    if field.default is None:
        return "not set"
    if isinstance(field.default, Section):
        return "as below"
    return f"``{msgspec.json.encode(field.default, enc_hook=encode_unit).decode()}``"


def _inside(kind: Any) -> tuple[type[Section] | None, str]:
    """Find the section in a type, and how its keys' paths go on."""
    if get_origin(kind) is dict:
        return section_in(get_args(kind)[1]), ".<name>"
    if get_origin(kind) is tuple:
        return section_in(get_args(kind)[0]), "[]"
    return section_in(kind), ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
