"""``openclaw skills``: which skills agents have, and what those lack that they cannot use."""

from typing import Any

import click

from openclaw.cli.connection import Connection
from openclaw.cli.given import Given, common
from openclaw.cli.groups import Group
from openclaw.cli.output import print_json, say, table

READ = ["operator.read"]
_KINDS = (("bins", "program"), ("anyBins", "one of"), ("env", "variable"), ("config", "key"))


@click.group("skills", cls=Group)
def command() -> None:
    """Look at the skills of an agent."""


@command.command("list")
@click.option("--agent", default="", help="Whose skills [the default agent's].")
@click.option("--eligible", is_flag=True, help="Only those that can be used.")
@common
@click.pass_obj
def list_(given: Given, agent: str, eligible: bool) -> None:
    """Every skill, and whether it can be used."""
    found = _status(given, agent)
    rows = [row for row in found["skills"] if row["eligible"] or not eligible]
    if given.as_json:
        print_json({**found, "skills": rows})
        return
    if not rows:
        say("No skills. Put directories with a SKILL.md into " + found["managedSkillsDir"])
        return
    shown = [(_state(row), row["name"], row["source"], row["description"][:60]) for row in rows]
    table(("state", "skill", "source", "description"), shown)


@command.command("check")
@click.option("--agent", default="", help="Whose skills [the default agent's].")
@common
@click.pass_obj
def check(given: Given, agent: str) -> None:
    """What is missing; ends with status 1 if a skill cannot be read at all."""
    found = _status(given, agent)
    if given.as_json:
        print_json(found)
    else:
        _show_missing(found)
    if found["broken"]:
        raise SystemExit(1)


def _show_missing(found: dict[str, Any]) -> None:
    usable = sum(row["eligible"] for row in found["skills"])
    say(f"{usable} of {len(found['skills'])} skills can be used")
    for row in found["skills"]:
        if not row["eligible"]:
            say(f"  {row['name']}: {_state(row)}")
    for one in found["broken"]:
        say(f"  {one['path']}: {one['error']}")


def _status(given: Given, agent: str) -> dict[str, Any]:
    with Connection(given, READ) as gateway:
        found: dict[str, Any] = gateway.call("skills.status", {"agentId": agent} if agent else {})
    return found


def _state(row: dict[str, Any]) -> str:
    """Whether a skill can be used, and if not, why."""
    if row["eligible"]:
        return "ready"
    if row["disabled"]:
        return "switched off"
    if row["blockedByAllowlist"]:
        return "not this agent's"
    missing = row["missing"]
    lacks = [f"{words} {', '.join(missing[name])}" for name, words in _KINDS if missing[name]]
    lacks += [f"only on {', '.join(missing['os'])}"] if missing["os"] else []
    return "needs " + "; ".join(lacks)
