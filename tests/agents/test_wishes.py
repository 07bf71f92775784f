"""What programs ask for besides an answer: heard at once, kept over a crash, given to the model."""

from openclaw.interfaces.agents import RunOutcome, Sampling, Turn
from openclaw.interfaces.conversations import Wishes
from openclaw.interfaces.tools import Image, ToolCall, ToolSpec
from tests.sessions.rig import WorldCase

ROOM = ToolSpec(name="room", description="Looks around.", parameters={"type": "object"})
ASKED = ToolCall(id="c1", name="room", arguments="{}")
IMAGE = Image(mime="image/png", data="QUJD")


class FollowTests(WorldCase):
    """The pieces of an answer, for those who pass them on."""

    def follow(self, run_id: str = "r1") -> list[str]:
        heard: list[str] = []
        self.addCleanup(self.world.runs.follow(run_id, heard.append))
        return heard

    def test_every_piece_is_heard_as_it_comes(self) -> None:
        heard = self.follow()
        self.say("r1")
        for piece in ("Hel", "lo"):
            self.world.call.sink.delta(piece)
            self.assertEqual(heard[-1], piece)
        self.world.call.finish("Hello")
        self.assertEqual(heard, ["Hel", "lo"])

    def test_long_answers_are_not_gathered(self) -> None:
        heard = self.follow()
        self.say("r1")
        for _ in range(3):
            self.world.call.sink.delta("x" * 20_000)
        self.world.call.sink.delta("y")
        self.assertEqual(heard[-1], "y")

    def test_nothing_before_the_record_says_that_it_is_seen(self) -> None:
        heard = self.follow()
        self.say("r1")
        self.world.store.holding = True
        self.world.call.sink.delta("early")
        self.assertEqual(heard, [])
        self.world.store.release()
        self.assertEqual(heard, ["early"])

    def test_each_run_has_its_own(self) -> None:
        heard = self.follow("other")
        self.say("r1")
        self.world.call.answer("x")
        self.assertEqual(heard, [])

    def test_who_left_hears_nothing_more(self) -> None:
        heard: list[str] = []
        leave = self.world.runs.follow("r1", heard.append)
        self.say("r1")
        self.world.call.sink.delta("a")
        leave()
        leave()
        self.world.call.sink.delta("b")
        self.assertEqual(heard, ["a"])
        self.assertEqual(self.world.runs._followed, {})

    def test_somebody_watches(self) -> None:
        self.world.heard.unwanted = {"chat", "agent"}
        leave = self.world.runs.follow("r1", lambda _: None)
        self.say("r1")
        self.assertTrue(self.world.call.sink.watched())
        leave()
        self.assertFalse(self.world.call.sink.watched())


class WishTests(WorldCase):
    """What a runtime is asked, and what the record says."""

    wishes = Wishes(
        turns=(Turn("user", "first"), Turn("assistant", "", calls=(ASKED,)), Turn("tool", "seen")),
        tools=(ROOM,),
        tool_choice="required",
        max_tokens=7,
        sampling=Sampling(temperature=0.5, stop=("END",)),
    )

    def test_the_runtime_is_asked_for_them(self) -> None:
        self.successResultOf(self.world.accept("r1", "seen", wishes=self.wishes))
        self.world.turn()
        asked = self.world.call.request
        self.assertEqual(tuple(asked.turns), self.wishes.turns)
        self.assertEqual(tuple(asked.tools), (ROOM,))
        self.assertEqual((asked.tool_choice, asked.max_tokens), ("required", 7))
        self.assertEqual(asked.sampling, self.wishes.sampling)
        self.world.call.answer("ok")

    def test_they_outlive_the_process(self) -> None:
        self.successResultOf(self.world.accept("r1", "seen", wishes=self.wishes))
        world = self.world.crash()
        self.successResultOf(world.conversations.load())
        world.conversations.open()
        world.turn()
        self.assertEqual(tuple(world.call.request.turns), self.wishes.turns)
        self.assertEqual(world.call.request.sampling, self.wishes.sampling)
        world.call.answer("ok")

    def test_pictures_stand_with_the_text_in_the_sessions_own_conversation(self) -> None:
        self.successResultOf(self.world.accept("r1", "first"))
        self.world.turn()
        self.world.call.answer("one")
        self.successResultOf(self.world.accept("r2", "look", wishes=Wishes(images=(IMAGE,))))
        self.world.turn()
        turns = list(self.world.call.request.turns)
        self.assertEqual(
            self.world.call.said, [("user", "first"), ("assistant", "one"), ("user", "look")]
        )
        self.assertEqual(turns[-1].images, (IMAGE,))
        self.world.call.answer("two")

    def test_calls_of_the_programs_own_tools_are_in_the_record(self) -> None:
        self.successResultOf(self.world.accept("r1", wishes=Wishes(tools=(ROOM,))))
        ended = self.world.conversations.ended("r1")
        self.world.turn()
        self.world.call.done.callback(RunOutcome("", "tool_calls", calls=(ASKED,)))
        record = self.successResultOf(ended)
        self.assertEqual((record.stop_reason, record.calls), ("tool_calls", (ASKED,)))
        again = self.successResultOf(self.world.conversations.receipt("r1"))
        assert again is not None
        self.assertEqual(again.record, record)
