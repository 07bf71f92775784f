"""Runs from input to end: events, abort, deadline, failures; afterwards the lane is free."""

from collections.abc import Collection, Mapping
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer
from zope.interface.verify import verifyObject

from openclaw.errors import InvalidRequest, ModelError, StoreError
from openclaw.interfaces.agents import RunOutcome, Usage
from openclaw.interfaces.conversations import IRunner, IRuns
from openclaw.interfaces.skills import ISkills
from openclaw.protocol.schema.sessions import PatchParams, ToolOverrides
from tests.sessions.rig import COMMANDS, MAIN, MODEL, OTHER, Call, HeldStore, WorldCase

START = ("agent", "lifecycle", "start")
MODEL_STEP = ("agent", "lifecycle", "model")
STARTING = [("agent", "run_status", "starting_model"), ("chat", "status", "starting_model")]
WORDS = [("agent", "assistant", ""), ("chat", "delta", "")]
USAGE = ("agent", "usage", "")
FINISHING = ("agent", "lifecycle", "finishing")
END = ("agent", "lifecycle", "end")
ERROR = ("agent", "lifecycle", "error")


class Deaf(Deferred[RunOutcome]):
    """A run that nobody can stop."""

    def cancel(self) -> None:
        """Do nothing about it."""


class RunsCase(WorldCase):
    def start_run(self, run_id: str = "r1", **more: Any) -> Call:
        self.successResultOf(self.world.accept(run_id, **more))
        self.world.turn()
        return self.world.call

    def told(self, run_id: str = "r1") -> list[tuple[str, str, str]]:
        """Every event of a run in short form, in order."""
        return [
            (name, one.get("stream") or one["state"], self.phase(name, one))
            for name, one in self.world.heard.events
            if name in ("agent", "chat") and one["runId"] == run_id
        ]

    def phase(self, name: str, payload: dict[str, Any]) -> str:
        data = payload["data"] if name == "agent" else payload
        return str(data.get("phase", ""))

    def last_chat(self, run_id: str = "r1") -> dict[str, Any]:
        found: dict[str, Any] = self.world.heard.of("chat", run_id)[-1]
        return found

    def check_free(self) -> None:
        """Nothing of the run is left, and the lane takes the next input at once."""
        self.assertEqual(self.world.runs.active(), ())
        self.assertEqual(self.world.clock.getDelayedCalls(), [])
        self.start_run("after")
        self.assertEqual(self.world.call.request.run_id, "after")
        self.world.call.answer("x")
        self.assertEqual(self.world.heard.states("after")[-1], "final")


class EventOrderTests(RunsCase):
    """Golden lists: the order clients were measured to rely on."""

    def test_provides_the_interfaces(self) -> None:
        self.assertTrue(verifyObject(IRuns, self.world.runs))
        self.assertTrue(verifyObject(IRunner, self.world.runs))

    def test_done(self) -> None:
        self.start_run().answer("Hel", "lo.", usage=Usage(10, 5))
        self.assertEqual(
            self.told(),
            [
                START,
                *STARTING,
                MODEL_STEP,
                *WORDS,
                *WORDS,
                USAGE,
                FINISHING,
                END,
                ("chat", "final", ""),
            ],
        )
        self.assertEqual(self.transcript(), [("user", "r1"), ("assistant", "Hello.")])
        self.check_free()

    def test_a_run_of_agent_has_no_preparations(self) -> None:
        self.start_run(kind="agent").answer("x")
        self.assertEqual(
            self.told(), [START, MODEL_STEP, *WORDS, FINISHING, END, ("chat", "final", "")]
        )

    def test_numbers_are_shared_and_have_no_holes(self) -> None:
        self.start_run().answer("a", "b", usage=Usage(1, 2))
        numbers = [one["seq"] for one in self.world.heard.of("agent", "r1")]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        highest = 0
        for name, one in self.world.heard.events:
            if name == "agent":
                highest = one["seq"]
            elif name == "chat":
                self.assertEqual(one["seq"], highest)

    def test_what_the_steps_say(self) -> None:
        call = self.start_run()
        self.world.clock.advance(1.5)
        call.answer("x", usage=Usage(10, 5))
        agent = {
            (one["stream"], one["data"].get("phase")): one["data"]
            for one in self.world.heard.of("agent", "r1")
        }
        began, ended = 1_800_000_000_000, 1_800_000_001_500
        self.assertEqual(agent["lifecycle", "start"], {"phase": "start", "startedAt": began})
        self.assertEqual(
            agent["lifecycle", "model"], {"phase": "model", "provider": "mock", "model": "mock-1"}
        )
        self.assertEqual(agent["usage", None], {"outputTokens": 5})
        self.assertEqual(
            agent["lifecycle", "end"],
            {
                "phase": "end",
                "startedAt": began,
                "endedAt": ended,
                "aborted": False,
                "stopReason": "stop",
            },
        )

    def test_every_event_names_its_session(self) -> None:
        self.start_run(key="agent:ops:main").answer("x")
        session = self.world.index.get("agent:ops:main")
        assert session is not None
        for one in self.world.heard.of("agent"):
            self.assertEqual(
                (one["sessionKey"], one["agentId"], one["sessionId"]),
                ("agent:ops:main", "ops", session.session_id),
            )
        for one in self.world.heard.of("chat"):
            self.assertEqual((one["sessionKey"], one["agentId"]), ("agent:ops:main", "ops"))

    def test_the_final_text_is_the_sum_of_the_deltas_and_what_is_kept(self) -> None:
        self.start_run().answer("Grüße ", "aus ", "日本 ", "👋")
        deltas = [
            one["deltaText"] for one in self.world.heard.of("chat") if one["state"] == "delta"
        ]
        final = self.last_chat()["message"]
        self.assertEqual("".join(deltas), final["content"][0]["text"])
        self.assertEqual(final, self.messages()[1], "with its id and place")

    def test_error(self) -> None:
        call = self.start_run()
        call.sink.model_started("mock", "mock-1")
        call.sink.delta("half")
        call.done.errback(ModelError("upstream says no", kind="rate_limit", provider="mock"))
        self.assertEqual(
            self.told(),
            [
                START,
                *STARTING,
                MODEL_STEP,
                *WORDS,
                FINISHING,
                ERROR,
                ("chat", "error", ""),
            ],
        )
        told = self.last_chat()
        self.assertEqual(
            (told["errorMessage"], told["errorKind"], told["errorDetail"]),
            (
                "upstream says no",
                "rate_limit",
                {"provider": "mock", "model": "mock-1", "failoverReason": "rate_limit"},
            ),
        )
        self.assertEqual(self.transcript()[1], ("assistant", "half"))
        self.assertEqual(self.messages()[1]["errorMessage"], "upstream says no")
        self.assertEqual(self.world.counted, ["failed"])
        self.check_free()

    def test_timeout(self) -> None:
        self.start_run(timeout_seconds=5).sink.delta("half")
        self.world.clock.advance(4.9)
        self.assertEqual(len(self.world.runs.active()), 1)
        self.world.clock.advance(0.1)
        self.assertEqual(
            self.told(), [START, *STARTING, *WORDS, FINISHING, ERROR, ("chat", "error", "")]
        )
        told = self.last_chat()
        self.assertEqual(
            (told["errorMessage"], told["errorKind"]), ("no answer within 5 s", "timeout")
        )
        receipt = self.say("r1")
        assert receipt.record is not None
        final = receipt.record.final
        self.assertEqual((final.status, final.summary), ("timeout", "aborted"))
        assert final.result
        self.assertEqual(final.result.payloads[0].text, "half")
        self.check_free()

    def test_the_configured_time_holds_for_runs_that_name_none(self) -> None:
        for seconds in (None, 0):
            call = self.start_run(f"r-{seconds}", timeout_seconds=seconds)
            self.assertEqual(call.request.timeout_seconds, 600)
            self.world.clock.advance(600)
            self.assertEqual(self.world.heard.states(f"r-{seconds}")[-1], "error")

    def test_no_run_lasts_longer_than_a_day(self) -> None:
        call = self.start_run(timeout_seconds=1e9)
        self.assertEqual(call.request.timeout_seconds, 86_400)
        self.world.clock.advance(86_400)
        self.check_free()


class AbortTests(RunsCase):
    def abort(self, run_id: str | None = None, key: str = MAIN) -> list[str]:
        aborting: Deferred[Any] = self.world.runs.abort(key, run_id)
        return list(self.successResultOf(aborting))

    def test_before_the_first_words(self) -> None:
        call = self.start_run()
        self.assertEqual(self.abort("r1"), ["r1"])
        self.assertEqual(self.told(), [START, *STARTING, FINISHING, END, ("chat", "aborted", "")])
        self.assertEqual(self.last_chat()["stopReason"], "rpc")
        self.assertNotIn("message", self.last_chat())
        self.assertEqual(call.cancelled, 1)
        self.assertEqual(self.transcript(), [("user", "r1")])
        self.assertEqual(self.world.counted, ["aborted"])
        self.check_free()

    def test_after_words_were_shown(self) -> None:
        self.start_run().sink.delta("half")
        self.assertEqual(self.abort(), ["r1"])
        self.assertEqual(
            self.told(), [START, *STARTING, *WORDS, FINISHING, END, ("chat", "aborted", "")]
        )
        self.assertEqual(self.last_chat()["message"]["content"][0]["text"], "half")
        self.assertEqual(self.transcript(), [("user", "r1"), ("assistant", "half")])
        ends = [one["data"] for one in self.world.heard.of("agent") if "aborted" in one["data"]]
        self.assertEqual([one["aborted"] for one in ends], [True])
        self.check_free()

    def test_the_event_comes_before_the_answer(self) -> None:
        self.start_run()
        self.world.store.holding = True
        aborting = self.world.runs.abort(MAIN, "r1")
        seen: list[str] = []
        aborting.addCallback(lambda _: seen.append(self.last_chat()["state"]))
        self.assertNoResult(aborting)
        self.world.store.release()
        self.assertEqual(seen, ["aborted"])

    def test_the_lane_is_free_when_it_is_answered(self) -> None:
        self.start_run()
        self.say("r2")
        seen: list[object] = []
        self.world.runs.abort(MAIN, "r1").addCallback(
            lambda _: seen.append(self.world.runs.active())
        )
        self.assertEqual(seen, [()])
        self.world.turn()
        self.assertEqual(self.world.runs.active(), ("r2",))

    def test_a_runtime_that_ignores_it(self) -> None:
        deaf = Deaf()
        self.world.runtime.on_run = lambda call: setattr(call, "done", deaf)
        call = self.start_run()
        call.sink.delta("half")
        self.assertEqual(self.abort("r1"), ["r1"])
        before = len(self.world.heard.events)
        call.sink.delta("late")
        call.sink.model_started("mock", "late")
        deaf.callback(RunOutcome("late"))
        self.assertEqual(len(self.world.heard.events), before)
        self.assertEqual(self.transcript(), [("user", "r1"), ("assistant", "half")])
        self.world.runtime.on_run = lambda call: None
        self.check_free()

    def test_nothing_runs(self) -> None:
        self.assertEqual(self.abort(), [])
        self.assertEqual(self.abort("r1"), [])
        self.start_run()
        self.assertEqual(self.abort("another"), [])
        self.assertEqual(self.abort("r1", "agent:main:b"), [])
        self.assertEqual(self.world.runs.active(), ("r1",))

    def test_without_an_id_what_waits_goes_on(self) -> None:
        self.start_run()
        self.say("r2")
        self.assertEqual(self.abort(), ["r1"])
        self.world.turn()
        self.assertEqual(self.world.runs.active(), ("r2",))

    def test_an_input_that_waits(self) -> None:
        self.start_run()
        self.say("r2")
        self.assertEqual(self.abort("r2"), ["r2"])
        self.assertEqual(self.world.heard.states("r2"), ["aborted"])
        self.world.call.answer("x")
        self.world.turn()
        self.assertEqual(len(self.world.runtime.calls), 1)

    def test_a_run_that_has_just_ended_is_not_said_to_be_aborted(self) -> None:
        self.start_run()
        self.world.store.holding = True
        self.world.call.finish("x")
        aborting = self.world.runs.abort(MAIN, "r1")
        self.world.store.release()
        self.assertEqual(self.successResultOf(aborting), [])
        self.assertEqual(self.last_chat()["state"], "final")

    def test_twice(self) -> None:
        self.start_run()
        self.world.store.holding = True
        first, second = (self.world.runs.abort(MAIN, "r1") for _ in range(2))
        self.world.store.release()
        self.world.store.release()
        self.assertEqual(self.successResultOf(first), ["r1"])
        self.assertEqual(self.successResultOf(second), [])
        self.assertEqual(self.world.heard.states("r1").count("aborted"), 1)

    def test_while_the_end_cannot_be_stored(self) -> None:
        self.start_run()
        self.world.store.failing = {"store_ending"}
        stopping = self.world.runs.abort(MAIN, "r1")
        self.assertNoResult(stopping)
        self.world.give_up_storing()
        self.assertEqual(self.successResultOf(stopping), ["r1"])
        self.assertEqual(self.last_chat()["state"], "error")
        self.world.store.failing = set()
        self.check_free()


class FailureTests(RunsCase):
    def test_a_runtime_with_a_bug(self) -> None:
        self.start_run().done.errback(ZeroDivisionError("secret detail"))
        self.assertEqual(self.last_chat()["errorMessage"], "the runtime failed")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.check_free()

    def test_a_runtime_that_raises(self) -> None:
        def broken(call: Call) -> None:
            raise RuntimeError("at once")

        self.world.runtime.on_run = broken
        self.start_run()
        self.assertEqual(self.last_chat()["errorMessage"], "the runtime failed")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.world.runtime.on_run = lambda call: None
        self.check_free()

    def test_a_runtime_that_goes_on_after_its_end(self) -> None:
        call = self.start_run()
        call.answer("all")
        before = len(self.world.heard.events)
        call.sink.delta("more")
        call.sink.model_started("mock", "again")
        self.assertEqual(len(self.world.heard.events), before)
        self.check_free()

    def test_the_first_words_cannot_be_recorded(self) -> None:
        call = self.start_run()
        self.world.store.failing = {"mark_shown"}
        call.sink.delta("never seen")
        self.assertEqual(call.cancelled, 1)
        self.assertEqual(self.world.heard.states("r1"), ["status", "error"])
        self.assertEqual(self.last_chat()["errorMessage"], "disk full")
        self.world.store.failing = set()
        self.check_free()

    def test_the_end_cannot_be_stored(self) -> None:
        self.start_run()
        ended = self.world.conversations.ended("r1")
        self.world.store.failing = {"store_ending"}
        self.world.call.answer("x")
        self.assertNoResult(ended)
        self.world.give_up_storing()
        self.assertEqual(self.world.store.ran.count("store_ending"), 3)
        self.assertEqual(
            self.told()[-3:], [FINISHING, ERROR, ("chat", "error", "")], "everybody is told"
        )
        self.assertEqual(self.last_chat()["errorKind"], "store")
        self.failureResultOf(ended, StoreError)
        self.assertEqual(self.world.counted, ["failed"])
        self.world.store.failing = set()
        self.check_free()

    def test_the_end_can_be_stored_a_moment_later(self) -> None:
        for number, seconds in enumerate((1.0, 2.0)):
            self.start_run(f"r{number}")
            ended = self.world.conversations.ended(f"r{number}")
            self.world.store.failing = {"store_ending"}
            self.world.call.answer("x")
            if number:
                self.world.clock.advance(1.0)
            self.world.store.failing = set()
            self.world.clock.advance(seconds - 0.1)
            self.assertNoResult(ended)
            self.world.clock.advance(0.1)
            self.assertEqual(self.successResultOf(ended).final.status, "ok")
            self.assertEqual(self.last_chat(f"r{number}")["state"], "final")
        self.assertEqual(self.transcript()[1::2], [("assistant", "x")] * 2)
        self.check_free()

    def test_an_end_that_was_stored_although_it_failed_is_not_stored_twice(self) -> None:
        self.start_run()
        inner, world = self.world.store.inner, self.world

        def stored_and_lost(function: Any, /, **arguments: Any) -> Deferred[Any]:
            if function.__name__ != "store_ending" or world.store.ran.count("lost"):
                return HeldStore.run(world.store, function, **arguments)
            world.store.ran.append("lost")
            self.successResultOf(inner.run(function, **arguments))
            return fail(StoreError("disk in trouble"))

        world.store.run = stored_and_lost  # type: ignore[method-assign]
        self.world.call.answer("x", usage=Usage(10, 5))
        self.world.clock.advance(1.0)
        self.assertEqual(self.last_chat()["state"], "final")
        self.assertEqual(self.transcript(), [("user", "r1"), ("assistant", "x")])
        row = self.row()
        self.assertEqual((row.message_count, row.input_tokens), (2, 10))
        used = self.successResultOf(inner.read(lambda tx: tx.rows("select run_id from usage")))
        self.assertEqual(used, [("r1",)])

    def test_the_conversation_cannot_be_read(self) -> None:
        self.world.store.failing = {"read_turns"}
        self.successResultOf(self.world.accept("r1"))
        self.world.turn()
        self.assertEqual(self.last_chat()["errorMessage"], "disk full")
        self.world.store.failing = set()
        self.check_free()

    def test_a_listener_that_breaks(self) -> None:
        """A bug in telling ends this run, not the lane."""

        def broken(event: str, payload: Any) -> None:
            if payload.get("state") == "final":
                raise RuntimeError("listener")

        self.start_run()
        self.world.heard.on_event = broken
        self.world.call.answer("x")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.world.heard.on_event = lambda event, payload: None
        self.assertEqual(self.transcript(), [("user", "r1"), ("assistant", "x")])
        self.check_free()

    def test_a_model_that_is_gone(self) -> None:
        def gone(ref: str = "", agent_id: str = "") -> None:
            raise InvalidRequest("unknown model 'x/y'")

        self.world.runs._models = type("Models", (), {"resolve": staticmethod(gone)})()
        self.successResultOf(self.world.accept("r1"))
        self.world.turn()
        self.assertEqual(self.last_chat()["errorMessage"], "unknown model 'x/y'")
        self.assertEqual(self.world.runs.active(), ())


class RequestTests(RunsCase):
    """What the runtime is asked."""

    def test_the_sessions_own_model(self) -> None:
        self.start_run().answer("x")
        self.assertEqual(self.world.call.request.model, MODEL)
        patch = PatchParams(key=MAIN, model=OTHER.ref)
        self.successResultOf(self.world.conversations.patch(patch))
        self.assertEqual(self.start_run("r2").request.model, OTHER)

    def test_commands_are_answered_by_the_gateway(self) -> None:
        self.successResultOf(self.world.accept("r1", "/help"))
        self.successResultOf(self.world.accept("r2", "/not-a-command"))
        self.world.turn()
        self.assertEqual(self.world.runtime.calls, [])
        (command,) = self.world.commands.calls
        self.assertEqual(command.request.model, COMMANDS)
        command.answer("Help.")
        self.world.turn()
        self.assertEqual(self.world.call.request.run_id, "r2")

    def test_usage_is_kept(self) -> None:
        self.start_run().answer("x", usage=Usage(10, 5))
        self.start_run("r2").answer("x", usage=Usage(1, 1))
        row = self.world.conversations.row(MAIN)
        assert row is not None
        self.assertEqual((row.input_tokens, row.output_tokens), (11, 6))
        self.assertEqual(self.messages()[1]["usage"], {"input": 10, "output": 5, "totalTokens": 15})


@implementer(ISkills)
class Knowing:
    """Skills that are told and nothing else."""

    def prompt(
        self, agent_id: str, without: Collection[str] = (), as_files: bool = False
    ) -> Deferred[str]:
        """What this agent knows."""
        files = ["in files"] if as_files else []
        return succeed(" ".join([f"{agent_id} can knit", *files, *sorted(without)]))

    def environment(
        self, agent_id: str, without: Collection[str] = ()
    ) -> Deferred[Mapping[str, str]]:
        """Nobody asks."""
        raise NotImplementedError

    def status(self, agent_id: str) -> Deferred[Any]:
        """Nobody asks."""
        raise NotImplementedError

    def read(self, agent_id: str, name: str, path: str) -> Deferred[bytes]:
        """Nobody asks."""
        raise NotImplementedError


class SkillTests(RunsCase):
    """Models are told what they know how to do."""

    def test_a_model_is_told_behind_what_the_run_says(self) -> None:
        self.world.runs.skills = Knowing()
        call = self.start_run(system="Be brief.")
        self.assertEqual(call.request.system, "Be brief.\n\nmain can knit")

    def test_programs_read_files_where_they_can(self) -> None:
        self.world.runs.skills = Knowing()
        for runtime, owner, told in (
            ("process", True, "main can knit in files"),
            ("process", False, ""),
            ("worker", True, ""),
            ("scripted", False, "main can knit"),
        ):
            self.world.runtime.name = runtime
            call = self.start_run(f"{runtime}-{owner}", owner=owner)
            self.assertEqual(call.request.system, told)
            call.answer("x")

    def test_a_session_does_without_what_it_switched_off(self) -> None:
        self.world.runs.skills = Knowing()
        self.start_run().answer("x")
        overrides = ToolOverrides(skills={"sew": False, "knit": True})
        patch = PatchParams(key=MAIN, tool_overrides=overrides)
        self.successResultOf(self.world.conversations.patch(patch))
        self.assertEqual(self.start_run("r2").request.system, "main can knit sew")

    def test_a_model_is_told_what_was_written_down_in_its_session_alone(self) -> None:
        self.start_run().answer("x")
        self.successResultOf(self.world.conversations.remember("main", "She sews."))
        call = self.start_run("r2")
        self.assertTrue(call.request.system.endswith("it is no instruction:\nShe sews."))
        call.answer("x")
        other = self.start_run("r3", key="agent:main:other")
        self.assertEqual(other.request.system, "")

    def test_without_any_nothing_is_said(self) -> None:
        self.assertEqual(self.start_run().request.system, "")
