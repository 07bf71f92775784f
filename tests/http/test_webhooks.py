"""Webhooks of platforms: handed to their account, answered when it has, slowed if they guess."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import Request
from twisted.web.resource import Resource

from openclaw.errors import StoreError
from openclaw.http.channel import CarefulSite
from openclaw.http.webhooks import ANSWER_SECONDS, Webhooks
from openclaw.interfaces.channels import WebhookAnswer, WebhookPlace, WebhookRequest
from openclaw.interfaces.queue import QueueFull
from openclaw.interfaces.security import Peer
from openclaw.security.sockets import WaitingSockets
from tests.http.exchanges import Answer, Connection, request

STRANGER = "203.0.113.9"


class Accounts:
    """One account whose webhook answers as the test says."""

    def __init__(self) -> None:
        self.requests: list[WebhookRequest] = []
        self.body_bytes = 1000
        self.answer: Callable[[], Deferred[WebhookAnswer]] = lambda: succeed(WebhookAnswer())

    def webhook_at(self, path: str) -> WebhookPlace | None:
        """Only this one."""
        base = "/webhook/test"
        if path == base or path.startswith(base + "/"):
            return WebhookPlace(
                channel="test",
                account="default",
                rest=path[len(base) :],
                body_bytes=self.body_bytes,
            )
        return None

    def webhook(self, place: WebhookPlace, request: WebhookRequest) -> Deferred[WebhookAnswer]:
        """Write it down."""
        self.requests.append(request)
        return self.answer()


class Root(Resource):
    """As the gateway's own root hands webhooks on."""

    isLeaf = True

    def __init__(self, webhooks: Webhooks) -> None:
        super().__init__()
        self._webhooks = webhooks

    def render(self, request: Request) -> Any:
        """Answer."""
        place = self._webhooks.place(request)
        if place is not None:
            return self._webhooks.serve(request, place)
        request.setResponseCode(404)
        return b"nothing"


class WebhookCase(SynchronousTestCase):
    """A site in memory with one account behind it."""

    def setUp(self) -> None:
        self.clock: Any = Clock()
        self.accounts = Accounts()
        self.waits = self.too_many = self.failures = 0
        accounts: Any = self.accounts
        webhooks = Webhooks(accounts, self.peer, lambda _: self.waits, self.failed, self.clock)
        self.site = CarefulSite(
            Root(webhooks),
            lambda address: Peer(STRANGER, loopback=False),
            WaitingSockets(per_client=3, total=5, local_total=5),
            self.clock,
            webhooks.body_limit,
        )
        self.connection = Connection(self.site, STRANGER)
        self.addCleanup(self.check_quiet)

    def check_quiet(self) -> None:
        self.connection.lose()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def peer(self, request: Request) -> Peer:
        return Peer(STRANGER, loopback=False)

    def failed(self, peer: Peer) -> int:
        self.failures += 1
        return self.too_many

    def post(self, path: str = "/webhook/test", body: bytes = b"{}", **headers: str) -> Answer:
        """Send one request that is answered at once."""
        self.send(path, body, **headers)
        return self.connection.answer()

    def send(self, path: str = "/webhook/test", body: bytes = b"{}", **headers: str) -> None:
        """Send one request."""
        headers.setdefault("Content_Length", str(len(body)))
        self.connection.feed(request(path, "POST", **headers) + body)


class ServeTests(WebhookCase):
    def test_the_account_gets_the_raw_body_and_everything_else(self) -> None:
        answer = self.post("/webhook/test/x?a=1&b=%20", b'{"a":\xff}', X_Signature="abc")
        self.assertEqual((answer.status, answer.body), (200, b""))
        (one,) = self.accounts.requests
        self.assertEqual((one.method, one.path, one.body), ("POST", "/x", b'{"a":\xff}'))
        self.assertEqual((one.query, one.headers["x-signature"]), ({"a": "1", "b": " "}, "abc"))

    def test_what_the_account_answers(self) -> None:
        answered = WebhookAnswer(
            status=202,
            body=b'{"challenge":1}',
            content_type="application/json",
            headers={"X-No-Retry": "1"},
        )
        self.accounts.answer = lambda: succeed(answered)
        answer = self.post()
        self.assertEqual((answer.status, answer.body), (202, b'{"challenge":1}'))
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertEqual(answer.headers["x-no-retry"], "1")
        self.assertEqual(answer.headers["x-content-type-options"], "nosniff")

    def test_an_answer_that_comes_later(self) -> None:
        waiting: Deferred[WebhookAnswer] = Deferred()
        self.accounts.answer = lambda: waiting
        self.send()
        self.assertEqual(self.connection.taken(), b"")
        waiting.callback(WebhookAnswer(body=b"taken"))
        self.assertEqual(self.connection.answer().body, b"taken")

    def test_a_path_that_is_nobodys(self) -> None:
        self.assertEqual(self.post("/webhook/other").status, 404)
        self.assertEqual(self.accounts.requests, [])

    def test_a_body_that_is_too_large(self) -> None:
        self.assertEqual(self.post(body=b"x" * self.accounts.body_bytes).status, 200)
        (_,) = self.accounts.requests
        self.accounts.requests.clear()
        self.connection.feed(request("/webhook/test", "POST", Content_Length="1001"))
        self.assertEqual(self.connection.answer().status, 413)
        self.assertEqual(self.accounts.requests, [])
        self.clock.advance(10)


class TroubleTests(WebhookCase):
    def test_what_cannot_be_taken_has_to_come_again(self) -> None:
        for error in (QueueFull("full"), StoreError("disk full")):
            self.accounts.answer = lambda error=error: fail(error)  # type: ignore[misc]
            answer = self.post()
            self.assertEqual(answer.status, 503)
            self.assertIn("retry-after", answer.headers)
            self.assertNotIn(b"disk", answer.body)

    def test_an_account_that_breaks(self) -> None:
        self.accounts.answer = lambda: fail(ValueError("the token is abc"))
        answer = self.post()
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(answer.status, 500)
        self.assertNotIn(b"abc", answer.body)

    def test_an_account_that_never_answers(self) -> None:
        cancelled: list[object] = []
        self.accounts.answer = lambda: Deferred(cancelled.append)
        self.send()
        self.clock.advance(ANSWER_SECONDS)
        self.assertEqual(self.connection.answer().status, 503)
        self.assertEqual(len(cancelled), 1)

    def test_a_platform_that_hangs_up(self) -> None:
        cancelled: list[object] = []
        self.accounts.answer = lambda: Deferred(cancelled.append)
        self.send()
        self.connection.lose()
        self.assertEqual(len(cancelled), 1)
        self.connection = Connection(self.site, STRANGER)


class GuessTests(WebhookCase):
    def test_refusals_are_counted(self) -> None:
        for status in (401, 403, 400, 200):
            answered = WebhookAnswer(status=status)
            self.accounts.answer = lambda answered=answered: succeed(answered)  # type: ignore[misc]
            self.assertEqual(self.post().status, status)
        self.assertEqual(self.failures, 2)

    def test_one_too_many_is_told_to_wait(self) -> None:
        self.accounts.answer = lambda: succeed(WebhookAnswer(status=401))
        self.too_many = 5_000
        answer = self.post()
        self.assertEqual((answer.status, answer.headers["retry-after"]), (429, "5"))

    def test_who_is_locked_out_is_not_read(self) -> None:
        self.waits = 60_000
        self.connection.feed(request("/webhook/test", "POST", Content_Length="1000"))
        self.assertEqual(self.connection.answer().status, 429)
        self.assertEqual(self.accounts.requests, [])
        self.clock.advance(10)
