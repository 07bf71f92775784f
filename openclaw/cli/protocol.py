"""``openclaw protocol``: prints the schema of the wire; needs no gateway."""

from pathlib import Path

import click

from openclaw.cli.given import Given, common
from openclaw.cli.groups import Group
from openclaw.cli.output import print_json


@click.group("protocol", cls=Group)
def command() -> None:
    """Describe the wire protocol."""


@command.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write a file.")
@common
@click.pass_obj
def schema(given: Given, out: Path | None) -> None:
    """Print the JSON Schema of every frame, method and event."""
    import json

    # Building every wire type's decoder is this command's alone to pay for.
    from openclaw.protocol.document import json_schema

    document = json_schema()
    if out is None:
        print_json(document)
        return
    out.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    if given.as_json:
        print_json({"ok": True, "file": str(out)})
