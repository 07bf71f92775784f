"""The webhook: registered with Telegram, guarded by its secret, watched from both sides."""

import hmac
import re
from typing import Any

import msgspec
from twisted.internet.task import deferLater

from openclaw.channels.platforms.telegram import wire
from openclaw.channels.platforms.telegram.api import (
    BotAPI,
    Refused,
    Unanswered,
    broken,
    is_unknown,
)
from openclaw.channels.platforms.telegram.intake import Intake, NotTaken
from openclaw.interfaces.channels import ChannelFailed, ILink, WebhookAnswer, WebhookRequest

SECRET_HEADER = "x-telegram-bot-api-secret-token"

WATCH_SECONDS = 30.0
"""How often Telegram is asked whether its requests arrive."""

_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}\Z")


class Webhook:
    """Serves one bot's webhook.

    :param url: where Telegram reaches it.
    :param secret: what it shows with every request.
    :raises ChannelFailed: the secret is missing or none that Telegram takes.
    """

    def __init__(self, link: ILink, api: BotAPI, intake: Intake, url: str, secret: str) -> None:
        if not _SECRET.match(secret):
            raise ChannelFailed(
                "the Telegram webhook is not started without a secret: set "
                "channels.telegram.webhookSecret to 1-256 of A-Z a-z 0-9 _ -"
            )
        self._link = link
        self._api = api
        self._intake = intake
        self._url = url
        self._secret = secret.encode()

    async def register(self, max_connections: int) -> None:
        """Tell Telegram where to send updates; what waits there comes at once.

        :raises ChannelDown: it could not be told.
        :raises ChannelFailed: it does not want that address.
        """
        params = {
            "url": self._url,
            "secret_token": self._secret.decode(),
            "allowed_updates": wire.ALLOWED_UPDATES,
            "max_connections": max_connections,
        }
        try:
            await self._api.call("setWebhook", params)
        except Refused as error:
            if error.code == 400:
                raise ChannelFailed(
                    f"Telegram refuses the webhook address ({error}): set "
                    "channels.telegram.webhookUrl to an https address on port 443, 80, 88 or 8443 "
                    "that is reachable from outside, or remove it to poll"
                ) from None
            raise broken(error) from None
        except Unanswered as error:
            raise broken(error) from None

    async def watch(self, name: str, max_connections: int) -> None:
        """Ask Telegram again and again how it does, until that fails.

        A webhook that somebody removed or changed is registered again.

        :raises ChannelDown: Telegram cannot be asked.
        :raises ChannelFailed: the token is no longer one.
        """
        seen = 0
        while True:
            try:
                info = await self._api.call("getWebhookInfo", {})
            except (Refused, Unanswered) as error:
                if not is_unknown(error):
                    raise broken(error) from None
                info = {}  # Some servers of one's own cannot tell.
            info = info if isinstance(info, dict) else {}
            if info.get("url", self._url) != self._url:
                self._link.degraded("another program changed this bot's webhook; setting it again")
                await self.register(max_connections)
            seen = self._tell(info, seen, name)
            await deferLater(self._link.clock, WATCH_SECONDS)

    def _tell(self, info: dict[str, Any], seen: int, name: str) -> int:
        """Report a fresh failure, or that there is none; returns the time of the last failure."""
        failed_at = info.get("last_error_date")
        failed_at = failed_at if isinstance(failed_at, int) else 0
        if failed_at > seen and (seen or self._is_fresh(failed_at)):
            self._link.degraded(
                f"Telegram cannot deliver to the webhook: {info.get('last_error_message', '?')}; "
                f"{info.get('pending_update_count', '?')} updates wait there"
            )
        else:
            self._link.connected(name)
        return max(seen, failed_at)

    def _is_fresh(self, failed_at: int) -> bool:
        return self._link.now_ms() / 1000 - failed_at < 2 * WATCH_SECONDS

    async def serve(self, request: WebhookRequest) -> WebhookAnswer:
        """Take one request: 200 once its update is stored, never a method call as the answer."""
        if request.method != "POST":
            return WebhookAnswer(status=405, headers={"allow": "POST"})
        shown = request.headers.get(SECRET_HEADER, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(shown, self._secret):
            return WebhookAnswer(status=401)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return WebhookAnswer(status=415)
        try:
            update = wire.update(msgspec.json.decode(request.body))
        except (ValueError, RecursionError):
            return WebhookAnswer(status=400)
        if update is None:
            return WebhookAnswer(status=400)
        self._link.heard()
        try:
            await self._intake.take(update)
        except NotTaken:
            return WebhookAnswer(status=503, headers={"retry-after": "1"})
        return WebhookAnswer()
