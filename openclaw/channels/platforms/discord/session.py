"""A gateway session that outlives connections and the process: what resuming it takes."""

import msgspec

from openclaw.interfaces.channels import IChannelState

STATE = "session"
MOST_FAILED_RESUMES = 3


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What READY told.

    :ivar seq: every event up to this one is safely in the gateway; Discord repeats the later ones.
    :ivar intents: what it was opened with: another set of intents needs another session.
    """

    id: str
    url: str
    seq: int
    intents: int
    user_id: str
    user_name: str
    application_id: str = ""


class Progress:
    """Which events are safe, while many are under way at a time."""

    def __init__(self, seq: int) -> None:
        self._last = seq
        self._open: dict[int, None] = {}

    @property
    def safe(self) -> int:
        """The last event before which nothing is under way."""
        return min(self._open) - 1 if self._open else self._last

    def begin(self, seq: int) -> None:
        """An event came."""
        self._last = max(self._last, seq)
        self._open[seq] = None

    def done(self, seq: int) -> None:
        """It is safe."""
        self._open.pop(seq, None)


class Sessions:
    """The one session of an account, in memory and in the account's durable state.

    It is written behind: at most one write is under way, always of the newest. A process that dies
    in between resumes a little further back, and hears some events again.
    """

    def __init__(self, state: IChannelState, intents: int) -> None:
        self._state = state
        self._intents = intents
        self._writing = False
        self._dirty = False
        self._failed_resumes = 0
        self.current: Session | None = self._read()

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

    def advance(self, seq: int) -> None:
        """Events up to ``seq`` are safe."""
        if self.current is not None and seq > self.current.seq:
            self.current = msgspec.structs.replace(self.current, seq=seq)
            self._write()

    def forget(self) -> None:
        """The session is over; the next connection opens a new one."""
        self.current = None
        self._failed_resumes = 0
        self._write()

    def _read(self) -> Session | None:
        text = self._state.get(STATE)
        try:
            session = msgspec.json.decode(text, type=Session) if text else None
        except msgspec.MsgspecError:  # Another release wrote it; a new session costs nothing.
            return None
        return session if session is None or session.intents == self._intents else None

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
