"""The one table of events: who may receive each, and what happens when a socket is slow."""

from typing import Any

from attrs import frozen

from openclaw.protocol import scopes
from openclaw.protocol.connect import Challenge
from openclaw.protocol.schema import agents, approvals, chat, devices, sessions, system, workers


@frozen
class EventKind:
    """One event.

    :ivar scope: what a receiver must hold; ``None``: every connection, nodes too.
    :ivar drop_if_slow: leave it out, with its number, for a socket that does not keep up.
    :ivar versioned: carries ``stateVersion``.
    """

    name: str
    payload: Any
    scope: str | None
    summary: str
    drop_if_slow: bool = False
    versioned: bool = False


_TABLE = (
    EventKind("connect.challenge", Challenge, None, "What to sign; before anything else."),
    EventKind("tick", system.TickEvent, None, "Still here; every ``policy.tickIntervalMs``."),
    EventKind("health", system.Health, None, "As the method ``health``.", versioned=True),
    EventKind(
        "presence", system.PresenceEvent, scopes.READ, "The full presence list.", versioned=True
    ),
    EventKind("shutdown", system.ShutdownEvent, None, "The gateway is going; then 1012."),
    EventKind("heartbeat", system.Heartbeat, None, "A heartbeat ended.", drop_if_slow=True),
    EventKind("agent", agents.AgentEvent, scopes.READ, "One step of a run."),
    EventKind("chat", chat.ChatEvent, scopes.READ, "One step of an answer."),
    EventKind(
        "session.message",
        chat.SessionMessage,
        scopes.READ,
        "A message entered a transcript; for those who follow the session.",
    ),
    EventKind(
        "sessions.changed",
        sessions.SessionsChanged,
        scopes.READ,
        "A session changed; for callers of ``sessions.subscribe``.",
    ),
    EventKind(
        "device.pair.requested",
        devices.PendingDevice,
        scopes.PAIRING,
        "A device waits for approval.",
        drop_if_slow=True,
    ),
    EventKind(
        "device.pair.resolved",
        devices.PairResolved,
        scopes.PAIRING,
        "A request has ended, or a device was paired without one.",
        drop_if_slow=True,
    ),
    EventKind(
        "device.pair.changed",
        devices.PairChanged,
        scopes.PAIRING,
        "A device was renamed.",
        drop_if_slow=True,
    ),
    EventKind(
        "worker.run.request",
        workers.WorkerRequest,
        scopes.WORKER_RUN,
        "A run for this worker, and no other.",
    ),
    EventKind(
        "worker.run.abort",
        workers.WorkerAbort,
        scopes.WORKER_RUN,
        "Nobody waits for a run of this worker any more; it confirms with ``worker.run.fail``.",
    ),
    EventKind(
        "exec.approval.requested",
        approvals.ApprovalRow,
        scopes.APPROVALS,
        "Something dangerous waits for a person.",
    ),
    EventKind(
        "exec.approval.resolved",
        approvals.ApprovalResolved,
        scopes.APPROVALS,
        "It was decided about, or nobody did in time.",
    ),
)

EVENTS = {kind.name: kind for kind in _TABLE}
