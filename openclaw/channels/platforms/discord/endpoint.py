"""Interactions that Discord brings by HTTP: checked, handed in, answered in the same breath."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, succeed

from openclaw.channels.platforms.discord.bodies import Body
from openclaw.channels.platforms.discord.commands import PING
from openclaw.channels.platforms.discord.interactions import LATER, Interactions
from openclaw.channels.platforms.discord.signature import is_genuine
from openclaw.channels.platforms.discord.wire import Own
from openclaw.deferreds import Tasks
from openclaw.interfaces.channels import ILink, WebhookAnswer, WebhookRequest


class Endpoint:
    """The webhook of one account.

    :param own: who the bot is.
    :param tasks: owns what goes on after Discord has its answer.
    """

    def __init__(
        self, link: ILink, interactions: Interactions, own: Callable[[], Own], tasks: Tasks
    ) -> None:
        self._link = link
        self._interactions = interactions
        self._own = own
        self._tasks = tasks

    async def serve(self, request: WebhookRequest) -> WebhookAnswer:
        """Answer one request; it fails as handing in does."""
        if request.method != "POST":
            return WebhookAnswer(status=405, body=b"POST only", headers={"allow": "POST"})
        # Without a key nothing is genuine: no endpoint is open by accident.
        key = self._link.settings.public_key
        if not is_genuine(key, request.headers, request.body, self._link.now_ms()):
            return WebhookAnswer(status=401, body=b"invalid request signature")
        try:
            data = msgspec.json.decode(request.body, type=dict[str, Any])
            if data.get("type") == PING:
                return _json({"type": PING})
            return await self._interaction(data)
        except (
            msgspec.MsgspecError,
            RecursionError,
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
        ):
            return WebhookAnswer(status=400, body=b"not an interaction")

    async def _interaction(self, data: dict[str, Any]) -> WebhookAnswer:
        """Hand an interaction in; what Discord is told of it is the answer to its request."""
        answer: Deferred[WebhookAnswer] = Deferred()

        def greet(body: Body) -> Deferred[None]:
            if not answer.called:
                answer.callback(_json(body))
            return succeed(None)

        async def take() -> None:
            try:
                await self._interactions.take(data, self._own(), greet, tells_failure=False)
                greet(LATER)  # A repeated one was greeted long ago.
            except Exception as error:  # Whoever serves the webhook knows what to answer to it.
                if answer.called:
                    raise
                answer.errback(error)

        self._tasks.spawn("discord webhook", take())
        return await answer


def _json(body: Any) -> WebhookAnswer:
    return WebhookAnswer(body=msgspec.json.encode(body), content_type="application/json")
