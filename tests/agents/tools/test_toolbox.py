"""The toolbox: who is offered what, what is checked, and that a use of a tool never fails."""

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from openclaw.agents.tools.rules import LayeredRules, ToolRules
from openclaw.config.redact import REDACTED, KnownSecrets
from openclaw.interfaces.tools import IToolbox, ToolFailed, ToolPlace, ToolResult
from tests.agents.tools.rig import OWNER, STRANGER, Echo, Foreign, Source, box, use_of


class ToolboxCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.box = box(self.clock)
        self.echo = Echo()
        self.box.register(self.echo)

    def used(self, name: str = "echo", arguments: str = '{"text":"a"}', **more: Any) -> ToolResult:
        return self.successResultOf(self.box.use(name, arguments, use_of(**more)))

    def names(self, authority: Any = OWNER, agent_id: str = "main") -> list[str]:
        return [
            one.name
            for one in self.successResultOf(self.box.specs(ToolPlace(agent_id=agent_id), authority))
        ]


class OfferTests(ToolboxCase):
    def test_interface(self) -> None:
        verifyObject(IToolbox, self.box)

    def test_specs_tell_name_description_and_schema(self) -> None:
        (spec,) = self.successResultOf(self.box.specs(ToolPlace(agent_id="main"), OWNER))
        self.assertEqual((spec.name, spec.description), ("echo", "Says it back."))
        self.assertEqual(spec.parameters["required"], ["text"])
        self.assertEqual(spec.parameters["properties"]["times"]["maximum"], 9)

    def test_tool_of_the_owner_is_not_offered_to_a_stranger_nor_done_for_one(self) -> None:
        mine = Echo("mine", owner_only=True)
        self.box.register(mine)
        self.assertEqual(self.names(), ["echo", "mine"])
        self.assertEqual(self.names(STRANGER), ["echo"])
        result = self.used("mine", authority=STRANGER)
        self.assertTrue(result.is_error)
        self.assertIn("there is no tool 'mine' here; there are: echo", result.text)
        self.assertEqual(mine.uses, [])

    def test_rules_hold_for_specs_and_for_uses(self) -> None:
        self.box = box(self.clock, LayeredRules([ToolRules(deny=("echo",))]))
        self.box.register(self.echo)
        self.assertEqual(self.names(), [])
        self.assertTrue(self.used().is_error)
        self.assertEqual(self.echo.uses, [])

    def test_names_that_are_taken_or_none_are_refused(self) -> None:
        for name in ("echo", "", "Echo", "a-b", "a b", "1a", "a__b", "x" * 65):
            with self.assertRaises(ValueError):
                self.box.register(Echo(name))

    def test_effect_of_what_is_not_known_is_external(self) -> None:
        self.assertEqual(self.box.effect("echo"), "none")
        self.assertEqual(self.box.effect("nobody"), "external")


class SourceTests(ToolboxCase):
    def test_tools_of_a_source_are_offered_with_their_own_schema(self) -> None:
        foreign = Foreign("srv__Do-It")
        self.box.register_source(Source(lambda: succeed([foreign])))
        specs = self.successResultOf(self.box.specs(ToolPlace(agent_id="main"), OWNER))
        self.assertEqual([one.name for one in specs], ["echo", "srv__Do-It"])
        self.assertEqual(specs[1].parameters, foreign.schema)
        self.assertEqual(self.used("srv__Do-It", '{"q": 1}').text, "{'q': 1}")

    def test_source_cannot_take_the_place_of_a_tool(self) -> None:
        self.box.register_source(Source(lambda: succeed([Foreign("echo")])))
        self.assertEqual(self.used().text, "a")

    def test_source_that_fails_or_hangs_has_nothing(self) -> None:
        self.box.register_source(Source(lambda: fail(ZeroDivisionError())))
        self.assertEqual(self.names(), ["echo"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.box.register_source(Source(Deferred))
        asked = self.box.specs(ToolPlace(agent_id="main"), OWNER)
        self.assertNoResult(asked)
        self.clock.advance(10)
        self.assertEqual(len(self.successResultOf(asked)), 1)
        self.flushLoggedErrors()

    def test_names_that_models_cannot_say_are_left_out(self) -> None:
        self.box.register_source(Source(lambda: succeed([Foreign("a b"), Foreign("x" * 65)])))
        self.assertEqual(self.names(), ["echo"])


class UseTests(ToolboxCase):
    def test_use_tells_what_the_tool_said(self) -> None:
        result = self.used(arguments='{"text":"ab","times":"2"}')
        self.assertEqual(result, ToolResult(text="abab", title="echoed"))

    def test_arguments_that_are_wrong_are_told_with_what_is_expected(self) -> None:
        for arguments, words in (
            ("{}", "must have required property 'text'"),
            ('{"text":""}', "at /text: must not have fewer than 1 characters"),
            ('{"text":"a","times":10}', "at /times: must be <= 9"),
            ('{"text":"a","more":1}', "unexpected property 'more'"),
            ('{"text":["a"]}', "at /text: must be string"),
            ("[]", "must be object"),
            ("text", "no JSON object"),
            ('{"text":', "no JSON object"),
            ('{"text":"\ud800"}', "no JSON object"),
            ('{"text":"a","more":' + "[" * 100_000, ""),
            ("[" * 100_000, "must be object"),
            ('{"text":"' + "a" * 1_000_000, "use it several times with less"),
        ):
            with self.subTest(arguments[:30]):
                result = self.used(arguments=arguments)
                self.assertTrue(result.is_error)
                self.assertIn(words, result.text)
                if len(arguments) < 1000:
                    self.assertIn("{text, times?}", result.text)
        self.assertEqual(self.echo.uses, [])

    def test_failures_are_told_and_bugs_are_logged_but_not_told(self) -> None:
        self.echo.answer = lambda: fail(ToolFailed("no such chat"))
        self.assertEqual(self.used(), ToolResult(text="no such chat", is_error=True))
        self.echo.answer = lambda: fail(ZeroDivisionError("secret words"))
        result = self.used()
        self.assertTrue(result.is_error)
        self.assertNotIn("secret words", result.text)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_tool_that_raises_is_a_bug_like_any_other(self) -> None:
        def broken() -> Any:
            raise KeyError("x")

        self.echo.answer = broken
        self.assertTrue(self.used().is_error)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_tool_that_hangs_is_stopped(self) -> None:
        stopped: list[bool] = []
        self.echo.answer = lambda: Deferred(lambda _: stopped.append(True))
        using = self.box.use("echo", '{"text":"a"}', use_of())
        self.clock.advance(59)
        self.assertNoResult(using)
        self.clock.advance(1)
        self.assertIn("did not end within 60 s", self.successResultOf(using).text)
        self.assertEqual((stopped, self.clock.getDelayedCalls()), ([True], []))

    def test_tool_with_a_time_of_its_own(self) -> None:
        slow = Echo("slow")
        slow.answer = Deferred
        self.box.register(slow, seconds=600.0)
        using = self.box.use("slow", '{"text":"a"}', use_of())
        self.clock.advance(599)
        self.assertNoResult(using)
        self.clock.advance(1)
        self.assertIn("within 600 s", self.successResultOf(using).text)

    def test_cancelling_stops_the_tool_and_still_tells_something(self) -> None:
        stopped: list[bool] = []
        self.echo.answer = lambda: Deferred(lambda _: stopped.append(True))
        using = self.box.use("echo", '{"text":"a"}', use_of())
        using.cancel()
        result = self.successResultOf(using)
        self.assertEqual((stopped, result.is_error), ([True], True))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_tool_that_was_stopped_by_others_is_told_too(self) -> None:
        self.echo.answer = lambda: fail(CancelledError())
        self.assertIn("was stopped", self.used().text)


class ShownTests(ToolboxCase):
    def test_long_results_are_cut_and_say_so(self) -> None:
        self.echo.answer = lambda: succeed(ToolResult(text="x" * 250_000))
        text = self.used().text
        self.assertTrue(text.startswith("x" * 100_000 + "\n[cut here: 150000 more characters"))
        self.assertLess(len(text), 100_100)

    def test_secrets_are_hidden_also_across_the_cut(self) -> None:
        secret = "sk-very-secret-0123456789"
        self.box = box(self.clock, hide=KnownSecrets([secret]).clean, characters=100)
        self.box.register(self.echo)
        for before in (0, 50, 80, 90, 99, 100):
            text = "y" * before + secret + "z" * 300
            self.echo.answer = lambda text=text: succeed(ToolResult(text=text, title=text))
            result = self.used()
            self.assertNotIn(secret[:8], result.text + result.title.replace(REDACTED, ""))

    def test_errors_hide_secrets_as_well(self) -> None:
        secret = "sk-very-secret-0123456789"
        self.box = box(self.clock, hide=KnownSecrets([secret]).clean)
        self.box.register(self.echo)
        self.echo.answer = lambda: fail(ToolFailed(f"401 for {secret}"))
        self.assertEqual(self.used().text, f"401 for {REDACTED}")
