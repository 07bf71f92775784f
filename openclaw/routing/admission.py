"""The one door for every kind of event of every platform; routes nothing and sends nothing."""

from collections.abc import Callable

from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.errors import Busy
from openclaw.interfaces.messages import Inbound
from openclaw.interfaces.routing import AccessRules, IAdmission, Refusal, Verdict
from openclaw.interfaces.security import ISenders
from openclaw.routing.access import is_named, refusal_of
from openclaw.routing.groups import needs_mention
from openclaw.routing.pace import BotPairs, Notices
from openclaw.routing.patterns import matches
from openclaw.routing.words import for_hasty, for_stranger

# What may start a run. Changes of a message and reactions are judged like all else, and start none.
STARTING = frozenset(("message", "command", "button"))
# A stranger who presses a button or reacts has said nothing that could be answered.
_ASKING = frozenset(("message", "command"))
NOTICE_SECONDS = 60.0
LONGEST_AGO_SECONDS = 24 * 3600.0

Work = Callable[[str, str, float], None]


@implementer(IAdmission)
class Admission:
    """Who may speak, whether the assistant was meant, and how much is too much.

    :param work: counts one message of a sender on a channel, sent so many seconds ago; raises
        :class:`openclaw.errors.Busy` if it is one too many.
    :param seconds: monotonic clock.
    :param now_ms: the clock that platforms go by, Unix milliseconds.
    :param urgent: says of an event that it is the owner's command about a run or an approval: it
        needs no mention and is never too much. It has to come from where its sender may speak.
    """

    def __init__(
        self,
        senders: ISenders,
        work: Work,
        seconds: Callable[[], float],
        now_ms: Callable[[], int],
        urgent: Callable[[Inbound], bool] = lambda message: False,
    ) -> None:
        self._now_ms = now_ms
        self._urgent = urgent
        self._senders = senders
        self._work = work
        self._pairs = BotPairs(seconds)
        self._notices = Notices(seconds, NOTICE_SECONDS)
        self._asking: set[tuple[str, str, str]] = set()

    @deferred
    async def admit(self, message: Inbound, rules: AccessRules) -> Verdict:
        """See :meth:`IAdmission.admit`."""
        refusal = refusal_of(message, rules, lambda: self._is_approved(message))
        if refusal == "pairing":
            return Verdict(refusal=refusal, reply=await self._introduce(message))
        if refusal:
            return Verdict(refusal=refusal)
        return self._consider(message, rules)

    # -- who may speak here has spoken ---------------------------------------------------------

    def _consider(self, message: Inbound, rules: AccessRules) -> Verdict:
        mentioned = addressed(message, rules)
        if message.kind not in STARTING:
            return Verdict(refusal="not_wanted", mentioned=mentioned)
        if message.sender.is_bot and rules.allow_bots == "mentions" and not mentioned:
            return Verdict(refusal="bot")
        if self._urgent(message):
            return Verdict(mentioned=mentioned)
        if not mentioned and needs_mention(message, rules) and not _controls(message, rules):
            return Verdict(refusal="not_mentioned")
        refusal, reply = self._too_much(message)
        return Verdict(refusal=refusal, reply=reply, mentioned=mentioned)

    def _too_much(self, message: Inbound) -> tuple[Refusal | None, str]:
        sender = (message.channel, message.account, message.sender.id)
        if message.sender.is_bot and not self._pairs.take(sender):
            return "bot_loop", ""
        try:
            self._work(message.channel, message.sender.id, self._ago(message))
        except Busy as busy:
            silent = message.sender.is_bot or message.chat_type != "dm"
            if silent or not self._notices.take(sender):
                return "rate", ""
            return "rate", for_hasty(message.text, busy.retry_after_ms or 0)
        return None, ""

    def _ago(self, message: Inbound) -> float:
        """How long ago it was sent: what a platform kept while we were away comes all at once."""
        ago = (self._now_ms() - message.timestamp_ms) / 1000
        return min(max(0.0, ago), LONGEST_AGO_SECONDS)

    # -- strangers -----------------------------------------------------------------------------

    def _is_approved(self, message: Inbound) -> bool:
        return self._senders.is_approved(message.channel, message.account, message.sender.id)

    async def _introduce(self, message: Inbound) -> str:
        """A code for a stranger who has not been shown this one yet; else nothing."""
        stranger = (message.channel, message.account, message.sender.id)
        if message.kind not in _ASKING or stranger in self._asking or self._waits(stranger):
            return ""
        self._asking.add(stranger)
        try:
            code = await self._senders.ask(*stranger, message.sender.name)
        finally:
            self._asking.discard(stranger)
        if code is None:
            return ""
        return for_stranger(message.text, message.channel, message.sender.id, code)

    def _waits(self, stranger: tuple[str, str, str]) -> bool:
        """Whether a code of theirs is still good; then it was shown, also before a restart."""
        return any(
            (row.channel, row.account, row.sender_id) == stranger
            for row in self._senders.pending(stranger[0])
        )


def addressed(message: Inbound, rules: AccessRules) -> bool:
    """Whether the assistant was meant: alone with it, by name, by an answer to it, by a pattern."""
    if message.chat_type == "dm" or message.kind == "button" or message.mention != "none":
        return True
    if message.reply_to is not None and message.reply_to.is_own:
        return True
    return matches(rules.mention_patterns, message.text)


def _controls(message: Inbound, rules: AccessRules) -> bool:
    """Whether this is a command of somebody whom the owner named."""
    return message.kind == "command" and is_named(message, rules)
