"""Answers that go back to where their inputs came from."""

from zope.interface.verify import verifyObject

from openclaw.errors import StoreError
from openclaw.interfaces.conversations import IReplies
from openclaw.interfaces.messages import Origin, Person, Target
from openclaw.sessions.owed import RETRY_SECONDS
from tests.sessions.rig import MAIN, Replies, WorldCase, answers_itself

ORIGIN = Origin(
    target=Target(channel="telegram", account="default", chat_id="42", reply_to="7"),
    sender=Person(id="42", name="Ada"),
    message_key="telegram:default:42:7",
)
OTHER = "agent:main:telegram:direct:43"


class OwedCase(WorldCase):
    """Inputs that came from a chat platform."""

    def hear(self, run_id: str, key: str = MAIN) -> None:
        """Hand an input in that has an origin, and let it start."""
        self.successResultOf(self.world.accept(run_id, key=key, origin=ORIGIN))
        self.world.turn()

    @property
    def given(self) -> list[tuple[str, str]]:
        """What went back so far, over all lives of the process."""
        return self.world.replies.given


class ReplyTests(OwedCase):
    def test_the_recorder_provides_the_interface(self) -> None:
        self.assertTrue(verifyObject(IReplies, Replies()))

    def test_an_answer_goes_back_once_it_is_on_disk(self) -> None:
        self.hear("r1")
        self.world.call.sink.delta("hello")
        self.world.store.holding = True
        self.world.call.finish("hello")
        self.assertEqual(self.world.store.ran[-1], "store_ending")
        self.assertEqual(self.given, [])
        self.world.store.holding = False
        self.world.store.release()
        self.assertEqual(self.given, [("r1", "hello")])

    def test_an_input_without_an_origin_goes_nowhere(self) -> None:
        self.say("r1")
        self.world.call.answer("hello")
        self.assertEqual((self.given, self.world.replies.told), ([], []))

    def test_what_is_told_meanwhile(self) -> None:
        self.hear("r1")
        self.world.call.answer("he", "llo")
        self.assertEqual(
            self.world.replies.told,
            [("started", "r1"), ("grew", "he"), ("grew", "hello"), ("settle", "r1")],
        )

    def test_it_is_watched_until_an_agent_has_it(self) -> None:
        self.hear("r1")
        self.hear("r2")
        self.assertEqual(self.world.replies.watched, [("waits", "r1"), ("waits", "r2")])
        self.world.call.sink.model_started("p", "m")
        self.assertEqual(self.world.replies.watched[2:], [("begun", "r1")])
        self.successResultOf(self.world.runs.abort(MAIN, "r2"))
        self.assertEqual(self.world.replies.watched[3:], [("left", "r2")])

    def test_what_a_stop_left_is_watched_by_the_next_process(self) -> None:
        self.hear("r1")
        self.hear("r2")
        self.world.replies.watched.clear()
        self.restart()
        self.assertEqual(self.world.replies.watched[:2], [("waits", "r1"), ("waits", "r2")])

    def test_a_failure_is_told_with_what_there_was(self) -> None:
        self.hear("r1")
        self.world.call.sink.delta("well")
        self.world.call.done.errback(StoreError("the model is gone"))
        self.assertEqual(self.given, [("r1", "well\n\n⚠️ the model is gone")])

    def test_a_stop_tells_nothing_more(self) -> None:
        self.hear("r1")
        self.successResultOf(self.world.runs.abort(MAIN, "r1"))
        self.assertEqual(self.given, [])
        self.assertEqual(self.world.replies.told[-1], ("silent", "r1"))


class AgainTests(OwedCase):
    def test_what_cannot_go_stays_owed_and_goes_in_order(self) -> None:
        self.world.replies.failing = StoreError("full")
        self.world.runtime.on_run = answers_itself
        for run_id in ("r1", "r2"):
            self.hear(run_id)
            self.world.turn()
        self.assertEqual(self.given, [])
        self.world.replies.failing = None
        self.world.clock.advance(RETRY_SECONDS)
        self.assertEqual(self.given, [("r1", "re r1"), ("r2", "re r2")])
        self.world.clock.advance(RETRY_SECONDS * 10)
        self.assertEqual(len(self.given), 2)

    def test_another_session_does_not_wait(self) -> None:
        self.world.replies.failing = StoreError("full")
        self.world.runtime.on_run = answers_itself
        self.hear("r1")
        self.world.replies.failing = None
        self.hear("r2", OTHER)
        self.assertEqual(self.given, [("r2", "re r2")])
        self.world.clock.advance(RETRY_SECONDS)
        self.assertEqual(self.given[1], ("r1", "re r1"))

    def test_an_answer_that_was_owed_goes_after_a_restart(self) -> None:
        self.world.replies.failing = StoreError("full")
        self.hear("r1")
        self.world.call.answer("hello")
        self.world.replies.failing = None
        self.restart()
        self.assertEqual(self.given, [("r1", "hello")])
        self.restart()
        self.assertEqual(self.given, [("r1", "hello")], "it is owed no longer")

    def test_an_answer_that_was_owed_is_not_forgotten_with_old_runs(self) -> None:
        self.world.replies.failing = StoreError("full")
        self.hear("r1")
        self.world.call.answer("hello")
        self.world.clock.advance(0)
        self.world.conversations.drain()
        self.world.clock.advance(48 * 3600)
        self.successResultOf(self.world.conversations.forget_old_runs())
        self.world.replies.failing = None
        self.restart()
        self.assertEqual(self.given, [("r1", "hello")])

    def test_a_run_that_was_cut_off_is_told(self) -> None:
        self.hear("r1")
        self.world.call.sink.delta("well")
        self.restart()
        ((run_id, text),) = self.given
        self.assertEqual(run_id, "r1")
        self.assertIn("The gateway stopped while this was being answered", text)

    def test_a_run_of_which_nothing_was_seen_runs_again(self) -> None:
        self.hear("r1")
        self.restart()
        self.world.turn()
        self.assertEqual(self.given, [])
        self.world.call.answer("hello")
        self.assertEqual(self.given, [("r1", "hello")])

    def test_a_stop_leaves_nothing_to_be_called(self) -> None:
        self.world.replies.failing = StoreError("full")
        self.hear("r1")
        self.world.call.answer("hello")
        self.world.conversations.drain()
        self.assertEqual(self.world.clock.getDelayedCalls(), [])
