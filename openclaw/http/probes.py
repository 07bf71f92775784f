"""Liveness, readiness and health over HTTP."""

from collections.abc import Callable

from attrs import frozen
from twisted.web.http import Request

from openclaw.http.answers import send_json
from openclaw.interfaces.monitoring import IHealth


@frozen(kw_only=True)
class Probes:
    """What load balancers, supervisors and people ask.

    :ivar ready: whether clients can connect.
    :ivar stopping: whether the gateway drains.
    :ivar trusted: whether the caller may see more than the status: local, or authenticated.
    """

    version: str
    health: IHealth
    uptime_ms: Callable[[], int]
    connections: Callable[[], int]
    agents: int
    ready: Callable[[], bool]
    stopping: Callable[[], bool]
    trusted: Callable[[Request], bool]

    def live(self, request: Request) -> bytes:
        """``/healthz``: the process answers."""
        return send_json(request, 200, {"ok": True, "status": "live"})

    def healthy(self, request: Request) -> bytes:
        """``/health``: 503 while the gateway starts, stops or cannot write."""
        ok = self.ready() and self.health.ok
        status = "healthy" if ok else "degraded"
        body: dict[str, object] = {"ok": ok, "status": status}
        if self.trusted(request):
            body |= {
                "uptime": self.uptime_ms() // 1000,
                "connections": self.connections(),
                "agents": self.agents,
            }
        return send_json(request, 200 if ok else 503, body)

    def readiness(self, request: Request) -> bytes:
        """``/readyz``: whether work should be sent here."""
        failing = []
        if self.stopping():
            failing.append("stopping")
        elif not self.ready():
            failing.append("startup-sidecars")
        failing += self.health.failing
        body: dict[str, object] = {"ready": not failing, "failing": failing}
        if self.trusted(request):
            body["uptimeMs"] = self.uptime_ms()
        return send_json(request, 503 if failing else 200, body)

    def started(self, request: Request) -> bytes:
        """``/startupz``: whether the start is over."""
        if not self.ready() and not self.stopping():
            return send_json(request, 503, {"ok": False, "status": "starting"})
        body: dict[str, object] = {"ok": True, "status": "started"}
        if self.trusted(request):
            body |= {"version": self.version, "uptimeMs": self.uptime_ms()}
        return send_json(request, 200, body)
