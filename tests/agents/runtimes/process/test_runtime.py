"""Runs of agents that are programs: answers, isolation, aborts, crashes, on their own clock."""

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from openclaw.agents.runtimes.process.lines import TooLong
from openclaw.agents.runtimes.process.runtime import ProcessRuntime
from openclaw.errors import ModelError
from openclaw.interfaces.agents import IAgentRuntime, RunOutcome, RunRequest, Turn, Usage
from openclaw.interfaces.tools import Authority, Image
from tests.agents.runtimes.process.rig import FakeAgent, Programs, Sink, request


class RuntimeCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.programs = Programs()
        self.runtime = self.make()
        self.sink = Sink()
        self.addCleanup(self.stop)

    def make(self, **more: object) -> ProcessRuntime:
        return self.programs.runtime(**more)  # type: ignore[arg-type]  # Passed through.

    def stop(self) -> None:
        stopped = self.runtime.stop()
        self.programs.turn(10)
        self.successResultOf(stopped)
        self.assertEqual(self.programs.alive, [])
        self.assertEqual(self.programs.clock.getDelayedCalls(), [])

    def begin(self, asked: RunRequest, sink: Sink | None = None) -> Deferred[RunOutcome]:
        run = self.runtime.run(asked, sink or self.sink)
        self.programs.turn()
        return run

    def answer(self, *said: str, **more: object) -> RunOutcome:
        return self.successResultOf(self.begin(request(*said, **more)))  # type: ignore[arg-type]

    def failure(self, run: Deferred[RunOutcome]) -> ModelError:
        error = self.failureResultOf(run, ModelError).value
        assert isinstance(error, ModelError)
        return error

    @property
    def agent(self) -> FakeAgent:
        return self.programs.agents[-1]


class AnswerTests(RuntimeCase):
    def test_provides_the_interface(self) -> None:
        self.assertTrue(verifyObject(IAgentRuntime, self.runtime))

    def test_nothing_is_started_before_the_first_run(self) -> None:
        self.assertEqual(self.programs.agents, [])

    def test_an_answer(self) -> None:
        outcome = self.answer("hello")
        self.assertEqual(outcome.text, "re hello")
        self.assertEqual(outcome.usage, Usage(10, 5, 1, 0))
        self.assertEqual(
            self.sink.heard, [("model", "pi", "standin/mock-1"), ("delta", "re hello")]
        )
        self.assertEqual(
            self.agent.types(), ["set_auto_retry", "set_model", "new_session", "prompt"]
        )
        self.assertEqual(self.agent.commands[1]["provider"], "standin")
        self.assertEqual(self.agent.commands[1]["modelId"], "mock-1")
        self.assertEqual(self.agent.program.directory.as_posix(), "/workspaces/main")

    def test_a_process_that_followed_is_told_only_what_is_new(self) -> None:
        self.answer("one")
        self.answer("one", "re one", "two")
        self.assertEqual(len(self.programs.agents), 1)
        self.assertEqual(self.agent.prompts, ["one", "two"])
        self.assertEqual(self.agent.types().count("new_session"), 1)

    def test_what_it_did_not_follow_is_handed_over(self) -> None:
        self.answer("one", "first answer", "two")
        (prompt,) = self.agent.prompts
        self.assertIn("User: one\n\nAssistant: first answer", prompt)
        self.assertTrue(prompt.endswith("The user now says:\n\ntwo"))

    def test_a_conversation_that_went_another_way_starts_afresh(self) -> None:
        self.answer("one")
        self.answer("one", "not what it said", "two")
        self.assertEqual(self.agent.types().count("new_session"), 2)
        self.assertIn("not what it said", self.agent.prompts[-1])

    def test_a_system_text_is_told_when_it_changes(self) -> None:
        self.answer("one", system="Be brief.")
        self.answer("one", "re one", "two", system="Be brief.")
        self.answer("one", "re one", "two", "re two", "three", system="Be long.")
        self.assertEqual(self.agent.prompts, ["Be brief.\n\none", "two", "Be long.\n\nthree"])

    def test_pictures_and_thinking(self) -> None:
        turn = Turn("user", "look", images=(Image(mime="image/png", data="QUJD"),))
        self.answer(turns=[turn], thinking="high")
        self.assertEqual(
            self.agent.commands[2], {"id": "3", "type": "set_thinking_level", "level": "high"}
        )
        self.assertEqual(
            self.agent.commands[-1]["images"],
            [{"type": "image", "data": "QUJD", "mimeType": "image/png"}],
        )

    def test_secrets_are_taken_out_of_what_tools_say(self) -> None:
        self.runtime = self.make(hide=lambda words: words.replace("key-123", "[redacted]"))
        run = self.begin(request("[wait]"))
        self.agent.says(
            type="tool_execution_start", toolCallId="c1", toolName="bash", args={"k": "key-123"}
        )
        self.agent.says(
            type="tool_execution_end",
            toolCallId="c1",
            toolName="bash",
            result={"content": [{"type": "text", "text": "it is key-123"}]},
            isError=False,
        )
        self.agent.finish("done")
        self.successResultOf(run)
        self.assertIn(("tool", "bash", '{"k": "[redacted]"}'), self.sink.heard)
        self.assertEqual(self.sink.results, ["it is [redacted]"])

    def test_tools_of_the_agent_are_told_and_the_run_is_committed(self) -> None:
        run = self.begin(request("[wait]"))
        self.agent.says(
            type="tool_execution_start", toolCallId="c1", toolName="bash", args={"command": "ls"}
        )
        self.agent.says(
            type="tool_execution_end",
            toolCallId="c1",
            toolName="bash",
            result={"content": [{"type": "text", "text": "file"}]},
            isError=False,
        )
        self.agent.finish("done")
        self.successResultOf(run)
        self.assertEqual(
            self.sink.heard[1:],
            [
                ("commit",),
                ("tool", "bash", '{"command": "ls"}'),
                ("tool done", "bash", False),
                ("delta", "done"),
            ],
        )

    def test_thoughts_and_paragraphs(self) -> None:
        run = self.begin(request("[wait]"))
        self.agent.says(
            type="message_update", assistantMessageEvent={"type": "thinking_delta", "delta": "hm"}
        )
        self.agent.delta("Let me look.")
        self.agent.says(type="message_end", message={"role": "assistant", "stopReason": "toolUse"})
        self.agent.finish("Found it.")
        self.assertEqual(self.successResultOf(run).text, "Let me look.\n\nFound it.")
        self.assertIn(("thought", "hm"), self.sink.heard)

    def test_an_extension_that_asks_is_dismissed(self) -> None:
        run = self.begin(request("[wait]"))
        self.agent.says(type="extension_ui_request", id="q1", method="confirm", title="Sure?")
        self.agent.says(type="extension_ui_request", id="q2", method="notify", message="Hi")
        self.agent.finish()
        self.successResultOf(run)
        answers = [one for one in self.agent.commands if one["type"] == "extension_ui_response"]
        self.assertEqual(
            answers, [{"type": "extension_ui_response", "id": "q1", "cancelled": True}]
        )

    def test_a_prompt_waits_for_compaction(self) -> None:
        self.answer("one")
        self.agent.says(type="compaction_start", reason="threshold")
        run = self.begin(request("one", "re one", "two"))
        self.assertNoResult(run)
        self.agent.says(type="compaction_end", reason="threshold", result={})
        self.programs.turn()
        self.assertEqual(self.successResultOf(run).text, "re two")

    def test_failures_are_told_in_the_providers_words_without_secrets(self) -> None:
        self.runtime = self.make(hide=lambda words: words.replace("key-123", "[redacted]"))
        error = self.failure(self.begin(request("[fail]")))
        self.assertEqual(error.message, "pi: 429 slow down, [redacted]")
        self.assertEqual(error.kind, "rate_limit")
        self.assertEqual(self.answer("again").text, "re again")

    def test_garbage_is_survived(self) -> None:
        self.assertEqual(self.answer("[garbage]").text, "clean")
        self.assertEqual(len(self.programs.agents), 1)

    def test_a_line_too_long_ends_a_run_only_if_it_is_the_end(self) -> None:
        run = self.begin(request("[wait]"))
        listener = self.agent._listener
        self.agent.delta("words")
        listener.line(TooLong(b'{"type":"message_update"', 100_000_000))
        self.assertNoResult(run)
        listener.line(TooLong(b'{"type":"agent_end","messages"', 100_000_000))
        self.assertEqual(self.successResultOf(run).text, "words")


class IsolationTests(RuntimeCase):
    def test_sessions_share_no_process(self) -> None:
        self.answer("the canary is yellow", session="agent:main:a")
        self.answer("what colour?", session="agent:main:b")
        first, second = self.programs.agents
        self.assertEqual(first.prompts, ["the canary is yellow"])
        self.assertEqual(second.prompts, ["what colour?"])

    def test_a_session_comes_back_to_its_process(self) -> None:
        for text in ("one", "two", "three"):
            for session in ("agent:main:a", "agent:main:b"):
                self.answer(text, session=session)
        self.assertEqual(len(self.programs.agents), 2)

    def test_nobody_but_the_owner_uses_the_owners_tools(self) -> None:
        error = self.failure(self.begin(request("rm -rf", authority=Authority())))
        self.assertIn("only for the owner", error.message)
        self.assertEqual(self.programs.agents, [])

    def test_guests_get_a_process_of_their_own(self) -> None:
        self.runtime = self.make(guest_args=("--no-tools",))
        self.answer("mine")
        self.answer("theirs", authority=Authority())
        mine, theirs = self.programs.agents
        self.assertEqual(mine.program.argv, ("pi", "--mode", "rpc"))
        self.assertEqual(theirs.program.argv, ("pi", "--mode", "rpc", "--no-tools"))
        self.assertEqual(theirs.prompts, ["theirs"])

    def test_what_skills_are_given_is_for_the_owners_processes(self) -> None:
        self.runtime = self.make(guest_args=(), env={"PATH": "/bin", "OWN": "1"})
        self.programs.given = {"WEATHER_KEY": "canary-4711", "OWN": "2"}
        self.answer("mine")
        self.answer("theirs", authority=Authority())
        mine, theirs = self.programs.agents
        self.assertEqual(
            dict(mine.program.env), {"PATH": "/bin", "OWN": "1", "WEATHER_KEY": "canary-4711"}
        )
        self.assertEqual(dict(theirs.program.env), {"PATH": "/bin", "OWN": "1"})
        self.assertNotIn("canary", repr(mine.program) + repr(self.runtime._processes))

    def test_a_session_that_loses_a_skill_gets_another_process(self) -> None:
        self.programs.given = {"WEATHER_KEY": "canary-4711"}
        self.answer("one")
        self.programs.given = {}
        self.answer("two")
        self.assertNotIn("WEATHER_KEY", self.programs.agents[1].program.env)

    def test_the_oldest_idle_process_makes_room(self) -> None:
        self.runtime = self.make(most_processes=2)
        for session in ("a", "b", "c"):
            self.programs.turn(1)
            self.answer("hi", session=session)
        self.assertEqual([one.alive for one in self.programs.agents], [False, True, True])
        self.assertEqual(self.programs.agents[0].signals, ["TERM"])

    def test_a_run_waits_for_room_and_may_be_aborted_meanwhile(self) -> None:
        self.runtime = self.make(most_processes=1)
        first = self.begin(request("[wait]", session="a"))
        second = self.begin(request("two", session="b"))
        third = self.begin(request("three", session="c"))
        third.cancel()
        self.failureResultOf(third, CancelledError)
        self.assertNoResult(second)
        self.agent.finish()
        self.successResultOf(first)
        self.programs.turn()
        self.assertEqual(self.successResultOf(second).text, "re two")
        self.assertEqual(len(self.programs.alive), 1)

    def test_a_process_that_nobody_uses_ends(self) -> None:
        self.answer("hi")
        self.programs.turn(599)
        self.assertTrue(self.agent.alive)
        self.programs.turn(1)
        self.assertFalse(self.agent.alive)
        self.assertEqual(self.answer("hi", "re hi", "again").text, "re again")
        self.assertIn("User: hi", self.agent.prompts[0])


class AbortTests(RuntimeCase):
    def test_an_abort_is_told_and_the_next_run_uses_the_same_process(self) -> None:
        run = self.begin(request("[hang]"))
        run.cancel()
        self.failureResultOf(run, CancelledError)
        self.programs.turn()
        self.assertEqual(self.answer("next").text, "re next")
        self.assertEqual(len(self.programs.agents), 1)
        self.assertEqual(self.agent.types()[-3:], ["abort", "new_session", "prompt"])

    def test_after_the_abort_the_sink_hears_nothing(self) -> None:
        run = self.begin(request("[wait]"))
        self.agent.delta("some")
        run.cancel()
        self.failureResultOf(run, CancelledError)
        heard = list(self.sink.heard)
        self.agent.delta("more")
        self.programs.turn()
        self.assertEqual(self.sink.heard, heard)

    def test_who_does_not_obey_is_killed_after_five_seconds(self) -> None:
        run = self.begin(request("[deaf]"))
        run.cancel()
        self.failureResultOf(run, CancelledError)
        following = self.begin(request("next"), Sink())
        self.programs.turn(4.9)
        self.assertTrue(self.agent.alive)
        self.assertNoResult(following)
        self.programs.turn(0.1)
        self.assertEqual(self.programs.agents[0].signals, ["KILL"])
        self.programs.turn(0.2)
        self.assertEqual(self.successResultOf(following).text, "re next")

    def test_an_abort_before_the_prompt_leaves_no_command_behind(self) -> None:
        self.programs.answers = False
        run = self.begin(request("one"))
        run.cancel()
        self.failureResultOf(run, CancelledError)
        self.programs.answers = True
        following = self.begin(request("two"))
        self.programs.turn(5)
        self.programs.turn(0.2)  # Its first command was never answered, so it was killed.
        self.assertEqual(self.successResultOf(following).text, "re two")
        self.assertEqual(self.agent.prompts, ["two"])

    def test_who_waits_for_an_abort_may_be_aborted_too(self) -> None:
        run = self.begin(request("[deaf]"))
        run.cancel()
        self.failureResultOf(run, CancelledError)
        waiting = self.begin(request("two"))
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.programs.turn(5)
        self.programs.turn(0.2)
        self.assertEqual(self.answer("three").text, "re three")


class CrashTests(RuntimeCase):
    def test_a_run_that_showed_nothing_runs_again(self) -> None:
        run = self.begin(request("[wait]"))
        self.agent.end()
        self.programs.turn(0.2)
        self.agent.finish("second time")
        self.assertEqual(self.successResultOf(run).text, "second time")
        self.assertEqual(self.sink.text, "second time")
        self.assertEqual(len(self.programs.agents), 2)

    def test_but_only_once(self) -> None:
        run = self.begin(request("[crash]"))
        self.programs.turn(1)
        error = self.failure(run)
        self.assertEqual(error.message, "pi: the agent's process ended with status 1")
        self.assertEqual(error.kind, "stream")
        self.assertEqual(len([one for one in self.programs.agents if one.prompts]), 2)

    def test_a_run_that_was_seen_fails_with_words(self) -> None:
        run = self.begin(request("[half]"))
        self.assertIn("ended with status 1", self.failure(run).message)
        self.programs.turn(2)
        self.assertEqual(self.agent.prompts, [])

    def test_a_run_that_used_a_tool_is_not_run_again(self) -> None:
        run = self.begin(request("[wait]"))
        self.agent.says(type="tool_execution_start", toolCallId="c", toolName="bash", args={})
        self.agent.end()
        self.failure(run)

    def test_it_is_back_within_two_seconds(self) -> None:
        self.answer("one")
        for _ in range(5):
            self.agent.end()
            self.programs.turn(2)
            self.assertTrue(self.agent.alive)
        self.assertEqual(self.programs.alarms, [])

    def test_after_more_than_five_crashes_within_a_minute_it_is_down(self) -> None:
        self.answer("one")
        self.programs.broken = True
        self.agent.end()
        self.programs.turn(10)
        for _ in range(10):
            self.programs.turn(1)
        self.assertEqual(len(self.programs.agents), 6)
        (alarm,) = self.programs.alarms
        self.assertEqual(alarm.name, "agent main (pi)")
        self.assertIn("crashed 6 times within 60 s, lately it ended with status 1", alarm.why)
        self.assertEqual(self.runtime.down(), ["agent main (pi)"])
        error = self.failure(self.begin(request("two")))
        self.assertIn("the agent's process crashed 6 times", error.message)

    def test_after_a_minute_it_gets_another_chance(self) -> None:
        self.test_after_more_than_five_crashes_within_a_minute_it_is_down()
        self.programs.broken = False
        self.programs.turn(60)
        self.assertEqual(len(self.programs.agents), 6)
        self.assertEqual(self.answer("three").text, "re three")
        self.assertEqual(self.runtime.down(), [])

    def test_slow_crashes_are_forgotten(self) -> None:
        self.answer("one")
        for _ in range(30):
            self.agent.end()
            self.programs.turn(13)
        self.assertEqual(self.programs.alarms, [])

    def test_a_program_that_cannot_be_started_is_a_crash(self) -> None:
        self.programs.unable = OSError(11, "no more processes")
        run = self.begin(request("one"))
        for _ in range(10):
            self.programs.turn(1)
        self.assertIn("could not be started: no more processes", self.failure(run).message)
        self.assertEqual(len(self.programs.alarms), 1)

    def test_who_answers_no_command_is_killed_after_a_minute(self) -> None:
        self.programs.answers = False
        run = self.begin(request("one"))
        self.programs.turn(60)
        self.assertIn("did not answer", self.failure(run).message)
        self.programs.answers = True
        self.programs.turn(1)
        self.assertEqual(self.answer("two").text, "re two")


class StopTests(RuntimeCase):
    def test_a_stop_asks_first(self) -> None:
        self.answer("one")
        stopped = self.runtime.stop()
        self.programs.turn()
        self.successResultOf(stopped)
        self.assertEqual(self.agent.signals, ["TERM"])

    def test_and_kills_after_the_grace(self) -> None:
        self.begin(request("[deaf]")).addErrback(lambda _: None)
        stopped = self.runtime.stop(2.0)
        self.programs.turn(1.9)
        self.assertNoResult(stopped)
        self.programs.turn(0.1)
        self.successResultOf(stopped)
        self.assertEqual(self.agent.signals, ["TERM", "KILL"])

    def test_a_run_in_flight_fails_and_nothing_is_started_any_more(self) -> None:
        run = self.begin(request("[wait]"))
        self.runtime.stop()
        self.programs.turn()
        self.failure(run)
        self.failure(self.begin(request("two")))
        self.assertEqual(len(self.programs.agents), 1)
