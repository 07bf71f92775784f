"""Commands about runs and approvals: which there are, what they need, what they do."""

from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from openclaw.agents.runtimes.control_phrases import ControlPhrases
from openclaw.errors import ApprovalNotFound
from openclaw.interfaces.approvals import Consent, Danger, IApprovals
from openclaw.interfaces.conversations import IConversations, IRuns
from openclaw.interfaces.tools import Authority
from openclaw.protocol.methods import METHODS

CONTROLS: Mapping[str, str] = {
    "stop": "chat.abort",
    "approve": "exec.approval.resolve",
    "deny": "exec.approval.resolve",
}
"""Each command with the method it stands for: whoever gives it needs what the method needs."""

SHORTEST_ID = 8
"""Characters of an approval's id that are enough, if no other begins with them."""
MOST_SHOWN = 5

_VERDICTS = {
    **dict.fromkeys(("once", "allow", "allow-once"), True),
    **dict.fromkeys(("deny", "no", "reject"), False),
}
_FOR_EVER = frozenset({"always", "allow-always"})


class Controls:
    """What commands about runs and approvals act on; set once all of it is made.

    :ivar command_line: all of a question in one text that can be read.
    :ivar needs_factor: whether a method is only served to who has shown a second factor, which
        nobody can do on a chat platform.
    """

    runs: IRuns
    conversations: IConversations
    approvals: IApprovals
    command_line: Callable[[Danger], str]
    needs_factor: Callable[[str], bool]


@frozen(kw_only=True)
class Order:
    """One such command as it was given.

    :ivar words: what stands behind its name.
    """

    name: str
    words: Sequence[str]
    session_key: str
    authority: Authority
    phrases: ControlPhrases


def may(name: str, authority: Authority) -> bool:
    """Whether somebody with this authority may give a command at all."""
    scope = METHODS[CONTROLS[name]].scope
    return bool(authority.commanded_by) and (scope is None or scope in authority.scopes)


async def obey(order: Order, controls: Controls) -> str:
    """Carry a command out that :func:`may` lets pass; tells what became of it."""
    if order.authority.origin is not None and controls.needs_factor(CONTROLS[order.name]):
        return order.phrases.needs_factor.format(command=f"/{order.name}")
    if order.name == "stop":
        return await _stop(order, controls)
    return await _decide(order, controls)


async def _stop(order: Order, controls: Controls) -> str:
    # What waits goes first: else the next would begin as soon as the first has ended.
    withdrawing = controls.conversations.withdraw(order.session_key, None)
    stopped = await controls.runs.abort(order.session_key, None)
    withdrawn = await withdrawing
    if not stopped and not withdrawn:
        return order.phrases.nothing_runs
    if not withdrawn:
        return order.phrases.stopped
    return order.phrases.stopped_more.format(count=len(withdrawn))


async def _decide(order: Order, controls: Controls) -> str:
    phrases, waiting = order.phrases, controls.approvals.pending()
    allow = _verdict(order)
    if allow is None:
        for_ever = len(order.words) == 2 and order.words[1].lower() in _FOR_EVER
        return phrases.only_once if for_ever else _usage(order, controls, waiting)
    found = _named(order.words[0].lower(), waiting)
    if len(found) > 1:
        return phrases.ambiguous
    if not found:
        return phrases.unknown_id
    try:
        decided = await controls.approvals.resolve(found[0].id, allow, order.authority.commanded_by)
    except ApprovalNotFound:
        return phrases.unknown_id
    words = phrases.allowed if allow else phrases.denied
    return words.format(command=_short(decided.danger, controls))


def _verdict(order: Order) -> bool | None:
    """What was decided; ``None`` if the command does not say it as it has to be said."""
    if order.name == "deny":
        return False if len(order.words) == 1 else None
    if len(order.words) == 1:
        return True
    return _VERDICTS.get(order.words[1].lower()) if len(order.words) == 2 else None


def _named(name: str, waiting: Sequence[Consent]) -> list[Consent]:
    exact = [one for one in waiting if one.id.lower() == name]
    if exact or len(name) < SHORTEST_ID:
        return exact
    return [one for one in waiting if one.id.lower().startswith(name)]


def _usage(order: Order, controls: Controls, waiting: Sequence[Consent]) -> str:
    rows = [f"- {one.id}: {controls.command_line(one.danger)}" for one in waiting[:MOST_SHOWN]]
    if len(waiting) > MOST_SHOWN:
        rows.append(order.phrases.more.format(count=len(waiting) - MOST_SHOWN))
    return "\n".join([order.phrases.usage, *(rows or [order.phrases.nothing_waits])])


def _short(danger: Danger, controls: Controls) -> str:
    """The command without its arguments: they were read before, and groups need not see them."""
    return controls.command_line(Danger(node="", command=danger.command, argv=(), session_key=""))
