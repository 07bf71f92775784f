"""One conversation over a connection: a message in, a streamed answer out, through a restart."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from attrs import define, field

from openclaw.cli.live import LiveConnection
from openclaw.cli.output import aside
from openclaw.cli.problems import Problem

OnText = Callable[[str], None]
_PASSING = frozenset(
    (
        *("GATEWAY_DOWN", "GATEWAY_RESTARTING", "GATEWAY_STARTING", "CONNECTION_LOST"),
        *("NO_ANSWER", "GATEWAY_UNREACHABLE", "SSH_FAILED"),
    )
)
# A Ctrl-C that comes a moment before we wait is noticed only when we look up.
_LOOK_UP_SECONDS = 0.5
_WAITS_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)


@define
class Answer:
    """How a run ended, or how far it is.

    :ivar state: ``running``, ``final``, ``aborted`` or ``error``.
    :ivar shown: what of the text was passed on already.
    """

    run_id: str
    state: str = "running"
    shown: str = ""
    stop_reason: str = ""
    error: str = ""
    usage: dict[str, Any] = field(factory=dict)

    def document(self, session_key: str) -> dict[str, Any]:
        """The same for programs."""
        document: dict[str, Any] = {
            "ok": self.state == "final",
            "status": self.state,
            "runId": self.run_id,
            "sessionKey": session_key,
            "text": self.shown,
        }
        if self.error:
            document["error"] = {"code": "RUN_FAILED", "message": self.error}
        if self.stop_reason:
            document["stopReason"] = self.stop_reason
        if self.usage:
            document["usage"] = self.usage
        return document


class Conversation:
    """Messages of one session.

    :ivar session_key: the session's full key.
    """

    def __init__(self, gateway: LiveConnection, session: str | None) -> None:
        self._gateway = gateway
        self.session_key = _full_key(session, gateway.hello.snapshot.get("sessionDefaults", {}))
        gateway.listen()

    def latest(self, count: int) -> list[tuple[str, str]]:
        """The last messages: who, and what."""
        asked = {"sessionKey": self.session_key, "limit": count}
        messages = self._gateway.call("chat.history", asked).get("messages", [])
        said = [(message.get("role", ""), text_of(message)) for message in messages]
        return [(role, text) for role, text in said if text and role in ("user", "assistant")]

    def ask(self, text: str, on_text: OnText) -> Answer:
        """Send a message and follow its answer to the end; Ctrl-C stops the run.

        The message is sent again under the same key if the connection breaks, which the gateway
        takes for what it is: the same message.

        :param on_text: gets each new piece of the answer.
        :raises Problem: the message could not be sent, or its answer not be followed.
        """
        answer = Answer(str(uuid4()))
        while answer.state == "running":
            try:
                self._send(text, answer, on_text)
                self._follow(answer, on_text)
            except Problem as problem:
                if problem.code not in _PASSING:
                    raise
                self._connect_again(problem)
        return answer

    def _send(self, text: str, answer: Answer, on_text: OnText) -> None:
        sent = self._gateway.call(
            "chat.send",
            {
                "sessionKey": self.session_key,
                "message": text,
                "deliver": False,
                "idempotencyKey": answer.run_id,
            },
        )
        if sent.get("status") not in ("started", "in_flight"):
            self._read_outcome(sent["status"], answer, on_text)

    def _follow(self, answer: Answer, on_text: OnText) -> None:
        while answer.state == "running":
            try:
                self._hear(answer, on_text)
            except KeyboardInterrupt:
                # It may have come anywhere, also between an event and what it changes here: what
                # is said now is asked for, not remembered.
                self._stop(answer, on_text)

    def _hear(self, answer: Answer, on_text: OnText) -> None:
        """Take one event, if one comes soon."""
        event = self._gateway.next_event(_LOOK_UP_SECONDS)
        if event is None or event.event != "chat":
            return
        if event.payload.get("runId") == answer.run_id:
            take(event.payload, answer, on_text)

    def _stop(self, answer: Answer, on_text: OnText) -> None:
        asked = {"sessionKey": self.session_key, "runId": answer.run_id}
        if not self._gateway.call("chat.abort", asked).get("aborted"):
            self._read_outcome("ok", answer, on_text)  # It had just ended.

    def _connect_again(self, problem: Problem) -> None:
        aside(f"\n{problem.message} Connecting again ...")
        for wait in _WAITS_SECONDS:
            time.sleep(wait)
            try:
                self._gateway.connect_again()
            except Problem as latest:
                problem = latest
                if problem.code not in _PASSING:
                    break
            else:
                self._gateway.listen()
                return
        raise Problem(problem.message, problem.next_step, code="GAVE_UP")

    def _read_outcome(self, status: str, answer: Answer, on_text: OnText) -> None:
        """The run ended while nobody listened: what it said is in the history."""
        asked = {"sessionKey": self.session_key, "limit": 50}
        for message in self._gateway.call("chat.history", asked).get("messages", []):
            run_id = message.get("__openclaw", {}).get("runId")
            if run_id == answer.run_id and message.get("role") == "assistant":
                _show_rest(text_of(message), answer, on_text)
                answer.error = message.get("errorMessage", "")
        answer.state = "final" if status == "ok" else "error"
        if answer.state == "error":
            answer.error = answer.error or f"the run ended with {status}"


def take(event: dict[str, Any], answer: Answer, on_text: OnText) -> None:
    """Apply one ``chat`` event to an answer."""
    message = event.get("message")
    if message:
        _show_rest(text_of(message), answer, on_text)
    elif event.get("deltaText"):
        _show_rest(answer.shown + event["deltaText"], answer, on_text)
    if event["state"] in ("final", "aborted", "error"):
        answer.state = event["state"]
        answer.stop_reason = event.get("stopReason", "")
        answer.usage = event.get("usage", {})
        answer.error = event.get("errorMessage", "")


def text_of(message: dict[str, Any]) -> str:
    """The text of a message in either of its forms."""
    content = message.get("content", "")
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content if part.get("type") == "text")


def _show_rest(text: str, answer: Answer, on_text: OnText) -> None:
    """Pass on what is new in a text that grows; each event carries all of it so far."""
    if text.startswith(answer.shown):
        on_text(text[len(answer.shown) :])
    elif text:
        on_text("\n" + text)
    else:
        return
    answer.shown = text


def _full_key(session: str | None, defaults: dict[str, Any]) -> str:
    if not session:
        return str(defaults.get("mainSessionKey", "agent:main:main"))
    return (
        session if ":" in session else f"agent:{defaults.get('defaultAgentId', 'main')}:{session}"
    )
