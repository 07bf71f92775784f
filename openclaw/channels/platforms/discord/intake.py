"""From the gateway's events to the gateway: looked up, read, handed in, in each channel's order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import CancelledError, DeferredLock
from twisted.logger import Logger

from openclaw.channels.platforms.discord.api import Api, Refused
from openclaw.channels.platforms.discord.directory import (
    UNSEEN,
    Channel,
    Directory,
    channel_of,
    guild_of,
)
from openclaw.channels.platforms.discord.interactions import Interactions
from openclaw.channels.platforms.discord.session import Progress
from openclaw.channels.platforms.discord.wire import (
    Own,
    Scene,
    edit_of,
    is_edit,
    is_empty,
    is_wanted,
    message_of,
    reaction_of,
    scene_of,
)
from openclaw.channels.platforms.discord.wording import display_name
from openclaw.deferreds import Tasks
from openclaw.interfaces.channels import ChannelDown, ILink
from openclaw.interfaces.messages import Inbound

Event = Mapping[str, Any]

DEAF = (
    "Discord sends messages without their content. Switch on MESSAGE CONTENT INTENT in the "
    "Developer Portal (Bot > Privileged Gateway Intents) and do not leave messageContent out of "
    "channels.discord.intents."
)
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError)


class Intake:
    """Takes one session's events.

    :param own: who the bot is; known once the session is.
    :param on_safe: told which event is the last of those that are safe, and before which moment
        (Unix milliseconds) all are.
    :param on_failure: told why an event could not be taken: the connection has to end, so that
        Discord sends it again.
    :ivar on_direct: told of each direct channel that something is said in.
    :ivar ignored: how many events came that mean nothing here, by name.
    """

    _log = Logger()

    def __init__(
        self,
        link: ILink,
        api: Api,
        directory: Directory,
        interactions: Interactions,
        own: Callable[[], Own],
        on_safe: Callable[[int, int], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._link = link
        self._api = api
        self._directory = directory
        self._interactions = interactions
        self._own = own
        self._on_safe = on_safe
        self._on_failure = on_failure
        self._progress = Progress(0)
        self._locks: dict[str, DeferredLock] = {}
        self._tasks = Tasks()
        self._failed = False
        self._is_deaf = False
        self._session_id = ""
        self.ignored: Counter[str] = Counter()
        self.on_direct: Callable[[str], None] = lambda channel_id: None

    @property
    def safe(self) -> int:
        """The last event of which all before it, and itself, are in the gateway."""
        return self._progress.safe

    def begin(self, session_id: str, seq: int) -> None:
        """A connection begins, in a session whose events up to ``seq`` are safe."""
        self._progress = Progress(seq)
        self._session_id = session_id
        self._failed = False

    async def stop(self) -> None:
        """Give up what is under way: what is not safe comes again."""
        self._failed = True
        await self._tasks.cancel()

    def take(self, name: str, seq: int, data: Any) -> None:
        """Take one event, in their order."""
        if self._failed:
            return
        self._progress.begin(seq, self._link.now_ms())
        self._tasks.spawn("discord event", self._take(self._progress, name, seq, data))

    async def _take(self, progress: Progress, name: str, seq: int, data: Any) -> None:
        try:
            await self._handle(name, seq, data)
        except CancelledError:
            raise
        except Exception as error:  # Whatever it is: the event is not safe, and must come again.
            self.failed(error)
            return
        progress.done(seq)
        self._on_safe(progress.safe, progress.safe_until(self._link.now_ms()))

    def failed(self, error: Exception) -> None:
        """Something is not in the gateway, and the connection has to end for that."""
        if not self._failed:
            self._failed = True
            self._on_failure(error)

    async def hold(self, channel_id: str) -> Callable[[], None]:
        """Let what comes in a channel wait; returns what lets it go on."""
        lock = self._locks.setdefault(channel_id, DeferredLock())
        await lock.acquire()
        return lambda: self._release(channel_id, lock)

    async def catch_up(self, data: Event) -> None:
        """Take a message of a channel that is held, as if it came now; fires when it is safe."""
        await self._message("MESSAGE_CREATE", data, held=True)

    def _release(self, channel_id: str, lock: DeferredLock) -> None:
        lock.release()
        if not lock.locked and not lock.waiting:
            self._locks.pop(channel_id, None)

    async def _handle(self, name: str, seq: int, data: Any) -> None:
        if not isinstance(data, dict):
            return
        try:
            self._directory.learn(name, data)
        except _MALFORMED:
            self._malformed(name)
        if name in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
            await self._message(name, data)
        elif name in ("MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE"):
            await self._reaction(name, seq, data)
        elif name == "INTERACTION_CREATE":
            await self._interaction(data)
        else:
            self.ignored[name] += 1

    # -- each kind of event ----------------------------------------------------------------------

    async def _message(self, name: str, data: Event, held: bool = False) -> None:
        own = self._own()
        author = data.get("author") or {}
        if not data.get("id") or not is_wanted(data, own.id):
            return
        is_change = name == "MESSAGE_UPDATE"
        if is_change and not is_edit(data):
            return
        if is_empty(data):
            self._nothing_in_it(data)
            return
        self._directory.meet(str(author["id"]), display_name(author))

        def read(scene: Scene) -> Inbound:
            make = edit_of if is_change else message_of
            return make(data, scene, own, self._directory)

        await self._in_place(name, data, str(author["id"]), read, held)

    async def _reaction(self, name: str, seq: int, data: Event) -> None:
        own = self._own()
        person_id = str(data.get("user_id") or "")
        if not person_id or person_id == own.id:
            return
        event_id = f"{self._session_id}:{seq}"

        def read(scene: Scene) -> Inbound:
            return reaction_of(
                data,
                added=name == "MESSAGE_REACTION_ADD",
                event_id=event_id,
                scene=scene,
                own=own,
                now_ms=self._link.now_ms(),
            )

        await self._in_place(name, data, person_id, read)

    async def _interaction(self, data: Event) -> None:
        try:
            taking = self._interactions.from_gateway(data, self._own())
        except _MALFORMED:
            self._malformed("INTERACTION_CREATE")
            return
        await taking

    def _nothing_in_it(self, data: Event) -> None:
        """A bot that may not read content gets messages with nothing in them."""
        if data.get("guild_id") and not self._is_deaf:
            self._is_deaf = True
            self._log.warn("discord: {what}", what=DEAF)
            self._link.degraded(DEAF)

    def _malformed(self, name: str) -> None:
        self.ignored["malformed"] += 1
        self._log.warn("discord: an event {name} that cannot be read", name=name)

    # -- where it happened -----------------------------------------------------------------------

    async def _in_place(
        self,
        name: str,
        data: Event,
        person_id: str,
        read: Callable[[Scene], Inbound],
        held: bool = False,
    ) -> None:
        """Find out where, read, hand in; what comes later in the same channel waits for that."""
        channel_id = str(data.get("channel_id") or "")
        guild_id = str(data.get("guild_id") or "")
        if not channel_id:
            self._malformed(name)
            return
        if not guild_id:
            self._directory.direct.setdefault(person_id, channel_id)
            self.on_direct(channel_id)
        lock = self._locks.get(channel_id)
        if held:
            await self._ask(guild_id, channel_id, data)
            receiving = self._hand_in(name, guild_id, channel_id, person_id, read)
        elif lock is None and not self._has_to_ask(guild_id, channel_id, data):
            receiving = self._hand_in(name, guild_id, channel_id, person_id, read)
        else:
            leave = await self.hold(channel_id)
            try:
                if self._failed:  # What was before it comes again, and so does this, behind it.
                    raise ChannelDown("an event before this one was not taken")
                await self._ask(guild_id, channel_id, data)
                receiving = self._hand_in(name, guild_id, channel_id, person_id, read)
            finally:
                leave()
        if receiving is not None:
            await receiving

    def _hand_in(
        self,
        name: str,
        guild_id: str,
        channel_id: str,
        person_id: str,
        read: Callable[[Scene], Inbound],
    ) -> Any:
        channel = self._directory.channels.get(channel_id)
        try:
            inbound = read(scene_of(guild_id, channel, person_id, self._directory))
        except _MALFORMED:
            self._malformed(name)
            return None
        return self._link.receive(inbound)

    def _has_to_ask(self, guild_id: str, channel_id: str, data: Event) -> bool:
        if not guild_id:
            return False
        channel = self._directory.channels.get(channel_id)
        if channel is None:
            return True
        above = channel.parent_id if channel.is_thread else ""
        if above and above not in self._directory.channels:
            return True
        return bool(data.get("mention_roles")) and guild_id not in self._directory.guilds

    async def _ask(self, guild_id: str, channel_id: str, data: Event) -> None:
        """Learn by REST what the gateway did not tell: after a resume it tells nothing again."""
        if not guild_id:
            return
        channel = await self._channel(guild_id, channel_id)
        if channel.is_thread and channel.parent_id:
            await self._channel(guild_id, channel.parent_id)
        if data.get("mention_roles") and guild_id not in self._directory.guilds:
            try:
                guild = guild_of(await self._api.get("/guilds/{guild}", guild=guild_id))
            except Refused:
                return
            self._directory.guilds[guild_id] = guild

    async def _channel(self, guild_id: str, channel_id: str) -> Channel:
        known = self._directory.channels.get(channel_id)
        if known is not None:
            return known
        try:
            data = await self._api.get("/channels/{channel}", channel=channel_id)
            channel = channel_of(data, guild_id)
        except Refused:  # It is there, for something was said in it; we may not look at it.
            channel = Channel(id=channel_id, kind=UNSEEN, guild_id=guild_id)
        self._directory.add(channel)
        return channel
