"""Display names by id: asked once an hour, and never worth waiting long for."""

from collections.abc import Iterable, Mapping

from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime

from openclaw.channels.platforms.slack.api import WebApi
from openclaw.channels.platforms.slack.failures import SlackError
from openclaw.channels.platforms.slack.fields import part, text
from openclaw.interfaces.messages import Person

KEPT_SECONDS = 3600.0
UNKNOWN_SECONDS = 60.0
PATIENCE_SECONDS = 1.0
"""Slack wants its acknowledgement within 3 s; a name is not worth more than a third of them."""

_MOST = 10_000


class People:
    """What is known of users.

    :param patience: seconds that a message waits for names.
    """

    def __init__(
        self, api: WebApi, clock: IReactorTime, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._api = api
        self._clock = clock
        self._patience = patience
        self._known: dict[str, tuple[float, Person | None]] = {}

    async def known(self, ids: Iterable[str]) -> Mapping[str, Person]:
        """Those of whom something is known, after a moment of asking."""
        now = self._clock.seconds()
        wanted = list(ids)
        missing = [each for each in wanted if self._until(each) <= now]
        if missing:
            for each in missing:  # Whatever happens, nobody asks again at once.
                self._keep(each, now + UNKNOWN_SECONDS, self._person(each))
            asking = gatherResults([self._ask(each) for each in missing], consumeErrors=True)
            await asking.addTimeout(self._patience, self._clock)
        found = {each: self._person(each) for each in wanted}
        return {each: person for each, person in found.items() if person is not None}

    def _until(self, user_id: str) -> float:
        entry = self._known.get(user_id)
        return 0.0 if entry is None else entry[0]

    def _person(self, user_id: str) -> Person | None:
        entry = self._known.get(user_id)
        return None if entry is None else entry[1]

    def _keep(self, user_id: str, until: float, person: Person | None) -> None:
        self._known.pop(user_id, None)
        self._known[user_id] = (until, person)
        if len(self._known) > _MOST:
            del self._known[next(iter(self._known))]

    def _ask(self, user_id: str) -> Deferred[None]:
        return Deferred.fromCoroutine(self._look_up(user_id))

    async def _look_up(self, user_id: str) -> None:
        try:
            answer = await self._api.read("users.info", user=user_id)
        except (SlackError, CancelledError):  # Too slow: an id will do.
            return
        user = part(answer, "user")
        profile = part(user, "profile")
        name = text(profile, "display_name", "real_name") or text(user, "real_name", "name")
        person = Person(
            id=user_id,
            name=name,
            username=text(user, "name"),
            is_bot=user.get("is_bot") is True,
        )
        self._keep(user_id, self._clock.seconds() + KEPT_SECONDS, person)
