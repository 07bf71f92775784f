"""Tells the owner, where they chat, that a run waits for their approval; takes no decision."""

# ruff: noqa: RUF001 - the full-width punctuation is Chinese, and meant.

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from openclaw.channels.outbox import Outbox
from openclaw.deferreds import Tasks
from openclaw.interfaces.approvals import Consent, Danger
from openclaw.interfaces.conversations import Input
from openclaw.interfaces.messages import Target

ID_CHARACTERS = 8
"""So much of an id is shown, and enough to name it by."""

_TICKS = re.compile("`+")


@frozen
class Phrases:
    """One language.

    :ivar asked: takes ``command`` in a block of code, ``id`` and ``until``.
    :ivar by: takes ``sender``; stands before it if somebody else than the owner asked.
    """

    asked: str
    by: str


ENGLISH = Phrases(
    asked=(
        "⚠️ This waits for your approval:\n\n{command}\n\n"
        "Allow it once: `/approve {id}`\nRefuse it: `/deny {id}`\nGood until {until} UTC."
    ),
    by="Asked for by `{sender}`.",
)
CHINESE = Phrases(
    asked=(
        "⚠️ 以下操作等待你的批准：\n\n{command}\n\n"
        "允许一次：`/approve {id}`\n拒绝：`/deny {id}`\n有效期至 {until} UTC。"
    ),
    by="请求者：`{sender}`。",
)


@frozen(kw_only=True)
class NoticeNeeds:
    """What the notices are made with.

    :ivar entry_of: what a run answers, by its id.
    :ivar owners: where the owner can be told in private.
    :ivar command_line: all of a question in one text that can be read.
    :ivar shown: any text so that each of its characters can be seen.
    :ivar is_chinese: whether somebody who writes this reads Chinese.
    """

    outbox: Outbox
    entry_of: Callable[[str], Input | None]
    owners: Callable[[], Sequence[Target]]
    command_line: Callable[[Danger], str]
    shown: Callable[[str], str]
    is_chinese: Callable[[str], bool]


class ApprovalNotices:
    """Says it where the owner asked; what others asked for, in the owner's direct chats.

    Who else sees it there can do nothing with it: only the owner's word decides.
    """

    _log = Logger()

    def __init__(self, needs: NoticeNeeds) -> None:
        self._needs = needs
        self._tasks = Tasks()

    def __call__(self, consent: Consent) -> None:
        """Tell of a question, if it is one and its run was asked for on a channel."""
        entry = self._needs.entry_of(consent.danger.run_id)
        if consent.state != "pending" or entry is None or entry.origin is None:
            return
        places = [entry.origin.target] if entry.owner else self._needs.owners()
        if not places:
            self._log.warn(
                "approval {id} waits, and no chat with the owner is known to tell of it",
                id=consent.id,
            )
        text = self._text(consent, entry)
        for number, place in enumerate(places):
            key = f"approval:{consent.id}:{number}"
            self._tasks.spawn(f"notice {key}", self._say(place, text, key))

    def stop(self) -> Deferred[None]:
        """Say nothing more."""
        return self._tasks.cancel()

    async def _say(self, place: Target, text: str, key: str) -> None:
        outbox = self._needs.outbox
        await outbox.put(await outbox.compose(place, text, key))

    def _text(self, consent: Consent, entry: Input) -> str:
        needs, origin = self._needs, entry.origin
        phrases = CHINESE if needs.is_chinese(entry.text) else ENGLISH
        until = datetime.fromtimestamp(consent.expires_at_ms / 1000, UTC)
        text = phrases.asked.format(
            command=_block(needs.command_line(consent.danger)),
            id=consent.id[:ID_CHARACTERS],
            until=until.strftime("%H:%M:%S"),
        )
        if entry.owner or origin is None:
            return text
        # By the immutable id: whatever a name looks like, somebody has chosen it.
        sender = needs.shown(f"{origin.target.channel}:{origin.sender.id}").replace("`", "'")
        return f"{text}\n{phrases.by.format(sender=sender)}"


def _block(text: str) -> str:
    """A text as code, so that no platform makes anything else of it than what stands there."""
    fence = "`" * max(3, 1 + max((len(run) for run in _TICKS.findall(text)), default=0))
    return f"{fence}\n{text}\n{fence}"
