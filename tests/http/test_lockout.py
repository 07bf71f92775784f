"""Guessing over HTTP: what a locked-out client is told, and that probes still answer it."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from openclaw.security.limiter import FAILURES, LOCK_SECONDS, MISSING
from tests.http.exchanges import ELSEWHERE, TOKEN, Answer, Port

CONFIG = "/control-ui-config.json"


class LockoutTests(SynchronousTestCase):
    """From elsewhere, on the one route that asks for a bearer."""

    def setUp(self) -> None:
        """A gateway with a Control UI."""
        root = Path(self.mktemp()).absolute()
        root.mkdir()
        (root / "index.html").write_text("<title>x</title>")
        self.port = Port(self.mktemp(), {"gateway": {"controlUi": {"root": str(root)}}})
        self.port.parts.door.ready = True

    def ask(self, bearer: str = "", host: str = ELSEWHERE, path: str = CONFIG) -> Answer:
        """Ask with a bearer, or without one."""
        return self.port.ask(path, host=host, Authorization=f"Bearer {bearer}" if bearer else "")

    def test_a_thousand_guesses(self) -> None:
        """Ten are judged; the right one comes too late, and in time once the wait is over."""
        statuses = [self.ask(f"guess-{number}").status for number in range(1000)]
        self.assertEqual(statuses, [401] * (FAILURES - 1) + [429] * (1001 - FAILURES))
        late = self.ask(TOKEN, f"::ffff:{ELSEWHERE}")
        self.assertEqual((late.status, late.document["error"]["type"]), (429, "auth_rate_limited"))
        self.assertEqual(late.document["error"]["retryAfterMs"], LOCK_SECONDS * 1000)
        self.assertEqual(late.headers["retry-after"], "300")
        self.assertEqual(self.ask(TOKEN, "203.0.113.77").status, 200)
        self.port.reactor.advance(LOCK_SECONDS)
        self.assertEqual(self.ask(TOKEN).status, 200)

    def test_guesses_at_a_probe_count_and_are_not_told(self) -> None:
        """Probes answer everybody; they are no way around."""
        for number in range(FAILURES):
            answer = self.ask(f"guess-{number}", path="/healthz")
            self.assertEqual(answer.status, 200)
            self.ask(f"guess-{number}", path="/health")
        self.assertEqual(self.ask(TOKEN).status, 429)
        self.assertEqual(self.ask(path="/healthz").status, 200)

    def test_nothing_brought_often(self) -> None:
        """Its own, looser limit, which does not stand in the way of the right token."""
        statuses = [self.ask().status for _ in range(MISSING + 5)]
        self.assertEqual(statuses, [401] * MISSING + [429] * 5)
        self.assertEqual(self.ask(TOKEN).status, 200)
