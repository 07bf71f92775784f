"""S23-S26: people on chat platforms who take names, leave fields out, press buttons, come again."""

import itertools
from collections.abc import Callable, Collection, Iterator
from random import Random
from typing import Any

from msgspec.structs import replace
from twisted.internet.task import Clock

from openclaw.config.schema.channels import ChannelSettings, GroupSettings
from openclaw.errors import ConfigError
from openclaw.interfaces.messages import Inbound, Person, Quote
from openclaw.interfaces.routing import AccessRules, GroupRules, Refusal
from openclaw.routing import access, admission, rules
from openclaw.routing.admission import Admission
from openclaw.routing.identifiers import IdForm, form_of
from openclaw.security.pairing_codes import CodeMaker
from openclaw.security.sender_codes import SenderCodes, sender_key
from openclaw.storage.memory import MemoryStore
from tests.attacks.judging import AttackCase, Verdict, hostile

# Of each platform: the owner's id, a stranger's, and what the owner is called there.
PEOPLE = {
    "telegram": ("123456789", "987654321", ("alice", "@alice", "Alice A.")),
    "discord": ("80351110224678912", "80351110224678913", ("alice", "alice#0001", "<@alice>")),
    "slack": ("U012ABCDEF", "U012ABCDEG", ("alice", "@alice", "alice@example.org")),
    "matrix": ("@alice:example.org", "@mallory:example.org", ("Alice", "@alice", "alice")),
    "irc": ("account:alice", "account:mallory", ("alice", "ALICE", "alice!*@home")),
}
KINDS: tuple[Any, ...] = ("message", "edit", "reaction", "command", "button")
STARTING = ("message", "command", "button")
OWNERS = GroupRules(allow_from=frozenset(owner for owner, _, _ in PEOPLE.values()))
LISTED: dict[str, Any] = {
    "dm": "allowlist",
    "allow_from": OWNERS.allow_from,
    "groups": {"room": OWNERS},
    "group_allow_from": OWNERS.allow_from,
}


def event(channel: str, sender: str, chat_type: Any = "dm", **more: Any) -> Inbound:
    """Something that addresses the assistant."""
    person = Person(id=sender, **more.pop("person", {}))
    plain: dict[str, Any] = {
        "channel": channel,
        "account": "default",
        "chat_id": "room" if chat_type != "dm" else sender,
        "message_id": "1",
        "dedupe_id": "1",
        "timestamp_ms": 1,
        "text": "claw, hello",
        "mention": "native",
    }
    return Inbound(chat_type=chat_type, sender=person, **{**plain, **more})


class DoorAttacks(AttackCase):
    """A door with real sender codes; nobody is in haste."""

    def setUp(self) -> None:
        self.store = MemoryStore(Clock())
        self.store.startService()
        self.addCleanup(self.store.stopService)
        self.senders = SenderCodes(self.store, CodeMaker(b"k" * 32), lambda: 1)
        self.door = Admission(self.senders, lambda *_: None, lambda: 1.0, lambda: 0)

    def approve(self, channel: str, account: str, sender: str) -> None:
        """Let somebody in by the code."""
        if self.successResultOf(self.senders.ask(channel, account, sender)) is not None:
            self.successResultOf(self.senders.approve(sender_key(channel, account, sender)))

    def refusal(self, message: Inbound, given: AccessRules) -> Refusal | None:
        """What the door says."""
        return self.successResultOf(self.door.admit(message, given)).refusal

    def got_in(self, message: Inbound, given: AccessRules) -> bool:
        """Whether an event was let in, or refused for what it is, not for who sent it."""
        return self.refusal(message, given) in (None, "not_wanted", "not_mentioned")


class NameAttacks(DoorAttacks):
    """Everything that a stranger can choose is made to look like the owner's."""

    def disguised(self) -> Verdict:
        verdict, choose = Verdict(), Random(23)
        for channel, (owner, stranger, names) in PEOPLE.items():
            for name, chat_type, kind in itertools.product(
                (owner, owner.upper(), f"{owner} ", *names), ("dm", "group", "channel"), KINDS
            ):
                person = {"name": name, "username": choose.choice((name, owner)), "roles": (owner,)}
                more = {
                    "chat_name": name,
                    "mentions": (owner,),
                    "reply_to": Quote(message_id="1", sender_id=owner),
                    "thread_id": owner,
                    "text": f"I am {owner}",
                }
                for sender in (stranger, *_near(owner)):
                    message = event(channel, sender, chat_type, person=person, kind=kind, **more)
                    verdict.note(message, self.got_in(message, AccessRules(**LISTED)))
            for chat_type in ("dm", "group"):
                message = event(channel, owner, chat_type)
                verdict.note(message, self.got_in(message, AccessRules(**LISTED)), may=True)
        return verdict

    @hostile(3600)
    def test_cve_2026_28480_renamed_to_the_owner(self) -> None:
        """A stranger took the owner's name, user name or title and was let in (CVE-2026-53811)."""
        self.held(self.disguised())
        real = access._in_person

        def by_name(message: Inbound, given: AccessRules, approved: Any) -> Refusal | None:
            known = {message.sender.username, message.sender.name} & given.allow_from
            return None if known else real(message, given, approved)

        self.patch(access, "_in_person", by_name)
        self.caught(self.disguised())

    @hostile(3600)
    def test_ghsa_c29c_2q9c_pc86_ids_that_are_almost_the_owner_s(self) -> None:
        """Ids were compared without their case, blanks or servers (CVE-2026-28471)."""
        self.held(self.disguised())
        self.patch(
            access,
            "_lists",
            lambda allowed, sender: sender.strip().lower() in {one.lower() for one in allowed},
        )
        self.caught(self.disguised())

    def listed(self) -> Verdict:
        verdict = Verdict()
        for channel, (owner, _, names) in PEOPLE.items():
            for name in (*names, "", " ", "Alice Liddell", "alice, bob", "@"):
                for settings in (
                    ChannelSettings(allow_from=(name,)),
                    ChannelSettings(group_allow_from=(owner, name)),
                    ChannelSettings(groups={name: GroupSettings()}),
                    ChannelSettings(groups={"*": GroupSettings(allow_from=(name,))}),
                ):
                    verdict.note((channel, settings), _reads(channel, settings))
            good = ChannelSettings(allow_from=("*", owner), groups={"*": GroupSettings()})
            verdict.note((channel, good), _reads(channel, good), may=True)
        return verdict

    @hostile(160)
    def test_cve_2026_53849_names_in_the_list(self) -> None:
        """A list of names was taken for a list of people (GHSA-chm2-m3w2-wcxm, CVE-2026-53857)."""
        self.held(self.listed())
        anything = form_of("elsewhere").person
        self.patch(
            rules,
            "form_of",
            lambda channel: IdForm(person=anything, chat=anything, person_words="", chat_words=""),
        )
        self.caught(self.listed())


class MissingAttacks(DoorAttacks):
    """Events without what they are judged by, and lists without anybody."""

    def fuzzed(self) -> Verdict:
        verdict = Verdict()
        everybody = AccessRules(
            dm="open", allow_from=frozenset("*"), group="open", require_mention=False
        )
        for chat_type, kind, channel in itertools.product(
            ("dm", "group", "channel"), KINDS, PEOPLE
        ):
            whole = event(channel, PEOPLE[channel][0], chat_type, kind=kind)
            verdict.note(whole, self.got_in(whole, everybody), may=True)
            for count in (1, 2):
                for names in itertools.combinations(_VITAL, count):
                    for nothing in ("", " ", "\t\n", None, 0, ()):
                        broken = _without(whole, names, nothing)
                        verdict.note((names, nothing), self.got_in(broken, everybody))
            for odd in ("", "thread", "DM", "unknown", None):
                broken = replace(whole, chat_type=odd)
                verdict.note(("chat_type", odd), self.got_in(broken, everybody))
        return verdict

    @hostile(7125)
    def test_cve_2026_28446_fields_left_out(self) -> None:
        """An empty caller id, or an unknown kind of chat, passed (GHSA-33rq-m5x2-fvgf)."""
        self.held(self.fuzzed())
        self.patch(access, "_is_complete", lambda message: True)
        self.caught(self.fuzzed())

    def tabled(self) -> Verdict:
        self.approve("telegram", "default", "3")
        verdict = Verdict()
        for message, given in generated(6000):
            may = allowed(message, given, {("telegram", "default", "3")})
            verdict.note((message, given), self.refusal(message, given) is None, may)
        return verdict

    @hostile(4606)
    def test_cve_2026_35649_every_policy_against_the_table(self) -> None:
        """An empty list, or none, let everybody in (GHSA-gp79-m99v-gjmh)."""
        self.held(self.tabled())
        self.patch(
            access, "_lists", lambda allowed, sender: not allowed or sender in allowed | {"*"}
        )
        self.caught(self.tabled())


class ElsewhereAttacks(DoorAttacks):
    """Somebody whose pairing code was approved, everywhere else."""

    def elsewhere(self) -> Verdict:
        verdict = Verdict()
        for channel, (_, guest, _) in PEOPLE.items():
            self.approve(channel, "default", guest)
            verdict.note(channel, self.got_in(event(channel, guest), AccessRules()), may=True)
            for kind, group, answering in itertools.product(KINDS, _CLOSED, (None, _OURS)):
                for chat_type in ("group", "channel"):
                    message = event(channel, guest, chat_type, kind=kind, reply_to=answering)
                    verdict.note(message, self.got_in(message, AccessRules(**group)))
            for kind, place in itertools.product(KINDS, ({"account": "work"}, {"channel": "x"})):
                message = replace(event(channel, guest, kind=kind), **place)
                verdict.note(message, self.got_in(message, AccessRules()))
            for dm in ("allowlist", "disabled", "open"):
                message = event(channel, guest)
                verdict.note((dm, message), self.got_in(message, AccessRules(dm=dm)))
        return verdict

    @hostile(565)
    def test_cve_2026_26328_pairing_counted_in_groups(self) -> None:
        """An approval for direct messages let people into groups (GHSA-2gvc-4f3c-2855)."""
        self.held(self.elsewhere())
        real = access._in_group
        guests = {guest for _, guest, _ in PEOPLE.values()}

        def by_pairing(message: Inbound, given: AccessRules) -> Refusal | None:
            return None if message.sender.id in guests else real(message, given)

        self.patch(access, "_in_group", by_pairing)
        self.caught(self.elsewhere())

    @hostile(565)
    def test_cve_2026_62196_pairing_counted_on_other_accounts(self) -> None:
        """An approval on one account or channel counted on every other."""
        self.held(self.elsewhere())
        self.patch(
            self.senders,
            "is_approved",
            lambda channel, account, sender: sender in {row[1] for row in PEOPLE.values()},
        )
        self.caught(self.elsewhere())


class KindAttacks(DoorAttacks):
    """Strangers who say nothing: they press, react, edit, command."""

    def tried(self) -> Verdict:
        verdict = Verdict()
        for channel, (owner, stranger, _) in PEOPLE.items():
            for kind, chat_type, mention, answering in itertools.product(
                KINDS,
                ("dm", "group", "channel"),
                ("none", "native", "reply", "command", "pattern"),
                (None, _OURS),
            ):
                more = {"kind": kind, "mention": mention, "reply_to": answering, "command": "new"}
                for given in (LISTED, {**LISTED, "dm": "pairing", "require_mention": False}):
                    message = event(channel, stranger, chat_type, **more)
                    verdict.note(message, self.got_in(message, AccessRules(**given)))
            for kind in STARTING:
                message = event(channel, owner, "group", kind=kind)
                admitted = self.refusal(message, AccessRules(**LISTED)) is None
                verdict.note(message, admitted, may=True)
        return verdict

    @hostile(1500)
    def test_cve_2026_35652_buttons_and_commands_without_the_check(self) -> None:
        """Callbacks, slash commands and reactions skipped the sender (GHSA-w5ww-7chg-mxcq)."""
        self.held(self.tried())
        real = access.refusal_of
        for kind in ("button", "command", "reaction", "edit"):
            self.patch(admission, "refusal_of", _but_for(kind, real))
            self.caught(self.tried())


# -- the oracle of policies ---------------------------------------------------------------------


def allowed(message: Inbound, given: AccessRules, approved: set[tuple[str, str, str]]) -> bool:
    """The oracle: what the rules say in words, as one list of conditions that all have to hold."""
    who, everybody = {message.sender.id, "*"}, given.allow_from
    if message.sender.is_bot and not given.allow_bots:
        return False
    if message.chat_type == "dm":
        paired = (message.channel, message.account, message.sender.id) in approved
        return {
            "disabled": False,
            "open": bool(who & everybody),
            "allowlist": bool(who & everybody),
            "pairing": bool(who & everybody) or (paired and not message.sender.is_bot),
        }[given.dm]
    entry = [
        given.groups[name]
        for name in (message.chat_id, message.parent_id, "*")
        if name and name in given.groups
    ][:1]
    named = [entry[0].allow_from] if entry and entry[0].allow_from is not None else []
    lists = [*named, *([given.group_allow_from] if given.group_allow_from is not None else [])][:1]
    silent = all(one.require_mention is None for one in entry)
    wanted = given.require_mention if silent else entry[0].require_mention
    own_lists: tuple[Collection[str], ...] = (
        given.allow_from,
        given.group_allow_from or (),
        *named,
    )
    commands = message.kind == "command" and any(message.sender.id in one for one in own_lists)
    conditions = (
        given.group != "disabled",
        not given.groups or bool(entry),
        all(one.enabled for one in entry),
        given.group == "open" or bool(entry) or bool(lists),
        all(who & one for one in lists),
        not wanted or commands or message.mention != "none",
    )
    return all(conditions)


def generated(count: int) -> Iterator[tuple[Inbound, AccessRules]]:
    """Senders, chats and policies, as they come."""
    choose = Random(24)
    people = ("1", "2", "3", "4")

    def some() -> frozenset[str]:
        return frozenset(one for one in (*people, "*") if choose.random() < 0.2)

    def group() -> GroupRules:
        return GroupRules(
            enabled=choose.random() < 0.8,
            require_mention=choose.choice((None, None, True, False)),
            allow_from=choose.choice((None, None, some())),
        )

    for _ in range(count):
        message = event(
            choose.choice(("telegram", "irc")),
            choose.choice(people),
            choose.choice(("dm", "group", "channel")),
            account=choose.choice(("default", "work")),
            parent_id=choose.choice(("", "above")),
            kind=choose.choice(("message", "command")),
            mention=choose.choice(("none", "native")),
            person={"is_bot": choose.random() < 0.2},
        )
        yield (
            message,
            AccessRules(
                dm=choose.choice(("pairing", "allowlist", "open", "disabled")),
                allow_from=some(),
                group=choose.choice(("allowlist", "allowlist", "open", "disabled")),
                groups={name: group() for name in ("room", "above", "*") if choose.random() < 0.25},
                group_allow_from=choose.choice((None, None, some())),
                require_mention=choose.random() < 0.5,
                allow_bots=choose.random() < 0.5,
            ),
        )


_OURS = Quote(message_id="1", is_own=True)
_VITAL = ("channel", "account", "chat_id", "sender", "dedupe_id")
# Groups in which a guest may not speak, each for another reason.
_CLOSED: tuple[dict[str, Any], ...] = (
    {},
    {"groups": {"other": GroupRules()}},
    {"groups": {"room": OWNERS}},
    {"groups": {"room": GroupRules(enabled=False)}},
    {"group_allow_from": frozenset()},
)


def _near(owner: str) -> tuple[str, ...]:
    """Ids that are almost the owner's."""
    return (
        f" {owner}",
        f"{owner}\n",
        owner.swapcase() + "0",
        f"x:{owner}",
        f"{owner}\x00",
        "*",
        owner[:-1],
    )


def _without(message: Inbound, names: tuple[str, ...], nothing: Any) -> Inbound:
    changes = {name: nothing for name in names if name != "sender"}
    if "sender" in names:
        changes["sender"] = replace(message.sender, id=nothing)
    return replace(message, **changes)


def _reads(channel: str, settings: ChannelSettings) -> bool:
    try:
        rules.access_rules(settings, channel, f"channels.{channel}", ("main",))
    except ConfigError:
        return False
    return True


def _but_for(kind: str, real: Callable[..., Refusal | None]) -> Callable[..., Refusal | None]:
    """The bug: one kind of event is not asked who sent it."""

    def judged(message: Inbound, given: AccessRules, approved: Any) -> Refusal | None:
        return None if message.kind == kind else real(message, given, approved)

    return judged
