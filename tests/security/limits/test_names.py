"""Host names among the address rules: asked again and again, closed whenever that fails."""

from collections.abc import Iterable

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IReactorPluggableNameResolver
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from openclaw.security.limits.names import (
    INTERVAL_SECONDS,
    TIMEOUT_SECONDS,
    NameWatch,
    system_resolver,
)
from openclaw.security.limits.rules import AddressRules

NAME = "vpn.company.example"


class NameWatchTests(SynchronousTestCase):
    """A watch, rules behind it, and a name service that says what it is told."""

    def setUp(self) -> None:
        """Nothing resolves yet."""
        self.clock = Clock()
        self.rules = AddressRules(())
        self.answer: Deferred[Iterable[str]] = succeed([])
        self.asked: list[str] = []
        self.watch = self.make(NAME)

    def make(self, *names: str) -> NameWatch:
        """A watch."""
        return NameWatch(names, self.resolve, self.rules.resolved, self.clock)

    def resolve(self, name: str) -> Deferred[Iterable[str]]:
        """Answer as prepared."""
        self.asked.append(name)
        return self.answer

    def tearDown(self) -> None:
        """Nothing is left when it has stopped."""
        if self.watch.running:
            self.successResultOf(self.watch.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertFalse(self.rules.accepts("203.0.113.1"))

    def start(self, *addresses: str) -> None:
        """Start with a name that leads there."""
        self.answer = succeed(addresses)
        self.watch.startService()

    def next(self, answer: Deferred[Iterable[str]]) -> None:
        """Let the minute pass."""
        self.answer = answer
        self.clock.advance(INTERVAL_SECONDS)

    def test_asked_at_once_and_every_minute(self) -> None:
        """Sixty seconds from question to question."""
        self.start("203.0.113.1")
        self.assertEqual(self.asked, [NAME])
        self.clock.advance(59.9)
        self.assertEqual(len(self.asked), 1)
        self.clock.advance(0.1)
        self.assertEqual(len(self.asked), 2)

    def test_closed_until_it_is_known(self) -> None:
        """Open afterwards, for every address of it and for no other."""
        waiting: Deferred[Iterable[str]] = Deferred()
        self.answer = waiting
        self.watch.startService()
        self.assertFalse(self.rules.accepts("203.0.113.1"))
        waiting.callback(["203.0.113.1", "2001:db8::5"])
        self.assertTrue(self.rules.accepts("203.0.113.1"))
        self.assertTrue(self.rules.accepts("2001:db8::5"))
        self.assertFalse(self.rules.accepts("203.0.113.2"))

    def test_a_change_counts_within_a_minute(self) -> None:
        """The old address is no longer let in."""
        self.start("203.0.113.1")
        self.next(succeed(["203.0.113.9"]))
        self.assertFalse(self.rules.accepts("203.0.113.1"))
        self.assertTrue(self.rules.accepts("203.0.113.9"))

    def test_what_fails_in_any_way_closes(self) -> None:
        """And opens again with the next good answer."""
        never: Deferred[Iterable[str]] = Deferred()
        bad: list[Deferred[Iterable[str]]] = [
            succeed([]),
            fail(DNSLookupError("no such name")),
            fail(RuntimeError("resolver broke")),
            succeed(["not an address", ""]),
            never,
        ]
        self.start("203.0.113.1")
        for answer in bad:
            self.assertTrue(self.rules.accepts("203.0.113.1"))
            self.next(answer)
            if answer is never:
                self.assertTrue(self.rules.accepts("203.0.113.1"))
                self.clock.advance(TIMEOUT_SECONDS)
            self.assertFalse(self.rules.accepts("203.0.113.1"), answer)
            self.answer = succeed(["203.0.113.1"])
            self.clock.advance(INTERVAL_SECONDS)

    def test_a_resolver_that_raises(self) -> None:
        """It is a failure like others."""

        def broken(name: str) -> Deferred[Iterable[str]]:
            raise OSError("out of files")

        self.watch = NameWatch([NAME], broken, self.rules.resolved, self.clock)
        self.watch.startService()
        self.clock.advance(INTERVAL_SECONDS)
        self.assertFalse(self.rules.accepts("203.0.113.1"))

    def test_names_fail_one_by_one(self) -> None:
        """The other one stays."""
        self.watch = self.make("good.example", "bad.example")
        answers: dict[str, Deferred[Iterable[str]]] = {
            "good.example": succeed(["203.0.113.1"]),
            "bad.example": fail(DNSLookupError()),
        }
        self.watch._resolve = answers.__getitem__
        self.watch.startService()
        self.assertTrue(self.rules.accepts("203.0.113.1"))

    def test_stop_while_a_question_is_open(self) -> None:
        """Nothing is told afterwards, nor logged."""
        self.start("203.0.113.1")
        self.next(Deferred())
        self.successResultOf(self.watch.stopService())
        self.assertFalse(self.rules.accepts("203.0.113.1"))


class SystemResolverTests(TestCase):
    """The way every program of this machine looks names up."""

    timeout = 120

    async def test_this_machine(self) -> None:
        """A name that needs no network."""
        from twisted.internet import reactor

        found = await system_resolver(IReactorPluggableNameResolver(reactor))("localhost")
        self.assertTrue({"127.0.0.1", "::1"} & set(found), found)
