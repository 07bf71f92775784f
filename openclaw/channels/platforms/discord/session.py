"""A gateway session that outlives connections and the process: what resuming it takes."""

import msgspec

from openclaw.interfaces.channels import IChannelState

STATE = "session"
MISSED = "missed since"
MOST_FAILED_RESUMES = 3


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What READY told.

    :ivar seq: every event up to this one is safely in the gateway; Discord repeats the later ones.
    :ivar intents: what it was opened with: another set of intents needs another session.
    :ivar at_ms: what was written before this moment is safe; 0 if nobody knows.
    """

    id: str
    url: str
    seq: int
    intents: int
    user_id: str
    user_name: str
    application_id: str = ""
    at_ms: int = 0


class Progress:
    """Which events are safe, while many are under way at a time."""

    def __init__(self, seq: int) -> None:
        self._last = seq
        self._open: dict[int, int] = {}

    @property
    def safe(self) -> int:
        """The last event before which nothing is under way."""
        return min(self._open) - 1 if self._open else self._last

    def safe_until(self, now_ms: int) -> int:
        """The moment before which everything that came is safe."""
        return min(self._open.values(), default=now_ms)

    def begin(self, seq: int, now_ms: int) -> None:
        """An event came."""
        self._last = max(self._last, seq)
        self._open[seq] = now_ms

    def done(self, seq: int) -> None:
        """It is safe."""
        self._open.pop(seq, None)


class Sessions:
    """The one session of an account, in memory and in the account's durable state.

    It is written behind: at most one write is under way, always of the newest. A process that dies
    in between resumes a little further back, and hears some events again.

    :ivar missed_since_ms: since when messages may have been missed, because a session ended that
        knew of all before; 0 if none were. A session that was opened meanwhile is not kept for
        the next process: only a new one tells again which channels there are.
    """

    def __init__(self, state: IChannelState, intents: int) -> None:
        self._state = state
        self._writing = False
        self._dirty = False
        self._failed_resumes = 0
        kept = state.get(MISSED)
        self.missed_since_ms = int(kept) if kept.isdecimal() else 0
        self.current: Session | None = None
        last = self._read()
        if last is not None and (self.missed_since_ms or last.intents != intents):
            self._miss(last)
        else:
            self.current = last

    def opened(self, session: Session) -> None:
        """READY came: this is the session now."""
        self.current = session
        self._failed_resumes = 0
        self._write()

    def resumed(self) -> None:
        """RESUMED came."""
        self._failed_resumes = 0

    def resume_failed(self) -> None:
        """Discord wants the session resumed once more; not for ever."""
        self._failed_resumes += 1
        if self._failed_resumes >= MOST_FAILED_RESUMES:
            self.forget()

    def advance(self, seq: int, at_ms: int) -> None:
        """Events up to ``seq`` are safe, and whatever was written before a moment."""
        if self.current is not None and seq > self.current.seq:
            self.current = msgspec.structs.replace(self.current, seq=seq, at_ms=at_ms)
            self._write()

    def caught_up(self) -> None:
        """What was missed is safe by now."""
        self.missed_since_ms = 0
        self._state.put(MISSED, "").addErrback(lambda _: None)  # Then it is asked for once more.

    def forget(self) -> None:
        """The session is over; the next connection opens a new one."""
        if self.current is not None:
            self._miss(self.current)
        self.current = None
        self._failed_resumes = 0
        self._write()

    def _miss(self, session: Session) -> None:
        if not self.missed_since_ms and session.at_ms:
            self.missed_since_ms = session.at_ms
            # It may fail with the journal; then it is known as long as this process lives.
            self._state.put(MISSED, str(session.at_ms)).addErrback(lambda _: None)

    def _read(self) -> Session | None:
        text = self._state.get(STATE)
        try:
            return msgspec.json.decode(text, type=Session) if text else None
        except msgspec.MsgspecError:  # Another release wrote it; a new session costs nothing.
            return None

    def _write(self) -> None:
        if self._writing:
            self._dirty = True
            return
        self._writing, self._dirty = True, False
        text = "" if self.current is None else msgspec.json.encode(self.current).decode()
        # It may fail with the journal; then the one before it is resumed, which loses nothing.
        self._state.put(STATE, text).addBoth(self._written)

    def _written(self, _: object) -> None:
        self._writing = False
        if self._dirty:
            self._write()
