"""Roles and operator scopes: the closed set, and what implies what. No grants are kept here."""

from collections.abc import Iterable

OPERATOR = "operator"
NODE = "node"
WORKER = "worker"
ROLES = frozenset({OPERATOR, NODE, WORKER})

READ = "operator.read"
WRITE = "operator.write"
ADMIN = "operator.admin"
APPROVALS = "operator.approvals"
QUESTIONS = "operator.questions"
PAIRING = "operator.pairing"
TALK = "operator.talk"
TALK_SECRETS = "operator.talk.secrets"
SCOPES = frozenset({READ, WRITE, ADMIN, APPROVALS, QUESTIONS, PAIRING, TALK, TALK_SECRETS})

WORKER_RUN = "worker.run"
"""Comes with the role ``worker`` and in no other way: no operator can ask for it or grant it."""

_IMPLIED = {ADMIN: SCOPES, WRITE: frozenset({WRITE, READ, TALK})}


def expand(scopes: Iterable[str]) -> frozenset[str]:
    """Everything that holding ``scopes`` allows; admin implies all, write read and talk."""
    held = set(scopes)
    for scope in tuple(held):
        held |= _IMPLIED.get(scope, frozenset())
    return frozenset(held)


def rights(role: str, scopes: Iterable[str]) -> frozenset[str]:
    """Everything that a connection may do: what its scopes allow, and what its role brings."""
    return frozenset({WORKER_RUN}) if role == WORKER else expand(scopes)


def covers(held: Iterable[str], asked: Iterable[str]) -> bool:
    """Whether ``held`` allows all of ``asked``."""
    return set(asked) <= expand(held)
