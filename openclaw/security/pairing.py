"""From a proven device with a good credential to its grant: known, paired silently, or refused."""

from collections.abc import Callable

from attrs import evolve
from twisted.internet.defer import Deferred

from openclaw.deferreds import deferred
from openclaw.errors import ConnectRefused, StoreError
from openclaw.interfaces.security import Admitted, Device, Peer
from openclaw.protocol.scopes import covers
from openclaw.security import refusals
from openclaw.security.asks import Ask, PairingAsks
from openclaw.security.clients import TERMINAL_UI, is_browser
from openclaw.security.codes import GRANT, SignInCodes
from openclaw.security.credentials import Credential
from openclaw.security.device_proof import normalized
from openclaw.security.devices import Devices
from openclaw.security.grants import (
    Request,
    is_changed,
    issued_at_ms,
    live_token,
    paired_device,
    widened,
    within,
)
from openclaw.security.origins import Origins, is_local
from openclaw.security.secrets import RandomBytes


class Pairing:
    """Grant devices what they hold; let them hold more only where the owner's presence is plain.

    Approval by an operator, revocation and the durable list of asks come through
    :meth:`Devices.change` and :class:`PairingAsks`; until then such asks are refused.

    :param clock: Unix milliseconds.
    """

    def __init__(
        self,
        devices: Devices,
        codes: SignInCodes,
        origins: Origins,
        clock: Callable[[], int],
        random_bytes: RandomBytes,
    ) -> None:
        self._devices = devices
        self._codes = codes
        self._origins = origins
        self._clock = clock
        self._random_bytes = random_bytes
        self._asks = PairingAsks(random_bytes)

    def admit(
        self, request: Request, credential: Credential, peer: Peer
    ) -> Admitted | Deferred[Admitted]:
        """Admit a proven device; a Deferred only where its grant has to grow.

        :raises openclaw.errors.ConnectRefused: directly or through the Deferred.
        """
        if credential.code is not None:
            request = self._with_code(request)
        silent = self._may_pair_silently(request, credential, peer)
        grown = self._grown(
            self._devices.get(request.identity.device_id), request, credential, silent
        )
        if grown is not None:
            return self._grow(request, credential, peer, silent)
        if credential.code is not None and self._codes.use(credential.code) is None:
            raise refusals.code_invalid()
        return self._admitted(request, credential, peer)

    def _with_code(self, request: Request) -> Request:
        """Ask no more than a code grants or the device holds already."""
        token = live_token(self._devices.get(request.identity.device_id), request.role)
        held = token.scopes if token else ()
        return evolve(request, scopes=within(request.scopes, GRANT.union(held)))

    def _may_pair_silently(self, request: Request, credential: Credential, peer: Peer) -> bool:
        """A page needs a secret or a code besides being ours: any page can reach loopback."""
        if is_browser(request.client, peer):
            vouched = credential.is_shared or credential.code is not None
            return vouched and self._origins.is_loopback_page(peer)
        return is_local(peer) and credential.method != "device-token"

    def _grown(
        self,
        device: Device | None,
        request: Request,
        credential: Credential,
        silent: bool,
    ) -> Device | None:
        """What the device must become for this request; ``None`` if it holds enough.

        :raises openclaw.errors.ConnectRefused: it may not.
        """
        now_ms = self._clock()
        if device is None:
            if not silent:
                raise self._refused("not-paired", request, device)
            via = "owner" if credential.code is not None else "silent"
            return paired_device(request, via, self._first_generation(), now_ms)
        token = live_token(device, request.role)
        if token is None:
            raise self._refused("role-upgrade", request, device)
        if is_changed(device, request.client):
            raise self._refused("metadata-upgrade", request, device)
        if covers(token.scopes, request.scopes):
            return None
        if not silent:
            raise self._refused("scope-upgrade", request, device)
        return widened(device, request.role, request.scopes, now_ms)

    @deferred
    async def _grow(
        self, request: Request, credential: Credential, peer: Peer, silent: bool
    ) -> Admitted:
        """Store the grown grant, then admit; decides anew, as another handshake may be ahead."""
        expires_at_ms = self._codes.use(credential.code) if credential.code is not None else 0
        if expires_at_ms is None:
            raise refusals.code_invalid()
        try:
            await self._devices.change(
                request.identity.device_id,
                lambda device: self._grown(device, request, credential, silent),
            )
        except (StoreError, ConnectRefused) as error:
            if credential.code is not None:
                self._codes.give_back(credential.code, expires_at_ms)
            raise (refusals.not_stored() if isinstance(error, StoreError) else error) from None
        return self._admitted(request, credential, peer)

    def _admitted(self, request: Request, credential: Credential, peer: Peer) -> Admitted:
        device_id, role = request.identity.device_id, request.role
        token = live_token(self._devices.get(device_id), role)
        if token is None:  # Revoked while the grant was being written.
            raise refusals.device_token_mismatch()
        self._devices.used(device_id, role)
        return Admitted(
            role=role,
            scopes=within(request.scopes, token.scopes),
            method=credential.method,
            device_id=device_id,
            device_token=self._devices.token(device_id, token),
            issued_at_ms=issued_at_ms(token),
            local=is_local(peer),
        )

    def _refused(
        self, reason: refusals.Upgrade, request: Request, device: Device | None
    ) -> ConnectRefused:
        device_id, client = request.identity.device_id, request.client
        ask = Ask(
            device_id,
            reason,
            request.role,
            frozenset(request.scopes),
            normalized(client.platform),
            normalized(client.device_family),
        )
        return refusals.pairing_required(
            reason,
            self._asks.request_id(ask),
            device_id,
            request.role,
            request.scopes,
            _approved(device),
            keeps_trying=client.id == TERMINAL_UI,
        )

    def _first_generation(self) -> int:
        return int.from_bytes(self._random_bytes(6), "big")


def _approved(device: Device | None) -> tuple[list[str], list[str]]:
    """Roles and scopes a device has; the role stays named after its token was revoked."""
    if device is None:
        return [], []
    live = [token for token in device.tokens.values() if token.revoked_at_ms is None]
    return sorted(device.tokens), sorted({scope for token in live for scope in token.scopes})
