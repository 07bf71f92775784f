"""Draws the state machines as DOT text, the same text every time; ``dot`` makes pictures of it."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from attrs import define
from automat import TypeMachine

_NODE = re.compile(r"^\tt(\d+) \[label=<<table")
_INPUT = re.compile(r'face="menlo-italic">([^<]*)<')
_OUTPUT = re.compile(r'point-size="9">([^<]*)<')
_INTO = re.compile(r'^\t"?([\w ]+?)"? -> t(\d+):')
_OUT_OF = re.compile(r'^\tt(\d+):\w+:e -> "?([\w ]+?)"?$')
_FIRST = re.compile(r'^\t"?([\w ]+?)"? \[.*style=bold\]')
_HEAD = """\
// Made by ``make generated`` from the state machine itself; edit that instead.
digraph {
    graph [rankdir=LR, nodesep=0.5, ranksep=1.1]
    node [fontname="sans-serif", shape=box, style=rounded]
    edge [fontname="sans-serif", fontsize=10]
"""


@define
class Transition:
    """One arrow: in which state, on what, what is done, which state then."""

    state: str = ""
    on: str = ""
    does: str = ""
    then: str = ""


def drawing(machine: TypeMachine[Any, Any]) -> str:
    """The DOT text of one machine.

    Automat's own drawing numbers the transitions in the order of a set, so two runs differ: it is
    read, sorted, and written with one arrow from a state to another: ``input / output``.
    """
    source = machine.asDigraph().source
    lines = [_HEAD]
    lines += [f'    "{name}" [penwidth=2]\n' for name in sorted(_first_states(source))]
    between: dict[tuple[str, str], list[str]] = {}
    for arrow in sorted(read_transitions(source), key=lambda each: (each.state, each.on)):
        words = f"{arrow.on} / {arrow.does}" if arrow.does else arrow.on
        between.setdefault((arrow.state, arrow.then), []).append(words)
    for (state, then), labels in sorted(between.items()):
        text = "\\n".join(labels)
        lines.append(f'    "{state}" -> "{then}" [label="{text}"]\n')
    return "".join([*lines, "}\n"])


def read_transitions(source: str) -> list[Transition]:
    """Read the arrows from Automat's drawing."""
    arrows: dict[str, Transition] = {}
    for line in source.splitlines():
        if match := _NODE.match(line):
            arrow = arrows.setdefault(match[1], Transition())
            arrow.on = "".join(_INPUT.findall(line))
            done = [name for name in _OUTPUT.findall(line) if not name.startswith("returns(")]
            arrow.does = ", ".join(done)
        elif match := _INTO.match(line):
            arrows.setdefault(match[2], Transition()).state = match[1]
        elif match := _OUT_OF.match(line):
            arrows.setdefault(match[1], Transition()).then = match[2]
    return list(arrows.values())


def picture(dot_file: Path) -> None:
    """Make the SVG beside a DOT file, where Graphviz is installed."""
    program = shutil.which("dot")
    if program is None:
        return
    svg = dot_file.with_suffix(".svg")
    subprocess.run([program, "-Tsvg", f"-o{svg}", str(dot_file)], check=True)


def _first_states(source: str) -> list[str]:
    return [match[1] for line in source.splitlines() if (match := _FIRST.match(line))]
