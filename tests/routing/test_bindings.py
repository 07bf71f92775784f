"""Tests of the table of bindings, in both directions; the levels by trying all combinations."""

import itertools
from collections.abc import Iterable
from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.interfaces.messages import Inbound
from openclaw.interfaces.routing import Binding
from openclaw.routing.bindings import Bindings
from tests.routing.rig import inbound

# One binding of each level, the most specific first; all match MESSAGE.
LEVELS: dict[str, dict[str, Any]] = {
    "peer": {"peer_kind": "channel", "peer_id": "c"},
    "parent": {"peer_kind": "channel", "peer_id": "p"},
    "wildcard": {"peer_kind": "group", "peer_id": "*"},
    "guild+roles": {"guild_id": "g", "roles": frozenset(("r1", "r2"))},
    "guild": {"guild_id": "g"},
    "team": {"team_id": "g"},
    "account": {"account": "default"},
    "channel": {"account": "*"},
}
MESSAGE = inbound(
    "42",
    "channel",
    channel="discord",
    chat_id="c",
    parent_id="p",
    space_id="g",
    person={"roles": ("r2", "r3")},
)


def table(*bindings: Binding) -> Bindings:
    return Bindings(bindings, "main", lambda channel: "default")


def bind(agent: str, channel: str = "discord", **more: Any) -> Binding:
    return Binding(agent_id=agent, channel=channel, **more)


def oracle(present: Iterable[str]) -> str:
    """The highest level of those that are there."""
    return next((level for level in LEVELS if level in present), "default")


class LevelTests(SynchronousTestCase):
    def test_every_combination_chooses_the_highest(self) -> None:
        """All 2^8 sets of levels, each in three orders."""
        shuffle, tried = Random(28), 0
        for present in itertools.product((False, True), repeat=len(LEVELS)):
            chosen = [level for level, here in zip(LEVELS, present, strict=True) if here]
            for _ in range(3):
                shuffle.shuffle(chosen)
                made = table(*(bind(level, **LEVELS[level]) for level in chosen))
                level = oracle(chosen)
                expected = ("main" if level == "default" else level, level)
                self.assertEqual(made.agent(MESSAGE), expected, chosen)
                tried += 1
        self.assertEqual(tried, 3 * 256)

    def test_a_binding_whose_every_condition_but_one_holds_does_not_match(self) -> None:
        whole: dict[str, Any] = {
            "account": "default",
            "peer_kind": "channel",
            "peer_id": "c",
            "guild_id": "g",
            "team_id": "g",
            "roles": frozenset(("r2",)),
        }
        self.assertEqual(table(bind("a", **whole)).agent(MESSAGE), ("a", "peer"))
        for name, value in whole.items():
            other = frozenset(("x",)) if name == "roles" else "x"
            changed = {**whole, name: "direct" if name == "peer_kind" else other}
            with self.subTest(name=name, value=value):
                self.assertEqual(table(bind("a", **changed)).agent(MESSAGE), ("main", "default"))
        self.assertEqual(table(bind("a", "slack", **whole)).agent(MESSAGE), ("main", "default"))

    def test_of_equals_the_first_decides(self) -> None:
        made = table(bind("a", account="*"), bind("b", account="*"))
        self.assertEqual(made.agent(MESSAGE)[0], "a")

    def test_accounts(self) -> None:
        named, plain, every = bind("n", account="default"), bind("p"), bind("e", account="*")
        for rows, account, expected in (
            ((every, plain, named), "default", ("n", "account")),
            ((every, plain), "default", ("p", "channel")),
            ((every, plain, named), "work", ("e", "channel")),
            ((plain, named), "work", ("main", "default")),
        ):
            message = inbound("1", "group", channel="discord", account=account)
            self.assertEqual(table(*rows).agent(message), expected)

    def test_people_and_groups_are_not_mistaken_for_each_other(self) -> None:
        person = bind("p", peer_kind="direct", peer_id="7")
        group = bind("g", peer_kind="group", peer_id="7")
        made = table(person, group)
        self.assertEqual(made.agent(inbound("7", channel="discord"))[0], "p")
        self.assertEqual(made.agent(inbound("1", "group", channel="discord", chat_id="7"))[0], "g")
        # The chat of a direct message is no identity: only its sender is.
        direct = inbound("8", channel="discord", chat_id="7")
        self.assertEqual(made.agent(direct), ("main", "default"))

    def test_nothing_empty_matches(self) -> None:
        odd = bind("a", peer_kind="group", peer_id="x", guild_id="")
        self.assertEqual(table(odd).agent(inbound("1", "group", channel="discord"))[0], "main")
        parent = bind("a", peer_kind="direct", peer_id="p")
        message = inbound("1", channel="discord", parent_id="p")
        self.assertEqual(table(parent).agent(message)[0], "main")

    def test_a_topic_stands_before_its_group(self) -> None:
        group = bind("g", "telegram", peer_kind="group", peer_id="-100")
        topic = bind("t", "telegram", peer_kind="group", peer_id="-100:topic:7")
        made = table(group, topic)
        self.assertEqual(made.agent(inbound(chat_type="group", thread_id="7")), ("t", "peer"))
        self.assertEqual(made.agent(inbound(chat_type="group", thread_id="8")), ("g", "peer"))

    def test_it_is_quick_with_many(self) -> None:
        """Exact peers are looked up, not searched."""
        rows = [bind(f"a{n}", peer_kind="group", peer_id=f"c{n}") for n in range(5000)]
        made = table(*rows)
        looked: list[Binding] = []
        rank = made._rank

        def counted(row: Binding, told: Inbound) -> int | None:
            looked.append(row)
            return rank(row, told)

        self.patch(made, "_rank", counted)
        message = inbound("1", "group", channel="discord", chat_id="c4999")
        self.assertEqual(made.agent(message), ("a4999", "peer"))
        self.assertEqual(len(looked), 1)


class OutboundTests(SynchronousTestCase):
    """Which channel a message leaves by where none was named."""

    channels = ("discord", "slack", "telegram")

    def chosen(self, *bindings: Binding, known: Any = (), channels: Any = None) -> str | None:
        return table(*bindings).channel("ops", "42", channels or self.channels, known)

    def test_in_turn(self) -> None:
        own = bind("ops", "slack", peer_kind="direct", peer_id="42")
        others = bind("main", "telegram", peer_kind="direct", peer_id="42")
        wide = bind("ops", "discord")
        self.assertEqual(self.chosen(wide, others, own, known=("discord",)), "slack")
        self.assertEqual(self.chosen(wide, others, known=("discord",)), "telegram")
        self.assertEqual(self.chosen(wide, known=("telegram",)), "telegram")
        self.assertEqual(self.chosen(wide), "discord")
        self.assertEqual(self.chosen(channels=("slack",)), "slack")
        self.assertIsNone(self.chosen())

    def test_two_answers_are_none(self) -> None:
        direct = {"peer_kind": "direct", "peer_id": "42"}
        two = (bind("ops", "slack", **direct), bind("ops", "discord", **direct))
        self.assertIsNone(self.chosen(*two, bind("ops", "telegram")))
        self.assertIsNone(self.chosen(known=("slack", "discord")))

    def test_channels_that_are_not_configured_are_none(self) -> None:
        gone = bind("ops", "irc", peer_kind="direct", peer_id="42")
        self.assertEqual(
            self.chosen(gone, bind("ops", "irc"), known=("irc",), channels=("slack",)), "slack"
        )

    def test_a_wildcard_is_nobody_s_name(self) -> None:
        made = table(bind("ops", "slack", peer_kind="direct", peer_id="*"))
        self.assertIsNone(made.channel("ops", "*", self.channels))


class ListingTests(SynchronousTestCase):
    """``getBindings(user)``: complete, in the order in which they are asked."""

    def test_each_listed_one_can_decide_and_no_other(self) -> None:
        rows = [
            bind("every", account="*"),
            bind("account", account="work"),
            bind("team", team_id="t"),
            bind("default"),
            bind("any", peer_kind="direct", peer_id="*"),
            bind("guild", guild_id="g"),
            bind("her", peer_kind="direct", peer_id="42"),
            bind("him", peer_kind="direct", peer_id="43"),
            bind("group", peer_kind="group", peer_id="42"),
        ]
        made = table(*rows)
        listed = [one.agent_id for one in made.of("42")]
        self.assertEqual(listed, ["her", "any", "guild", "team", "account", "default", "every"])
        deciding = {table(row).agent(message)[0] for row in rows for message in self.events()}
        self.assertEqual(deciding - {"main"}, set(listed))

    def events(self) -> Iterable[Inbound]:
        """Direct messages of one person, on every account and in every space."""
        for account, space in itertools.product(("default", "work"), ("", "g", "t")):
            yield inbound("42", channel="discord", account=account, space_id=space)
