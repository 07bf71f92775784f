"""The owner is told what waits for approval: where, in which words, and nobody else's way."""

from collections.abc import Sequence
from typing import Any

import msgspec
from attrs import evolve

from openclaw.agents.runtimes.phrases import is_chinese
from openclaw.channels.approvals import ApprovalNotices, NoticeNeeds
from openclaw.interfaces.approvals import Consent, Danger
from openclaw.interfaces.conversations import Input
from openclaw.interfaces.messages import Origin, Outgoing, Person, Target
from openclaw.interfaces.queue import outbox
from openclaw.security.exec.binding import command_line, shown
from tests.channels.kit import KitCase
from tests.channels.test_replies import entry

GROUP = Target(channel="test", account="default", chat_id="-100", chat_type="group")
HOME = Target(channel="test", account="default", chat_id="42")
CONSENT = Consent(
    id="0123456789abcdef",
    danger=Danger(
        node="gateway",
        command="web_fetch",
        argv=('{"url":"https://a.example/"}',),
        session_key="agent:main:test:group:-100",
        run_id="r1",
    ),
    digest="d",
    created_at_ms=0,
    expires_at_ms=1_700_000_120_000,
)


def asked(sender: str = "42", target: Target = GROUP, **more: Any) -> Input:
    """What a run answers, said in the group unless it is said otherwise."""
    person = Person(id=sender, name="Ada", username="42")
    origin = Origin(target=target, sender=person, message_key="test:default:1")
    return evolve(entry(), origin=origin, **more)


class NoticeCase(KitCase):
    def setUp(self) -> None:
        super().setUp()
        self.entry: Input | None = asked(owner=True)
        self.homes: Sequence[Target] = [HOME]
        self.notices = ApprovalNotices(
            NoticeNeeds(
                outbox=self.outbox,
                entry_of=lambda run_id: self.entry if run_id == "r1" else None,
                owners=lambda: self.homes,
                command_line=command_line,
                shown=shown,
                is_chinese=is_chinese,
            )
        )
        self.addCleanup(self.notices.stop)

    def told(self, consent: Consent = CONSENT) -> list[tuple[str, str]]:
        """Where it was said, and what, the parts of it together."""
        self.notices(consent)
        found = self.successResultOf(
            self.queue.inspect(outbox("test", "default"), 100, 0, "", False)
        )
        calls = [msgspec.json.decode(one.body, type=Outgoing) for one in found]
        texts: dict[str, str] = {}
        for call in calls:
            texts[call.target.chat_id] = texts.get(call.target.chat_id, "") + f"{call.text}\n"
        return list(texts.items())


class PlaceTests(NoticeCase):
    """Who is told."""

    def test_the_owner_is_told_where_they_asked(self) -> None:
        ((chat, text),) = self.told()
        self.assertEqual(chat, "-100")
        for words in (
            'web_fetch {"url":"https://a.example/"}',
            "/approve 01234567",
            "/deny 01234567",
        ):
            self.assertIn(words, text.replace("\n", " "))
        self.assertIn("22:15:20 UTC", text)
        self.assertNotIn("Asked for by", text)

    def test_what_others_asked_for_is_told_to_the_owner_alone(self) -> None:
        self.entry = asked("66")
        ((chat, text),) = self.told()
        self.assertEqual(chat, "42")
        self.assertIn("`test:66`", text)
        self.assertNotIn("Ada", text)

    def test_nobody_is_told_where_no_owner_is_known(self) -> None:
        self.entry, self.homes = asked("66"), ()
        self.assertEqual(self.told(), [])

    def test_nothing_is_said_of_what_came_over_no_channel_or_has_ended(self) -> None:
        for consent, answered in (
            (evolve(CONSENT, state="allowed"), self.entry),
            (evolve(CONSENT, state="expired"), self.entry),
            (evolve(CONSENT, danger=evolve(CONSENT.danger, run_id="")), self.entry),
            (CONSENT, None),
            (CONSENT, evolve(entry(), origin=None, owner=True)),
        ):
            self.entry = answered
            self.assertEqual(self.told(consent), [], consent)

    def test_it_is_said_once(self) -> None:
        self.told()
        count = len(self.told())
        self.assertEqual(count, 1)
        found = self.successResultOf(
            self.queue.inspect(outbox("test", "default"), 100, 0, "", False)
        )
        self.assertEqual(len({one.id for one in found}), len(found))


class WordTests(NoticeCase):
    """What is said."""

    def test_it_is_said_in_the_language_of_the_question(self) -> None:
        self.entry = asked(owner=True, text="看看这个页面")
        ((_, text),) = self.told()
        self.assertIn("等待你的批准", text)

    def test_nothing_of_the_arguments_is_left_out_or_made_to_look_otherwise(self) -> None:
        words = " ".join(f"word{number}" for number in range(400))
        danger = evolve(CONSENT.danger, argv=("```", "[safe](https://evil)", "\u202erm", words))
        ((_, text),) = self.told(evolve(CONSENT, danger=danger))
        for word in ("\\u{202e}rm", "[safe](https://evil)", *words.split()):
            self.assertIn(word, text)
        self.assertNotIn("\u202e", text)
        self.assertIn("````", text)

    def test_an_id_cannot_break_out_of_its_mark(self) -> None:
        self.entry = asked("6`\n**you approved this**\u202e")
        ((_, text),) = self.told()
        self.assertIn("`test:6'\\u{a}**you approved this**\\u{202e}`", text.replace("\n", ""))
