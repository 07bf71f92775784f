"""The commands the embedded agent answers from the live gateway: what is one, who may give it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from attrs import evolve, field, frozen
from twisted.internet.defer import Deferred

from openclaw.agents.runtimes.controls import CONTROLS, Controls, Order, may, obey
from openclaw.agents.runtimes.phrases import Phrases
from openclaw.interfaces.agents import ModelInfo
from openclaw.interfaces.status import IGatewayView, SessionSummary
from openclaw.interfaces.tools import Authority
from openclaw.protocol.scopes import READ

MAX_ROWS = 20
"""Rows of a list that fit a chat; the rest is counted."""

ALIASES = {
    "?": "help",
    "帮助": "help",
    "状态": "status",
    "会话": "sessions",
    "节点": "nodes",
    "定时": "cron",
    "定时任务": "cron",
    "models": "model",
    "模型": "model",
    "new": "reset",
    "重置": "reset",
    "停止": "stop",
    "批准": "approve",
    "拒绝": "deny",
}


@frozen
class Scene:
    """What a command may look at and do.

    :ivar models: every model there is, the embedded agent included.
    :ivar default: the model that answers in this session.
    :ivar reset: starts the session of that key anew.
    :ivar controls: what commands about runs and approvals act on.
    """

    view: IGatewayView
    models: Callable[[], Sequence[ModelInfo]]
    default: Callable[[], ModelInfo]
    reset: Callable[[str], Deferred[None]]
    controls: Controls = field(factory=Controls)


@frozen
class Call:
    """One command as it was given."""

    scene: Scene
    session_key: str
    words: Phrases
    authority: Authority = field(factory=Authority)
    text: str = ""


def parse(text: str) -> str | None:
    """Name the command a message is.

    :return: the command's name, ``""`` for a slash with an unknown word, ``None`` for a message
        that is no command. A path such as ``/etc/hosts`` is no command.
    """
    text = text.strip()
    if not text.startswith("/") or "\n" in text:
        return None
    word = text[1:].split(maxsplit=1)[0].lower() if text[1:].split() else ""
    if "/" in word:
        return None
    word = ALIASES.get(word, word)
    return word if word in COMMANDS or word in CONTROLS else ""


def is_command(text: str) -> bool:
    """Whether the embedded agent answers this, whatever model is configured."""
    return bool(parse(text))


def control_method(text: str) -> str:
    """The method that a command about runs or approvals stands for; empty for all other texts.

    This is the one place that says which messages are taken before their session's lane.
    """
    return CONTROLS.get(parse(text) or "", "")


async def answer(name: str, call: Call) -> str:
    """Carry out a command that :func:`parse` named."""
    if name in CONTROLS:
        return await _control(name, call)
    if name in OWNERS and not (call.authority.owner or READ in call.authority.scopes):
        return call.words.not_yours.format(command=f"/{name}")
    if name == "reset":
        await call.scene.reset(call.session_key)
    return COMMANDS[name](call)


async def _control(name: str, call: Call) -> str:
    words, authority = call.words, call.authority
    if not authority.commanded_by:
        return words.control.for_people.format(command=f"/{name}")
    if not may(name, authority):
        return words.not_yours.format(command=f"/{name}")
    order = Order(
        name=name,
        words=call.text.split()[1:],
        session_key=call.session_key,
        authority=authority,
        phrases=words.control,
    )
    return await obey(order, call.scene.controls)


def _help(call: Call) -> str:
    theirs = call.authority.owner or READ in call.authority.scopes
    names = [name for name in COMMANDS if theirs or name not in OWNERS]
    # Whoever asks for help is not known to be a person; a command is only taken from one.
    person = evolve(call.authority, commanded_by=call.authority.commanded_by or "somebody")
    names += [name for name in CONTROLS if may(name, person)]
    rows = [f"/{name}: {call.words.summaries[name]}" for name in names]
    return "\n".join([call.words.help_title, *rows, "", call.words.help_tail])


def _status(call: Call) -> str:
    return "\n".join(call.scene.view.status_lines())


def _sessions(call: Call) -> str:
    rows = [_session_row(row, call.words) for row in call.scene.view.sessions()]
    return _listed(rows, call.words.no_sessions, call.words)


def _session_row(row: SessionSummary, words: Phrases) -> str:
    when = datetime.fromtimestamp(row.updated_at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    label = f" ({row.label})" if row.label and row.label != row.key else ""
    state = f", {words.active}" if row.active else ""
    count = words.message_count.format(count=row.messages)
    return f"{row.key}{label}: {count}, {when}{state}"


def _nodes(call: Call) -> str:
    return _listed(call.scene.view.node_lines(), call.words.no_nodes, call.words)


def _cron(call: Call) -> str:
    return _listed(call.scene.view.cron_lines(), call.words.no_cron, call.words)


def _model(call: Call) -> str:
    words = call.words
    default = call.scene.default()
    models = [model for model in call.scene.models() if model.provider != "embedded"]
    if not models:
        return f"{words.only_embedded}\n\n{words.how_to_add}"
    rows = [_model_row(model, model.ref == default.ref, words) for model in models]
    return "\n".join([words.models_title, _listed(rows, "", words), "", words.how_to_choose])


def _model_row(model: ModelInfo, is_default: bool, words: Phrases) -> str:
    marks = [words.default_mark] if is_default else []
    if not model.available:
        marks.append(words.unavailable)
    return model.ref + (f" ({', '.join(marks)})" if marks else "")


def _reset(call: Call) -> str:
    return call.words.reset_done


def _listed(rows: Sequence[str], nothing: str, words: Phrases) -> str:
    if not rows:
        return nothing
    shown = [f"- {row}" for row in rows[:MAX_ROWS]]
    if len(rows) > MAX_ROWS:
        shown.append(words.more.format(count=len(rows) - MAX_ROWS))
    return "\n".join(shown)


OWNERS = frozenset({"status", "sessions", "nodes", "cron"})
"""What tells of others than whoever asks: for the owner, and clients with the right to read."""

COMMANDS: dict[str, Callable[[Call], str]] = {
    "help": _help,
    "status": _status,
    "sessions": _sessions,
    "nodes": _nodes,
    "cron": _cron,
    "model": _model,
    "reset": _reset,
}
"""The commands, in the order in which they are listed."""
