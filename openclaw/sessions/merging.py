"""Inputs that came while another ran: which become part of it, and what is left of them."""

from collections.abc import Callable, Sequence
from typing import Literal

from attrs import evolve

from openclaw.interfaces.conversations import Input, RunRecord
from openclaw.interfaces.storage import ITransaction
from openclaw.protocol.base import encode
from openclaw.protocol.schema.agents import AgentFinal
from openclaw.sessions.rows import stored_input

Mode = Literal["followup", "collect", "steer", "interrupt"]
"""``followup``: each has a run of its own; ``collect``: what waits when a run ends is one input;
``steer``: what comes is told to the run between two steps; ``interrupt``: it ends the run."""

ModeOf = Callable[[Input], Mode]


def belongs_to(entry: Input) -> Callable[[Input], bool]:
    """Says of another input whether it was said in the same place by the same kind of client."""

    def belongs(other: Input) -> bool:
        return (
            other.kind == entry.kind == "chat"
            and not other.text.startswith("/")
            and _place(other) == _place(entry)
        )

    return belongs


def merged_record(entry: Input, into: Input, now_ms: int) -> RunRecord:
    """How an input ends that became part of another."""
    final = AgentFinal(run_id=entry.run_id, status="ok", summary=f"merged into {into.run_id}")
    return RunRecord(final=final, started_at=now_ms, ended_at=now_ms, stop_reason="merged")


def with_text(entry: Input, others: Sequence[Input]) -> Input:
    """An input with the words of those that belong to it."""
    return evolve(entry, text="\n".join([entry.text, *(one.text for one in others)]))


def merge_inputs(
    tx: ITransaction, *, into: Input, others: Sequence[Input], records: Sequence[RunRecord]
) -> None:
    """Make inputs part of another: what it says is stored, and they are over.

    :param into: with its new text; its answer will stand behind what they said.
    """
    tx.execute(
        "update input set body = :body where run_id = :run_id",
        body=tx.seal("input.body", into.run_id, encode(stored_input(into))),
        run_id=into.run_id,
    )
    for one, record in zip(others, records, strict=True):
        tx.execute(
            "update input set state = 'ended', started_at = :now, ended_at = :now,"
            " result = :result where run_id = :run_id",
            now=record.ended_at,
            result=tx.seal("input.result", one.run_id, encode(record)),
            run_id=one.run_id,
        )
        tx.execute(
            "update message set run_id = :into where run_id = :run_id and role = 'user'",
            into=into.run_id,
            run_id=one.run_id,
        )


def _place(entry: Input) -> object:
    target = entry.origin.target if entry.origin is not None else None
    return target and (target.channel, target.account, target.chat_id, target.thread_id)
