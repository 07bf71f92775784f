"""Tests of the router: places, routes that outlive a restart, channels for what names none."""

from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from openclaw.errors import InvalidRequest, StoreError
from openclaw.interfaces.messages import Target
from openclaw.interfaces.routing import AccessRules, Binding, GroupRules, IRouter, Place
from openclaw.routing.router import Router
from openclaw.routing.routes import FRESH_MS, Routes
from openclaw.routing.session_keys import KeyMaker
from openclaw.storage.memory import MemoryStore
from tests.routing.rig import inbound

KEY = "agent:main:telegram:direct:42"
HERE = Target(channel="telegram", account="default", chat_id="42", thread_id="7")
THERE = Target(channel="slack", account="work", chat_id="C1", chat_type="channel")


class RouterCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.store.startService()
        self.addCleanup(self.store.stopService)
        self.restart()

    def restart(self, *configured: Binding, capacity: int = 100) -> None:
        """Come up on the same journal."""
        self.routes = Routes(self.store, self.now_ms, capacity)
        self.successResultOf(self.routes.load())
        self.routes.startService()
        self.router = Router(configured, KeyMaker(), self.routes)

    def now_ms(self) -> int:
        return int(self.clock.seconds() * 1000)

    def count_writes(self) -> list[Any]:
        """What is given to the journal from here on."""
        seen: list[Any] = []
        run = self.store.run

        def counted(*args: Any, **named: Any) -> Any:
            seen.append(named)
            return run(*args, **named)

        self.patch(self.store, "run", counted)
        return seen


class PlaceTests(RouterCase):
    """Agent and session of an event."""

    def test_it_keeps_its_word(self) -> None:
        verifyObject(IRouter, self.router)

    def test_a_group_that_moved_keeps_its_session_and_its_agent(self) -> None:
        group: dict[str, Any] = {"chat_type": "group"}
        peer = Binding(agent_id="friends", channel="telegram", peer_id="-1")
        self.restart(peer)
        rules = AccessRules(moved_from={"-2": "-1", "-3": "-1"})
        first = self.router.place(inbound(chat_id="-1", **group), rules)
        self.assertEqual(first.agent_id, "friends")
        for later in ("-2", "-3"):
            self.assertEqual(self.router.place(inbound(chat_id=later, **group), rules), first)
        other = self.router.place(inbound(chat_id="-4", **group), rules)
        self.assertNotEqual(other.session_key, first.session_key)

    def test_group_then_bindings_then_default(self) -> None:
        rules = AccessRules(groups={"-100": GroupRules(agent="family"), "*": GroupRules()})
        self.restart(Binding(agent_id="ops", channel="telegram"))
        for message, agent, binding in (
            (inbound(chat_type="group"), "family", "group"),
            (inbound(chat_type="group", chat_id="-200"), "ops", "channel"),
            (inbound("-100"), "ops", "channel"),
            (inbound(channel="irc"), "main", "default"),
        ):
            place = self.router.place(message, rules)
            self.assertEqual((place.agent_id, place.binding), (agent, binding))
            self.assertTrue(place.session_key.startswith(f"agent:{agent}:{message.channel}:"))
        expected = Place(agent_id="main", session_key="agent:main:irc:direct:42", binding="default")
        self.assertEqual(self.router.place(inbound(channel="irc"), rules), expected)

    def test_nobody_s_message_has_no_place(self) -> None:
        self.assertRaises(InvalidRequest, self.router.place, inbound(""), AccessRules())

    def test_bindings_change_while_it_runs(self) -> None:
        plain = Binding(agent_id="ops", channel="telegram")
        later = Binding(agent_id="night", channel="telegram")
        rules = AccessRules()

        def agent() -> str:
            return self.router.place(inbound(), rules).agent_id

        self.assertEqual(agent(), "main")
        self.router.replace((plain,))
        self.assertEqual(agent(), "ops")
        self.router.bind(later)
        self.assertEqual(agent(), "night")
        self.assertEqual(self.router.bindings(), (later, plain))
        self.assertEqual(list(self.router.bindings("42")), [later, plain])
        self.router.replace(())
        self.assertEqual(agent(), "night")


class ChannelTests(RouterCase):
    """What leaves without a channel named."""

    def test_bindings_routes_and_the_only_one(self) -> None:
        two = ("slack", "telegram")
        self.assertRaises(InvalidRequest, self.router.channel_for, "main", "42", two)
        self.assertEqual(self.router.channel_for("main", "42", ("slack",)), "slack")
        self.router.remember(KEY, HERE)
        self.assertEqual(self.router.channel_for("main", "42", two), "telegram")
        self.router.bind(
            Binding(agent_id="main", channel="slack", peer_kind="direct", peer_id="42")
        )
        self.assertEqual(self.router.channel_for("main", "42", two), "slack")

    def test_the_refusal_says_what_to_do(self) -> None:
        refused = self.assertRaises(
            InvalidRequest, self.router.channel_for, "main", "42", ("slack", "irc")
        )
        self.assertIn("name one of irc, slack as `channel`", refused.message)
        refused = self.assertRaises(InvalidRequest, self.router.channel_for, "main", "42", ())
        self.assertIn("openclaw channels add", refused.message)


class RouteTests(RouterCase):
    """Where a session was last spoken to from."""

    def test_the_last_place_counts_and_outlives_a_restart(self) -> None:
        self.assertIsNone(self.router.target(KEY))
        self.router.remember(KEY, HERE)
        self.router.remember(KEY, THERE)
        self.restart()
        self.assertEqual(self.router.target(KEY), THERE)
        self.assertIsNone(self.router.target("agent:main:main"))

    def test_it_is_a_place_and_quotes_nothing(self) -> None:
        quoting = Target(channel="irc", account="a", chat_id="#x", reply_to="9")
        self.router.remember(KEY, quoting)
        found = self.router.target(KEY)
        assert found is not None
        self.assertEqual((found.chat_id, found.reply_to), ("#x", ""))

    def test_only_changes_are_written(self) -> None:
        writes = self.count_writes()
        for _ in range(50):
            self.router.remember(KEY, HERE)
        self.assertEqual(len(writes), 1)
        self.clock.advance(FRESH_MS / 1000)
        self.router.remember(KEY, HERE)
        self.assertEqual(len(writes), 2)

    def test_changes_while_one_is_written_go_together(self) -> None:
        seen, first = [], Deferred[None]()

        def slowly(_function: Any, **named: Any) -> Deferred[None]:
            seen.append(set(named["routes"]))
            return first

        self.patch(self.store, "run", slowly)
        for number in range(5):
            self.router.remember(f"agent:main:x:direct:{number}", HERE)
        stopped = self.routes.stopService()
        self.assertNoResult(stopped)
        first.callback(None)
        self.successResultOf(stopped)
        self.assertEqual([len(one) for one in seen], [1, 4])

    def test_a_failed_write_is_made_up_for(self) -> None:
        run = self.store.run
        self.patch(self.store, "run", lambda *_, **__: fail(StoreError("the disk is full")))
        self.router.remember(KEY, HERE)
        self.assertEqual(self.router.target(KEY), HERE)
        self.patch(self.store, "run", run)
        self.router.remember("agent:main:x:direct:1", THERE)
        self.restart()
        self.assertEqual(self.router.target(KEY), HERE)

    def test_a_stop_writes_what_failed_before(self) -> None:
        run = self.store.run
        self.patch(self.store, "run", lambda *_, **__: fail(StoreError("the disk is full")))
        self.router.remember(KEY, HERE)
        self.patch(self.store, "run", run)
        self.successResultOf(self.routes.stopService())
        self.restart()
        self.assertEqual(self.router.target(KEY), HERE)

    def test_memory_and_disk_are_bounded(self) -> None:
        self.restart(capacity=10)
        for number in range(50):
            self.clock.advance(1)
            self.router.remember(f"agent:main:x:direct:{number}", HERE)
        (rows,) = self.successResultOf(
            self.store.read(lambda tx: tx.rows("select count(*) from route"))
        )
        self.assertEqual((len(self.routes), rows), (10, (10,)))
        self.restart(capacity=5)
        self.assertEqual(len(self.routes), 5)
        self.assertIsNotNone(self.router.target("agent:main:x:direct:49"))

    def test_damage_is_said(self) -> None:
        def damage(tx: Any) -> None:
            tx.execute("insert into route values('k', :body, 1)", body=b"[]")

        self.successResultOf(self.store.run(damage))
        routes = Routes(self.store, self.now_ms)
        self.failureResultOf(routes.load(), StoreError)
