"""Sending, waiting, stopping: what each answer says, and in which order it comes."""

from collections.abc import Sequence
from typing import Any

from openclaw.gateway.client import MOST_WAITS
from tests.gateway_methods.rig import ALL, MethodCase
from tests.sessions.rig import MAIN, Call


class ChatCase(MethodCase):
    def send(self, run_id: str = "r1", message: str = "hello", **more: Any) -> Any:
        answer = self.ok(
            "chat.send",
            **{"sessionKey": "main", "message": message, "idempotencyKey": run_id, **more},
        )
        self.world.turn()
        return answer

    def agent(self, run_id: str = "r1", message: str = "hello", **more: Any) -> Sequence[Any]:
        answers = self.request(
            "agent", **{"message": message, "idempotencyKey": run_id, "agentId": "main", **more}
        )
        self.world.turn()
        return answers

    @property
    def call(self) -> Call:
        return self.world.call


class SendTests(ChatCase):
    def test_started_running_done(self) -> None:
        self.assertEqual(self.send(), {"runId": "r1", "status": "started", "messageSeq": 1})
        again = {"runId": "r1", "status": "in_flight", "messageSeq": 1}
        self.assertEqual(self.send(), again)
        self.assertEqual(self.send(message="other words"), again)
        self.call.answer("x")
        self.assertEqual(self.send()["status"], "ok")
        self.assertEqual(len(self.world.runtime.calls), 1)

    def test_a_repeat_after_other_ends(self) -> None:
        self.send("failed")
        self.call.done.errback(ValueError("x"))
        self.flushLoggedErrors(ValueError)
        self.assertEqual(self.send("failed")["status"], "error")
        self.send("stopped")
        self.ok("chat.abort", sessionKey="main")
        self.assertEqual(self.send("stopped")["status"], "timeout")

    def test_a_repeat_after_a_restart(self) -> None:
        self.send()
        self.call.answer("x")
        self.restart()
        self.wire()
        self.assertEqual(self.send()["status"], "ok")
        self.assertEqual(self.world.runtime.calls, [])

    def test_nothing_is_answered_before_it_is_stored(self) -> None:
        self.world.store.holding = True
        answers = self.request("chat.send", sessionKey="main", message="x", idempotencyKey="r1")
        repeat = self.request("chat.send", sessionKey="main", message="x", idempotencyKey="r1")
        self.assertEqual((len(answers), len(repeat)), (0, 0))
        self.world.store.release()
        self.assertEqual(answers[0]["payload"]["status"], "started")
        self.assertEqual(repeat[0]["payload"]["status"], "in_flight")
        self.assertEqual(self.world.heard.of("chat"), [], "the answer comes before the run")

    def test_a_store_that_fails(self) -> None:
        self.world.store.failing = {"store_input"}
        error = self.refused("chat.send", sessionKey="main", message="x", idempotencyKey="r1")
        self.assertEqual(error, {"code": "UNAVAILABLE", "message": "disk full", "retryable": True})
        self.world.store.failing = set()
        self.assertEqual(self.send()["status"], "started")

    def test_a_full_lane(self) -> None:
        for number in range(101):
            self.send(f"r{number}")
        error = self.refused("chat.send", sessionKey="main", message="x", idempotencyKey="late")
        self.assertEqual((error["code"], error["retryable"]), ("UNAVAILABLE", True))
        self.assertEqual(error["details"]["code"], "LANE_FULL")

    def test_what_cannot_be_sent(self) -> None:
        good = {"sessionKey": "main", "message": "x", "idempotencyKey": "r1"}
        for change, words in (
            ({"message": ""}, "invalid chat.send params"),
            ({"message": " \n\t"}, "message is empty"),
            ({"message": None}, "invalid chat.send params"),
            ({"idempotencyKey": ""}, "invalid chat.send params"),
            ({"idempotencyKey": "k" * 257}, "invalid chat.send params"),
            ({"sessionKey": ""}, "invalid chat.send params"),
            ({"sessionKey": "../etc"}, "invalid session key"),
            ({"attachments": [{"type": "image"}]}, "attachments are not yet served"),
            ({"timeoutMs": -1}, "invalid chat.send params"),
        ):
            error = self.refused("chat.send", **{**good, **change})
            self.assertEqual(error["code"], "INVALID_REQUEST", change)
            self.assertIn(words, error["message"])
        for name in good:
            rest = {key: value for key, value in good.items() if key != name}
            self.assertIn(name, self.refused("chat.send", **rest)["message"])
        self.assertEqual(self.transcript(), [])

    def test_what_newer_clients_add_is_ignored(self) -> None:
        answer = self.send(attachments=[], expectedLeafEntryId=None, deliver=False, novelty={})
        self.assertEqual(answer["status"], "started")

    def test_its_own_time_limit(self) -> None:
        self.send(timeoutMs=1500)
        self.assertEqual(self.call.request.timeout_seconds, 1.5)
        self.send("r2", timeoutMs=0)
        self.world.clock.advance(1.5)
        self.world.turn()
        self.assertEqual(self.call.request.timeout_seconds, 600)


class AgentTests(ChatCase):
    def test_accepted_then_final(self) -> None:
        answers = self.agent()
        accepted = answers[0]["payload"]
        self.assertEqual(
            accepted,
            {
                "runId": "r1",
                "sessionKey": MAIN,
                "agentId": "main",
                "status": "accepted",
                "acceptedAt": self.world.now_ms(),
            },
        )
        self.assertEqual(len(answers), 1)
        self.call.answer("Hello ", "there.")
        self.assertEqual(len(answers), 2)
        final = answers[1]
        self.assertEqual((final["id"], final["ok"]), (answers[0]["id"], True))
        session = self.world.index.get(MAIN)
        assert session is not None
        self.assertEqual(
            final["payload"],
            {
                "runId": "r1",
                "status": "ok",
                "summary": "completed",
                "result": {
                    "payloads": [{"text": "Hello there.", "mediaUrl": None}],
                    "meta": {
                        "durationMs": 0,
                        "agentMeta": {
                            "sessionId": session.session_id,
                            "provider": "mock",
                            "model": "mock-1",
                            "usage": {"input": 0, "output": 0, "total": 0},
                        },
                    },
                },
            },
        )

    def test_the_final_answer_comes_after_the_last_event(self) -> None:
        answers = self.agent()
        seen: list[int] = []
        self.world.heard.on_event = lambda event, payload: seen.append(len(answers))
        self.call.answer("x")
        self.assertEqual(set(seen), {1})
        self.assertEqual(len(answers), 2)

    def test_a_repeat_while_it_runs_has_one_answer(self) -> None:
        first = self.agent()
        other = self.connect(*ALL)
        repeat = self.request("agent", other, message="hello", idempotencyKey="r1")
        self.call.answer("x")
        self.assertEqual(
            [one["payload"] for one in repeat],
            [{"runId": "r1", "sessionKey": MAIN, "agentId": "main", "status": "in_flight"}],
        )
        self.assertEqual(len(first), 2)

    def test_a_repeat_afterwards_has_the_stored_final(self) -> None:
        answers = self.agent()
        self.call.answer("x")
        final = answers[1]["payload"]
        self.assertEqual([one["payload"] for one in self.agent()], [final])
        self.restart()
        self.wire()
        self.assertEqual([one["payload"] for one in self.agent()], [final])

    def test_a_failure_says_no_and_carries_both(self) -> None:
        answers = self.agent()
        self.call.done.errback(ValueError("bug"))
        self.flushLoggedErrors(ValueError)
        expected = {
            "ok": False,
            "payload": {"runId": "r1", "status": "error", "summary": "the runtime failed"},
            "error": {"code": "UNAVAILABLE", "message": "the runtime failed"},
        }
        for answer in (answers[1], self.agent()[0]):
            self.assertEqual({name: answer[name] for name in expected}, expected)

    def test_a_timeout(self) -> None:
        answers = self.agent(timeout=5)
        self.call.sink.model_started("mock", "mock-1")
        self.world.clock.advance(5)
        self.assertEqual(
            answers[1]["payload"],
            {
                "runId": "r1",
                "status": "timeout",
                "summary": "aborted",
                "timeoutPhase": "provider",
                "providerStarted": True,
            },
        )
        self.assertTrue(answers[1]["ok"])

    def test_an_abort(self) -> None:
        answers = self.agent()
        self.ok("chat.abort", sessionKey=MAIN, runId="r1")
        self.assertEqual(
            answers[1]["payload"],
            {"runId": "r1", "status": "timeout", "summary": "aborted", "stopReason": "rpc"},
        )

    def test_an_end_that_cannot_be_stored_is_answered(self) -> None:
        answers = self.agent()
        self.world.store.failing = {"store_ending"}
        self.call.answer("x")
        self.world.give_up_storing()
        self.assertEqual(answers[1]["error"]["message"], "disk full")

    def test_which_session(self) -> None:
        for number, (params, key) in enumerate(
            (
                ({}, MAIN),
                ({"agentId": "ops"}, "agent:ops:main"),
                ({"sessionKey": "notes"}, "agent:main:notes"),
                ({"agentId": "ops", "sessionKey": "agent:ops:x"}, "agent:ops:x"),
            )
        ):
            (answer,) = self.request("agent", message="x", idempotencyKey=f"k{number}", **params)
            self.assertEqual(answer["payload"]["sessionKey"], key)
        refused: list[dict[str, Any]] = [
            {"agentId": "ops", "sessionKey": MAIN},
            {"agentId": "../ops"},
            {"sessionKey": "a/b"},
            {"novelty": 1},
            {"timeout": -1},
        ]
        for params in refused:
            error = self.refused("agent", message="x", idempotencyKey="k", **params)
            self.assertEqual(error["code"], "INVALID_REQUEST", params)

    def test_empty_words(self) -> None:
        for words in ("", "  \n"):
            error = self.refused("agent", message=words, idempotencyKey="k")
            self.assertIn("invalid agent params", error["message"])

    def test_older_dialects_get_the_text_in_the_final_answer(self) -> None:
        old = self.connect(*ALL, native=False)
        answers = self.request("agent", old, message="x", idempotencyKey="r1")
        self.world.turn()
        self.call.answer("Hello.")
        final = answers[1]["payload"]
        self.assertEqual((final["message"], final["sessionKey"]), ("Hello.", MAIN))


class WaitTests(ChatCase):
    def wait(self, run_id: str = "r1", ms: int = 1000) -> Sequence[Any]:
        return self.request("agent.wait", runId=run_id, timeoutMs=ms)

    def test_a_run_that_ended(self) -> None:
        self.send()
        self.call.answer("x")
        (answer,) = self.wait()
        now = self.world.now_ms()
        self.assertEqual(
            answer["payload"],
            {
                "runId": "r1",
                "status": "ok",
                "startedAt": now,
                "endedAt": now,
                "stopReason": "stop",
            },
        )
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_a_run_that_ends_meanwhile(self) -> None:
        self.send()
        self.send("r2")
        answers, queued = self.wait(), self.wait("r2")
        self.assertEqual(len(answers), 0)
        self.call.done.errback(ValueError())
        self.flushLoggedErrors(ValueError)
        self.assertEqual(answers[0]["payload"]["status"], "error")
        self.assertEqual(answers[0]["payload"]["error"], "the runtime failed")
        self.assertEqual(len(queued), 0)
        self.world.turn()
        self.call.answer("x")
        self.assertEqual(queued[0]["payload"]["status"], "ok")
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_the_time_is_up(self) -> None:
        self.send()
        answers = self.wait()
        self.world.clock.advance(0.999)
        self.assertEqual(len(answers), 0)
        self.world.clock.advance(0.001)
        self.assertEqual(answers[0]["payload"], {"runId": "r1", "status": "timeout"})
        self.call.answer("x")
        self.assertEqual(len(answers), 1)

    def test_unknown_is_a_timeout_after_the_wait(self) -> None:
        answers = self.wait("never", 0)
        self.assertEqual(len(answers), 0)
        self.world.turn()
        self.assertEqual(answers[0]["payload"], {"runId": "never", "status": "timeout"})
        self.assertEqual(self.world.conversations._waiting, {})

    def test_a_run_that_ends_while_the_journal_is_read(self) -> None:
        """The look says not yet, and when it comes back the run is over."""
        self.send()
        self.world.store.holding = True
        self.world.call.finish("x")
        answers = self.wait()
        self.world.store.release()
        self.world.store.release()
        self.assertEqual(answers[0]["payload"]["status"], "ok")

    def test_a_run_accepted_while_the_journal_is_read(self) -> None:
        self.world.store.holding = True
        answers = self.wait()
        held, self.world.store.held = self.world.store.held, []
        self.world.store.holding = False
        self.send()
        self.call.answer("x")
        self.world.store.held = held
        self.world.store.release()
        self.assertEqual(answers[0]["payload"]["status"], "ok")
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_it_ends_with_the_socket(self) -> None:
        self.send()
        self.wait(ms=86_400_000)
        self.operator.client.gone()
        self.assertEqual(self.operator.client.waits, set())
        self.call.answer("x")
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_too_many_of_one_connection(self) -> None:
        self.send()
        waiting = [self.wait(ms=5000) for _ in range(MOST_WAITS)]
        error = self.refused("agent.wait", runId="r1", timeoutMs=5000)
        self.assertEqual((error["code"], error["retryable"]), ("UNAVAILABLE", True))
        self.call.answer("x")
        self.assertTrue(all(len(answers) == 1 for answers in waiting))
        self.assertEqual(self.ok("agent.wait", runId="r1", timeoutMs=0)["status"], "ok")

    def test_an_agent_that_there_is_not(self) -> None:
        error = self.refused("agent", message="x", idempotencyKey="k", agentId="ghost")
        self.assertIn('unknown agent id "ghost"', error["message"])

    def test_a_journal_that_cannot_be_read(self) -> None:
        self.world.store.failing = {"find_run"}
        (answer,) = self.wait()
        self.assertEqual(answer["error"]["message"], "disk full")
        self.assertEqual(self.world.clock.getDelayedCalls(), [])
        self.assertEqual(self.world.conversations._waiting, {})

    def test_an_end_that_cannot_be_stored(self) -> None:
        self.send()
        answers = self.wait(ms=10_000)
        self.world.store.failing = {"store_ending"}
        self.call.answer("x")
        self.world.give_up_storing()
        self.assertEqual(answers[0]["error"]["code"], "UNAVAILABLE")


class AbortTests(ChatCase):
    def test_the_event_then_the_answer(self) -> None:
        self.send()
        order: list[str] = []
        self.world.heard.on_event = lambda event, payload: order.append(
            f"{event} {payload.get('state', '')} {len(answers)}"
        )
        answers: Sequence[Any] = ()
        answers = self.request("chat.abort", sessionKey="main", runId="r1")
        self.assertIn("chat aborted 0", order)
        self.assertEqual(answers[0]["payload"], {"ok": True, "aborted": True, "runIds": ["r1"]})

    def test_nothing_runs(self) -> None:
        nothing = {"ok": True, "aborted": False, "runIds": []}
        self.assertEqual(self.ok("chat.abort", sessionKey="main"), nothing)
        self.assertEqual(self.ok("chat.abort", sessionKey="main", runId="never"), nothing)
        self.send()
        self.assertEqual(self.ok("chat.abort", sessionKey="other", runId="r1"), nothing)

    def test_a_queued_input(self) -> None:
        self.send()
        self.send("r2")
        answer = self.ok("chat.abort", sessionKey="main", runId="r2")
        self.assertEqual(answer["runIds"], ["r2"])
        self.assertEqual(self.world.heard.states("r2"), ["aborted"])
        self.assertEqual(self.world.runs.active(), ("r1",))

    def test_a_key_that_is_none(self) -> None:
        self.assertEqual(self.refused("chat.abort", sessionKey="a/b")["code"], "INVALID_REQUEST")


class HistoryTests(ChatCase):
    def test_startup_is_history(self) -> None:
        self.send()
        self.call.answer("Hi.")
        startup, history = (
            self.ok(method, sessionKey="main", limit=50)
            for method in ("chat.startup", "chat.history")
        )
        self.assertEqual(startup, history)
        self.assertEqual([one["role"] for one in history["messages"]], ["user", "assistant"])
        for name in ("sessionId", "deltaCursor", "defaults", "sessionInfo", "pendingInputs"):
            self.assertIn(name, history)

    def test_an_unknown_session_is_empty(self) -> None:
        history = self.ok("chat.startup", sessionKey="agent:main:never")
        self.assertEqual(history["messages"], [])
        self.assertNotIn("sessionId", history)
        self.assertIs(history["sessionInfo"]["updatedAt"], None)

    def test_metadata(self) -> None:
        metadata = self.ok("chat.metadata", sessionKey="main")
        self.assertEqual([one["id"] for one in metadata["models"]], ["mock-1", "mock-2"])
        self.assertEqual([one["name"] for one in metadata["commands"]], ["help"])
