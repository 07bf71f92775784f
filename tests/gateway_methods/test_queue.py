"""The queues through methods: figures, previews without secrets, dead letters revived or gone."""

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.redact import KnownSecrets
from openclaw.gateway.dispatcher import Dispatcher
from openclaw.gateway.methods.queue import QueueMethods
from openclaw.interfaces.queue import NewMessage
from openclaw.protocol import scopes
from openclaw.protocol.base import encode
from openclaw.protocol.frames import decode_request
from openclaw.protocol.methods import METHODS
from openclaw.queue.memory import MemoryQueue
from openclaw.queue.rules import QueueRules
from tests.gateway.people import Person

SECRET = "sk-canary-0123456789"
EMPTY = {
    "ready": 0, "delayed": 0, "running": 0, "dead": 0, "unknown": 0, "lanes": 0, "oldestAgeMs": 0
}  # fmt: skip


class QueueMethodTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_800_000_000)
        self.queue = MemoryQueue(QueueRules(max_size=3), self.now_ms)
        methods = QueueMethods(
            queue=self.queue, hide=KnownSecrets([SECRET]).clean, now_ms=self.now_ms
        )
        handlers = dict(methods.handlers())
        table = {name: METHODS[name] for name in handlers}
        self.assertEqual(set(table), {name for name in METHODS if name.startswith("queue.")})
        self.dispatcher = Dispatcher(table, handlers, lambda: "ref-1")
        self.person = Person(scopes=(scopes.ADMIN,))

    def now_ms(self) -> int:
        return round(self.clock.seconds() * 1000)

    def call(self, method: str, by: Person | None = None, /, **params: Any) -> Any:
        """Call a method; its answer."""
        person = by or self.person
        frame = encode({"type": "req", "id": "1", "method": method, "params": params})
        self.dispatcher.dispatch(person.client, decode_request(frame))
        (answer,) = person.heard()
        return answer

    def ok(self, method: str, **params: Any) -> Any:
        """Call a method that succeeds; its payload."""
        answer = self.call(method, **params)
        self.assertTrue(answer["ok"], answer)
        return answer["payload"]

    def put(self, message_id: str, body: bytes = b'{"text": "hello"}', queue: str = "in") -> None:
        new = NewMessage(id=message_id, queue=queue, lane="agent:main:main", body=body)
        self.assertTrue(self.successResultOf(self.queue.enqueue(new)))

    def bury(self, reason: str = "no such chat", unknown: bool = False) -> None:
        (delivery,) = self.successResultOf(self.queue.claim("in", 1, 1000))
        self.successResultOf(self.queue.bury(delivery, reason, unknown))

    def test_status(self) -> None:
        self.put("m1")
        self.put("o1", queue="out:irc:main")
        self.bury(f"refused with {SECRET}")
        self.clock.advance(90)
        found = self.ok("queue.status")
        self.assertEqual(
            found["queues"],
            [
                {"queue": "in", **EMPTY, "dead": 1},
                {"queue": "out:irc:main", **EMPTY, "ready": 1, "lanes": 1, "oldestAgeMs": 90_000},
            ],
        )
        self.assertEqual((found["backend"], found["durable"]), ("memory", False))
        self.assertIn("lost when the process ends", found["limits"][0])
        self.assertNotIn("deadLetters", found)
        (letter,) = self.ok("queue.status", deadLetter=True)["deadLetters"]
        self.assertEqual((letter["id"], letter["state"], letter["ageMs"]), ("m1", "dead", 90_000))
        self.assertTrue(letter["reason"].startswith("refused with"))
        self.assertNotIn(SECRET, letter["reason"])

    def test_stats_count_what_happened(self) -> None:
        self.assertEqual(self.ok("queue.stats")["total"], EMPTY)
        for n in range(3):
            self.put(f"m{n}")
        self.put("o1", queue="out:irc:main")
        self.bury()
        found = self.ok("queue.stats")
        counted = {name: count for name, count in found["counters"].items() if count}
        self.assertEqual(counted, {"enqueued": 4, "buried": 1})
        self.assertEqual(found["total"], {**EMPTY, "ready": 3, "dead": 1, "lanes": 2})
        self.assertNotIn("queues", found)
        detailed = self.ok("queue.stats", detailed=True)["queues"]
        self.assertEqual([row["queue"] for row in detailed], ["in", "out:irc:main"])

    def test_inspecting_shows_the_beginning_of_a_text_and_no_secret(self) -> None:
        self.put("m1", encode({"text": f"the\nkey is {SECRET}, " + "x" * 200, "to": "canary-2"}))
        self.put("m2", b"\x00 not JSON: canary-2")
        self.put("m3", b'["canary-2"]')
        first, second, third = self.ok("queue.inspect", limit=5)["messages"]
        self.assertTrue(first["preview"].startswith("the key is "))
        self.assertEqual(len(first["preview"]), 60)
        self.assertNotIn("preview", second)
        self.assertNotIn("preview", third)
        for text in (SECRET, "canary-2"):
            self.assertNotIn(text, str((first, second, third)))
        self.assertNotIn("reason", first)
        self.assertEqual((first["state"], second["attempts"]), ("ready", 0))
        page = self.ok("queue.inspect", limit=1, after=first["position"])["messages"]
        self.assertEqual([one["id"] for one in page], ["m2"])
        self.assertEqual(self.ok("queue.inspect", queue="other")["messages"], [])
        self.assertEqual(self.ok("queue.inspect", lane="other")["messages"], [])

    def test_retry_and_discard(self) -> None:
        for n in range(2):
            self.put(f"m{n}")
            self.bury(unknown=bool(n))
        states = [one["state"] for one in self.ok("queue.inspect", deadLetter=True)["messages"]]
        self.assertEqual(states, ["dead", "unknown"])
        self.assertEqual(
            self.ok("queue.retry", ids=["m1", "ghost"]), {"done": ["m1"], "missing": ["ghost"]}
        )
        self.assertEqual(
            self.ok("queue.discard", ids=["m0", "m1"]), {"done": ["m0"], "missing": ["m1"]}
        )
        (left,) = self.ok("queue.inspect")["messages"]
        self.assertEqual((left["id"], left["state"]), ("m1", "ready"))

    def test_no_room_to_retry(self) -> None:
        self.put("m0")
        self.bury()
        for n in range(3):
            self.put(f"n{n}")
        error = self.call("queue.retry", ids=["m0"])["error"]
        self.assertEqual((error["code"], error["retryable"]), ("UNAVAILABLE", True))
        self.assertEqual(error["details"]["code"], "QUEUE_FULL")
        self.assertIn("queue.config.maxSize", error["message"])

    def test_who_may(self) -> None:
        reader = Person(scopes=(scopes.READ,))
        for name, params in (
            ("queue.status", {"deadLetter": True}),
            ("queue.stats", {}),
            ("queue.inspect", {}),
        ):
            answer = self.call(name, reader, **params)
            self.assertTrue(answer["ok"], name)
            reader = Person(scopes=(scopes.READ,))
        for name in ("queue.retry", "queue.discard"):
            answer = self.call(name, Person(scopes=(scopes.READ, scopes.WRITE)), ids=["m0"])
            self.assertEqual(answer["error"]["details"]["missingScope"], scopes.ADMIN)

    def test_bad_params(self) -> None:
        for params in ({"limit": 0}, {"limit": 1001}, {"after": -1}, {"queue": 5}):
            answer = self.call("queue.inspect", Person(scopes=(scopes.READ,)), **params)
            self.assertEqual(answer["error"]["code"], "INVALID_REQUEST", params)
