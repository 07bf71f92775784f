"""Tokens by day, from what runs left in the journal."""

from openclaw.errors import StoreError
from openclaw.interfaces.agents import Usage
from openclaw.monitoring.usage import UsageReport
from openclaw.protocol.schema.system import UsageCost
from tests.sessions.rig import WorldCase

DAY = 86_400


class UsageTests(WorldCase):
    def cost(self, days: int) -> UsageCost:
        report = UsageReport(self.world.store, self.world.now_ms)
        return self.successResultOf(report.cost(days))

    def take(self, run_id: str, sent: int, received: int) -> None:
        self.say(run_id)
        self.world.call.answer("x", usage=Usage(sent, received))

    def test_nothing_yet(self) -> None:
        cost = self.cost(3)
        self.assertEqual(
            [day.date for day in cost.daily], ["2027-01-13", "2027-01-14", "2027-01-15"]
        )
        self.assertEqual((cost.totals.total_tokens, cost.days), (0, 3))
        self.assertEqual(cost.updated_at, self.world.now_ms())

    def test_each_day_for_itself(self) -> None:
        self.take("r1", 10, 1)
        self.take("r2", 20, 2)
        self.world.clock.advance(DAY)
        self.take("r3", 100, 50)
        self.say("r4")
        self.world.call.answer("no usage told")
        cost = self.cost(2)
        self.assertEqual(
            [(day.date, day.input, day.output, day.total_tokens) for day in cost.daily],
            [("2027-01-15", 30, 3, 33), ("2027-01-16", 100, 50, 150)],
        )
        self.assertEqual((cost.totals.input, cost.totals.output), (130, 53))
        self.assertEqual(cost.totals.missing_cost_entries, 3)
        self.assertEqual(self.cost(1).totals.input, 100)

    def test_midnight_in_utc(self) -> None:
        self.world.clock.advance(16 * 3600 - 0.001)
        self.take("r1", 1, 0)
        self.world.clock.advance(0.002)
        self.take("r2", 2, 0)
        self.assertEqual([day.input for day in self.cost(2).daily], [1, 2])

    def test_a_journal_that_cannot_be_read(self) -> None:
        self.world.store.failing = {"_by_day"}
        self.failureResultOf(UsageReport(self.world.store, self.world.now_ms).cost(1), StoreError)
