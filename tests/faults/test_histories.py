"""Every kind of breach is planted once, and found."""

from collections.abc import Callable

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.faults.histories import Asked, Line, Record, Sent, Verdict, judge


def clean() -> Record:
    """Two sessions, two senders, two lives of the gateway; nothing is wrong.

    ``d`` was tried in both lives, ``e`` was never acknowledged, ``f`` was cut off.
    """
    record = Record(lives=[0.0, 100.0])
    keys = [("a", "s", "x"), ("b", "s", "x"), ("c", "s", "y"), ("d", "s", "x"), ("f", "t", "y")]
    for place, (key, session, sender) in enumerate(keys):
        record.sent[key] = Sent(
            key, session, sender, place, first_sent=10.0 * place, acknowledged=10.0 * place + 1
        )
        record.asked.append(Asked(key, 10.0 * place + 2))
    record.sent["e"] = Sent("e", "t", "y", 9, first_sent=60.0)
    record.asked.append(Asked("d", 101.0))
    record.shown = {"a": 3.0, "f": 43.0}
    record.finals.update(["a", "b", "c"])
    record.history = {
        "s": [
            Line(1, "user", "a"),
            Line(2, "user", "b"),
            Line(3, "assistant", "a"),
            Line(4, "assistant", "b"),
            Line(5, "user", "c"),
            Line(6, "user", "d"),
            Line(7, "assistant", "c"),
            Line(8, "assistant", "d"),
        ],
        "t": [Line(1, "user", "f"), Line(2, "assistant", "f", interrupted=True)],
    }
    return record


def without(record: Record, session: str, role: str, key: str) -> None:
    kept = [one for one in record.history[session] if (one.role, one.run) != (role, key)]
    record.history[session] = kept


def swap(record: Record, session: str, one: int, other: int) -> None:
    lines = record.history[session]
    a, b = lines[one], lines[other]
    lines[one], lines[other] = evolve(b, seq=a.seq), evolve(a, seq=b.seq)


class JudgeTests(SynchronousTestCase):
    def planted(self, plant: Callable[[Record], object]) -> Verdict:
        record = clean()
        plant(record)
        return judge(record)

    def test_nothing_is_wrong(self) -> None:
        verdict = judge(clean())
        self.assertEqual(
            verdict.line(2),
            "2 stops, 5 inputs acknowledged, 0 lost, 0 doubled, 0 inverted, 0 never run",
        )
        self.assertTrue(verdict.clean)
        self.assertEqual(verdict.interrupted, 1)

    def test_lost_input(self) -> None:
        verdict = self.planted(lambda record: without(record, "s", "user", "b"))
        self.assertEqual(len(verdict.lost), 1)
        self.assertFalse(verdict.clean)

    def test_input_in_another_session_is_lost(self) -> None:
        def plant(record: Record) -> None:
            record.history["t"].append(record.history["s"].pop(0))

        self.assertEqual(len(self.planted(plant).lost), 1)

    def test_input_stored_twice(self) -> None:
        verdict = self.planted(lambda record: record.history["s"].append(Line(9, "user", "b")))
        self.assertEqual(verdict.doubled, ["b has 2 user messages"])
        self.assertFalse(verdict.clean)

    def test_answer_stored_twice(self) -> None:
        verdict = self.planted(lambda record: record.history["s"].append(Line(9, "assistant", "b")))
        self.assertEqual(verdict.doubled, ["b has 2 assistant messages"])

    def test_run_twice_by_one_process(self) -> None:
        verdict = self.planted(lambda record: record.asked.append(Asked("b", 99.0)))
        self.assertEqual(verdict.doubled, ["b was run twice by one process"])

    def test_run_again_after_it_was_seen(self) -> None:
        verdict = self.planted(lambda record: record.asked.append(Asked("f", 102.0)))
        self.assertEqual(verdict.doubled, ["f was run again after its answer had been seen"])

    def test_run_for_ever(self) -> None:
        def plant(record: Record) -> None:
            for start in (200.0, 300.0, 400.0, 500.0):
                record.lives.append(start)
                record.asked.append(Asked("d", start + 1))

        self.assertEqual(self.planted(plant).doubled, ["d was run 6 times"])

    def test_told_twice(self) -> None:
        verdict = self.planted(lambda record: record.finals.update(["a"]))
        self.assertEqual(verdict.doubled, ["a ended 2 times on one connection"])

    def test_two_inputs_of_one_sender_swapped(self) -> None:
        verdict = self.planted(lambda record: swap(record, "s", 0, 1))
        self.assertTrue(any("which was sent first" in one for one in verdict.inverted))
        self.assertFalse(verdict.clean)

    def test_two_inputs_of_two_senders_swapped(self) -> None:
        verdict = self.planted(lambda record: swap(record, "s", 4, 5))
        self.assertTrue(any("was sent after" in one for one in verdict.inverted))

    def test_refused_input_may_come_later(self) -> None:
        def plant(record: Record) -> None:
            record.sent["a"] = evolve(record.sent["a"], refused=True, acknowledged=12.0)
            record.asked[0] = Asked("a", 12.5)
            record.asked[1] = Asked("b", 12.2)
            swap(record, "s", 0, 1)
            record.shown.clear()

        self.assertEqual(self.planted(plant).inverted, [])

    def test_two_messages_with_one_place(self) -> None:
        verdict = self.planted(lambda record: record.history["s"].append(Line(8, "user", "z")))
        self.assertEqual(verdict.inverted, ["two messages in s have one place"])

    def test_inputs_shown_out_of_order(self) -> None:
        verdict = self.planted(lambda record: record.history["s"].reverse())
        self.assertIn("s: a is shown behind a later input", verdict.inverted)

    def test_answer_shown_before_its_input(self) -> None:
        verdict = self.planted(
            lambda record: record.history["s"].insert(0, record.history["s"].pop(2))
        )
        self.assertEqual(verdict.inverted, ["s: the answer to a is shown before it"])

    def test_answers_may_stand_right_behind_their_inputs(self) -> None:
        verdict = self.planted(
            lambda record: record.history["s"].insert(1, record.history["s"].pop(2))
        )
        self.assertTrue(verdict.clean, verdict)

    def test_run_before_an_earlier_input(self) -> None:
        def plant(record: Record) -> None:
            record.asked[0] = Asked("a", 14.0)
            record.shown.clear()

        self.assertEqual(self.planted(plant).inverted, ["s: b was run before an earlier input"])

    def test_input_without_an_answer(self) -> None:
        verdict = self.planted(lambda record: without(record, "s", "assistant", "c"))
        self.assertEqual(verdict.never_run, ["c was acknowledged and has no answer"])
        self.assertFalse(verdict.clean)

    def test_interrupted_without_having_been_tried(self) -> None:
        def plant(record: Record) -> None:
            record.asked = [one for one in record.asked if one.key != "f"]

        self.assertEqual(self.planted(plant).never_run, ["f never reached the model"])

    def test_unacknowledged_input_may_be_anywhere(self) -> None:
        verdict = self.planted(lambda record: record.history["t"].append(Line(3, "user", "e")))
        self.assertTrue(verdict.clean, verdict)
