"""Which events of a room are news: gaps are filled, and what was said before we came is not."""

from collections.abc import Sequence

from attrs import frozen
from twisted.logger import Logger

from openclaw.channels.platforms.matrix.api import Homeserver, Refused, path
from openclaw.channels.platforms.matrix.events import (
    Event,
    Json,
    mapping,
    read_all,
    sequence,
    words,
)
from openclaw.channels.platforms.matrix.login import Me

PAGE = 100
MOST_PAGES = 5
"""The most that is looked back at: five hundred events of one room."""


@frozen(kw_only=True)
class Batch:
    """What one sync has of one room we are in.

    :ivar state: what held before the first of the events.
    :ivar limited: events are missing before the first one.
    :ivar before: where these are found.
    """

    state: Sequence[Event]
    events: Sequence[Event]
    limited: bool
    before: str


def read_batch(raw: object) -> Batch:
    """Read a room of a sync."""
    given = mapping(raw)
    timeline = mapping(given.get("timeline"))
    return Batch(
        state=read_all(mapping(given.get("state")).get("events")),
        events=read_all(timeline.get("events")),
        limited=timeline.get("limited") is True,
        before=words(timeline.get("prev_batch")),
    )


def joining(event: Event, me: Me) -> bool:
    """Whether an event is our own arrival, and not a new name of ours."""
    if event.state_key != me.user_id or event.membership != "join":
        return False
    return mapping(event.unsigned.get("prev_content")).get("membership") != "join"


def since_we_came(events: Sequence[Event], me: Me) -> Sequence[Event]:
    """What is meant for us, of events that our arrival may be among.

    What was said after we were invited, in the moment before we came, is.
    """
    arrivals = [index for index, event in enumerate(events) if joining(event, me)]
    if not arrivals:
        return events
    arrival = arrivals[-1]
    for index in range(arrival - 1, -1, -1):
        event = events[index]
        if event.state_key == me.user_id and event.type == "m.room.member":
            return events[index + 1 :] if event.membership == "invite" else events[arrival + 1 :]
    return events[arrival + 1 :]


class Gaps:
    """Finds what a sync left out."""

    _log = Logger()

    def __init__(self, api: Homeserver, me: Me) -> None:
        self._api = api
        self._me = me

    async def fill(self, room_id: str, batch: Batch, since: str, last: str) -> list[Event]:
        """The events before a batch that were not there yet, oldest first.

        :param since: the token that was synced from; homeservers go back no further than that.
        :param last: the last event that is known of the room, for those that do.
        """
        found: list[Event] = []
        place = batch.before
        for _ in range(MOST_PAGES):
            if not place:
                return found[::-1]
            try:
                page = await self._page(room_id, place, since)
            except Refused as error:
                if error.status == 429 or error.status >= 500:
                    raise
                self._log.warn("Matrix does not tell what was missed: {why}", why=str(error))
                return found[::-1]
            for event in read_all(page.get("chunk")):
                if event.id == last:
                    return found[::-1]
                found.append(event)
                if joining(event, self._me):
                    return found[::-1]
            following = words(page.get("end"))
            if not sequence(page.get("chunk")) or following == place:
                return found[::-1]
            place = following
        self._log.warn(
            "too much was said in the Matrix room {room} meanwhile: older messages are left out",
            room=room_id,
        )
        return found[::-1]

    async def _page(self, room_id: str, token: str, since: str) -> Json:
        query = {"dir": "b", "from": token, "limit": str(PAGE)}
        if since:
            query["to"] = since
        return await self._api.call("GET", path("rooms", room_id, "messages"), query=query)
