"""Tests of the embedded agent: its commands, its advice, its stream."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from openclaw.agents.catalogue import make_catalogue
from openclaw.agents.choices import choices_of
from openclaw.agents.runtimes.commands import COMMANDS, Scene, is_command, parse
from openclaw.agents.runtimes.controls import CONTROLS
from openclaw.agents.runtimes.embedded import MODEL, MOST_DELTAS, EmbeddedAgent
from openclaw.agents.runtimes.phrases import CHINESE, ENGLISH, Phrases
from openclaw.config.load import from_text
from openclaw.config.providers import providers
from openclaw.errors import StoreError
from openclaw.interfaces.agents import (
    IAgentRuntime,
    ModelInfo,
    RunOutcome,
    RunRequest,
    Turn,
)
from openclaw.interfaces.status import IGatewayView, SessionSummary
from openclaw.interfaces.tools import Authority
from tests.agents.runtimes.sink import Heard

LLAMA = ModelInfo(provider="ollama", id="llama3.2", name="Llama")
KEYLESS = ModelInfo(provider="openai", id="gpt", name="GPT", available=False)


@implementer(IGatewayView)
class View:
    """A gateway with whatever a test puts into it."""

    def __init__(self) -> None:
        self.rows: list[SessionSummary] = []
        self.nodes: list[str] = []
        self.jobs: list[str] = []

    def status_lines(self) -> Sequence[str]:
        """Two lines."""
        return ["openclaw 1.2.3", "2 connections"]

    def sessions(self) -> Sequence[SessionSummary]:
        """The test's rows."""
        return self.rows

    def node_lines(self) -> Sequence[str]:
        """The test's nodes."""
        return self.nodes

    def cron_lines(self) -> Sequence[str]:
        """The test's jobs."""
        return self.jobs


class EmbeddedCase(SynchronousTestCase):
    """One agent over a gateway of the test's making."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.view = View()
        self.heard = Heard()
        self.models: list[ModelInfo] = [MODEL]
        self.resets: list[str] = []
        self.reset_result: Deferred[None] = succeed(None)
        self.authority = Authority(owner=True)
        scene = Scene(self.view, lambda: self.models, lambda: self.models[0], self.reset)
        self.agent = EmbeddedAgent(scene, self.clock)
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def reset(self, session_key: str) -> Deferred[None]:
        """Note which session was reset."""
        self.resets.append(session_key)
        return self.reset_result

    def start(self, *said: str) -> Deferred[RunOutcome]:
        """Start a run on a conversation of the user's turns."""
        turns = [Turn("user", s) for s in said]
        request = RunRequest("r", "agent:main:main", "main", MODEL, turns, authority=self.authority)
        return self.agent.run(request, self.heard)

    def ask(self, *said: str) -> str:
        """Run to the end and give the answer."""
        run = self.start(*said)
        self.clock.pump([0.02] * MOST_DELTAS)
        return self.successResultOf(run).text


class StreamTests(EmbeddedCase):
    """How an answer comes."""

    def test_few_deltas_that_join_to_the_answer(self) -> None:
        for said in ("hello", "/help", "/status", "你好", "/nope"):
            self.heard.deltas.clear()
            text = self.ask(said)
            self.assertEqual("".join(self.heard.deltas), text)
            self.assertLessEqual(len(self.heard.deltas), MOST_DELTAS)
            self.assertNotIn("", self.heard.deltas)

    def test_long_answers_come_in_more_than_one_delta_over_time(self) -> None:
        run = self.start("hello")
        self.assertEqual(self.heard.started, [("embedded", "assistant")])
        self.assertEqual(len(self.heard.deltas), 1)
        self.assertNoResult(run)
        self.clock.pump([0.02] * MOST_DELTAS)
        self.assertGreater(len(self.heard.deltas), 3)
        self.assertEqual(self.successResultOf(run).stop_reason, "stop")

    def test_an_answer_that_nobody_watches_comes_at_once(self) -> None:
        self.heard.is_watched = False
        run = self.start("hello")
        self.assertEqual(self.heard.deltas, [self.successResultOf(run).text])

    def test_deltas_end_between_words(self) -> None:
        self.ask("hello")
        for piece in self.heard.deltas[:-1]:
            self.assertTrue(piece[-1].isspace(), piece)

    def test_cancelling_ends_the_stream(self) -> None:
        run = self.start("hello")
        run.cancel()
        self.failureResultOf(run, CancelledError)
        self.clock.advance(10)
        self.assertEqual(len(self.heard.deltas), 1)

    def test_provides_the_interface(self) -> None:
        self.assertTrue(verifyObject(IAgentRuntime, self.agent))
        self.assertEqual([model.ref for model in self.agent.models()], ["embedded/assistant"])


class CommandTests(EmbeddedCase):
    """What commands answer."""

    def test_help_lists_every_command(self) -> None:
        text = self.ask("/help")
        for name in COMMANDS:
            self.assertIn(f"/{name}: ", text)

    def test_status_is_the_gateways(self) -> None:
        self.assertEqual(self.ask("/status"), "openclaw 1.2.3\n2 connections")

    def test_sessions(self) -> None:
        self.assertEqual(self.ask("/sessions"), ENGLISH.no_sessions)
        self.view.rows = [
            SessionSummary("agent:main:main", "Main", 1_700_000_000_000, 4, True),
            SessionSummary("agent:main:b", "", 0, 1, False),
        ]
        self.assertEqual(
            self.ask("/sessions"),
            "- agent:main:main (Main): 4 messages, 2023-11-14 22:13 UTC, running\n"
            "- agent:main:b: 1 messages, 1970-01-01 00:00 UTC",
        )

    def test_long_lists_are_counted(self) -> None:
        self.view.nodes = [f"node {number}" for number in range(25)]
        lines = self.ask("/nodes").splitlines()
        self.assertEqual((len(lines), lines[-1]), (21, "… and 5 more."))

    def test_nodes_and_cron(self) -> None:
        self.assertEqual(self.ask("/nodes"), ENGLISH.no_nodes)
        self.assertEqual(self.ask("/cron"), ENGLISH.no_cron)
        self.view.jobs = ["daily at 9"]
        self.assertEqual(self.ask("/cron"), "- daily at 9")

    def test_model_without_any_says_how_to_add_one(self) -> None:
        text = self.ask("/model")
        self.assertEqual(text, f"{ENGLISH.only_embedded}\n\n{ENGLISH.how_to_add}")
        self.assertIn("baseUrl", text)

    def test_model_lists_models_and_marks_the_default(self) -> None:
        self.models = [LLAMA, KEYLESS]
        text = self.ask("/model")
        self.assertIn("- ollama/llama3.2 (default)", text)
        self.assertIn("- openai/gpt (not usable)", text)

    def test_reset_resets_this_session_and_answers_after_it(self) -> None:
        waiting: Deferred[None] = Deferred()
        self.reset_result = waiting
        run = self.start("/reset")
        self.assertEqual((self.resets, self.heard.deltas), (["agent:main:main"], []))
        waiting.callback(None)
        self.clock.pump([0.02] * MOST_DELTAS)
        self.assertEqual(self.successResultOf(run).text, ENGLISH.reset_done)

    def test_reset_that_fails_fails_the_run(self) -> None:
        self.reset_result = fail(StoreError("disk full"))
        self.failureResultOf(self.start("/reset"), StoreError)

    def test_unknown_command_is_named(self) -> None:
        self.assertEqual(self.ask("/frobnicate now"), ENGLISH.unknown.format(command="/frobnicate"))

    def test_what_is_a_command(self) -> None:
        for text, name in [
            ("/help", "help"),
            ("  /HELP me\t", "help"),
            ("/?", "help"),
            ("/models", "model"),
            ("/new", "reset"),
            ("/重置", "reset"),
            ("/nope", ""),
            ("/", ""),
            ("help", None),
            ("/etc/hosts is what?", None),
            ("/help\nand more", None),
            ("", None),
        ]:
            self.assertEqual(parse(text), name, text)
            self.assertEqual(is_command(text), bool(name), text)


class AdviceTests(EmbeddedCase):
    """What anything else answers."""

    def test_says_that_no_model_is_configured_and_how_to_add_one(self) -> None:
        text = self.ask("What is the weather?")
        for part in ("No model is configured", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "Ollama"):
            self.assertIn(part, text)

    def test_snippet_is_a_configuration_that_gives_that_model(self) -> None:
        for said in ("hello", "你好"):
            snippet = re.search(r"```json\n(.*?)```", self.ask(said), re.DOTALL)
            assert snippet is not None
            json.loads(snippet[1])
            config = from_text(snippet[1], Path("openclaw.json")).config
            found, _ = providers(config, {})
            choices = choices_of(config.agents)
            catalogue = make_catalogue(found.values(), self.agent, lambda _: self.agent, choices)
            self.assertEqual(catalogue.default.ref, "ollama/llama3.2")
            self.assertTrue(catalogue.default.available)

    def test_no_turns_at_all(self) -> None:
        request = RunRequest("r", "k", "main", MODEL, [])
        run = self.agent.run(request, self.heard)
        self.clock.pump([0.02] * MOST_DELTAS)
        self.assertEqual(self.successResultOf(run).text, ENGLISH.no_model)


class AuthorityTests(EmbeddedCase):
    """What somebody may ask who is not the owner."""

    def test_a_stranger_learns_nothing_of_others(self) -> None:
        self.authority = Authority()
        for command in ("/status", "/sessions", "/nodes", "/cron"):
            self.assertEqual(self.ask(command), ENGLISH.not_yours.format(command=command))
            self.assertNotIn(command, self.ask("/help"))
        self.assertIn("/reset", self.ask("/help"))

    def test_a_stranger_may_start_over(self) -> None:
        self.authority = Authority()
        self.ask("/reset")
        self.assertEqual(self.resets, ["agent:main:main"])

    def test_a_client_with_the_right_to_read(self) -> None:
        self.authority = Authority(scopes=frozenset({"operator.read"}))
        self.assertEqual(self.ask("/status"), "openclaw 1.2.3\n2 connections")


class LanguageTests(EmbeddedCase):
    """Chinese is answered in Chinese."""

    def test_table(self) -> None:
        for said, words in [
            (["你好"], CHINESE),
            (["hello"], ENGLISH),
            (["今日は、元気ですか"], ENGLISH),
            (["你好", "hello"], ENGLISH),
        ]:
            self.assertEqual(self.ask(*said), words.no_model, said)

    def test_command_follows_the_conversation(self) -> None:
        for said, words in [
            (["/nodes"], ENGLISH),
            (["你好", "/status", "/nodes"], CHINESE),
            (["你好", "thanks", "/nodes"], ENGLISH),
            (["/节点"], CHINESE),
        ]:
            self.assertEqual(self.ask(*said), words.no_nodes, said)

    def test_every_command_has_words_in_both_languages(self) -> None:
        for words in (ENGLISH, CHINESE):
            self.assertEqual(list(words.summaries), [*COMMANDS, *CONTROLS])
            self.assertIsInstance(evolve(words), Phrases)
