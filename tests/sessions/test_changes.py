"""Changing sessions: patch, reset, delete, also while something waits or runs in them."""

from typing import Any

from msgspec import UNSET

from openclaw.errors import InvalidRequest, StoreError
from openclaw.protocol.schema.sessions import PatchParams, SessionRow
from tests.sessions.rig import MAIN, OTHER, WorldCase, answers_itself


class ChangeCase(WorldCase):
    def change(self, **changes: Any) -> SessionRow:
        params = PatchParams(key=changes.pop("key", "main"), **changes)
        return self.successResultOf(self.world.conversations.patch(params))

    def session_id(self, key: str = MAIN) -> str:
        session = self.world.index.get(key)
        assert session is not None
        return session.session_id

    def reset(self, key: str = MAIN) -> SessionRow:
        return self.successResultOf(self.world.conversations.reset(key))

    def delete(self, expected: str | None = None, key: str = MAIN) -> bool:
        return self.successResultOf(self.world.conversations.delete(key, expected))


class TitleTests(ChangeCase):
    def test_the_first_words_that_are_no_command(self) -> None:
        for number, text in enumerate(("/status", "/帮助", "/new")):
            self.say(f"c{number}", text)
            self.world.commands.calls[-1].answer("x")
            self.world.turn()
            self.assertEqual(self.row().derived_title, UNSET)
        self.say("r1", "/etc/hosts is odd")
        self.assertEqual(self.row().derived_title, "/etc/hosts is odd")
        self.say("r2", "Something else")
        self.assertEqual(self.row().derived_title, "/etc/hosts is odd")

    def test_nobody_said_what_a_heartbeat_says(self) -> None:
        self.successResultOf(self.world.accept("h1", "Look around.", kind="heartbeat"))
        self.assertEqual(self.row().derived_title, UNSET)


class PatchTests(ChangeCase):
    def setUp(self) -> None:
        super().setUp()
        self.say("r1", "What about tomorrow?")
        self.world.call.answer("Sunny.")

    def test_label_model_and_archived_survive_a_restart(self) -> None:
        row = self.change(label="Weather", model=OTHER.ref, archived=True)
        for _ in range(2):
            found = (row.label, row.display_name, row.model, row.archived, row.derived_title)
            self.assertEqual(found, ("Weather", "Weather", "mock-2", True, "What about tomorrow?"))
            self.restart()
            again = self.world.conversations.row(MAIN)
            assert again is not None
            row = again

    def test_only_what_is_named_changes_and_null_clears(self) -> None:
        self.change(label="Weather", model=OTHER.ref)
        row = self.change(archived=True)
        self.assertEqual((row.label, row.model), ("Weather", "mock-2"))
        row = self.change(label=None, model=None)
        self.assertEqual((row.label, row.model, row.archived), (UNSET, "mock-1", True))

    def test_a_new_input_brings_an_archived_session_back(self) -> None:
        self.change(archived=True)
        self.say("r2")
        row = self.world.conversations.row(MAIN)
        assert row is not None
        self.assertFalse(row.archived)

    def test_the_session_that_was_meant_or_none(self) -> None:
        old = self.session_id()
        self.assertEqual(self.change(expected_session_id=old, label="x").label, "x")
        self.reset()
        params = PatchParams(key=MAIN, expected_session_id=old, label="y")
        self.failureResultOf(self.world.conversations.patch(params), InvalidRequest)
        unknown = PatchParams(key="agent:main:never", label="y")
        self.failureResultOf(self.world.conversations.patch(unknown), InvalidRequest)

    def test_a_reset_that_is_on_its_way_wins(self) -> None:
        self.world.store.holding = True
        resetting = self.world.conversations.reset(MAIN)
        patching = self.world.conversations.patch(PatchParams(key=MAIN, label="y"))
        shortening = self.world.conversations.shorten(MAIN, self.session_id(), "they met", 2)
        self.world.store.release()
        self.successResultOf(resetting)
        self.failureResultOf(patching, InvalidRequest)
        self.failureResultOf(shortening, InvalidRequest)
        session = self.world.index.get(MAIN)
        assert session is not None
        self.assertEqual((session.settings.label, session.settings.summary), ("", ""))

    def test_it_is_told(self) -> None:
        self.world.heard.events.clear()
        self.change(label="x")
        (change,) = self.world.heard.of("sessions.changed")
        self.assertEqual((change["reason"], change["session"]["label"]), ("patch", "x"))


class ResetTests(ChangeCase):
    def test_a_new_empty_session_with_the_label_and_model_of_the_old(self) -> None:
        self.say("r1")
        self.world.call.answer("x")
        self.change(label="Kept", model=OTHER.ref)
        old = self.session_id()
        row = self.reset()
        self.assertNotEqual(row.session_id, old)
        self.assertEqual((row.label, row.model, row.message_count), ("Kept", "mock-2", 0))
        self.assertEqual((row.derived_title, row.status), (UNSET, UNSET))
        self.assertEqual(self.transcript(), [])
        self.restart()
        self.assertEqual((self.transcript(), self.session_id()), ([], row.session_id))

    def test_a_session_that_was_never_there_is_made(self) -> None:
        row = self.reset("agent:main:new")
        self.assertEqual((row.message_count, self.world.conversations.count()), (0, 1))

    def test_the_reset_command_answers_and_what_waits_behind_it_runs_in_the_new_session(
        self,
    ) -> None:
        self.say("old", "before")
        self.world.call.answer("x")
        self.say("r1", "/reset")
        self.say("r2", "hello")
        self.say("r3", "again")
        ids = {one["__openclaw"]["runId"]: one["__openclaw"]["id"] for one in self.messages()}
        self.reset()  # As the command does, in its own run.
        self.assertEqual(self.transcript(), [("user", "hello"), ("user", "again")])
        command = self.world.commands.calls[-1]
        command.answer("Done.")
        final = self.world.heard.of("chat", "r1")[-1]
        self.assertEqual(final["message"]["content"][0]["text"], "Done.", "told, if not kept")
        self.world.runtime.on_run = answers_itself
        self.world.turn()
        self.world.turn()
        self.assertEqual(
            [call.said for call in self.world.runtime.calls[1:]],
            [
                [("user", "hello")],
                [("user", "hello"), ("assistant", "re hello"), ("user", "again")],
            ],
        )
        messages = self.messages()
        self.assertEqual([one["__openclaw"]["seq"] for one in messages], [1, 3, 2, 4])
        self.assertEqual(messages[0]["__openclaw"]["id"], ids["r2"], "ids stay")
        self.assertEqual(messages[2]["__openclaw"]["id"], ids["r3"])

    def test_what_was_moved_survives_a_kill(self) -> None:
        self.say("r1", "/reset")
        self.say("r2", "hello")
        self.reset()
        world = self.restart()
        world.runtime.on_run = answers_itself
        world.turn()
        self.assertEqual(self.transcript(), [("user", "hello"), ("assistant", "re hello")])
        self.assertEqual(world.commands.calls, [], "a reset that took effect does not run again")

    def test_a_reset_races_an_input_that_is_being_stored(self) -> None:
        for reset_first in (False, True):
            key = f"agent:main:race-{reset_first}"
            self.say(f"0-{reset_first}", key=key)
            self.world.call.answer("x")
            self.world.store.holding = True
            if reset_first:
                resetting = self.world.conversations.reset(key)
            accepting = self.world.accept(f"1-{reset_first}", "hello", key)
            if not reset_first:
                resetting = self.world.conversations.reset(key)
            self.world.store.release()
            self.assertEqual(self.successResultOf(accepting).state, "new")
            self.successResultOf(resetting)
            self.world.store.holding = False
            self.world.turn()
            self.assertEqual(self.world.call.said, [("user", "hello")])
            self.world.call.answer("hi")
            self.assertEqual(self.transcript(key), [("user", "hello"), ("assistant", "hi")])

    def test_a_waiting_input_that_starts_while_the_reset_is_stored_keeps_its_answer(self) -> None:
        self.say("r1")
        self.say("r2")
        store = self.world.store
        store.holding = True
        resetting = self.world.conversations.reset(MAIN)  # Moves r2, and has not told it yet.
        held, store.held = store.held, []
        store.holding = False
        self.world.call.answer("a1")
        self.world.turn()
        self.assertEqual(self.world.call.request.run_id, "r2")
        store.held = held
        store.release()
        self.successResultOf(resetting)
        self.world.call.answer("a2")
        self.assertEqual(self.transcript(), [("user", "r2"), ("assistant", "a2")])

    def test_a_store_that_fails_changes_nothing(self) -> None:
        self.say("r1")
        self.say("r2")
        self.world.store.failing = {"reset_session"}
        self.failureResultOf(self.world.conversations.reset(MAIN), StoreError)
        self.assertEqual(len(self.transcript()), 2)
        self.world.call.answer("x")
        self.world.turn()
        self.assertEqual(self.world.call.request.run_id, "r2")


class DeleteTests(ChangeCase):
    def test_the_session_and_its_transcript_are_gone(self) -> None:
        self.say("r1")
        self.world.call.answer("x")
        self.assertTrue(self.delete())
        self.assertEqual((self.transcript(), self.world.conversations.count()), ([], 0))
        self.assertIs(self.world.conversations.row(MAIN), None)
        self.assertFalse(self.delete())
        self.restart()
        self.assertEqual((self.transcript(), self.world.conversations.count()), ([], 0))

    def test_only_the_one_that_was_meant(self) -> None:
        self.say("r1")
        self.assertFalse(self.delete("another"))
        self.assertEqual(len(self.transcript()), 1)
        self.assertTrue(self.delete(self.session_id()))

    def test_it_is_told(self) -> None:
        self.say("r1")
        self.world.heard.events.clear()
        self.delete()
        (change,) = self.world.heard.of("sessions.changed")
        self.assertEqual((change["reason"], change["sessionKey"]), ("delete", MAIN))
        self.assertNotIn("session", change)

    def test_what_waits_in_it_ends_and_is_told(self) -> None:
        self.say("r1")
        self.say("r2")
        waiting = self.world.conversations.ended("r2")
        self.delete()
        self.assertEqual(self.successResultOf(waiting).final.stop_reason, "rpc")
        self.assertEqual(self.world.heard.states("r2"), ["aborted"])
        self.world.call.answer("x")
        self.world.turn()
        self.assertEqual(len(self.world.runtime.calls), 1)
        self.assertEqual(self.world.heard.states("r1")[-1], "final")
        self.assertEqual(self.transcript(), [])

    def test_a_delete_races_an_input_that_is_being_stored(self) -> None:
        self.say("r0")
        self.world.call.answer("x")
        self.world.store.holding = True
        before = self.world.accept("before")
        deleting = self.world.conversations.delete(MAIN, None)
        after = self.world.accept("after")
        self.world.store.release()
        self.world.store.release()
        self.assertEqual(self.successResultOf(before).state, "new")
        self.assertTrue(self.successResultOf(deleting))
        self.assertEqual(self.successResultOf(after).state, "new")
        self.world.store.holding = False
        self.world.turn()
        self.assertEqual(self.world.call.said, [("user", "after")])
        self.world.call.answer("hi")
        self.assertEqual(self.transcript(), [("user", "after"), ("assistant", "hi")])
        receipt = self.say("before")
        assert receipt.record is not None
        self.assertEqual(receipt.record.final.summary, "aborted")

    def test_a_delete_races_the_end_of_a_run(self) -> None:
        for delete_first in (False, True):
            self.say(f"r-{delete_first}")
            self.world.store.holding = True
            if delete_first:
                deleting = self.world.conversations.delete(MAIN, None)
                self.world.call.finish("x")
            else:
                self.world.call.finish("x")
                deleting = self.world.conversations.delete(MAIN, None)
            self.world.store.release()
            self.world.store.holding = False
            self.assertTrue(self.successResultOf(deleting))
            self.assertEqual(self.world.heard.states(f"r-{delete_first}")[-1], "final")
            self.assertEqual(self.transcript(), [])
            self.assertEqual(self.world.runs.active(), ())
