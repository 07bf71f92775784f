"""Where something is sent: rooms by id or alias, and people, whose direct room may be made."""

from attrs import define, field
from twisted.internet.defer import DeferredLock

from openclaw.channels.platforms.matrix.api import Homeserver, Refused, path
from openclaw.channels.platforms.matrix.events import Json, sequence, words
from openclaw.channels.platforms.matrix.rooms import Rooms
from openclaw.interfaces.queue import Undelivered


@define
class Places:
    """Finds the rooms that ids of all kinds stand for; what is asked fails as calls do."""

    api: Homeserver
    rooms: Rooms
    _aliases: dict[str, str] = field(factory=dict)
    _making: DeferredLock = field(factory=DeferredLock)

    async def room(self, chat_id: str) -> str:
        """A room's id.

        :param chat_id: ``!room``, ``#alias:server`` or ``@person:server``.
        :raises Undelivered: it is none of these.
        """
        if chat_id.startswith("!"):
            return chat_id
        if chat_id.startswith("#"):
            return await self._aliased(chat_id)
        if chat_id.startswith("@") and ":" in chat_id:
            return await self._direct(chat_id)
        raise Undelivered(
            f"Matrix: {chat_id!r} is no chat: expected !room, #alias:server or @person:server",
            "never",
        )

    async def joined(self) -> list[str]:
        """The rooms that we are in."""
        said = await self.api.call("GET", path("joined_rooms"))
        return [room for room in sequence(said.get("joined_rooms")) if isinstance(room, str)]

    async def _aliased(self, alias: str) -> str:
        if alias not in self._aliases:
            said = await self.api.call("GET", path("directory", "room", alias))
            self._aliases[alias] = words(said.get("room_id"))
        return self._aliases[alias]

    async def _direct(self, user_id: str) -> str:
        async with self._making:
            listed = self.rooms.direct.get(user_id, [])
            joined = await self.joined() if listed else []
            for room_id in reversed(listed):
                if room_id in joined and await self._has(room_id, user_id):
                    return room_id
            room_id = await self._make(user_id)
            await self.rooms.set_direct_room(room_id, user_id)
            return room_id

    async def _has(self, room_id: str, user_id: str) -> bool:
        """Whether somebody is in a room, or was asked into it."""
        try:
            said = await self.api.call(
                "GET", path("rooms", room_id, "state", "m.room.member", user_id)
            )
        except Refused as error:
            if error.status not in (403, 404):
                raise
            return False
        return said.get("membership") in ("join", "invite")

    async def _make(self, user_id: str) -> str:
        wanted: Json = {"preset": "trusted_private_chat", "is_direct": True, "invite": [user_id]}
        return words((await self.api.call("POST", path("createRoom"), wanted)).get("room_id"))
