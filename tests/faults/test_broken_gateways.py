"""Gateways that are broken on purpose do not pass: each defect is noticed for what it is."""

import random

from twisted.trial.unittest import TestCase

from tests.faults.boundaries import Boundary, Moment
from tests.faults.dialogues import Verdict
from tests.faults.siege import Siege

MOST_ROUNDS = 6


class BrokenGatewayTests(TestCase):
    """A few stops each, at the places where the defect shows; luck decides how many."""

    timeout = 170.0

    async def suffer(
        self, defect: str, noticed: str, *stops: tuple[str, Moment], streaming: bool = False
    ) -> Verdict:
        """Stop a broken gateway until the judge notices something of the right kind."""
        for attempt in range(MOST_ROUNDS):
            chance = random.Random(attempt)
            # What goes wrong with an answer that is seen growing needs answers that grow.
            slow = 1.0 if streaming else 0.3
            siege = Siege(self.mktemp(), chance, defect, (streaming,), slow)
            self.addCleanup(siege.close)
            places = [Boundary(place, moment) for place, moment in stops]
            await siege.endure([*places, *places])
            verdict = await siege.settle()
            await siege.close()
            if getattr(verdict, noticed):
                return verdict
        self.fail(f"{defect} was not noticed: {verdict}")

    async def test_an_acknowledgement_before_the_commit_loses(self) -> None:
        stops: list[tuple[str, Moment]] = [("Telegram polled", "after"), ("Discord told", "after")]
        verdict = await self.suffer("acknowledges_before_the_commit", "lost", *stops)
        self.assertIn("was acknowledged", verdict.lost[0])

    async def test_an_inbox_that_forgets_doubles(self) -> None:
        await self.suffer("forgets_what_it_had", "doubled", ("message into the inbox", "after"))

    async def test_claims_that_are_forgotten_double(self) -> None:
        verdict = await self.suffer("forgets_its_claims", "doubled", ("platform called", "after"))
        self.assertIn("delivered twice", verdict.doubled[0])

    async def test_an_outbox_that_takes_things_twice_doubles(self) -> None:
        verdict = await self.suffer(
            "answers_under_new_names", "doubled", ("reply handed over", "before")
        )
        self.assertIn("delivered twice", verdict.doubled[0])

    async def test_a_run_that_is_repeated_after_it_was_seen_doubles(self) -> None:
        verdict = await self.suffer(
            "repeats_what_was_seen", "doubled", ("preview shown", "after"), streaming=True
        )
        self.assertTrue(any("seen" in one for one in verdict.doubled), verdict)

    async def test_a_preview_that_is_forgotten_doubles(self) -> None:
        stops: list[tuple[str, Moment]] = [("run ended", "after"), ("reply written", "before")]
        verdict = await self.suffer("forgets_its_previews", "doubled", *stops, streaming=True)
        self.assertIn("delivered twice", verdict.doubled[0])

    async def test_sends_that_do_not_wait_for_each_other_invert(self) -> None:
        await self.suffer("sends_in_any_order", "inverted", ("reply done", "after"))

    async def test_a_cut_off_reply_that_is_taken_for_sent_is_lost(self) -> None:
        await self.suffer("drops_what_was_cut_off", "lost", ("reply claimed", "after"))
