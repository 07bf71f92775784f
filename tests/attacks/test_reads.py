"""S37, S41: who is told what, by events and over HTTP, beyond what he may know."""

import itertools
from collections.abc import Iterator

from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.client import Client
from openclaw.protocol.base import Raw
from openclaw.protocol.events import EVENTS
from openclaw.security import origins
from tests.attacks.judging import AttackCase, Verdict, hostile
from tests.attacks.test_scopes import SCOPES, means, subsets
from tests.gateway.people import Person
from tests.http.exchanges import ELSEWHERE, HERE, TOKEN, Port

# The oracle for events, written down for this test: what each of them tells, and so who may hear.
HEARS = {
    "operator.read": "presence agent chat session.message sessions.changed",
    "operator.pairing": "device.pair.requested device.pair.resolved device.pair.changed",
    "worker.run": "worker.run.request worker.run.abort",
    "operator.approvals": "exec.approval.requested exec.approval.resolved",
    "": "connect.challenge tick health shutdown heartbeat",
}
NEEDED = {name: scope for scope, names in HEARS.items() for name in names.split()}
DETAILS = (b"uptime", b"connections", b"agents", b"version", b"uptimeMs")


class EventAttacks(AttackCase):
    """Every event, to everybody."""

    def publish(self) -> Verdict:
        verdict = Verdict()
        for held in subsets(SCOPES):
            for follows, session in itertools.product((False, True), ("agent:main:main", "other")):
                broadcaster, person = Broadcaster(), Person(scopes=held)
                person.client.follows_sessions = follows
                person.client.followed |= {"agent:main:main"} if follows else set()
                broadcaster.join(person.client)
                for name in EVENTS:
                    if name == "connect.challenge":
                        continue
                    broadcaster.publish(name, Raw(b'{"canary":1}'), session)
                    needed = NEEDED[name]
                    may = not needed or needed in means(held)
                    if name == "sessions.changed":
                        may = may and follows
                    if name == "session.message":
                        may = may and follows and session == "agent:main:main"
                    verdict.note((held, follows, session, name), bool(person.heard()), may)
        return verdict

    @hostile(5088)
    def test_ghsa_q7q8_3mgw_q67r_events_beyond_the_grant(self) -> None:
        """Reading and searching showed what belonged to others (CVE-2026-53844).

        Who may not read hears of no session; who follows one hears of that one.
        """
        self.held(self.publish())

        def to_all(broadcaster: Broadcaster, client: Client, event: str, key: str) -> bool:
            return EVENTS[event].scope is None or bool(client.allowed)

        self.patch(Broadcaster, "_receives", to_all)
        self.caught(self.publish())


class DetailAttacks(AttackCase):
    """Probes are for anybody; what they tell beyond one word is not."""

    def callers(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Where from, and with which headers."""
        headers: list[dict[str, str]] = [
            {},
            {"X_Forwarded_For": "127.0.0.1"},
            {"Origin": "http://127.0.0.1:18789"},
        ]
        headers += [{"Host": "evil.example"}, {"Forwarded": "for=127.0.0.1"}, {"X_Real_IP": "::1"}]
        headers += [{"Tailscale_User_Login": "owner@example.org"}, {"Host": "localhost.evil"}]
        bearers = ("", TOKEN, "wrong", TOKEN[:-1], TOKEN.upper(), f"{TOKEN}\x7f", "null", "0")
        kinds = ("Bearer", "Basic", "Token", "bearer")
        for host, one, token, kind in itertools.product(
            (HERE, ELSEWHERE, "::1", "2001:db8::1"), headers, bearers, kinds
        ):
            yield host, {**one, **({"Authorization": f"{kind} {token}"} if token else {})}

    def may_know(self, host: str, headers: dict[str, str]) -> bool:
        """The oracle: this machine and nobody in between, or the token itself."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        between = {"X_Forwarded_For", "Forwarded", "X_Real_IP", "Tailscale_User_Login"}
        if between & headers.keys():
            return False
        here = host in (HERE, "::1") and "Host" not in headers
        if "Origin" in headers:
            here = False
        return here or (scheme.lower() == "bearer" and token == TOKEN)

    def ask(self) -> Verdict:
        verdict = Verdict()
        port = Port(self.mktemp())
        for host, headers in self.callers():
            for path in ("/health", "/readyz", "/startupz"):
                port.reactor.advance(400)  # What failed before is forgotten.
                answer = port.ask(path, host=host, **headers)
                told = any(detail in answer.body for detail in DETAILS)
                may = self.may_know(host, headers)
                # A gateway that has not started tells less than it might.
                if not may or path == "/health":
                    verdict.note((host, headers, path, answer.status), told, may)
        return verdict

    @hostile(2796)
    def test_s41_health_tells_strangers_details(self) -> None:
        """Version, uptime and names of channels tell an enemy what to try."""
        self.held(self.ask())
        self.patch(origins, "_unforwarded_loopback", lambda peer: True)
        self.caught(self.ask())
