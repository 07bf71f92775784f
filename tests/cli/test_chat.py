"""Tests of openclaw.cli.chat and conversation: streamed answers, stops and restarts."""

from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.trial.unittest import SynchronousTestCase

from openclaw.cli.conversation import Answer, take, text_of
from tests.cli.running import CommandTestCase
from tests.client.stand_in import Connection

reactor: Any = the_reactor


def delta(run_id: str, new: str, so_far: str) -> dict[str, Any]:
    """A ``chat`` event with more text."""
    return {
        "runId": run_id,
        "state": "delta",
        "deltaText": new,
        "message": {"role": "assistant", "content": [{"type": "text", "text": so_far}]},
    }


def final(run_id: str, text: str) -> dict[str, Any]:
    """A ``chat`` event that ends a run."""
    message = {"role": "assistant", "content": [{"type": "text", "text": text}]}
    usage = {"input": 1, "output": 2, "totalTokens": 3}
    event = {"runId": run_id, "state": "final", "stopReason": "stop", "usage": usage}
    return {**event, "message": message}


class TakeTests(SynchronousTestCase):
    """One answer, event by event."""

    def setUp(self) -> None:
        self.answer = Answer("r")
        self.pieces: list[str] = []

    def take(self, **event: Any) -> None:
        """Apply an event."""
        take(event, self.answer, self.pieces.append)

    def test_each_piece_is_shown_once(self) -> None:
        """The final text repeats what was streamed."""
        self.take(**delta("r", "Hel", "Hel"))
        self.take(**delta("r", "lo", "Hello"))
        self.take(**final("r", "Hello"))
        self.assertEqual("".join(self.pieces), "Hello")
        self.assertEqual((self.answer.state, self.answer.stop_reason), ("final", "stop"))

    def test_a_piece_that_was_lost_is_made_up_for(self) -> None:
        """Every event carries the whole text so far."""
        self.take(**delta("r", "Hel", "Hel"))
        self.take(**delta("r", "!", "Hello!"))
        self.assertEqual("".join(self.pieces), "Hello!")

    def test_an_answer_without_deltas_is_shown_at_its_end(self) -> None:
        """And one whose events carry only what is new, piece by piece."""
        self.take(**final("r", "All at once"))
        self.assertEqual("".join(self.pieces), "All at once")
        self.setUp()
        self.take(state="delta", deltaText="a")
        self.take(state="delta", deltaText="b")
        self.assertEqual("".join(self.pieces), "ab")

    def test_a_failed_run_says_why(self) -> None:
        """In the upstream's words."""
        self.take(state="error", errorMessage="upstream said 500")
        self.assertEqual((self.answer.state, self.answer.error), ("error", "upstream said 500"))
        self.assertFalse(self.answer.document("k")["ok"])

    def test_both_forms_of_content_are_text(self) -> None:
        """Tool calls are not."""
        parts = [{"type": "text", "text": "a"}, {"type": "toolCall", "name": "x"}]
        self.assertEqual(text_of({"content": parts}), "a")
        self.assertEqual(text_of({"content": "plain"}), "plain")


class ChatTests(CommandTestCase):
    """One message for a script."""

    def setUp(self) -> None:
        super().setUp()
        self.sent: list[dict[str, Any]] = []
        self.gateway.methods["chat.send"] = self.send

    def send(self, connection: Connection, params: dict[str, Any]) -> object:
        """Start a run that answers with the message, in capitals and two pieces."""
        self.sent.append(params)
        run_id, text = params["idempotencyKey"], params["message"].upper()
        reactor.callLater(0, self.stream, connection, run_id, text)
        return {"runId": run_id, "status": "started"}

    def stream(self, connection: Connection, run_id: str, text: str) -> None:
        """Send the events of a run, and one of somebody else's."""
        connection.event("chat", delta("other", "noise", "noise"))
        connection.event("chat", delta(run_id, text[:2], text[:2]))
        connection.event("chat", final(run_id, text))

    async def test_the_answer_is_all_that_is_printed(self) -> None:
        """For pipes."""
        ran = await self.run_command("chat", "hello", "there")
        self.assertEqual((ran.status, ran.out, ran.err), (0, "HELLO THERE\n", ""))
        self.assertEqual(self.sent[0]["sessionKey"], "agent:main:main")

    async def test_standard_input_is_one_message(self) -> None:
        """All its lines."""
        ran = await self.run_command("chat", "--session", "work", stdin="one\ntwo\n")
        self.assertEqual(ran.out, "ONE\nTWO\n")
        self.assertEqual(self.sent[0]["sessionKey"], "agent:main:work")

    async def test_a_full_session_key_is_taken_as_it_is(self) -> None:
        """Only a bare name is completed."""
        await self.run_command("chat", "--session", "agent:x:y", "hi")
        self.assertEqual(self.sent[0]["sessionKey"], "agent:x:y")

    async def test_one_document_for_programs(self) -> None:
        """With the run's id and what it took."""
        document = (await self.run_command("chat", "--json", "hi")).document
        self.assertEqual((document["text"], document["status"]), ("HI", "final"))
        self.assertEqual(document["runId"], self.sent[0]["idempotencyKey"])
        self.assertEqual(document["usage"]["totalTokens"], 3)

    async def test_a_failed_run_is_an_exit_status(self) -> None:
        """And its words are on standard error."""

        def fail(connection: Connection, run_id: str, text: str) -> None:
            event = {"runId": run_id, "state": "error", "errorMessage": "upstream said 500"}
            connection.event("chat", event)

        self.stream = fail  # type: ignore[method-assign]
        ran = await self.run_command("chat", "hi")
        self.assertEqual((ran.status, ran.out), (1, ""))
        self.assertIn("upstream said 500", ran.err)

    async def test_a_restart_in_the_middle_loses_and_doubles_nothing(self) -> None:
        """The same key is sent again and the text goes on where it stopped."""

        def break_off(connection: Connection, run_id: str, text: str) -> None:
            self.stream = stream  # type: ignore[method-assign]
            connection.event("chat", delta(run_id, text[:2], text[:2]))
            connection.sendCloseFrame(1012, b"service restart")

        stream = self.stream
        self.stream = break_off  # type: ignore[method-assign]
        ran = await self.run_command("chat", "hello")
        self.assertEqual((ran.status, ran.out), (0, "HELLO\n"), ran)
        self.assertEqual(len({params["idempotencyKey"] for params in self.sent}), 1)
        self.assertEqual(len(self.sent), 2)

    async def test_a_run_that_ended_meanwhile_is_read_from_the_history(self) -> None:
        """The gateway says that it is done."""
        mark = {"id": "m", "seq": 2}

        def done(connection: Connection, params: dict[str, Any]) -> object:
            self.sent.append(params)
            return {"runId": params["idempotencyKey"], "status": "ok"}

        def history(connection: Connection, params: dict[str, Any]) -> object:
            run_id = self.sent[-1]["idempotencyKey"]
            return {
                "messages": [
                    {"role": "user", "content": "hi"},
                    {
                        "role": "assistant",
                        "content": "there it is",
                        "__openclaw": {**mark, "runId": run_id},
                    },
                ]
            }

        self.gateway.methods.update({"chat.send": done, "chat.history": history})
        ran = await self.run_command("chat", "hi")
        self.assertEqual((ran.status, ran.out), (0, "there it is\n"))
