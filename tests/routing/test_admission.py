"""Tests of the door: strangers, groups, mentions, commands, bots, haste."""

from typing import Any

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from openclaw.errors import StoreError
from openclaw.interfaces.routing import AccessRules, GroupRules, IAdmission, Verdict
from tests.routing.rig import OURS, DoorCase, inbound

LISTED: dict[str, Any] = {"groups": {"-100": GroupRules()}}
IN = Verdict(mentioned=True)


class StrangerTests(DoorCase):
    """Direct messages of people whom nobody listed."""

    def test_it_keeps_its_word(self) -> None:
        verifyObject(IAdmission, self.door)

    def test_a_stranger_is_told_its_code_once(self) -> None:
        first = self.admit(inbound())
        (row,) = self.senders.pending()
        code = self.successResultOf(self.senders.ask("telegram", "default", "42"))
        assert code is not None
        self.assertEqual((first.refusal, row.sender_id), ("pairing", "42"))
        self.assertIn(f"openclaw pairing approve telegram {code}", first.reply)
        self.assertIn("you are 42", first.reply)
        self.assertEqual(self.admit(inbound()), Verdict(refusal="pairing"))
        self.restart()
        self.assertEqual(self.admit(inbound()), Verdict(refusal="pairing"))

    def test_another_code_is_told_when_the_first_has_expired(self) -> None:
        first = self.admit(inbound()).reply
        self.clock.advance(3601)
        again = self.admit(inbound()).reply
        self.assertTrue(again)
        self.assertNotEqual(first, again)

    def test_two_messages_at_once_are_one_request(self) -> None:
        written: Deferred[None] = Deferred()
        run = self.store.run

        def slowly(*args: Any, **named: Any) -> Any:
            return written.addCallback(lambda _: run(*args, **named))

        self.patch(self.store, "run", slowly)
        verdicts = [self.door.admit(inbound(), AccessRules()) for _ in range(3)]
        written.callback(None)
        replies = [self.successResultOf(one).reply for one in verdicts]
        self.assertEqual([bool(one) for one in replies], [True, False, False])

    def test_a_code_that_could_not_be_kept_is_asked_for_again(self) -> None:
        self.store.stopService()
        self.failureResultOf(self.door.admit(inbound(), AccessRules()), StoreError)
        self.failureResultOf(self.door.admit(inbound(), AccessRules()), StoreError)

    def test_chinese_is_answered_in_chinese(self) -> None:
        self.assertIn("配对码", self.admit(inbound(text="你好")).reply)
        self.assertIn("Your code", self.admit(inbound("43", text="こんにちは世界")).reply)

    def test_the_fourth_at_a_time_is_told_nothing(self) -> None:
        replies = [bool(self.admit(inbound(sender)).reply) for sender in "1234"]
        self.assertEqual(replies, [True, True, True, False])

    def test_approved_is_let_in_for_this_account_alone(self) -> None:
        self.approve("42")
        self.assertEqual(self.admit(inbound()), IN)
        self.assertEqual(self.admit(inbound(account="work")).refusal, "pairing")
        self.assertEqual(self.admit(inbound(channel="irc")).refusal, "pairing")
        self.assertEqual(self.admit(inbound(), dm="allowlist").refusal, "not_allowed")
        self.assertEqual(self.admit(inbound("-100", "group"), **LISTED).refusal, "not_mentioned")
        self.assertEqual(self.admit(inbound(chat_type="group")).refusal, "group_not_allowed")

    def test_only_what_was_said_is_answered(self) -> None:
        for kind in ("edit", "reaction", "button"):
            self.assertEqual(self.admit(inbound(kind=kind)), Verdict(refusal="pairing"))
        self.assertEqual(self.senders.pending(), [])
        self.assertTrue(self.admit(inbound(kind="command", text="/start")).reply)

    def test_bots_are_never_told_a_code(self) -> None:
        bot = inbound(person={"is_bot": True})
        self.assertEqual(self.admit(bot), Verdict(refusal="bot"))
        self.assertEqual(self.admit(bot, allow_bots=True), Verdict(refusal="not_allowed"))
        self.assertEqual(self.senders.pending(), [])

    def test_policies(self) -> None:
        here = frozenset(("42",))
        for dm, allowed, refusal in (
            ("allowlist", here, None),
            ("allowlist", frozenset(), "not_allowed"),
            ("allowlist", frozenset(("43",)), "not_allowed"),
            ("pairing", here, None),
            ("open", frozenset("*"), None),
            ("open", frozenset(), "not_allowed"),
            ("disabled", here, "disabled"),
            ("disabled", frozenset("*"), "disabled"),
            ("public", frozenset("*"), "disabled"),
        ):
            self.assertEqual(self.admit(inbound(), dm=dm, allow_from=allowed).refusal, refusal, dm)

    def test_our_own_messages_are_dropped(self) -> None:
        own = inbound(person={"is_own": True})
        everybody = frozenset("*")
        self.assertEqual(self.admit(own, dm="open", allow_from=everybody).refusal, "own")


class GroupTests(DoorCase):
    """Groups and channels."""

    def said(self, **more: Any) -> Any:
        return inbound(chat_type="group", mention="native", **more)

    def test_which_groups(self) -> None:
        some = {"-1": GroupRules()}
        for policy, groups, refusal in (
            ("allowlist", {}, "group_not_allowed"),
            ("allowlist", {"-100": GroupRules()}, None),
            ("allowlist", {"*": GroupRules()}, None),
            ("allowlist", some, "group_not_allowed"),
            ("open", {}, None),
            ("open", some, "group_not_allowed"),
            ("open", {"-100": GroupRules(enabled=False)}, "disabled"),
            ("open", {"-100": GroupRules(enabled=False), "*": GroupRules()}, "disabled"),
            ("disabled", {"-100": GroupRules()}, "disabled"),
            ("everybody", {"-100": GroupRules()}, "disabled"),
        ):
            with self.subTest(policy=policy, groups=groups):
                found = self.admit(self.said(), group=policy, groups=groups)
                self.assertEqual(found.refusal, refusal)

    def test_a_thread_is_judged_by_what_is_above_it(self) -> None:
        thread = self.said(chat_id="t", parent_id="p", space_id="s")
        for listed in ("t", "p", "s"):
            self.assertIsNone(self.admit(thread, groups={listed: GroupRules()}).refusal)
        closed = {"p": GroupRules(enabled=False), "s": GroupRules()}
        self.assertEqual(self.admit(thread, groups=closed).refusal, "disabled")
        self.assertIsNone(self.admit(thread, groups={**closed, "t": GroupRules()}).refusal)

    def test_a_topic_is_judged_by_its_own_word_first(self) -> None:
        talk = {"7": GroupRules(require_mention=False), "8": GroupRules(enabled=False)}
        for listed in ("-100", "*"):
            groups = {listed: GroupRules(topics=talk)}
            for topic, refusal in (
                ("7", None),
                ("8", "disabled"),
                ("9", "not_mentioned"),
                ("", "not_mentioned"),
            ):
                found = self.admit(inbound(chat_type="group", thread_id=topic), groups=groups)
                self.assertEqual(found.refusal, refusal, (listed, topic))
        others = {"-100": GroupRules(topics={**talk, "*": GroupRules(enabled=False)})}
        here = inbound(chat_type="group", thread_id="9")
        self.assertEqual(self.admit(here, groups=others).refusal, "disabled")
        here = inbound(chat_type="group", thread_id="")
        self.assertEqual(self.admit(here, groups=others).refusal, "not_mentioned")

    def test_a_chat_cannot_call_itself_all_others(self) -> None:
        odd = self.said(chat_id="*")
        self.assertEqual(self.admit(odd, groups={"-1": GroupRules()}).refusal, "group_not_allowed")

    def test_who(self) -> None:
        here, nobody = frozenset(("42",)), frozenset[str]()
        for senders, own, refusal in (
            (None, None, None),
            (here, None, None),
            (nobody, None, "not_allowed"),
            (frozenset(("43",)), None, "not_allowed"),
            (frozenset("*"), None, None),
            (here, frozenset(("43",)), "not_allowed"),
            (here, nobody, "not_allowed"),
            (nobody, here, None),
        ):
            groups = {"-100": GroupRules(allow_from=own)}
            found = self.admit(self.said(), groups=groups, group_allow_from=senders)
            self.assertEqual(found.refusal, refusal, (senders, own))

    def test_a_role_that_is_listed_lets_its_members_speak_in_groups_alone(self) -> None:
        staff: dict[str, Any] = {"person": {"roles": ("50", "51")}}
        groups = {"-100": GroupRules(allow_from=frozenset(("role:51",)))}
        inside = self.said(**staff)
        self.assertIsNone(self.admit(inside, groups=groups).refusal)
        person = {"-100": GroupRules(allow_from=frozenset(("51",)))}
        self.assertEqual(self.admit(inside, groups=person).refusal, "not_allowed")
        self.assertEqual(self.admit(self.said(), groups=groups).refusal, "not_allowed")
        direct = inbound(**staff)
        rules: dict[str, Any] = {"dm": "allowlist", "allow_from": frozenset(("role:51",))}
        self.assertEqual(self.admit(direct, **rules).refusal, "not_allowed")

    def test_a_list_of_senders_is_an_allowlist_of_groups_too(self) -> None:
        self.assertIsNone(self.admit(self.said(), group_allow_from=frozenset(("42",))).refusal)

    def test_who_may_write_directly_may_not_speak_in_groups_for_that(self) -> None:
        rules: dict[str, Any] = {"allow_from": frozenset(("42",)), "group_allow_from": frozenset()}
        self.assertEqual(self.admit(self.said(), **LISTED, **rules).refusal, "not_allowed")


class MentionTests(DoorCase):
    """Whether the assistant was meant."""

    def verdict(self, **more: Any) -> Verdict:
        rules = {**LISTED, **more.pop("rules", {})}
        return self.admit(inbound(chat_type="group", **more), **rules)

    def test_a_group_has_to_address_the_assistant(self) -> None:
        self.assertEqual(self.verdict(), Verdict(refusal="not_mentioned"))
        for mention in ("native", "reply", "command", "pattern"):
            self.assertEqual(self.verdict(mention=mention), IN)
        self.assertEqual(self.verdict(kind="button"), IN)
        self.assertEqual(self.verdict(rules={"require_mention": False}), Verdict())

    def test_the_group_s_own_word_counts_more(self) -> None:
        for own, account, refusal in (
            (False, True, None),
            (True, False, "not_mentioned"),
            (None, False, None),
        ):
            groups = {"-100": GroupRules(require_mention=own)}
            rules = {"groups": groups, "require_mention": account}
            self.assertEqual(self.verdict(rules=rules).refusal, refusal)

    def test_an_answer_to_the_assistant_addresses_it_and_grants_nothing(self) -> None:
        self.assertEqual(self.verdict(reply_to=OURS), IN)
        for rules, refusal in (
            ({"group_allow_from": frozenset(("1",))}, "not_allowed"),
            ({"groups": {"-1": GroupRules()}}, "group_not_allowed"),
            ({"group": "disabled"}, "disabled"),
        ):
            self.assertEqual(self.verdict(reply_to=OURS, rules=rules).refusal, refusal)

    def test_patterns(self) -> None:
        rules = {"mention_patterns": (r"\bclaw\b", "小助手")}
        self.assertEqual(self.verdict(text="hey CLAW, look", rules=rules), IN)
        self.assertEqual(self.verdict(text="小助手你好", rules=rules), IN)
        self.assertEqual(self.verdict(text="clawed", rules=rules).refusal, "not_mentioned")
        far = " " * 1000 + "claw"
        self.assertEqual(self.verdict(text=far, rules=rules).refusal, "not_mentioned")

    def test_commands_of_those_whom_the_owner_named(self) -> None:
        named = frozenset(("42",))
        for rules in (
            {"allow_from": named},
            {"group_allow_from": named},
            {"groups": {"-100": GroupRules(allow_from=named)}},
        ):
            self.assertEqual(self.verdict(kind="command", rules=rules), Verdict())
            self.assertEqual(self.verdict(rules=rules).refusal, "not_mentioned")
        for rules in ({}, {"group_allow_from": frozenset("*")}):
            self.assertEqual(self.verdict(kind="command", rules=rules).refusal, "not_mentioned")

    def test_an_approved_code_names_nobody_in_a_group(self) -> None:
        self.approve("42")
        self.assertEqual(self.verdict(kind="command").refusal, "not_mentioned")

    def test_edits_and_reactions_start_nothing(self) -> None:
        for kind in ("edit", "reaction", "poll"):
            self.assertEqual(self.verdict(kind=kind, mention="native").refusal, "not_wanted")
            allowed = self.admit(inbound(kind=kind), allow_from=frozenset(("42",)))
            self.assertEqual(allowed.refusal, "not_wanted")


class PaceTests(DoorCase):
    """Bots that answer each other, and people in haste."""

    def bot(self, sender: str = "99", **more: Any) -> Any:
        message = inbound(sender, "group", mention="native", person={"is_bot": True}, **more)
        return self.admit(message, **LISTED, allow_bots=True).refusal

    def test_bots_are_unheard_unless_allowed(self) -> None:
        message = inbound("99", "group", mention="native", person={"is_bot": True})
        self.assertEqual(self.admit(message, **LISTED).refusal, "bot")
        self.assertIsNone(self.bot())

    def test_bots_may_be_heard_only_where_they_address_the_assistant(self) -> None:
        rules = {
            "groups": {"-100": GroupRules(require_mention=False)},
            "allow_bots": "mentions",
        }
        for mention, refusal in (("native", None), ("reply", None), ("none", "bot")):
            said = inbound("99", "group", mention=mention, person={"is_bot": True})
            self.assertEqual(self.admit(said, **rules).refusal, refusal, mention)
        person = inbound("42", "group", mention="none")
        self.assertIsNone(self.admit(person, **rules).refusal)

    def test_a_pair_of_bots_falls_silent_after_twenty(self) -> None:
        for _ in range(20):
            self.assertIsNone(self.bot())
            self.clock.advance(2)
        self.assertEqual(self.bot(), "bot_loop")
        self.assertIsNone(self.bot("98"))
        self.assertIsNone(self.bot(account="work"))
        self.clock.advance(59)
        self.assertEqual(self.bot(), "bot_loop")
        self.clock.advance(1)
        self.assertIsNone(self.bot())

    def test_slow_bots_go_on(self) -> None:
        for _ in range(100):
            self.assertIsNone(self.bot())
            self.clock.advance(3.01)

    def test_ten_at_once_and_one_a_second(self) -> None:
        rules = {"dm": "open", "allow_from": frozenset("*")}
        verdicts = [self.admit(inbound(), **rules) for _ in range(12)]
        self.assertEqual([one.refusal for one in verdicts], [None] * 10 + ["rate"] * 2)
        self.assertIn("again in 1 s", verdicts[10].reply)
        self.assertEqual(verdicts[11].reply, "")
        self.assertIsNone(self.admit(inbound("43"), **rules).refusal)
        self.clock.advance(1)
        self.assertIsNone(self.admit(inbound(), **rules).refusal)

    def test_what_was_said_while_we_were_away_counts_when_it_was_said(self) -> None:
        rules = {"dm": "open", "allow_from": frozenset("*")}
        self.wall_ms = 60_000
        slow = [self.admit(inbound(timestamp_ms=1000 * n), **rules) for n in range(50)]
        self.assertEqual({one.refusal for one in slow}, {None})
        hasty = [self.admit(inbound("43", timestamp_ms=55_000), **rules) for _ in range(17)]
        self.assertEqual([one.refusal for one in hasty], [None] * 15 + ["rate"] * 2)
        future = [self.admit(inbound("44", timestamp_ms=10**15), **rules) for _ in range(12)]
        self.assertEqual([one.refusal for one in future], [None] * 10 + ["rate"] * 2)

    def test_groups_are_not_told_about_haste(self) -> None:
        said = inbound(chat_type="group", mention="native")
        verdicts = [self.admit(said, **LISTED) for _ in range(11)]
        self.assertEqual((verdicts[-1].refusal, verdicts[-1].reply), ("rate", ""))

    def test_what_is_refused_costs_nothing(self) -> None:
        rules = {"allow_from": frozenset(("42",))}
        for _ in range(50):
            self.admit(inbound(kind="reaction"), **rules)
            self.admit(inbound(chat_type="group"), **LISTED)
        self.assertIsNone(self.admit(inbound(), **rules).refusal)


class UrgentTests(DoorCase):
    """The owner's commands about runs and approvals; what is urgent is said elsewhere."""

    def restart(self) -> None:
        super().restart()
        self.door._urgent = lambda message: message.text == "/stop"

    def test_they_need_no_mention(self) -> None:
        for kind in ("message", "command"):
            stop = inbound(chat_type="group", text="/stop", kind=kind)
            self.assertIsNone(self.admit(stop, **LISTED).refusal)
        self.assertEqual(self.admit(inbound(chat_type="group"), **LISTED).refusal, "not_mentioned")

    def test_they_are_never_too_much(self) -> None:
        rules: dict[str, Any] = {"dm": "allowlist", "allow_from": frozenset({"42"})}
        while self.admit(inbound(), **rules).refusal is None:
            pass
        self.assertIsNone(self.admit(inbound(text="/stop"), **rules).refusal)
        self.assertEqual(self.admit(inbound(), **rules).refusal, "rate")

    def test_they_come_from_where_their_sender_may_speak(self) -> None:
        self.assertEqual(self.admit(inbound(text="/stop")).refusal, "pairing")
        self.assertEqual(self.admit(inbound(text="/stop"), dm="allowlist").refusal, "not_allowed")
        stop = inbound(chat_type="group", text="/stop")
        self.assertEqual(self.admit(stop).refusal, "group_not_allowed")
        for kind in ("edit", "reaction"):
            changed = inbound(text="/stop", kind=kind)
            self.assertEqual(self.admit(changed, dm="open", allow_from={"*"}).refusal, "not_wanted")
