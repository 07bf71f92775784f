"""The HTTP routes that say whether a gateway lives (rung 1)."""

import http.client
import json
from typing import Any

from tests.conformance.cases import ConformanceCase


class HealthRouteTests(ConformanceCase):
    """What probes and load balancers read."""

    def fetch(self, method: str, path: str) -> tuple[int, str, str]:
        """One request without credentials: status, content type, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=60)
        self.addCleanup(connection.close)
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type", ""), answer.read().decode()

    def document(self, path: str) -> Any:
        """The JSON of a route that must answer 200."""
        status, kind, body = self.fetch("GET", path)
        self.assertEqual(status, 200, body)
        self.assertTrue(kind.startswith("application/json"), kind)
        return json.loads(body)

    def test_health_says_ok(self) -> None:
        """Rung 1: ``/health``; ours says more, as agreed, and says ``healthy``."""
        health = self.document("/health")
        self.assertIs(health["ok"], True)
        self.assertEqual(health["status"], "healthy" if self.ours else "live")

    def test_our_health_counts_for_local_callers(self) -> None:
        """Rung 1: the agreed body of our ``/health`` for a caller on this machine."""
        if not self.ours:
            return
        health = self.document("/health")
        self.assertEqual(set(health), {"ok", "status", "uptime", "connections", "agents"})

    def test_healthz_is_the_originals_body(self) -> None:
        """Rung 1: ``/healthz`` is exactly what load balancers were set up for."""
        self.assertEqual(self.document("/healthz"), {"ok": True, "status": "live"})

    def test_ready(self) -> None:
        """Rung 1: ``/readyz`` and ``/ready`` name what is not ready: nothing."""
        for path in ("/readyz", "/ready"):
            ready = self.document(path)
            self.assertIs(ready["ready"], True)
            self.assertEqual(ready["failing"], [])

    def test_started(self) -> None:
        """Rung 1: ``/startupz``, which the command line asks before its first socket."""
        started = self.document("/startupz")
        self.assertIs(started["ok"], True)
        self.assertEqual(started["status"], "started")
        self.assertIsInstance(started["version"], str)
        self.assertIsInstance(started["uptimeMs"], int)

    def test_head_is_allowed(self) -> None:
        """Rung 1: ``HEAD /health`` answers 200 without a body."""
        status, _, body = self.fetch("HEAD", "/health")
        self.assertEqual((status, body), (200, ""))

    def test_other_methods_are_refused(self) -> None:
        """Rung 1: ``POST /health`` is 405 in plain text."""
        for path in ("/health", "/healthz"):
            status, kind, _ = self.fetch("POST", path)
            self.assertEqual(status, 405)
            self.assertTrue(kind.startswith("text/plain"), kind)
