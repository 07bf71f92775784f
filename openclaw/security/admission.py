"""Decide who may speak: the only place that does. It writes nothing itself and knows no sockets."""

from collections.abc import Callable, Sequence

import msgspec
from twisted.internet.defer import Deferred
from zope.interface import implementer

from openclaw.errors import ConnectRefused
from openclaw.interfaces.events import IEvents
from openclaw.interfaces.security import Admitted, IAdmission, Peer, SignInCode
from openclaw.protocol.base import UNSET
from openclaw.protocol.connect import (
    MINIMUM_PROBE_PROTOCOL,
    PROTOCOL,
    ClientInfo,
    ConnectAuth,
    ConnectParams,
)
from openclaw.protocol.scopes import NODE, OPERATOR, READ, ROLES, SCOPES, WORKER, WRITE
from openclaw.security import refusals
from openclaw.security.addresses import Address
from openclaw.security.clients import (
    is_backend,
    is_browser,
    is_deviceless_operator,
    needs_device_to_show,
)
from openclaw.security.credentials import (
    Attempt,
    Credential,
    Credentials,
    presented_secrets,
)
from openclaw.security.device_proof import Identity, verify_device
from openclaw.security.devices import Devices
from openclaw.security.grants import Request, known_scopes
from openclaw.security.identities.sources import Identities
from openclaw.security.limiter import Kind, MissingCredentials, PatientLimiter, Seconds
from openclaw.security.origins import Origins, is_local
from openclaw.security.pairing import Pairing
from openclaw.security.places import Places, nobody
from openclaw.security.policy import TrustPolicy
from openclaw.security.requests import PendingRequests
from openclaw.security.secrets import RandomBytes
from openclaw.security.setup_codes import OneTimeCodes
from openclaw.security.vouching import Vouching

_ALL_SCOPES = tuple(sorted(SCOPES))
_UNATTRIBUTED = msgspec.json.encode(
    {
        "error": {
            "message": "Proxy client attribution is required. Configure gateway.trustedProxies "
            "narrowly and make the proxy overwrite or safely rebuild forwarded client headers.",
            "type": "proxy_attribution_required",
        }
    }
).decode()
_NOT_LISTED = msgspec.json.encode(
    {
        "error": {
            "message": "This address may not connect. It has to be listed in access.ipWhitelist.",
            "type": "address_not_allowed",
        }
    }
).decode()


def anybody(peer: Peer) -> bool:
    """No address is kept out."""
    return True


def check_protocol(params: ConnectParams) -> None:
    """Let in who speaks our protocol; probes and nodes may also speak the one before.

    :raises openclaw.errors.ConnectRefused: the ranges do not meet.
    """
    mode, role = params.client.mode, params.role
    accepted = {PROTOCOL}
    if mode == "probe" or (mode == "node" and role == NODE):
        accepted.add(MINIMUM_PROBE_PROTOCOL)
    if not any(params.min_protocol <= one <= params.max_protocol for one in accepted):
        raise refusals.protocol_mismatch(params.min_protocol, params.max_protocol)


@implementer(IAdmission)
class Admission:
    """The door.

    :param clock: Unix milliseconds.
    :param seconds: monotonic seconds, for lock-outs.
    :param random_bytes: a source of so many random bytes, good enough for secrets.
    :param identities: who is let in by another's word; ``None``: nobody.
    :param is_own: whether an address is one of this host.
    :param may_connect: whether the address of a client may connect at all.
    """

    def __init__(
        self,
        policy: TrustPolicy,
        devices: Devices,
        *,
        clock: Callable[[], int],
        seconds: Seconds,
        random_bytes: RandomBytes,
        events: IEvents,
        requests: PendingRequests,
        is_own: Callable[[Address], bool] = nobody,
        identities: Identities | None = None,
        may_connect: Callable[[Peer], bool] = anybody,
    ) -> None:
        self._may_connect = may_connect
        self._mode = policy.mode
        self._devices = devices
        self._clock = clock
        self._origins = Origins(policy.allowed_origins)
        self._limiter = PatientLimiter(seconds)
        self._codes = OneTimeCodes(clock, random_bytes)
        self._vouching = (
            None if identities is None else Vouching(identities, devices, self._limiter)
        )
        places = Places(policy.pairing, self._origins, is_own)
        self._credentials = Credentials(
            policy,
            devices,
            self._codes,
            self._limiter,
            MissingCredentials(seconds),
            places,
            clock,
        )
        self._pairing = Pairing(
            devices, requests, places, self._codes, self._origins, events, clock, random_bytes
        )

    def refuses_upgrade(self, peer: Peer) -> tuple[int, str] | None:
        """Refuse what nobody vouches for, or whose address is not listed: 403 and a JSON body."""
        if not peer.attributed:
            return 403, _UNATTRIBUTED
        return None if self._may_connect(peer) else (403, _NOT_LISTED)

    def admit(self, params: ConnectParams, peer: Peer, nonce: str) -> Admitted | Deferred[Admitted]:
        """Decide on one handshake; at once, unless a pairing has to be stored.

        Cheap and public facts come first, then the key, then the credentials, and what is stored
        about the device last: nobody learns of it who has proven nothing.
        """
        check_protocol(params)
        if params.role not in ROLES:
            raise refusals.invalid_role()
        self._check_origin(params.client, peer)
        if params.device is UNSET:
            return self._deviceless(params, peer)
        identity = self._prove(params, peer, nonce)
        vouched = self._vouched(params.auth, params.role, params.scopes, peer, identity.device_id)
        if vouched is not None:
            return vouched
        attempt = Attempt(params.auth, params.client, params.role, peer, identity.device_id)
        credential = self._credentials.check(attempt)
        asked = known_scopes(params.scopes) if params.role == OPERATOR else ()
        request = Request(identity, params.client, params.role, asked)
        if self._is_own_backend(request, credential, peer):
            # It has the shared secret anyway: a pairing would only be litter.
            return Admitted(OPERATOR, asked, credential.method, identity.device_id, local=True)
        decision = self._pairing.admit(request, credential, peer)
        if isinstance(decision, Deferred) and credential.is_shared:
            decision.addCallback(self._unless_changed, self._credentials.generation)
        return decision

    def admit_seed(
        self,
        auth: ConnectAuth,
        role: str,
        asked: Sequence[str] | None,
        peer: Peer,
    ) -> Admitted:
        """Decide on the handshake of a seed dialect, whose device id is only a label.

        On this machine it gets read and write, and what else it names; from elsewhere it gets no
        scope, as any client without a device: another dialect must not be a way around pairing.

        :param asked: ``None`` if the client named no scopes.
        :raises openclaw.errors.ConnectRefused: as :meth:`admit`.
        """
        client = ClientInfo(id="gateway-client", version="seed", platform="unknown", mode="backend")
        self._check_origin(client, peer)
        if peer.origin is not None:
            raise refusals.browser_device_required()
        local = is_local(peer)
        if role not in ROLES:
            raise refusals.invalid_role()
        if role == WORKER or (role == NODE and not local):
            raise refusals.device_required()
        named = (READ, WRITE) if asked is None else asked
        vouched = self._vouched(auth, role, named, peer, None)
        if vouched is not None:
            return vouched
        credential = self._without_device(Attempt(auth, client, role, peer, None))
        if role == NODE or not local:
            return Admitted(role, (), credential.method, local=local)
        scopes = known_scopes(asked) if asked is not None else ()
        return Admitted(role, scopes or (READ, WRITE), credential.method, local=True)

    def bearer(self, token: str, peer: Peer) -> Admitted | None:
        """Check an HTTP bearer: the shared secret, or a device's operator token.

        The secret gives all of an operator's rights, a token those of its device.
        A page needs an allowed origin as well; a gateway without a secret believes only this
        machine.
        """
        if not peer.attributed or (peer.origin is not None and self._origins.problem(peer)):
            return None
        local = is_local(peer)
        if self._mode == "none":
            return Admitted(OPERATOR, _ALL_SCOPES, "none", local=True) if local else None
        if self._vouching is not None:
            vouched = self._vouching.bearer(token, peer)
            if vouched is not None or self._vouching.decides(token):
                return vouched
        takes_own = token and self._credentials.takes_devices(peer)
        own = self._devices.bearer_of(token) if takes_own else None
        if own is not None and own[1].role == OPERATOR:
            device, grant = own
            if not self._credentials.is_fresh(device.device_id, grant.role, peer):
                return None
            return Admitted(OPERATOR, grant.scopes, "device-token", device.device_id, local=local)
        if not token or not self._credentials.is_secret([token], peer):
            return None
        return Admitted(OPERATOR, _ALL_SCOPES, self._mode, local=local)

    def bearer_wait_ms(self, token: str, peer: Peer) -> int:
        """See :meth:`IAdmission.bearer_wait_ms`."""
        if self._vouching is not None and self._vouching.decides(token):
            return self._limiter.wait_ms(peer, Kind.ID_TOKEN)
        return self._credentials.bearer_wait_ms(token, peer)

    def sign_in_code(self) -> SignInCode:
        """Make a fresh one-time code: single use, ten minutes."""
        return self._codes.sign_in.make()

    def setup_code(self, as_operator: bool, verified: bool) -> SignInCode:
        """See :meth:`IAdmission.setup_code`."""
        return self._codes.setup.make(as_operator, verified)

    def change_secret(self, secret: str) -> None:
        """See :meth:`IAdmission.change_secret`."""
        self._credentials.change_secret(secret)
        self._codes.forget_all()

    def _unless_changed(self, admitted: Admitted, generation: int) -> Admitted:
        """Admit who had the right secret, unless it was changed while a pairing was stored."""
        if generation != self._credentials.generation:
            raise refusals.secret_mismatch("token", "other", False)
        return admitted

    def _vouched(
        self,
        auth: ConnectAuth,
        role: str,
        asked: Sequence[str],
        peer: Peer,
        device_id: str | None,
    ) -> Admitted | None:
        """Admit somebody by another's word; ``None`` if nobody else vouches."""
        if self._vouching is None or self._mode == "none":
            return None
        identity = self._vouching.identify(auth, role, peer, device_id)
        if identity is None:
            return None
        return self._vouching.admit(identity, role, asked, peer, device_id)

    def _check_origin(self, client: ClientInfo, peer: Peer) -> None:
        if is_browser(client, peer) and (problem := self._origins.problem(peer)):
            raise refusals.origin_not_allowed(problem)

    def _prove(self, params: ConnectParams, peer: Peer, nonce: str) -> Identity:
        if wait_ms := self._limiter.wait_ms(peer, Kind.SIGNATURE):
            raise refusals.rate_limited(wait_ms)
        try:
            return verify_device(params, nonce, self._clock())
        except ConnectRefused as error:
            # A wrong clock or an old nonce is an accident; only a bad signature is a try.
            if error.details and error.details["code"] == refusals.SIGNATURE_INVALID:
                self._limiter.failed(peer, Kind.SIGNATURE)
            raise

    def _deviceless(self, params: ConnectParams, peer: Peer) -> Admitted:
        client = params.client
        if needs_device_to_show(client, peer):
            raise refusals.browser_device_required()
        vouched = self._vouched(params.auth, params.role, params.scopes, peer, None)
        if vouched is not None:
            return vouched
        credential = self._without_device(Attempt(params.auth, client, params.role, peer, None))
        if params.role != OPERATOR or (self._mode == "none" and not self._is_trusted(client, peer)):
            raise refusals.device_required()
        scopes = known_scopes(params.scopes) if self._is_trusted(client, peer) else ()
        return Admitted(params.role, scopes, credential.method, local=is_local(peer))

    def _without_device(self, attempt: Attempt) -> Credential:
        """The shared secret, or nothing where the gateway has none."""
        if self._mode != "none" and not presented_secrets(attempt.auth):
            raise self._credentials.nothing_shown(attempt.peer, refusals.device_required())
        credential = self._credentials.check(attempt)
        if self._mode == "none" and not is_local(attempt.peer):
            raise refusals.device_required()
        return credential

    def _is_trusted(self, client: ClientInfo, peer: Peer) -> bool:
        """Whether this client gets its scopes without a device."""
        if self._mode == "none":
            return is_local(peer) and is_backend(client)
        return is_local(peer) and is_deviceless_operator(client)

    def _is_own_backend(self, request: Request, credential: Credential, peer: Peer) -> bool:
        return (
            request.role == OPERATOR
            and is_backend(request.client)
            and is_local(peer)
            and (credential.is_shared or credential.method == "none")
        )
