"""Makes what stands behind the port: the site, its routes, the mux, the WebSocket factory."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.web.http import Request
from twisted.web.server import Site

from openclaw import __version__
from openclaw.assembly.domain import Domain
from openclaw.assembly.protocol import Front
from openclaw.config.settings import Settings
from openclaw.gateway.factory import GatewayFactory
from openclaw.http.files import FileRoot
from openclaw.http.pages import ChatPage, ControlPage
from openclaw.http.port import PortFactory, UpgradeAnywhere, header_map
from openclaw.http.probes import Probes
from openclaw.http.site import Root, Routes
from openclaw.interfaces.security import Peer
from openclaw.security.origins import is_local

IDLE_SECONDS = 60


class QuietSite(Site):
    """A site without an access log: paths may hold what is nobody's business."""

    noisy = False

    def log(self, request: Request) -> None:
        """Log nothing."""


def make_port(
    settings: Settings, domain: Domain, front: Front, stopping: Callable[[], bool], reactor: Any
) -> PortFactory:
    """Make the factory of the gateway's one port."""
    sockets = GatewayFactory(front.door, reactor)

    def refuses(address: IAddress | None, headers: Mapping[str, str]) -> tuple[int, str] | None:
        return front.admission.refuses_upgrade(front.peer_of(address, headers))

    pages = Root(_routes(settings, domain, front, stopping))
    site = QuietSite(
        UpgradeAnywhere(pages, sockets, refuses), reactor=reactor, timeout=IDLE_SECONDS
    )
    return PortFactory(site, sockets, refuses, front.peer_of, front.waiting, reactor)


def _routes(
    settings: Settings, domain: Domain, front: Front, stopping: Callable[[], bool]
) -> Routes:
    def peer(request: Request) -> Peer:
        return front.peer_of(request.getClientAddress(), header_map(request))

    def authenticated(request: Request) -> bool:
        kind, _, token = (request.getHeader("authorization") or "").partition(" ")
        if kind.lower() != "bearer":
            return False
        return front.admission.bearer(token.strip(), peer(request)) is not None

    root = settings.config.gateway.control_ui.root
    probes = Probes(
        version=__version__,
        health=front.health,
        uptime_ms=domain.figures.uptime_ms,
        connections=lambda: len(domain.broadcaster),
        agents=len(front.agents),
        ready=lambda: front.door.ready,
        stopping=stopping,
        trusted=lambda request: is_local(peer(request)) or authenticated(request),
    )
    return Routes(
        probes=probes,
        chat=ChatPage(),
        control=ControlPage(FileRoot(Path(root).expanduser())) if root else None,
        ui_config=_ui_config(front),
        authenticated=authenticated,
        refuses=lambda request: front.admission.refuses_upgrade(peer(request)),
    )


def _ui_config(front: Front) -> dict[str, Any]:
    agent = front.agents[0]
    return {
        "basePath": "",
        "assistantName": agent.name,
        "assistantAvatar": agent.name[:1].upper(),
        "assistantAgentId": agent.id,
        "serverVersion": __version__,
    }
