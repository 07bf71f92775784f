"""S19, S20: requests in a platform's name without its secret, and events that come again."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from twisted.internet.defer import Deferred

from openclaw.channels.platforms.discord import endpoint
from openclaw.channels.platforms.slack import service as slack_service
from openclaw.channels.platforms.slack.webhook import signature
from openclaw.channels.platforms.telegram import webhook as telegram_webhook
from openclaw.channels.platforms.webhook import service as custom_service
from openclaw.interfaces.channels import WebhookAnswer, WebhookRequest
from tests.attacks.judging import Verdict, caught, held, hostile
from tests.channels.discord.rig import ALICE, Rig
from tests.channels.discord.world import GENERAL_ID
from tests.channels.slack.test_http_mode import HTTPCase
from tests.channels.slack.workspace import SIGNING_SECRET
from tests.channels.telegram.test_webhook import SECRET, WebhookCase
from tests.channels.webhook.counterpart import SECRET as CUSTOM_SECRET
from tests.channels.webhook.counterpart import mac
from tests.channels.webhook.rig import WebhookCase as CustomCase

Headers = dict[str, str]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw().hex()
WRONG = ("", " ", "\t", "0", "null", "undefined", "none", "true", "*", "ü", "x" * 64, "0" * 64)
UNREADABLE = (b"{not json", b"", b"[" * 50_000, b"\xff\xfe", b'{"a":' * 20_000)
JSON = {"content-type": "application/json"}


class Door:
    """One platform's webhook.

    :ivar secret_headers: names of the headers that prove anything.
    """

    secret_headers: tuple[str, ...] = ()
    channel: Any
    link: Any

    def document(self) -> Any:
        """An event."""
        raise NotImplementedError

    def proven(self, body: bytes) -> Headers:
        """The headers that the platform would send with a body."""
        raise NotImplementedError

    def forged(self, body: bytes) -> Iterator[Headers]:
        """Headers that prove nothing."""
        good = self.proven(body)
        for name in self.secret_headers:
            yield {one: value for one, value in good.items() if one != name}
            for value in WRONG:
                yield {**good, name: value}
            shown = good[name]
            for changed in (shown[:-1], shown + "0", shown[::-1], shown[1:], f"{shown},{shown}"):
                yield {**good, name: changed}
        yield {**JSON, "authorization": "Bearer " + good[self.secret_headers[0]]}

    def ask(self, body: bytes, headers: Headers) -> Deferred[WebhookAnswer]:
        """One request."""
        request = WebhookRequest(method="POST", path="", query={}, headers=headers, body=body)
        answer: Deferred[WebhookAnswer] = self.channel.webhook(request)
        return answer

    async def without_secret(self) -> Verdict:
        """Everything that is not proven is a 401, also what could not be read."""
        verdict = Verdict()
        good = json.dumps(self.document()).encode()
        for body in (good, *UNREADABLE):
            for headers in self.forged(body):
                status = (await self.ask(body, headers)).status
                verdict.note((headers, body[:20], status), status != 401)
        before = len(self.link.received)
        status = (await self.ask(good, self.proven(good))).status
        verdict.note(
            "the platform itself", status == 200 and len(self.link.received) > before, True
        )
        return verdict

    def spelled(self, headers: Headers) -> Iterator[Headers]:
        """The same headers in other words."""
        yield headers
        for name in self.secret_headers:
            shown = headers[name]
            for other in (shown.upper(), shown.lower(), f" {shown}", f"{shown} ", f"\t{shown}\t"):
                yield {**headers, name: other}
            yield {**headers, name: _as_base64(shown)}

    def encodings(self) -> Iterator[bytes]:
        """The same event as a platform may write it another time."""
        document = self.document()
        turned = dict(reversed(document.items()))
        for one in (document, turned):
            for indent in (None, 0, 1, 4):
                yield json.dumps(one, indent=indent).encode()
            yield json.dumps(one, separators=(",", ":")).encode() + b"\n"

    async def told_again(self, names: Callable[[Any, Headers, bytes], object]) -> Verdict:
        """One event in many spellings; each that has a new name would start another run."""
        verdict = Verdict()
        seen: set[object] = set()
        for body in self.encodings():
            for headers in self.spelled(self.proven(body)):
                before = len(self.link.received)
                await self.ask(body, headers)
                for message in self.link.received[before:]:
                    name = names(message, headers, body)
                    verdict.note((name, headers), name not in seen, not seen)
                    seen.add(name)
                if len(self.link.received) == before:
                    verdict.note((headers, "not let in"), False)
        return verdict

    def held(self: Any, verdict: Verdict) -> None:
        """See :class:`tests.attacks.judging.AttackCase`."""
        held(self, verdict)

    def caught(self: Any, verdict: Verdict) -> None:
        """See :class:`tests.attacks.judging.AttackCase`."""
        caught(self, verdict)


def by_event(message: Any, headers: Headers, body: bytes) -> object:
    """What the gateway knows an event by."""
    return message.dedupe_id


def by_spelling(message: Any, headers: Headers, body: bytes) -> object:
    """The planted fault: an event is known by how it is written."""
    return message.dedupe_id, body, tuple(sorted(headers.items()))


def _as_base64(shown: str) -> str:
    scheme, _, text = shown.rpartition("=")
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = shown.encode()
    return (
        f"{scheme}={base64.b64encode(raw).decode()}" if scheme else base64.b64encode(raw).decode()
    )


class TelegramWebhookAttacks(Door, WebhookCase):
    """Telegram proves itself with a secret in a header."""

    secret_headers = ("x-telegram-bot-api-secret-token",)

    def document(self) -> Any:
        message = {"message_id": 1, "chat": {"id": 42}, "from": {"id": 42}, "text": "hello"}
        return {"update_id": 1, "message": message}

    def proven(self, body: bytes) -> Headers:
        return {**JSON, self.secret_headers[0]: SECRET}

    @hostile(114)
    async def test_cve_2026_25474_telegram_without_its_secret(self) -> None:
        """Updates were taken from anybody where no secret was set, or an empty one."""
        await self.connect()
        self.held(await self.without_secret())

        class Open:
            compare_digest = staticmethod(lambda one, two: True)

        self.patch(telegram_webhook, "hmac", Open)
        self.caught(await self.without_secret())

    @hostile(69)
    async def test_cve_2026_41301_telegram_event_told_again(self) -> None:
        """An event that was written in another way was another event."""
        await self.connect()
        self.held(await self.told_again(by_event))
        self.caught(await self.told_again(by_spelling))


class SlackWebhookAttacks(Door, HTTPCase):
    """Slack signs the raw body and a time."""

    secret_headers = ("x-slack-signature", "x-slack-request-timestamp")

    def document(self) -> Any:
        event = {"type": "message", "channel_type": "im", "channel": "D1", "user": "U1"}
        event |= {"text": "hello", "ts": "1700000000.000100"}
        whole = {"type": "event_callback", "team_id": "T0TEAM", "api_app_id": "A0APP"}
        return {**whole, "event_id": "Ev1", "event": event}

    def proven(self, body: bytes) -> Headers:
        stamp = str(self.told.now_ms() // 1000)
        return {
            **JSON,
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": signature(SIGNING_SECRET, stamp, body),
        }

    async def begin(self) -> None:
        await self.ready()
        self.link = self.told

    @hostile(222)
    async def test_cve_2026_44109_slack_without_its_signature(self) -> None:
        """Events were taken without a signature, or with one over the parsed body."""
        await self.begin()
        self.held(await self.without_secret())
        self.patch(slack_service, "is_signed", lambda *_: True)
        self.caught(await self.without_secret())

    @hostile(129)
    async def test_cve_2026_41301_slack_event_told_again(self) -> None:
        """A signature in another spelling made an old event a new one."""
        await self.begin()
        self.held(await self.told_again(by_event))
        self.caught(await self.told_again(by_spelling))


class DiscordWebhookAttacks(Door, Rig):
    """Discord signs with a key of its own."""

    secret_headers = ("x-signature-ed25519", "x-signature-timestamp")

    def setUp(self) -> None:
        super().setUp()
        self.remake(publicKey=PUBLIC)
        self.made = self.discord.interaction("help", GENERAL_ID, ALICE, True, {})

    def document(self) -> Any:
        return self.made

    def proven(self, body: bytes) -> Headers:
        at = str(self.link.now_ms() // 1000)
        return {
            **JSON,
            "x-signature-timestamp": at,
            "x-signature-ed25519": KEY.sign(at.encode() + body).hex(),
        }

    @hostile(222)
    async def test_cve_2026_44109_discord_without_its_signature(self) -> None:
        """Interactions were taken from anybody."""
        self.held(await self.without_secret())
        self.patch(endpoint, "is_genuine", lambda *_: True)
        self.caught(await self.without_secret())

    @hostile(129)
    async def test_cve_2026_41301_discord_event_told_again(self) -> None:
        """A signature in another spelling made an old interaction a new one."""
        self.held(await self.told_again(by_event))
        self.caught(await self.told_again(by_spelling))


class CustomWebhookAttacks(Door, CustomCase):
    """Services of the operator's sign the raw body and a time."""

    secret_headers = ("x-openclaw-signature", "x-openclaw-timestamp")
    named = True

    def setUp(self) -> None:
        super().setUp()
        self.start()

    def document(self) -> Any:
        event = {"text": "hello", "sender": {"id": "ada", "name": "Ada"}}
        return {"id": "e1", **event} if self.named else event

    def proven(self, body: bytes) -> Headers:
        stamp = str(self.link.now_ms() // 1000)
        shown = mac(CUSTOM_SECRET, stamp, body).hex()
        return {**JSON, "x-openclaw-timestamp": stamp, "x-openclaw-signature": f"sha256={shown}"}

    def ask(self, body: bytes, headers: Headers) -> Deferred[WebhookAnswer]:  # type: ignore[override]
        return Door.ask(self, body, headers)

    @hostile(222)
    async def test_cve_2026_26319_custom_without_a_signature(self) -> None:
        """A webhook without a configured secret was open to everybody."""
        self.held(await self.without_secret())
        self.patch(custom_service, "proof", lambda *_: b"anybody")
        self.caught(await self.without_secret())

    @hostile(141)
    async def test_cve_2026_41301_signature_in_another_spelling(self) -> None:
        """The text of a signature was kept against replays, so base64 instead of hex worked."""
        named = await self.told_again(by_event)
        self.named = False
        body = json.dumps(self.document()).encode()
        captured = self.proven(body)
        self.patch(self, "encodings", lambda: [body])
        self.patch(self, "proven", lambda _: captured)
        nameless = await self.told_again(by_event)
        self.held(named + nameless)
        self.patch(custom_service, "proof", lambda headers, *_: str(headers).encode())
        self.caught(await self.told_again(by_event))
