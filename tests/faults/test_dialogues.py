"""Every kind of breach is planted once in what people saw, and found."""

from collections.abc import Callable

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.faults.dialogues import NOTICE, Asked, Record, Seen, Verdict, Written, judge, word

CUT = f"⚠️ {NOTICE} while this was being answered."


def said(key: str, first: int, last: int) -> str:
    return " ".join(word(key, number) for number in range(first, last + 1))


def clean() -> Record:
    """One chat with four messages, another with one; three lives; nothing is wrong.

    ``a0x1`` was shown growing and fills two messages, ``a0x2`` was tried in two lives, ``a0x3`` was
    cut off, ``a0x4`` was parked; ``a1x1`` was never acknowledged.
    """
    record = Record(lives=[0, 100, 200])
    for place, length in ((1, 6), (2, 2), (3, 5), (4, 2)):
        key = f"a0x{place}"
        record.written[key] = Written(key, "a/0", place, f"m{place}", length, acknowledged=True)
    record.written["a1x1"] = Written("a1x1", "a/1", 1, "m1", 3)
    record.asked = [Asked("a0x1", 10), Asked("a0x2", 20), Asked("a0x2", 110)]
    record.asked += [Asked("a0x3", 120), Asked("a0x4", 210)]
    record.seen = [
        Seen("a/0", "1", said("a0x1", 1, 2), 11, "m1"),
        Seen("a/0", "1", said("a0x1", 1, 4), 12, "m1"),
        Seen("a/0", "2", said("a0x1", 5, 6), 13),
        Seen("a/0", "3", said("a0x2", 1, 2), 111, "m2"),
        Seen("a/0", "4", said("a0x3", 1, 2), 121, "m3"),
        Seen("a/0", "4", CUT, 201, "m3"),
    ]
    record.interrupted = {"a0x3"}
    record.parked = [Seen("a/0", "", said("a0x4", 1, 2), 300, "m4")]
    return record


class JudgeTests(SynchronousTestCase):
    def planted(self, plant: Callable[[Record], object]) -> Verdict:
        record = clean()
        plant(record)
        verdict = judge(record)
        self.assertFalse(verdict.clean)
        return verdict

    def test_nothing_is_wrong(self) -> None:
        verdict = judge(clean())
        self.assertEqual(
            verdict.line(2),
            "2 stops, 4 messages acknowledged, 0 lost, 0 doubled, 0 inverted, 0 astray",
        )
        self.assertTrue(verdict.clean, verdict)
        self.assertEqual((verdict.interrupted, verdict.parked), (1, 1))

    def test_an_answer_that_never_came(self) -> None:
        verdict = self.planted(lambda record: record.seen.pop(3))
        self.assertEqual(verdict.lost, ["a0x2 was acknowledged; 2 words of its answer are missing"])

    def test_a_message_that_was_not_acknowledged_may_be_lost(self) -> None:
        record = clean()
        record.written["a0x2"].acknowledged = False
        record.seen.pop(3)
        self.assertTrue(judge(record).clean)

    def test_an_answer_that_was_cut_short(self) -> None:
        verdict = self.planted(lambda record: record.seen.pop(2))
        self.assertEqual(verdict.lost, ["a0x1 was acknowledged; 2 words of its answer are missing"])

    def test_an_interruption_that_nobody_was_told(self) -> None:
        verdict = self.planted(lambda record: record.seen.pop(5))
        self.assertEqual(verdict.lost, ["a0x3 was cut off, and nobody was told"])

    def test_an_interruption_that_the_session_does_not_know(self) -> None:
        verdict = self.planted(lambda record: record.interrupted.clear())
        self.assertEqual(verdict.lost, ["a0x3 was acknowledged; 5 words of its answer are missing"])

    def test_a_letter_that_is_plainly_dead(self) -> None:
        verdict = self.planted(lambda record: record.dead.append("in dead: no"))
        self.assertEqual(verdict.lost, ["given up: in dead: no"])

    def test_an_answer_delivered_twice(self) -> None:
        again = Seen("a/0", "9", said("a0x2", 1, 2), 112, "m2")
        verdict = self.planted(lambda record: record.seen.insert(4, again))
        self.assertEqual(verdict.doubled, ["2 words of the answer to a0x2 were delivered twice"])

    def test_a_preview_that_stays_beside_its_answer(self) -> None:
        again = Seen("a/0", "9", said("a0x2", 1, 1), 111, "m2")
        verdict = self.planted(lambda record: record.seen.insert(3, again))
        self.assertEqual(verdict.doubled, ["1 words of the answer to a0x2 were delivered twice"])

    def test_a_notice_delivered_twice(self) -> None:
        verdict = self.planted(lambda record: record.seen.append(Seen("a/0", "9", CUT, 202, "m3")))
        self.assertEqual(
            verdict.doubled, ["a/0 was told 2 times that the answer to m3 was cut off"]
        )

    def test_a_message_that_was_run_again_after_its_answer_was_seen(self) -> None:
        verdict = self.planted(lambda record: record.asked.append(Asked("a0x3", 205)))
        self.assertIn("a0x3 was run again after its answer had been seen", verdict.doubled)

    def test_a_message_that_was_run_twice_by_one_process(self) -> None:
        verdict = self.planted(lambda record: record.asked.insert(2, Asked("a0x2", 21)))
        self.assertEqual(verdict.doubled, ["a0x2 was run twice by one process"])

    def test_a_message_that_was_run_for_ever(self) -> None:
        def plant(record: Record) -> None:
            record.lives = [0, 20, 21, 22, 23, 24, 115, 200]
            record.asked[1:3] = [Asked("a0x2", at) for at in (19, 20, 21, 22, 23, 24)]

        self.assertEqual(self.planted(plant).doubled, ["a0x2 was run 6 times"])

    def test_messages_that_reached_the_model_out_of_order(self) -> None:
        def plant(record: Record) -> None:
            record.asked[0], record.asked[1] = Asked("a0x2", 10), Asked("a0x1", 20)
            record.seen = [evolve(one, at=one.at + 20) for one in record.seen]

        self.assertIn("a0x1 reached the model after a0x2", self.planted(plant).inverted)

    def test_answers_out_of_order(self) -> None:
        def plant(record: Record) -> None:
            record.seen.insert(2, record.seen.pop(3))

        (found,) = self.planted(plant).inverted
        self.assertEqual(found, "a/0: word 5 of answer 1 stands after (2, 2)")

    def test_words_out_of_order(self) -> None:
        def plant(record: Record) -> None:
            record.seen[3] = evolve(record.seen[3], text=f"{word('a0x2', 2)} {word('a0x2', 1)}")

        self.assertEqual(len(self.planted(plant).inverted), 1)

    def test_a_notice_that_overtakes(self) -> None:
        def plant(record: Record) -> None:
            del record.seen[4]
            record.seen.insert(0, record.seen.pop())

        self.assertTrue(self.planted(plant).inverted)

    def test_a_word_in_another_chat(self) -> None:
        stray = Seen("a/1", "9", said("a0x2", 1, 1), 112)
        verdict = self.planted(lambda record: record.seen.append(stray))
        self.assertEqual(verdict.astray, ["a word of the answer to a0x2 was seen in a/1"])
