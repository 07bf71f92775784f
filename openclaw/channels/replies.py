"""Answers on their way back: the sign, the preview, and the text that must arrive."""

import msgspec
from twisted.internet.defer import TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.channels.account import Account
from openclaw.channels.outbox import AccountOf, Outbox
from openclaw.channels.overdue import Overdue
from openclaw.channels.previews import Preview, preview_key
from openclaw.channels.typing_signs import TypingSign
from openclaw.deferreds import deferred
from openclaw.interfaces.conversations import Input, IReplies
from openclaw.interfaces.messages import Target
from openclaw.interfaces.tracing import ITraces

SETTLE_SECONDS = 5.0
"""The end of a run waits no longer for a preview that is on its way."""


def reply_key(run_id: str) -> str:
    """The id of a run's answer in the outbox."""
    return f"reply:{run_id}"


@implementer(IReplies)
class ChannelReplies:
    """Takes answers back by the way their inputs came."""

    _log = Logger()

    def __init__(
        self,
        outbox: Outbox,
        account_of: AccountOf,
        traces: ITraces,
        clock: IReactorTime,
        overdue: Overdue,
    ) -> None:
        self._overdue = overdue
        self._outbox = outbox
        self._account_of = account_of
        self._traces = traces
        self._clock = clock
        self._previews: dict[str, Preview] = {}
        self._signs: dict[str, TypingSign] = {}

    def waits(self, entry: Input) -> None:
        """See :meth:`IReplies.waits`."""
        assert entry.origin is not None
        self._overdue.waits(entry.origin.message_key, entry.origin.target, entry.origin.sender.id)

    def begun(self, entry: Input) -> None:
        """See :meth:`IReplies.begun`."""
        assert entry.origin is not None
        self._overdue.over(entry.origin.message_key)

    def left(self, entry: Input) -> None:
        """See :meth:`IReplies.left`."""
        self.begun(entry)

    def started(self, entry: Input) -> bool:
        """See :meth:`IReplies.started`."""
        account, target = self._account(entry), _target(entry)
        if account is None:
            return False
        configured = account.configured
        if configured.manifest.abilities.typing_seconds and configured.settings.typing:
            self._stop_sign(entry.run_id)
            self._signs[entry.run_id] = TypingSign(account, target, self._clock)
        return configured.streaming

    def grew(self, entry: Input, text: str) -> None:
        """See :meth:`IReplies.grew`."""
        preview = self._previews.get(entry.run_id)
        if preview is None:
            account = self._account(entry)
            if account is None or not account.configured.streaming:
                return
            key = reply_key(entry.run_id)
            preview = Preview(account, self._outbox, _target(entry), key, self._clock)
            self._previews[entry.run_id] = preview
        preview.grow(text)

    @deferred
    async def settle(self, entry: Input) -> None:
        """See :meth:`IReplies.settle`."""
        preview = self._previews.get(entry.run_id)
        if preview is None:
            return
        try:
            await preview.finish().addTimeout(SETTLE_SECONDS, self._clock)
        except TimeoutError:
            self._log.debug("the preview of {run} is still on its way", run=entry.run_id)

    def silent(self, entry: Input) -> None:
        """See :meth:`IReplies.silent`."""
        self._stop_sign(entry.run_id)
        preview = self._previews.pop(entry.run_id, None)
        if preview is not None:
            preview.finish()

    @deferred
    async def reply(self, entry: Input, text: str) -> None:
        """See :meth:`IReplies.reply`."""
        key = reply_key(entry.run_id)
        if entry.origin is not None:
            self._traces.link(entry.origin.message_key, key)
        calls = list(
            await self._outbox.compose(
                _target(entry), text, key, run_id=entry.run_id, session_key=entry.session_key
            )
        )
        self._outbox.expect(_target(entry), key)
        message_id = await self._previewed(entry, text)
        if message_id:
            calls[0] = msgspec.structs.replace(calls[0], kind="edit", message_id=message_id)
        await self._outbox.put(calls)
        self._previews.pop(entry.run_id, None)
        self._stop_sign(entry.run_id)

    async def _previewed(self, entry: Input, text: str) -> str:
        """The message that showed the answer growing, also in an earlier process; or empty."""
        preview = self._previews.get(entry.run_id)
        if preview is not None:
            return await preview.message()
        account = self._account(entry)
        if account is None or not account.configured.streaming:
            return ""
        key = reply_key(entry.run_id)
        known = await self._outbox.find(preview_key(key))
        if known is None or known.message_id or await self._outbox.has(key):
            return known.message_id if known is not None else ""
        preview = Preview(account, self._outbox, _target(entry), key, self._clock)
        self._previews[entry.run_id] = preview
        preview.doubt(text)
        return await preview.message()

    def stop(self) -> None:
        """Show no more signs and previews; the gateway stops."""
        for run_id in list(self._signs):
            self._stop_sign(run_id)
        for preview in self._previews.values():
            preview.finish()
        self._previews.clear()

    def _account(self, entry: Input) -> Account | None:
        target = _target(entry)
        return self._account_of(target.channel, target.account)

    def _stop_sign(self, run_id: str) -> None:
        sign = self._signs.pop(run_id, None)
        if sign is not None:
            sign.stop()


def _target(entry: Input) -> Target:
    assert entry.origin is not None  # Only such inputs are told about.
    return entry.origin.target
