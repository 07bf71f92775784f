"""Makes what stands behind the port: the site, its routes, the mux, the WebSocket factory."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from attrs import field, frozen
from twisted.internet.interfaces import IAddress
from twisted.web.http import Request

from openclaw import __version__
from openclaw.assembly.domain import Domain
from openclaw.assembly.protocol import Front
from openclaw.config.settings import Settings
from openclaw.errors import Forbidden
from openclaw.gateway.door import PeerOf
from openclaw.gateway.factory import GatewayFactory
from openclaw.gateway.step_up import StepUp
from openclaw.http.answers import too_many
from openclaw.http.channel import CarefulSite, count_request
from openclaw.http.files import FileRoot
from openclaw.http.gate import Gate
from openclaw.http.openai.api import Api
from openclaw.http.pages import ChatPage, ControlPage
from openclaw.http.port import PortFactory, UpgradeAnywhere, header_map
from openclaw.http.probes import Probes
from openclaw.http.site import Root, Routes
from openclaw.http.webhooks import Webhooks
from openclaw.interfaces.security import Admitted, Peer
from openclaw.protocol.base import encode
from openclaw.security.addresses import bucket
from openclaw.security.limiter import FailureLimiter, Kind
from openclaw.security.limits.buckets import Buckets, Rate
from openclaw.security.origins import Origins, is_local
from openclaw.security.tls.clients import with_certificate

MakeApi = Callable[[Gate, Callable[[Request], Peer]], Api]

WEBHOOK_FAILURES = 20
WEBHOOK_LOCK_SECONDS = 60.0

_FOREIGN_ORIGIN = encode(
    {"error": {"message": "origin not allowed", "type": "origin_not_allowed"}}
).decode()


def make_port(
    settings: Settings,
    domain: Domain,
    front: Front,
    peer_of: PeerOf,
    stopping: Callable[[], bool],
    programs: MakeApi | None,
    reactor: Any,
) -> PortFactory:
    """Make the factory of one of the gateway's ports; most have only one.

    :param peer_of: reads who connects to this port.
    :param programs: makes what is served to programs; ``None`` where they are not.
    """
    sockets = GatewayFactory(front.door, reactor, peer_of)

    def refuses(address: IAddress | None, headers: Mapping[str, str]) -> tuple[int, str] | None:
        peer = peer_of(address, headers)
        refusal = front.admission.refuses_upgrade(peer)
        if refusal is None and traffic is not None:
            busy = traffic.take("upgrade", peer.address, None)
            return None if busy is None else (429, too_many(busy))
        return refusal

    traffic = front.limits.traffic
    webhooks = _webhooks(domain, peer_of, reactor)
    asking = Asking(front, peer_of, Origins(settings.allowed_origins))
    pages = Root(_routes(settings, domain, asking, stopping, webhooks, programs))
    site = CarefulSite(
        UpgradeAnywhere(pages, sockets, refuses),
        lambda address: peer_of(address, {}),
        front.limits.pages,
        reactor,
        pages.body_limit,
    )
    return PortFactory(
        site, sockets, refuses, peer_of, front.limits.waiting, front.door.pace, reactor
    )


@frozen
class Asking:
    """What the routes want to know of whoever asks on one port."""

    front: Front
    peer_of: PeerOf
    origins: Origins
    _known: WeakKeyDictionary[Request, Admitted | None] = field(
        factory=WeakKeyDictionary, init=False, eq=False, repr=False
    )

    def peer(self, request: Request) -> Peer:
        """Who is at the other end."""
        facts = self.peer_of(request.getClientAddress(), header_map(request))
        return with_certificate(facts, request.transport)

    def who(self, request: Request) -> Admitted | None:
        """Whom the bearer token stands for; ``None`` for nobody.

        It is looked at once for each request: each wrong guess counts once.
        """
        if request not in self._known:
            bearer = self.front.admission.bearer
            self._known[request] = bearer(_bearer(request), self.peer(request))
        return self._known[request]

    def waits(self, request: Request) -> int:
        """Milliseconds until the next guess is looked at."""
        return self.front.admission.bearer_wait_ms(_bearer(request), self.peer(request))

    def authenticated(self, request: Request) -> bool:
        """Whether a good bearer token came; a proxy's word comes with every page's request."""
        return bool(_bearer(request)) and self.who(request) is not None

    def trusted(self, request: Request) -> bool:
        """Whether the asker may see more than the status."""
        return is_local(self.peer(request)) or self.authenticated(request)

    def known_host(self, request: Request) -> bool:
        """Whether the request names a host that is ours, so that no other name leads here."""
        return self.origins.knows_host(self.peer(request).host) or self.authenticated(request)

    def refuses(self, request: Request) -> tuple[int, str] | None:
        """What must not be served at all: status and body."""
        peer = self.peer(request)
        refusal = self.front.admission.refuses_upgrade(peer)
        if refusal is not None:
            return refusal
        if peer.origin is not None and self.origins.problem(peer):
            return 403, _FOREIGN_ORIGIN
        traffic = self.front.limits.traffic
        busy = None if traffic is None else count_request(request, traffic, peer.address)
        return None if busy is None else (429, too_many(busy))


def _routes(
    settings: Settings,
    domain: Domain,
    asking: Asking,
    stopping: Callable[[], bool],
    webhooks: Webhooks | None,
    programs: MakeApi | None,
) -> Routes:
    front = asking.front
    gate = Gate(asking.who, _lacks_factor(front.step_up), asking.waits)
    root = _control_root(settings)
    probes = Probes(
        version=__version__,
        health=front.health,
        uptime_ms=domain.figures.uptime_ms,
        connections=lambda: len(domain.broadcaster),
        agents=len(front.agents),
        ready=lambda: front.door.ready,
        stopping=stopping,
        trusted=asking.trusted,
    )
    return Routes(
        probes=probes,
        chat=ChatPage(),
        control=None if root is None else ControlPage(FileRoot(root)),
        ui_config=_ui_config(front),
        gate=gate,
        api=None if programs is None else programs(gate, asking.peer),
        refuses=asking.refuses,
        webhooks=webhooks,
        known_host=asking.known_host,
    )


def missing_page(settings: Settings) -> tuple[str, ...]:
    """Say that the configured Control UI is not there; nothing if it is, or if none is wanted."""
    given = settings.config.gateway.control_ui.root
    root = _control_root(settings)
    if root is None or (root / "index.html").is_file():
        return ()
    lacks = "holds no index.html" if root.is_dir() else "is no directory"
    return (
        f"gateway.controlUi.root: {given} {lacks}, so there is no page at /; "
        "point it at the built UI (dist/control-ui of the npm package openclaw)",
    )


def _control_root(settings: Settings) -> Path | None:
    root = settings.config.gateway.control_ui.root
    return Path(root).expanduser() if root else None


def _webhooks(domain: Domain, peer_of: PeerOf, reactor: Any) -> Webhooks | None:
    """The webhooks of the channels, if there are any; wrong signatures are slowed."""
    if domain.channels is None:
        return None
    limiter = FailureLimiter(
        reactor.seconds, failures=WEBHOOK_FAILURES, lock_seconds=WEBHOOK_LOCK_SECONDS
    )
    counted = Buckets(reactor.seconds, Rate(WEBHOOK_FAILURES, WEBHOOK_FAILURES))

    def failed(peer: Peer) -> int:
        limiter.failed(peer, Kind.SECRET)
        return counted.take(bucket(peer.address))

    return Webhooks(
        domain.channels.channels,
        lambda request: peer_of(request.getClientAddress(), header_map(request)),
        lambda peer: limiter.wait_ms(peer, Kind.SECRET),
        failed,
        reactor,
    )


def _lacks_factor(step_up: StepUp) -> Callable[[Admitted, str], Forbidden | None]:
    def lacks_factor(admitted: Admitted, scope: str) -> Forbidden | None:
        if not step_up.covers_scope(scope) or step_up.is_device_verified(admitted.device_id):
            return None
        return step_up.required()

    return lacks_factor


def _bearer(request: Request) -> str:
    """The token of a request; empty if it has none."""
    kind, _, token = (request.getHeader("authorization") or "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _ui_config(front: Front) -> dict[str, Any]:
    agent = front.agents[0]
    return {
        "basePath": "",
        "assistantName": agent.name,
        "assistantAvatar": agent.name[:1].upper(),
        "assistantAgentId": agent.id,
        "serverVersion": __version__,
    }
