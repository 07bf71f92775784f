"""Invitations: which are followed, tried again while servers agree, kept until they are over."""

from collections.abc import Callable
from typing import Any

import msgspec
from attrs import frozen
from twisted.internet.task import deferLater
from twisted.logger import Logger

from openclaw.channels.platforms.matrix.api import Homeserver, Refused, Unanswered, path
from openclaw.channels.platforms.matrix.events import mapping, sequence, words
from openclaw.channels.platforms.matrix.login import Me
from openclaw.channels.platforms.matrix.rooms import Rooms
from openclaw.channels.platforms.matrix.settings import MatrixSettings
from openclaw.deferreds import Tasks
from openclaw.interfaces.channels import ILink

KEPT = "invites"
MOST = 50
JOIN_PAUSES = (2.0, 5.0, 15.0, 60.0)
"""Pauses before joining is tried again: another server may not know yet that it invited us."""


class Invite(msgspec.Struct, frozen=True, kw_only=True):
    """One invitation.

    :ivar inviter: who invites; the homeserver vouches for it.
    """

    room_id: str
    inviter: str
    direct: bool = False


def read_invite(room_id: str, raw: object, me: Me) -> Invite | None:
    """Read a room of ``rooms.invite``; ``None`` if nobody seems to invite us."""
    inviter, direct = "", False
    for one in sequence(mapping(mapping(raw).get("invite_state")).get("events")):
        event = mapping(one)
        content = mapping(event.get("content"))
        if event.get("type") == "m.room.member" and event.get("state_key") == me.user_id:
            if content.get("membership") != "invite":
                continue
            inviter = words(event.get("sender"))
            direct = content.get("is_direct") is True
    if not inviter:
        return None
    return Invite(room_id=room_id, inviter=inviter, direct=direct)


@frozen
class Doors:
    """Decides which invitations are followed."""

    settings: MatrixSettings

    def open_to(self, invite: Invite) -> bool:
        """Whether an invitation is followed, whatever the room is called."""
        settings = self.settings
        if settings.auto_join != "allowlist":
            return settings.auto_join == "always"
        people = (*settings.allow_from, *(settings.group_allow_from or ()))
        listed = {*settings.auto_join_allowlist, *map(str, people)}
        rooms = {room for room, group in settings.groups.items() if group.enabled}
        return (
            "*" in settings.auto_join_allowlist
            # Everybody may write directly, which takes a room.
            or (invite.direct and "*" in settings.allow_from and settings.dm_policy == "open")
            or invite.inviter in listed
            or invite.room_id in listed | rooms
        )

    @property
    def aliases(self) -> tuple[str, ...]:
        """Rooms that are listed by what they are called."""
        if self.settings.auto_join != "allowlist":
            return ()
        groups = (name for name, group in self.settings.groups.items() if group.enabled)
        listed = (*self.settings.auto_join_allowlist, *groups)
        return tuple(one for one in listed if one.startswith("#"))


class Invites:
    """The invitations of one account.

    :param tasks: owns the attempts to join.
    :param awaited: whether a room replaces one that we are in, so that nobody has to open it.
    """

    _log = Logger()

    def __init__(
        self,
        link: ILink,
        api: Homeserver,
        me: Me,
        rooms: Rooms,
        tasks: Tasks,
        awaited: Callable[[str], bool] = lambda room_id: False,
    ) -> None:
        self._awaited = awaited
        self._link = link
        self._api = api
        self._me = me
        self._rooms = rooms
        self._tasks = tasks
        self._doors = Doors(link.settings)
        self._joining: set[str] = set()
        self._waiting = self._read()

    def resume(self) -> None:
        """Look at what waits from before: the settings may be others now."""
        for invite in list(self._waiting.values()):
            self._consider(invite)

    async def take(self, raws: dict[str, Any], over: list[str]) -> None:
        """Take in what a sync says; fires when it is on disk.

        :param raws: ``rooms.invite``.
        :param over: rooms that we are in, or have left, by now.
        """
        found = [read_invite(room_id, raw, self._me) for room_id, raw in raws.items()]
        new = {invite.room_id: invite for invite in found if invite is not None}
        kept = {room: one for room, one in self._waiting.items() if room not in over} | new
        kept = dict(list(kept.items())[-MOST:])
        if kept != self._waiting:
            await self._link.state.put(
                KEPT, msgspec.json.encode(list(kept.values())).decode() if kept else ""
            )
            self._waiting = kept
        for invite in new.values():
            self._consider(invite)

    def _read(self) -> dict[str, Invite]:
        try:
            kept = msgspec.json.decode(self._link.state.get(KEPT), type=list[Invite])
        except msgspec.MsgspecError:
            return {}
        return {invite.room_id: invite for invite in kept}

    def _consider(self, invite: Invite) -> None:
        if not self._open_to(invite) and not self._doors.aliases:
            self._leave_be(invite)
        elif invite.room_id not in self._joining:
            self._joining.add(invite.room_id)
            self._tasks.spawn("joining a Matrix room", self._join(invite))

    def _open_to(self, invite: Invite) -> bool:
        return self._doors.open_to(invite) or self._awaited(invite.room_id)

    def _leave_be(self, invite: Invite) -> None:
        self._log.warn(
            "{who} invites to the Matrix room {room}, and autoJoin does not let us follow: to "
            "follow it, add one of the two to channels.matrix.autoJoinAllowlist",
            who=invite.inviter,
            room=invite.room_id,
        )

    async def _join(self, invite: Invite) -> None:
        try:
            if not self._open_to(invite) and not await self._is_listed(invite):
                self._leave_be(invite)
            elif await self._joined(invite) and invite.direct:
                await self._rooms.set_direct_room(invite.room_id, invite.inviter)
        except (Refused, Unanswered) as error:
            # Without it the room still counts as direct while two are in it.
            self._log.warn("m.direct was not changed: {why}", why=str(error))
        finally:
            self._joining.discard(invite.room_id)

    async def _is_listed(self, invite: Invite) -> bool:
        """Whether a listed alias is the room's; the room itself may claim any."""
        for alias in self._doors.aliases:
            try:
                said = await self._api.call("GET", path("directory", "room", alias))
            except (Refused, Unanswered) as error:
                self._log.warn(
                    "{alias} in channels.matrix.autoJoinAllowlist leads nowhere: {why}",
                    alias=alias,
                    why=str(error),
                )
                continue
            if said.get("room_id") == invite.room_id:
                return True
        return False

    async def _joined(self, invite: Invite) -> bool:
        through = invite.inviter.partition(":")[2]
        for pause in (*JOIN_PAUSES, None):
            try:
                await self._api.call(
                    "POST", path("join", invite.room_id), query={"server_name": through}
                )
                return True
            except (Refused, Unanswered) as error:
                wait = max(pause or 0.0, getattr(error, "retry_after", 0.0))
                if pause is None or getattr(error, "signed_out", False):
                    self._log.warn(
                        "the Matrix room {room} cannot be joined; it is tried again at the next "
                        "start: {why}",
                        room=invite.room_id,
                        why=str(error),
                    )
                    return False
                await deferLater(self._link.clock, wait)
        return False
