"""Tests of HTTP mode: whose requests are heard, and what they are answered."""

import json
from typing import Any

from attrs import evolve

from openclaw.channels.platforms.slack.webhook import signature
from openclaw.errors import StoreError
from openclaw.interfaces.channels import ChannelDown, ChannelFailed, WebhookAnswer, WebhookRequest
from openclaw.interfaces.queue import QueueFull
from tests.channels.slack.rig import SlackCase
from tests.channels.slack.workspace import SIGNING_SECRET

EVENT = {
    "type": "event_callback",
    "team_id": "T0TEAM",
    "api_app_id": "A0APP",
    "event_id": "Ev1",
    "event": {
        "type": "message",
        "channel_type": "im",
        "channel": "D1",
        "user": "U1",
        "text": "hello",
        "ts": "1700000000.000100",
    },
}


class HTTPCase(SlackCase):
    """An account in HTTP mode."""

    async def ready(self, **settings: Any) -> None:
        await self.start(mode="http", appToken=None, **settings)

    def signed(self, payload: Any = EVENT, **more: Any) -> WebhookRequest:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        request: WebhookRequest = self.slack.signed(body, self.told.now_ms(), **more)
        return request

    def with_headers(self, request: WebhookRequest, **headers: str) -> WebhookRequest:
        changed = {**request.headers, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return evolve(request, headers={name: value for name, value in changed.items() if value})

    async def answer(self, request: WebhookRequest) -> WebhookAnswer:
        return await self.channel.webhook(request)


class SignatureTests(HTTPCase):
    """S19 and S20: nothing is read before it is known to be Slack's."""

    async def test_the_documented_example_is_right(self) -> None:
        # https://docs.slack.dev/authentication/verifying-requests-from-slack
        body = (
            b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&"
            b"channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&"
            b"command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2F"
            b"commands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id="
            b"398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
        )
        expected = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
        self.assertEqual(signature(SIGNING_SECRET, "1531420618", body), expected)

    async def test_a_signed_event_is_taken(self) -> None:
        await self.ready()
        self.assertEqual((await self.answer(self.signed())).status, 200)
        self.assertEqual([m.text for m in self.told.received], ["hello"])

    async def test_what_is_not_signed_is_not_read(self) -> None:
        await self.ready()
        good = self.signed()
        stamp = good.headers["x-slack-request-timestamp"]
        wrong = [
            self.with_headers(good, x_slack_signature=""),
            self.with_headers(good, x_slack_request_timestamp=""),
            self.with_headers(good, x_slack_signature="v0=" + "0" * 64),
            self.with_headers(good, x_slack_signature="v0=é"),
            self.with_headers(good, x_slack_request_timestamp="now"),
            self.with_headers(good, x_slack_request_timestamp="²"),
            self.with_headers(good, x_slack_request_timestamp=f"-{stamp}"),
            self.with_headers(good, x_slack_request_timestamp="9" * 5000),
            evolve(good, body=good.body + b" "),
            evolve(good, body=b"not json at all"),
        ]
        for request in wrong:
            self.assertEqual((await self.answer(request)).status, 401)
        self.assertEqual(self.told.received, [])

    async def test_an_old_request_is_refused(self) -> None:
        await self.ready()
        body = json.dumps(EVENT).encode()
        for shift, status in ((-301_000, 401), (-299_000, 200), (299_000, 200), (302_000, 401)):
            request = self.slack.signed(body, self.told.now_ms() + shift)
            self.assertEqual((await self.answer(request)).status, status)

    async def test_one_signature_in_another_spelling_is_no_other_request(self) -> None:
        await self.ready()
        good = self.signed()
        given = good.headers["x-slack-signature"]
        for other in (given.upper(), f" {given}", given + "=", given[3:]):
            changed = self.with_headers(good, x_slack_signature=other)
            self.assertEqual((await self.answer(changed)).status, 401)

    async def test_without_a_secret_nothing_is_served(self) -> None:
        for secret in (None, "", "  "):
            self.make(mode="http", appToken=None, signingSecret=secret)
            stamp = str(self.told.now_ms() // 1000)
            body = json.dumps(EVENT).encode()
            headers = {
                "content-type": "application/json",
                "x-slack-request-timestamp": stamp,
                "x-slack-signature": signature(secret or "", stamp, body),
            }
            request = WebhookRequest(method="POST", path="", query={}, headers=headers, body=body)
            self.assertEqual((await self.answer(request)).status, 401)
            self.run_channel()
            end = await self.end()
            self.assertIsInstance(end, ChannelFailed)
            self.assertIn("signingSecret", end.message)
            self.ended.clear()

    async def test_an_account_in_socket_mode_takes_no_requests(self) -> None:
        await self.start()
        self.assertEqual((await self.answer(self.signed())).status, 404)


class AnswerTests(HTTPCase):
    """What Slack is answered."""

    async def test_the_address_is_verified(self) -> None:
        await self.ready()
        challenge = {"type": "url_verification", "challenge": "3eZbrw1a", "token": "t"}
        answer = await self.answer(self.signed(challenge))
        self.assertEqual((answer.status, answer.body), (200, b"3eZbrw1a"))
        unsigned = self.with_headers(self.signed(challenge), x_slack_signature="v0=00")
        self.assertEqual((await self.answer(unsigned)).status, 401)

    async def test_the_form_of_requests_is_checked(self) -> None:
        await self.ready()
        form = "application/x-www-form-urlencoded"
        for body, kind, status in (
            (b"{", "application/json", 400),
            (b"[]", "application/json; charset=utf-8", 400),
            (b"{}", "text/plain", 415),
            (b"{}", "", 415),
            (b"\xff", form, 400),
            (b"payload=%7B", form, 400),
            (b"nothing=1", form, 400),
            (b"ssl_check=1&token=x", form, 200),
            (b'{"type":"app_rate_limited"}', "application/json", 200),
        ):
            answer = await self.answer(self.signed(body, content_type=kind))
            self.assertEqual((answer.status, body), (status, body))
        answer = await self.answer(evolve(self.signed(), method="GET"))
        self.assertEqual((answer.status, answer.headers), (405, {"allow": "POST"}))

    async def test_what_is_not_on_disk_is_asked_for_again(self) -> None:
        await self.ready()
        for why in (QueueFull("full"), StoreError("disk")):
            self.told.refusing = why
            self.assertEqual((await self.answer(self.signed())).status, 503)
        self.told.refusing = None
        again = self.with_headers(self.signed(), x_slack_retry_num="1")
        self.assertEqual((await self.answer(again)).status, 200)
        self.assertEqual(len(self.told.received), 1)

    async def test_a_retry_has_the_same_name(self) -> None:
        await self.ready()
        for number in ("", "1", "2"):
            request = self.with_headers(self.signed(), x_slack_retry_num=number)
            self.assertEqual((await self.answer(request)).status, 200)
        self.assertEqual(len({m.dedupe_id for m in self.told.received}), 1)

    async def test_a_command_is_taken(self) -> None:
        await self.ready(slashCommand={"enabled": True, "name": "ask"})
        fields = {
            "command": "/ask",
            "text": "what & why",
            "user_id": "U1",
            "user_name": "ann",
            "channel_id": "C1",
            "channel_name": "general",
            "team_id": "T0TEAM",
            "trigger_id": "1.2",
        }
        answer = await self.answer(self.slack.form(fields, self.told.now_ms()))
        self.assertEqual((answer.status, answer.body), (200, b""))
        [heard] = self.told.received
        self.assertEqual(
            (heard.kind, heard.text, heard.mention), ("command", "what & why", "command")
        )
        self.assertEqual(
            (heard.chat_id, heard.chat_name, heard.chat_type), ("C1", "general", "channel")
        )

    async def test_a_command_that_is_not_taken_is_answered(self) -> None:
        await self.ready()
        fields = {"command": "/ask", "user_id": "U1", "channel_id": "C1"}
        answer = await self.answer(self.slack.form(fields, self.told.now_ms()))
        self.assertEqual(json.loads(answer.body)["response_type"], "ephemeral")
        self.assertEqual(answer.content_type, "application/json")

    async def test_a_button_is_taken(self) -> None:
        await self.ready()
        press = {
            "type": "block_actions",
            "team": {"id": "T0TEAM"},
            "user": {"id": "U1", "username": "ann"},
            "container": {"type": "message", "message_ts": "1700000000.000100", "channel_id": "C1"},
            "actions": [{"action_id": "a", "value": "yes", "action_ts": "1700000001.000000"}],
        }
        fields = {"payload": json.dumps(press)}
        self.assertEqual(
            (await self.answer(self.slack.form(fields, self.told.now_ms()))).status, 200
        )
        [heard] = self.told.received
        self.assertEqual(
            (heard.kind, heard.text, heard.message_id), ("button", "yes", "1700000000.000100")
        )

    async def test_requests_have_to_wait_for_the_account(self) -> None:
        self.make(mode="http", appToken=None)
        self.assertEqual((await self.answer(self.signed())).status, 503)


class LifeTests(HTTPCase):
    """How an account lives that has no connection of its own."""

    def soon(self) -> None:
        from openclaw.channels.platforms.slack import api, service

        self.patch(service, "CHECK_SECONDS", 0.02)
        self.patch(api, "ANSWER_SECONDS", 0.2)

    async def test_it_asks_slack_for_a_sign_of_life(self) -> None:
        self.soon()
        await self.ready()
        await self.until(lambda: self.told.heard_times > 2)
        self.assertEqual(self.slack.open_sockets, 0)
        self.slack.freeze(True)
        self.assertIsInstance(await self.end(), ChannelDown)

    async def test_a_revoked_token_is_noticed(self) -> None:
        self.soon()
        await self.ready()
        self.slack.revoked = True
        self.assertIsInstance(await self.end(), ChannelFailed)

    async def test_it_can_be_asked_who_it_is(self) -> None:
        self.make(mode="http", appToken=None)
        self.assertEqual(await self.channel.probe(), "helper (U0BOT) in Team")
