"""Failures in words for people and names for programs; who raises them knows the words."""

from collections.abc import Mapping
from typing import Any


class Problem(Exception):
    """A failure that ends the command.

    :ivar next_step: what to do about it; may be empty.
    :ivar code: a name for programs.
    :ivar details: more for programs.
    :ivar exit_status: the process's exit status.
    """

    exit_status = 1

    def __init__(
        self,
        message: str,
        next_step: str = "",
        *,
        code: str = "FAILED",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.code = code
        self.details = dict(details or {})

    def document(self) -> dict[str, Any]:
        """The same for programs."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.next_step:
            error["next"] = self.next_step
        if self.details:
            error["details"] = self.details
        return {"ok": False, "error": error}


class UsageProblem(Problem):
    """The command was given something that makes no sense."""

    exit_status = 2
