"""Where what is dangerous meets a person who allows it, each single time, outside of any model."""

from typing import Literal

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import Interface

Verdict = Literal["allow-once", "deny", "expired"]


@frozen(kw_only=True)
class Danger:
    """One thing to be done, as exactly as it will be done.

    :ivar node: where: a node's id, ``gateway`` for tools.
    :ivar command: what: a node's command, or a tool.
    :ivar argv: with what: arguments one by one, or all of them as one JSON text.
    :ivar session_key: on behalf of which session.
    :ivar cwd: for the person who decides; bound like the rest.
    """

    node: str
    command: str
    argv: tuple[str, ...]
    session_key: str
    agent_id: str = ""
    run_id: str = ""
    cwd: str = ""


@frozen(kw_only=True)
class Consent:
    """A question to a person, and how it stands.

    :ivar digest: of node, command, argv, directory and session: what it is good for, and no more.
    :ivar state: ``pending allowed denied expired used``.
    :ivar decided_by: a device, a connection, a sender; empty while nobody has decided.
    """

    id: str
    danger: Danger
    digest: str
    created_at_ms: int
    expires_at_ms: int
    state: str = "pending"
    decided_by: str = ""


class IApprovals(Interface):
    """Questions to a person; durable, short-lived, each answer good for one use of one thing."""

    def ask(danger: Danger) -> Deferred[Verdict]:
        """Ask, wait, and use the answer up: only ``allow-once`` lets it be done, once, now.

        :return: fails with :class:`openclaw.errors.InvalidRequest` if it cannot be shown in full,
            :class:`openclaw.errors.Busy` if too many wait, :class:`openclaw.errors.StoreError`.
            Cancelling it withdraws the question.
        """

    def request(danger: Danger, seconds: float | None = None) -> Deferred[Consent]:
        """Ask, and do not wait; fires when the question is durable and told. Fails as ask."""

    def wait(consent_id: str) -> Deferred[Consent]:
        """Fires once it is decided or has expired.

        Fails with :class:`openclaw.errors.ApprovalNotFound`.
        """

    def resolve(consent_id: str, allow: bool, decided_by: str) -> Deferred[Consent]:
        """Decide; the first decision counts.

        :return: fires when it is durable; fails with :class:`openclaw.errors.ApprovalNotFound` if
            there is no such question, or not any longer.
        """

    def consume(consent_id: str, danger: Danger) -> Deferred[bool]:
        """Use a permission up; false if it is none, none for this, or was used before."""

    def pending() -> list[Consent]:
        """What waits for a person, the oldest first."""
