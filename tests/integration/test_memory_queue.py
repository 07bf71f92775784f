"""``queue.backend: memory`` in a whole gateway: it is used, it is named, and it ends with it."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from openclaw.channels.counterpart import Shown
from tests.faults.bystanders import WatchedTelegram
from tests.integration.running import Place, model_configuration, model_stand_in, reactor

CHAT = "4711"


class MemoryQueueTests(TestCase):
    timeout = 90

    async def test_a_message_is_answered_and_health_says_where_it_waited(self) -> None:
        place = Place(self.mktemp())
        shown: list[Shown] = []
        telegram = WatchedTelegram("t", 100, lambda account, what: shown.append(what))
        self.addCleanup(lambda: Deferred.fromCoroutine(telegram.stop()))
        model, port = await model_stand_in(place.directory)
        self.addCleanup(model.stop, "KILL")
        place.configure(
            {
                **model_configuration(port),
                "queue": {"backend": "memory"},
                "channels": {"telegram": telegram.settings()},
            }
        )
        gateway = await place.started()
        self.addCleanup(gateway.stop, "KILL")
        telegram.say(CHAT, "hi")
        while not any(one.chat_id == CHAT and one.text for one in shown):
            await deferLater(reactor, 0.03)
        client = place.client(scopes=("operator.admin",))
        await client.connect()
        self.addCleanup(client.close)
        health: Any = await client.request("health")
        self.assertEqual(health["queue"], {"backend": "memory", "durable": False})
        stats: Any = await client.request("queue.stats")
        self.assertEqual((stats["backend"], stats["durable"]), ("memory", False))
        self.assertEqual(stats["counters"]["enqueued"], 2)
