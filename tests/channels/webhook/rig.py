"""An account of custom webhooks with the service on its other side."""

from typing import Any

import msgspec
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from openclaw.channels.platforms.webhook.manifest import MANIFEST
from openclaw.channels.platforms.webhook.service import WebhookChannel
from openclaw.channels.platforms.webhook.settings import WebhookSettings
from openclaw.http.sockets import OutboundSockets
from openclaw.interfaces.channels import WebhookAnswer, WebhookRequest
from tests.channels.link import RecordingLink
from tests.channels.webhook.counterpart import OTHER, SECRET, Service, headers, reactor

EVENT = b'{"id": "e1", "text": "hello", "sender": {"id": "ada", "name": "Ada"}}'


class WebhookCase(TestCase):
    """``start`` makes a channel and lets it run."""

    timeout = 120

    def setUp(self) -> None:
        self.service = Service()
        self.addCleanup(lambda: self.assertEqual(self.service.violations, []))
        self.addCleanup(lambda: Deferred.fromCoroutine(self.service.stop()))
        self.ends: list[Any] = []

    def make(self, **changes: Any) -> WebhookChannel:
        """A channel that does nothing yet."""
        known = {"secret": SECRET, "outboundUrl": self.service.url, "outboundSecret": OTHER}
        given = {name: one for name, one in {**known, **changes}.items() if one is not None}
        self.link = RecordingLink(
            manifest=MANIFEST,
            settings=msgspec.convert(given, WebhookSettings),
            reactor=reactor,
            sockets=OutboundSockets(reactor),
            account="shop",
            now_ms=lambda: int(reactor.seconds() * 1000),
        )
        http: Any = self.link.http
        self.addCleanup(http.stopService)
        self.channel = WebhookChannel(self.link)
        return self.channel

    def start(self, **changes: Any) -> WebhookChannel:
        """A channel that runs; how it ends is put into ``ends``."""
        self.make(**changes)
        run = self.channel.run()
        run.addBoth(lambda end: self.ends.append(end.value if isinstance(end, Failure) else end))
        self.run_ = run
        self.addCleanup(run.cancel)
        return self.channel

    def stop(self) -> None:
        """Stop it."""
        self.run_.cancel()
        self.assertIsInstance(self.ends.pop(), CancelledError)

    def ask(
        self, body: bytes = EVENT, told: dict[str, str] | None = None, method: str = "POST"
    ) -> Deferred[WebhookAnswer]:
        """One request, well signed unless told otherwise."""
        given = headers(body) if told is None else told
        return self.channel.webhook(
            WebhookRequest(method=method, path="", query={}, headers=given, body=body)
        )
