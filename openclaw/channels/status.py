"""What is known of one account: written by its life, read by every view."""

from collections.abc import Callable

from attrs import evolve
from twisted.logger import Logger

from openclaw.interfaces.channels import AccountStatus


class Record:
    """Keeps one account's status, and tells whoever shows it that it changed.

    :param changed: called after every change of state, not for every message.
    :param now_ms: wall clock.
    :param alert: told once of each change that an operator should hear of: its kind, in words.
    """

    _log = Logger()

    def __init__(
        self,
        status: AccountStatus,
        now_ms: Callable[[], int],
        changed: Callable[[], None],
        alert: Callable[[str, str], None] = lambda kind, words: None,
    ) -> None:
        self._alert = alert
        self.status = status
        self.heard_ms = self.inbound_ms = self.outbound_ms = 0
        self._now_ms = now_ms
        self._changed = changed

    def shown(self) -> AccountStatus:
        """The status now, with the times of the last traffic."""
        return evolve(
            self.status,
            last_transport_at=self.heard_ms,
            last_inbound_at=self.inbound_ms,
            last_outbound_at=self.outbound_ms,
        )

    def heard(self) -> None:
        """Something arrived from the platform."""
        self.heard_ms = self._now_ms()

    def named(self, name: str) -> None:
        """The assistant's own name on the platform."""
        if name and name != self.status.name:
            self.status = evolve(self.status, name=name)

    # -- what the life of the account tells -----------------------------------------------------

    def begins(self) -> None:
        """See :class:`openclaw.channels.life.Core`."""
        self._turn("starting", last_start_at=self._now_ms(), reconnect_attempts=0, last_error="")

    def works(self) -> None:
        """See :class:`openclaw.channels.life.Core`."""
        self._turn(
            "connected", last_connected_at=self._now_ms(), reconnect_attempts=0, last_error=""
        )

    def ails(self, why: str) -> None:
        """See :class:`openclaw.channels.life.Core`."""
        self._turn("degraded", last_error=why)

    def waits(self, why: str) -> None:
        """See :class:`openclaw.channels.life.Core`."""
        self._turn(
            "reconnecting",
            reconnect_attempts=self.status.reconnect_attempts + 1,
            last_disconnect_at=self._now_ms(),
            last_disconnect=why,
            last_error=why,
        )

    def gives_up(self, remedy: str) -> None:
        """See :class:`openclaw.channels.life.Core`."""
        self._turn("failed", last_error=remedy, last_disconnect_at=self._now_ms())
        self._alert("channel.failed", f"{self.status.channel}/{self.status.account}: {remedy}")

    def rests(self) -> None:
        """See :class:`openclaw.channels.life.Core`."""
        self._turn("stopped", last_stop_at=self._now_ms())

    def _turn(self, state: str, **changes: object) -> None:
        before = self.status
        self.status = evolve(before, state=state, **changes)  # type: ignore[arg-type]  # Ours.
        if before.state != state or state in ("degraded", "reconnecting"):
            self._tell(before.state)
        self._changed()

    def _tell(self, before: str) -> None:
        status = self.status
        name = f"{status.channel}/{status.account}"
        if status.state == "failed":
            self._log.error("{name} failed: {why}", name=name, why=status.last_error)
        elif status.state in ("degraded", "reconnecting"):
            self._log.warn(
                "{name} is {state}: {why}", name=name, state=status.state, why=status.last_error
            )
        else:
            self._log.info("{name} is {state}", name=name, state=status.state, before=before)
