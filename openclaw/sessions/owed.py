"""Answers that are on disk and not yet on their way back: each goes once, sessions in order."""

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from openclaw.deferreds import Tasks
from openclaw.interfaces.conversations import Input, IReplies
from openclaw.interfaces.storage import IStore
from openclaw.sessions.journal.inputs import mark_replied

RETRY_SECONDS = 1.0


class OwedReplies:
    """Hands answers to whoever takes them back, until it has them.

    :param replies: takes them; what it took is never owed again.
    """

    _log = Logger()

    def __init__(self, store: IStore, replies: IReplies, clock: IReactorTime) -> None:
        self._store = store
        self._replies = replies
        self._clock = clock
        self._owed: dict[str, dict[str, tuple[Input, str]]] = {}
        self._settling: set[str] = set()
        self._retry: IDelayedCall | None = None
        self._tasks = Tasks()

    def __len__(self) -> int:
        """How many answers are owed."""
        return sum(len(of_session) for of_session in self._owed.values())

    async def give(self, entry: Input, text: str) -> None:
        """Hand one answer over; if that is impossible now, it is tried again by and by.

        What the same session is owed from before goes first.
        """
        self.add(entry, text)
        await self._settle(entry.session_key)

    def add(self, entry: Input, text: str) -> None:
        """Note one answer; :meth:`settle` hands it over."""
        self._owed.setdefault(entry.session_key, {})[entry.run_id] = (entry, text)

    def forgo(self, entry: Input) -> None:
        """Nothing is owed for an input that ended."""
        self._replies.silent(entry)

    def settle(self) -> None:
        """Hand over whatever is owed."""
        for key in list(self._owed):
            self._tasks.spawn(f"replies of {key}", self._settle(key))

    def close(self) -> None:
        """Try nothing again; what is owed is on disk."""
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        self._retry = None

    async def _settle(self, key: str) -> None:
        if key in self._settling:
            return  # Whoever is at it sees what was added meanwhile.
        self._settling.add(key)
        try:
            await self._hand_over(key)
        except Exception as error:  # Whatever keeps it from going: it stays owed.
            self._log.warn("an answer in {key} is still owed: {why}", key=key, why=str(error))
            self._try_again()
        finally:
            self._settling.discard(key)

    async def _hand_over(self, key: str) -> None:
        owed = self._owed.get(key, {})
        while owed:
            run_id, (entry, text) = next(iter(owed.items()))
            await self._replies.reply(entry, text)
            await self._store.run(mark_replied, run_id=run_id)
            del owed[run_id]
        self._owed.pop(key, None)

    def _try_again(self) -> None:
        if self._retry is None or not self._retry.active():
            self._retry = self._clock.callLater(RETRY_SECONDS, self.settle)
