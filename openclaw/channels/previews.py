"""An answer shown while it grows: one message, edited now and then; never the final text."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from openclaw.channels.account import Account
from openclaw.channels.outbox import Outbox
from openclaw.channels.text.chunks import fit
from openclaw.deferreds import deferred
from openclaw.errors import StoreError
from openclaw.interfaces.messages import Outgoing, Sent, Target
from openclaw.interfaces.queue import Undelivered

FIRST_CHARACTERS = 30
FIRST_SECONDS = 1.0
OVERTAKING_SECONDS = 0.3
"""When to look again whether the answers before this one have left."""
MOST_QUESTIONS = 60
"""How often it is asked what became of a preview, before the answer leaves without knowing."""


def preview_key(key: str) -> str:
    """The id of the preview of an answer."""
    return f"{key}:preview"


class Preview:
    """The preview of one answer.

    Only the newest text is ever on its way, one call at a time. A platform that asks for a pause
    gets it; one that refuses gets no more of this. Nothing is shown before what was to be said in
    the same place earlier. That there may be a message is on disk before, and under which id it
    stands as soon as that is known, so that the answer takes its place also after a crash.

    :param key: names the answer.
    """

    _log = Logger()

    def __init__(
        self, account: Account, outbox: Outbox, target: Target, key: str, clock: IReactorTime
    ) -> None:
        self._outbox = outbox
        self._account = account
        self._target = target
        self._key = preview_key(key)
        self._clock = clock
        self._wanted = ""
        self._shown = ""
        self._message_id = ""
        self._doubtful: Outgoing | None = None
        self._questions = 0
        self._known = False
        self._began = clock.seconds()
        self._not_before = 0.0
        self._timer: IDelayedCall | None = None
        self._busy: Deferred[None] | None = None
        self._over = False

    def grow(self, text: str) -> None:
        """So much of the answer is there."""
        self._wanted = text
        self._kick()

    def doubt(self, text: str) -> None:
        """An earlier process may have shown something of this answer, and more is not known."""
        configured = self._account.configured
        head = fit(text, configured.text_limit, self._account.channel.render)
        self._doubtful = Outgoing(id=self._key, target=self._target, text=head)

    @deferred
    async def finish(self) -> None:
        """Show nothing more; fires when nothing is on its way."""
        self._over = True
        self._stop_waiting()
        if self._busy is not None:
            waiting: Deferred[None] = Deferred()
            self._busy.addBoth(lambda _: waiting.callback(None))
            await waiting

    @deferred
    async def message(self) -> str:
        """End it, and find out where it stands; fires with the message's id, empty for none.

        Fails with :class:`Undelivered` while the platform cannot be asked whether a message stands
        that it did not confirm. Where it can never tell, one may be left that shows a part of what
        the answer says again.
        """
        await self.finish()
        doubtful = self._doubtful
        if doubtful is not None:
            await self._find_out(doubtful)
            self._doubtful = None
        return self._message_id

    def _kick(self) -> None:
        """Show the newest text now, or when it is time."""
        if self._over or self._busy is not None or self._wanted == self._shown:
            return
        pause = self._not_before - self._clock.seconds()
        if not self._message_id and len(self._wanted) < FIRST_CHARACTERS:
            pause = max(pause, self._began + FIRST_SECONDS - self._clock.seconds())
        if pause > 0:
            self._wait(pause)
        elif self._account.connected:
            self._show()

    def _wait(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self._clock.callLater(seconds, self._later)

    def _stop_waiting(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _later(self) -> None:
        self._timer = None
        self._kick()

    def _show(self) -> None:
        self._stop_waiting()
        text = self._wanted
        busy: Deferred[None] = self._call(text)
        if not busy.called:
            self._busy = busy
            busy.addBoth(self._free)
        elif self._not_before > self._clock.seconds():
            self._kick()

    def _free(self, _: object) -> None:
        self._busy = None
        self._kick()

    @deferred
    async def _call(self, text: str) -> None:
        if not self._message_id and not await self._outbox.is_clear(self._target):
            self._not_before = self._clock.seconds() + OVERTAKING_SECONDS
        elif await self._announced() and not self._over:
            await self._send(text)

    async def _announced(self) -> bool:
        """Note that there may be a message from now on; without that none is shown."""
        if self._known:
            return True
        try:
            await self._outbox.keep(self._key, Sent(message_id=""))
        except StoreError as error:
            self._log.warn("no preview {key}: {why}", key=self._key, why=error.message)
            self._over = True
            return False
        self._known = True
        return True

    async def _send(self, text: str) -> None:
        configured, channel = self._account.configured, self._account.channel
        head = fit(text, configured.text_limit, channel.render)
        outgoing = Outgoing(
            id=self._key,
            target=self._target,
            text=head,
            kind="edit" if self._message_id else "send",
            message_id=self._message_id,
        )
        pause = configured.edit_seconds(self._target.chat_type != "dm")
        try:
            sent: Sent = await (
                channel.edit(outgoing) if self._message_id else channel.send(outgoing)
            )
        except Undelivered as error:
            pause = max(pause, error.after_ms / 1000)
            if error.kind == "unknown" and not self._message_id:
                self._doubtful = outgoing
            self._over = self._over or error.kind != "retry"
        except Exception:  # What goes wrong here must not touch the answer itself.
            self._log.failure("preview in {chat} broke", chat=self._target.chat_id)
            self._over = True
        else:
            await self._stands(sent)
            self._shown = text
        self._not_before = self._clock.seconds() + pause

    async def _find_out(self, outgoing: Outgoing) -> None:
        abilities, channel = self._account.configured.manifest.abilities, self._account.channel
        sent: Sent | None = None
        try:
            if abilities.lookup:
                sent = await channel.find(outgoing)
            elif abilities.idempotent:
                sent = await channel.send(outgoing)
        except Undelivered as error:
            self._questions += 1
            if error.kind != "never" and self._questions < MOST_QUESTIONS:
                raise
            self._log.warn("preview {key} is in doubt: {why}", key=self._key, why=error.message)
        if sent is not None:
            await self._stands(sent)

    async def _stands(self, sent: Sent) -> None:
        if self._message_id:
            return
        self._message_id = sent.message_id
        try:
            await self._outbox.keep(self._key, sent)
        except StoreError as error:
            self._log.warn("preview {key} was not noted: {why}", key=self._key, why=error.message)
