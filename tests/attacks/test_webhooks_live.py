"""S19, S20 through a whole gateway: over its port, into its journal, across its restart."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from openclaw.assembly.gateway import build
from openclaw.channels import intake
from openclaw.channels.platforms.webhook import service as custom_service
from openclaw.config.settings import Options
from tests.attacks.judging import Verdict, hostile
from tests.attacks.live import TOKEN, LiveCase, reactor
from tests.attacks.test_webhooks import JSON, KEY, PUBLIC, Headers
from tests.channels.discord.counterpart import FakeDiscord
from tests.channels.discord.rig import ALICE
from tests.channels.telegram.counterpart import Telegram
from tests.channels.webhook.counterpart import PATH, SECRET, Service, mac, spellings

TELEGRAM_SECRET = "a-secret_of-some-length"
REFUSED = (401, 429)
"""Unproven, or from where too much was that is."""
Request = tuple[bytes, Headers]


class WebhookLiveCase(LiveCase):
    """A gateway that three platforms call; its embedded agent answers whatever is said."""

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        self.service, self.telegram = Service(), Telegram()
        self.discord = FakeDiscord(reactor)
        self.discord.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self._close()))
        await super().setUp()

    async def _close(self) -> None:
        await self.service.stop()
        await self.telegram.stop()
        await self.discord.stop()

    def configure(self) -> Mapping[str, Any]:
        """One account each, open to everybody who proves to be the platform."""
        telegram = {
            **self.telegram.settings(),
            "webhookUrl": "http://127.0.0.1:1/webhook/telegram/default",
            "webhookSecret": TELEGRAM_SECRET,
        }
        discord = {**self.discord.settings(), "publicKey": PUBLIC}
        webhook = self.service.settings()
        return {"channels": {"webhook": webhook, "telegram": telegram, "discord": discord}}

    async def restart(self) -> None:
        """The next process, on the same journal."""
        await self.gateway.stopService()
        options = Options(state_dir=str(self.state), port=0, token=TOKEN)
        self.gateway = build(options, {}, self.place, reactor, greet=False)
        self.gateway.startService()
        self.addCleanup(self.gateway.stopService)
        await self.gateway.when_started()
        self.port = self.gateway.port
        self.host = f"127.0.0.1:{self.port}"

    async def post(self, path: str, body: bytes, headers: Headers) -> int:
        """One request of a platform's; its status."""
        talk = await self.talk()
        fields = {
            "Host": self.host,
            "Connection": "close",
            "Content-Length": str(len(body)),
            **headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        talk.say(f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        heard = await talk.until(lambda _: False)
        return int(heard.split()[1]) if heard else 0

    async def said(self) -> int:
        """How many messages of people are in all sessions, once nothing is under way any more."""
        parts = self.gateway._parts
        while True:
            stats = await parts.queue.stats()
            waiting = stats.queues.get("in")
            rows = parts.conversations.recent(100)
            total = sum(int(row.message_count or 0) for row in rows)
            # Each message has its answer.
            idle = waiting is None or not (waiting.ready or waiting.running or waiting.delayed)
            if idle and not parts.runs.active() and total % 2 == 0:
                return total // 2
            await deferLater(reactor, 0.02)

    async def told(self, path: str, requests: Iterator[Request]) -> Verdict:
        """One event, told again and again, at last to the next process; it may be said once."""
        before = await self.said()
        tried = 0
        first: Request | None = None
        for body, headers in requests:
            await self.post(path, body, headers)
            first = first or (body, headers)
            tried += 1
        assert first is not None
        await self.restart()
        await self.post(path, *first)
        said = await self.said() - before
        verdict = Verdict()
        verdict.note((path, "once"), said > 0, True)
        for number in range(tried):
            verdict.note((path, number), number < said - 1)
        return verdict

    # -- what the platforms say ----------------------------------------------------------------

    def custom(self, name: str = "") -> Iterator[Request]:
        """One captured request with its signature in every spelling."""
        event: dict[str, Any] = {"text": "/status", "sender": {"id": "ada", "name": "Ada"}}
        body = json.dumps({**event, **({"id": name} if name else {})}).encode()
        stamp = str(int(time.time()))
        for shown in spellings(mac(SECRET, stamp, body)):
            yield body, {**JSON, "x-openclaw-timestamp": stamp, "x-openclaw-signature": shown}

    def updates(self) -> Iterator[Request]:
        """One update of Telegram's, written in many ways."""
        person = {"id": 42, "is_bot": False, "first_name": "Ada"}
        chat = {"id": 42, "type": "private", "first_name": "Ada"}
        message = {"message_id": 1, "date": int(time.time()), "chat": chat, "from": person}
        update = {"update_id": 7, "message": {**message, "text": "/status"}}
        for body in written(update):
            yield body, {**JSON, "x-telegram-bot-api-secret-token": TELEGRAM_SECRET}

    def interactions(self) -> Iterator[Request]:
        """One interaction of Discord's, signed anew each time, in upper and lower case."""
        made = self.discord.interaction("status", ALICE, ALICE, False, {})
        for body in written(made):
            stamp = str(int(time.time()))
            shown = KEY.sign(stamp.encode() + body).hex()
            for one in (shown, shown.upper()):
                proof = {"x-signature-timestamp": stamp, "x-signature-ed25519": one}
                yield body, {**JSON, **proof}


def written(document: dict[str, Any]) -> Iterator[bytes]:
    """The same document in other words."""
    for one in (document, dict(reversed(document.items()))):
        for indent in (None, 0, 1, 4):
            yield json.dumps(one, indent=indent).encode()
        yield json.dumps(one, separators=(",", ":")).encode() + b"\n"


class ToldAgainTests(WebhookLiveCase):
    @hostile(52)
    async def test_cve_2026_41301_an_event_is_one_message_however_it_is_told(self) -> None:
        """Signatures were compared as text, and events by how they were written."""
        custom = await self.told(PATH, self.custom("event-1"))
        nameless = await self.told(PATH, self.custom())
        telegram = await self.told("/webhook/telegram/default", self.updates())
        discord = await self.told("/webhook/discord/default", self.interactions())
        self.held(custom + nameless + telegram + discord)
        self.patch(custom_service, "proof", lambda headers, *_: str(headers).encode())
        self.caught(await self.told(PATH, self.custom()))
        numbers = count()
        key: Callable[[Any], str] = intake.message_key
        self.patch(intake, "message_key", lambda message: f"{key(message)}:{next(numbers)}")
        self.caught(await self.told("/webhook/telegram/default", self.updates()))


class UnprovenTests(WebhookLiveCase):
    @hostile(34)
    async def test_nothing_unproven_becomes_a_message(self) -> None:
        """Requests whose signature is another's, or missing, are refused and leave no trace."""
        verdict = Verdict()
        doors: tuple[tuple[str, Callable[[], Iterator[Request]]], ...] = (
            (PATH, lambda: self.custom("event-2")),
            ("/webhook/telegram/default", self.updates),
            ("/webhook/discord/default", self.interactions),
        )
        for path, requests in doors:
            body, good = next(requests())
            proofs = [name for name in good if name not in JSON]
            for name in proofs:
                shown = good[name]
                for value in ("", "0", shown[:-2], shown[::-1], f"{shown}00", "null"):
                    status = await self.post(path, body, {**good, name: value})
                    verdict.note((path, name, value, status), status not in REFUSED)
            status = await self.post(path, body, JSON)
            verdict.note((path, "nothing"), status not in REFUSED)
        verdict.note("said", await self.said() > 0)
        await self.restart()  # Which forgets who guessed too often, too.
        body, good = next(self.custom("event-3"))
        status = await self.post(PATH, body, good)
        verdict.note("the platform itself", status == 200 and await self.said() == 1, True)
        self.held(verdict)
