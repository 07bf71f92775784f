"""Set-up codes for devices: where the gateway is and a one-time code, in one line or a picture."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from openclaw.errors import InvalidRequest
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.interfaces.security import IAdmission
from openclaw.protocol.base import UNSET, Wire, encode
from openclaw.protocol.schema.devices import SetupCode, SetupCodeParams
from openclaw.security.addresses import is_near, parse

_SCHEMES = {"ws": "ws", "http": "ws", "wss": "wss", "https": "wss"}
_USUAL_PORTS = {"ws": 80, "wss": 443}


class _Payload(Wire, frozen=True, kw_only=True):
    """What is inside of a set-up code, as the original's apps read it."""

    url: str
    bootstrap_token: str
    expires_at_ms: int
    tls_fingerprint: str | Any = UNSET


@frozen(kw_only=True)
class Reached:
    """Where devices reach the gateway, unless somebody says otherwise.

    :ivar own_url: asks for it, as addresses come and go; empty where only this machine can.
    :ivar remote_url: ``gateway.remote.url``, if there is one.
    :ivar fingerprint: of the certificate at ``own_url``, ``AB:CD:...``; empty in plain text.
    """

    own_url: Callable[[], str]
    remote_url: str
    fingerprint: Callable[[], str]


@frozen(kw_only=True)
class SetupMethods:
    """Codes with which a device sets itself up.

    :ivar auth: the label of what other clients bring: ``token`` or ``password``.
    :ivar verified: whether a client has lately shown a second factor.
    """

    admission: IAdmission
    reached: Reached
    auth: str
    verified: Callable[[Client], bool]
    in_thread: Callable[..., Deferred[Any]] = deferToThread

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {"device.pair.setupCode": self._make}

    async def _make(self, client: Client, params: SetupCodeParams) -> SetupCode:
        if params.join_url is not UNSET:
            raise InvalidRequest("join URLs are not served; give the device the set-up code itself")
        url, source = self._url(params)
        node_only = params.bootstrap_profile == "node"
        made = self.admission.setup_code(not node_only, self.verified(client))
        pin = self.reached.fingerprint() if source == "gateway.bind" else ""
        payload = _Payload(
            url=url,
            bootstrap_token=made.code,
            expires_at_ms=made.expires_at_ms,
            tls_fingerprint=pin.replace(":", "").lower() or UNSET,
        )
        code = urlsafe_b64encode(encode(payload)).decode().rstrip("=")
        picture = await self.in_thread(_picture, code) if params.include_qr else UNSET
        wanted_all = params.bootstrap_profile is UNSET
        return SetupCode(
            setup_code=code,
            qr_data_url=picture,
            gateway_url=url,
            auth=self.auth,
            url_source=source,
            access="node" if node_only else "limited",
            access_downgraded=True if wanted_all else UNSET,
            expires_at_ms=made.expires_at_ms,
        )

    def _url(self, params: SetupCodeParams) -> tuple[str, str]:
        """The address for the device, and where it comes from."""
        if params.public_url is not UNSET:
            return device_url(params.public_url), "request.publicUrl"
        if params.prefer_remote_url and self.reached.remote_url:
            return device_url(self.reached.remote_url), "gateway.remote.url"
        own = self.reached.own_url()
        if not own:
            raise InvalidRequest(
                "Gateway is only bound to loopback.",
                {
                    "code": "LOOPBACK_ONLY",
                    "next": "Set gateway.bind to lan (with TLS), or name the address of a proxy or "
                    "a tailnet in front of it: publicUrl, on the command line --public-url.",
                },
            )
        return device_url(own), "gateway.bind"


def device_url(text: str) -> str:
    """The address of a gateway as devices are told it: ``ws://`` or ``wss://``, nothing spare.

    :raises InvalidRequest: it is none, or a code would travel in plain text where anybody listens.
    """
    try:
        parts = urlsplit(text.strip())
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        port, host, parts = None, "", urlsplit("")
    scheme = _SCHEMES.get(parts.scheme, "")
    if not scheme or not host or parts.username is not None or parts.query or parts.fragment:
        raise InvalidRequest("publicUrl: expected an address such as wss://gateway.example")
    address = parse(host)
    near = host == "localhost" or host.endswith(".local") or (address and is_near(address))
    if scheme == "ws" and not near:
        raise InvalidRequest(
            "publicUrl: in plain text the code could be read on the way; use wss://, or an "
            "address of a private network"
        )
    shown = f"[{host}]" if ":" in host else host
    place = "" if port in (None, _USUAL_PORTS[scheme]) else f":{port}"
    return f"{scheme}://{shown}{place}{parts.path.rstrip('/')}"


def _picture(code: str) -> str:
    import segno  # Few gateways are ever asked for one.

    return str(segno.make(code, error="l", micro=False).png_data_uri(scale=4))
