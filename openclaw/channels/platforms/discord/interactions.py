"""Interactions: told within three seconds that they came, handed in, answered later by a send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from openclaw.channels.platforms.discord.api import (
    Api,
    DiscordError,
    Limited,
    Refused,
    Request,
    Unavailable,
)
from openclaw.channels.platforms.discord.bodies import EPHEMERAL, Body
from openclaw.channels.platforms.discord.buckets import Route
from openclaw.channels.platforms.discord.codes import ALREADY_ACKNOWLEDGED
from openclaw.channels.platforms.discord.commands import (
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    event_of,
    interaction_scene,
)
from openclaw.channels.platforms.discord.directory import Directory
from openclaw.channels.platforms.discord.tokens import Token, Tokens
from openclaw.channels.platforms.discord.wire import Own
from openclaw.deferreds import Tasks
from openclaw.interfaces.channels import ILink

GREET_SECONDS = 1.5
"""Discord gives three seconds; the answer has a way to go, and the journal may be slow."""

GREET_PAUSES = (0.2, 0.4)
"""After which it is told again where it had trouble; what it heard twice, it refuses."""

NOT_YOURS = "You may not use the assistant here."
NOT_NOW = "The assistant cannot take this now. Please try again in a moment."
NOT_KNOWN = "The assistant does not know what to do with this."

LATER: Body = {"type": 5}
"""The answer will come; people see that the assistant thinks."""

Greet = Callable[[Body], Deferred[Any]]
"""Tells Discord that an interaction came; fires when it knows."""


def said(text: str) -> Body:
    """An answer that only the person sees."""
    return {"type": 4, "data": {"content": text, "flags": EPHEMERAL}}


class Interactions:
    """Takes interactions, whichever way they come."""

    _log = Logger()

    def __init__(
        self, link: ILink, api: Api, directory: Directory, tokens: Tokens, tasks: Tasks
    ) -> None:
        self.link = link
        self._api = api
        self._directory = directory
        self.tokens = tokens
        self.tasks = tasks

    async def from_gateway(self, data: Mapping[str, Any], own: Own) -> None:
        """Take one that came over the gateway, and answer it by REST."""
        route = Route(
            "POST",
            "/interactions/{id}/{token}/callback",
            {"id": str(data["id"]), "token": str(data["token"])},
        )

        def greet(body: Body) -> Deferred[Any]:
            return Deferred.fromCoroutine(
                self._api.call(Request(route=route, body=body, authorized=False))
            )

        await self.take(data, own, greet, tells_failure=True)

    async def take(
        self, data: Mapping[str, Any], own: Own, greet: Greet, *, tells_failure: bool
    ) -> None:
        """Hand an interaction in, and tell Discord in time.

        :param tells_failure: greet the person with the failure; else whoever called does it.
        :raises Exception: what handing it in failed with.
        """
        kind = data.get("type")
        if kind == AUTOCOMPLETE:
            await self.tell(greet, {"type": 8, "data": {"choices": []}})
            return
        if kind not in (COMMAND, COMPONENT):
            await self.tell(greet, said(NOT_KNOWN))
            return
        scene = interaction_scene(data, self._directory)
        token = Token(
            id=str(data["id"]),
            token=str(data["token"]),
            application_id=str(data.get("application_id") or ""),
            chat_id=scene.chat_id,
            thread_id=scene.thread_id,
            at_ms=self.link.now_ms(),
        )
        event = event_of(data, scene, own)
        if self.tokens.is_interaction(token.id):
            # Discord repeats it after a new connection; it was told before.
            await self.link.receive(event)
            return
        self.tokens.begin(token)
        await _Taking(self, token, greet, tells_failure).hand_in(event)

    async def tell(self, greet: Greet, body: Body) -> bool:
        """Greet; false if Discord does not know the interaction any more."""
        for pause in (*GREET_PAUSES, None):
            try:
                await greet(body)
            except (Unavailable, Limited) as error:
                self._log.warn("discord: an interaction was not greeted: {why}", why=error.message)
                if pause is not None:
                    await deferLater(self.link.clock, pause)
            except DiscordError as error:
                self._log.warn("discord: an interaction was not greeted: {why}", why=error.message)
                # If Discord may have heard it, the answer will show. If it did not, nobody would
                # see an answer there: it comes as an ordinary message.
                return not isinstance(error, Refused) or error.code == ALREADY_ACKNOWLEDGED
            else:
                return True
        return True

    async def correct(self, token: Token, text: str) -> None:
        """Replace the sign that the assistant thinks."""
        route = Route(
            "PATCH",
            "/webhooks/{webhook}/{token}/messages/@original",
            {"webhook": token.application_id, "token": token.token},
        )
        try:
            await self._api.call(Request(route=route, body={"content": text}, authorized=False))
        except DiscordError as error:
            self._log.warn("discord: an interaction was not answered: {why}", why=error.message)


class _Taking:
    """One interaction on its way in."""

    def __init__(
        self, owner: Interactions, token: Token, greet: Greet, tells_failure: bool
    ) -> None:
        self._owner = owner
        self._tells_failure = tells_failure
        self._token = token
        self._greet = greet
        self._told = False

    async def hand_in(self, event: Any) -> None:
        """Hand it in; tell Discord once that is done, or shortly before its patience ends."""
        link = self._owner.link
        hurry = link.clock.callLater(GREET_SECONDS, self._hurry)
        try:
            taken = await link.receive(event)
        except CancelledError:  # The account stops; there is no time to tell anybody.
            self._owner.tokens.greeted(self._token.id, awaits_answer=self._told)
            raise
        except Exception:
            if self._told or self._tells_failure:
                await self._end(NOT_NOW)
            self._owner.tokens.greeted(self._token.id, awaits_answer=False)
            raise
        finally:
            if hurry.active():
                hurry.cancel()
        if taken in ("refused", "noted"):
            await self._end(NOT_YOURS)
        elif not self._told:
            await self._later()

    def _hurry(self) -> None:
        self._owner.tasks.spawn("discord interaction", self._later())

    async def _later(self) -> None:
        self._told = True
        reached = True  # As far as anybody knows, if it is cut short.
        try:
            reached = await self._owner.tell(self._greet, LATER)
        finally:
            self._owner.tokens.greeted(self._token.id, awaits_answer=reached)

    async def _end(self, text: str) -> None:
        try:
            if self._told:
                await self._owner.correct(self._token, text)
            else:
                self._told = True
                await self._owner.tell(self._greet, said(text))
        finally:
            self._owner.tokens.greeted(self._token.id, awaits_answer=False)
