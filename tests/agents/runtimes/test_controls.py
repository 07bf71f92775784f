"""Commands about runs and approvals: taken beside the lane, carried out once, for who may."""

from typing import Any

from twisted.internet.defer import Deferred

from openclaw.agents.runtimes.commands import COMMANDS, control_method, is_command
from openclaw.agents.runtimes.control_phrases import CHINESE, ENGLISH, ControlPhrases
from openclaw.agents.runtimes.controls import CONTROLS, MOST_SHOWN
from openclaw.agents.runtimes.phrases import ENGLISH as WORDS
from openclaw.errors import Busy
from openclaw.interfaces.approvals import Consent
from openclaw.interfaces.messages import Origin, Person, Target
from openclaw.protocol.methods import METHODS
from openclaw.protocol.scopes import APPROVALS, WRITE
from tests.agents.runtimes.commanding import EVERYTHING, WHO, CommandedCase
from tests.sessions.rig import MAIN

OTHER_KEY = "agent:main:telegram:group:-100"
ORIGIN = Origin(
    target=Target(channel="telegram", account="default", chat_id="1"),
    sender=Person(id="1"),
    message_key="telegram:default:1",
)


class NameTests(CommandedCase):
    """The one place that says what is such a command."""

    def test_what_is_one_and_which_method_it_stands_for(self) -> None:
        abort, resolve = "chat.abort", "exec.approval.resolve"
        for text, method in {
            "/stop": abort,
            "  /STOP now ": abort,
            "/停止": abort,
            "/approve": resolve,
            "/approve 1 once": resolve,
            "/批准 1": resolve,
            "/deny 1": resolve,
            "/拒绝 1": resolve,
            "stop": "",
            "/stopping": "",
            "/stop\n/approve 1": "",
            "/etc/stop": "",
            "/status": "",
            "please /stop": "",
            "": "",
        }.items():
            self.assertEqual(control_method(text), method, text)

    def test_each_stands_for_a_method_and_is_no_other_command(self) -> None:
        self.assertEqual(set(CONTROLS.values()) - METHODS.keys(), set())
        self.assertEqual(set(CONTROLS) & set(COMMANDS), set())
        for name in CONTROLS:
            self.assertTrue(is_command(f"/{name}"))

    def test_both_languages_say_everything(self) -> None:
        for words in (ENGLISH, CHINESE):
            self.assertIsInstance(words, ControlPhrases)
        for name in ("stopped_more", "allowed", "denied", "more", "needs_factor", "for_people"):
            fields = [
                sorted(part.split("}")[0] for part in getattr(words, name).split("{")[1:])
                for words in (ENGLISH, CHINESE)
            ]
            self.assertEqual(*fields)

    def test_help_lists_them_for_who_may(self) -> None:
        self.assertIn("/stop: ", self.answer("/help"))
        theirs = self.answer("/help", scopes=(WRITE,))
        self.assertIn("/stop: ", theirs)
        self.assertNotIn("/approve", theirs)
        self.assertNotIn("/stop", self.answer("/help", scopes=()))


class StopTests(CommandedCase):
    """``/stop``."""

    def test_it_ends_what_runs_and_takes_back_what_waits(self) -> None:
        self.say("runs")
        self.say("waits")
        self.say("waits too")
        said = self.answer("/stop")
        self.assertEqual(said, ENGLISH.stopped_more.format(count=2))
        self.assertEqual(self.world.call.cancelled, 1)
        for run_id in ("runs", "waits", "waits too"):
            self.assertEqual(self.world.heard.states(run_id)[-1], "aborted")
        self.assertEqual(len(self.world.runtime.calls), 1)
        self.say("next")
        self.assertEqual(self.world.call.request.run_id, "next")

    def test_it_ends_nothing_elsewhere(self) -> None:
        self.say("there", key=OTHER_KEY)
        self.assertEqual(self.answer("/stop"), ENGLISH.nothing_runs)
        self.assertEqual(self.world.runs.active(), ("there",))
        self.assertEqual(self.answer("/stop", OTHER_KEY), ENGLISH.stopped)

    def test_it_says_so_in_the_language_that_is_spoken(self) -> None:
        self.assertEqual(self.answer("/停止"), CHINESE.nothing_runs)

    def test_a_client_that_stops_everything_does_not_stop_a_command(self) -> None:
        self.say("runs")
        self.successResultOf(self.world.accept("c", "/help", commanded_by=WHO))
        self.world.turn()
        aborting = self.world.runs.abort(MAIN, None)
        self.assertEqual(self.successResultOf(aborting), ["runs"])
        self.world.clock.pump([0.02] * 8)
        self.assertEqual(self.world.heard.states("c")[-1], "final")

    def test_a_repeat_of_it_stops_nothing_more(self) -> None:
        self.say("first")
        name = self.command("/stop")
        self.say("second")
        given: Any = {"commanded_by": WHO, "scopes": EVERYTHING}
        receipt = self.successResultOf(self.world.accept(name, "/stop", **given))
        self.assertEqual(receipt.state, "done")
        self.world.turn()
        self.assertEqual(self.world.runs.active(), ("second",))


class LaneTests(CommandedCase):
    """Where a command waits, and what it is not mixed with."""

    def test_it_is_taken_where_nothing_else_is(self) -> None:
        for number in range(self.world.conversations._lanes._capacity + 1):
            self.say(f"r{number}")
        self.failureResultOf(self.world.accept("one more"), Busy)
        self.assertIn("100", self.answer("/stop"))
        self.assertEqual(self.successResultOf(self.world.accept("again")).state, "new")

    def test_it_ends_no_run_where_the_newest_input_counts(self) -> None:
        self.world.mode = "interrupt"
        self.say("runs")
        self.answer("/approve 00000000")
        self.assertEqual(self.world.runs.active(), ("runs",))
        self.say("newer")
        self.assertEqual(self.world.heard.states("runs")[-1], "aborted")

    def test_it_is_gathered_with_nothing(self) -> None:
        self.world.mode = "collect"
        self.say("runs")
        self.say("waits")
        self.assertEqual(self.answer("/approve none"), ENGLISH.unknown_id)
        self.world.call.answer("x")
        self.world.turn()
        self.assertEqual(self.world.call.request.run_id, "waits")
        self.assertEqual(self.world.call.said[-1], ("user", "waits"))

    def test_after_a_crash_it_is_carried_out_beside_the_run_that_hangs(self) -> None:
        self.say("hangs")
        consent = self.wanted()
        given: Any = {"commanded_by": WHO, "scopes": EVERYTHING}
        self.successResultOf(self.world.accept("c", f"/approve {consent.id}", **given))
        self.restart()
        self.world.clock.pump([0.0] + [0.02] * 8)
        self.assertEqual(self.world.runs.active(), ("hangs",))
        self.assertEqual(self.pending(), [])
        self.assertEqual(self.world.heard.states("c")[-1], "final")

    def test_reset_leaves_nothing_behind(self) -> None:
        self.say("runs")
        self.successResultOf(self.world.conversations.reset(MAIN))
        self.assertEqual(self.answer("/stop"), ENGLISH.stopped)
        self.assertEqual(self.world.runs.active(), ())


class DecideTests(CommandedCase):
    """``/approve`` and ``/deny``."""

    def decided(self, text: str) -> tuple[str, str]:
        """The state of one question after a command about it, and the answer."""
        consent = self.wanted()
        waiting: Deferred[Consent] = self.desk.wait(consent.id)
        said = self.answer(text.format(id=consent.id, short=consent.id[:8]))
        if not waiting.called:
            self.successResultOf(self.desk.resolve(consent.id, False, "the test"))
            self.successResultOf(waiting)
            return "", said
        ended = self.successResultOf(waiting)
        self.assertEqual(ended.decided_by, WHO)
        return ended.state, said

    def test_ways_to_say_it(self) -> None:
        allowed, denied = ENGLISH.allowed.format(command="rm"), ENGLISH.denied.format(command="rm")
        for text, state, said in (
            ("/approve {id}", "allowed", allowed),
            ("/approve {short}", "allowed", allowed),
            ("/approve {id} once", "allowed", allowed),
            ("/approve {id} ALLOW-ONCE", "allowed", allowed),
            ("/approve {id} deny", "denied", denied),
            ("/deny {id}", "denied", denied),
            ("/deny {short}", "denied", denied),
            ("/approve {id} always", "", ENGLISH.only_once),
            ("/approve {id} allow-always", "", ENGLISH.only_once),
            ("/approve 0", "", ENGLISH.unknown_id),
            ("/approve 0000", "", ENGLISH.unknown_id),
            ("/approve *", "", ENGLISH.unknown_id),
            ("/approve {id}0", "", ENGLISH.unknown_id),
        ):
            self.assertEqual(self.decided(text), (state, said), text)

    def test_what_is_not_clear_decides_nothing_and_lists_what_waits(self) -> None:
        for text in ("/approve", "/deny", "/approve {id} perhaps", "/approve {id} once more"):
            state, said = self.decided(text)
            self.assertEqual(state, "", text)
            self.assertTrue(said.startswith(ENGLISH.usage), said)
            self.assertIn(": rm -r", said)
        self.assertEqual(self.answer("/approve"), f"{ENGLISH.usage}\n{ENGLISH.nothing_waits}")

    def test_a_long_list_is_cut_and_counted(self) -> None:
        for number in range(MOST_SHOWN + 2):
            self.wanted(session_key=f"agent:main:{number}")
        self.assertEqual(self.answer("/approve").splitlines()[-1], ENGLISH.more.format(count=2))

    def test_two_that_begin_alike_are_told_apart_by_the_whole_id(self) -> None:
        numbers = iter(("aaaaaaaa-1", "aaaaaaaa-2"))
        self.desk._make_id = lambda: next(numbers)
        self.wanted()
        self.wanted()
        self.assertEqual(self.answer("/approve aaaaaaaa"), ENGLISH.ambiguous)
        self.assertEqual(len(self.pending()), 2)
        self.answer("/approve aaaaaaaa-2")
        self.assertEqual(self.pending(), ["aaaaaaaa-1"])

    def test_one_that_ends_while_the_command_is_on_its_way(self) -> None:
        consent = self.wanted()
        self.world.clock.advance(60)
        self.desk._pending[consent.id] = consent
        self.successResultOf(self.desk.resolve(consent.id, False, "somebody"))
        self.desk._pending[consent.id] = consent  # As memory is until the end is told.
        self.assertEqual(self.answer(f"/approve {consent.id}"), ENGLISH.unknown_id)

    def test_the_lane_that_waits_for_it_goes_on(self) -> None:
        self.say("runs")
        consent = self.wanted()
        self.answer(f"/approve {consent.id}")
        self.assertEqual(self.pending(), [])
        self.assertEqual(self.world.runs.active(), ("runs",))


class RightTests(CommandedCase):
    """Who is heard."""

    def test_only_who_may_use_the_method(self) -> None:
        consent = self.wanted()
        self.say("runs")
        for scopes, stops, decides in (
            ((), False, False),
            ((WRITE,), True, False),
            ((APPROVALS,), False, True),
        ):
            for text, may in (("/stop", stops), (f"/approve {consent.id} maybe", decides)):
                said = self.answer(text, scopes=scopes)
                refused = said == WORDS.not_yours.format(command=text.split()[0])
                self.assertEqual(refused, not may, (scopes, text, said))
        self.assertEqual(self.pending(), [consent.id])

    def test_nobody_but_a_person(self) -> None:
        """What a model says to another session has the owner's rights, and is no such command."""
        consent = self.wanted()
        for text in (f"/approve {consent.id}", "/stop"):
            said = self.answer(text, commanded_by="", owner=True)
            self.assertEqual(said, ENGLISH.for_people.format(command=text.split()[0]))
        self.assertEqual(self.pending(), [consent.id])

    def test_a_second_factor_cannot_be_shown_on_a_platform(self) -> None:
        consent = self.wanted()
        self.factor.add("exec.approval.resolve")
        text = f"/approve {consent.id}"
        said = self.answer(text, origin=ORIGIN)
        self.assertEqual(said, ENGLISH.needs_factor.format(command="/approve"))
        self.assertEqual(self.answer("/stop", origin=ORIGIN), ENGLISH.nothing_runs)
        self.assertEqual(self.pending(), [consent.id])
        self.answer(text)  # A client has shown it before it came here.
        self.assertEqual(self.pending(), [])
