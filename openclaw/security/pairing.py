"""From a proven device with a good credential to its grant: known, paired silently, or refused."""

from collections.abc import Callable

from attrs import evolve, frozen
from twisted.internet.defer import Deferred

from openclaw.deferreds import deferred
from openclaw.errors import Busy, ConnectRefused, StoreError
from openclaw.interfaces.events import IEvents
from openclaw.interfaces.security import Admitted, Device, DeviceToken, Peer
from openclaw.protocol.schema.devices import PairResolved
from openclaw.protocol.scopes import covers
from openclaw.security import refusals
from openclaw.security.asks import Ask
from openclaw.security.clients import TERMINAL_UI, is_browser
from openclaw.security.codes import GRANT
from openclaw.security.credentials import Credential
from openclaw.security.devices import Devices
from openclaw.security.grants import (
    Request,
    clipped,
    described,
    is_changed,
    issued_at_ms,
    live_token,
    paired_device,
    widened,
    with_role,
    within,
)
from openclaw.security.origins import Origins, is_local
from openclaw.security.places import Places
from openclaw.security.request_rows import PairingRequest
from openclaw.security.requests import PendingRequests
from openclaw.security.secrets import RandomBytes, first_generation, new_id
from openclaw.security.setup_codes import OneTimeCodes


@frozen
class _Visit:
    """One handshake as far as pairing goes.

    :ivar silent: nobody has to be asked.
    """

    request: Request
    credential: Credential
    peer: Peer
    silent: bool


class Pairing:
    """Grant devices what they hold; let them hold more only where the owner's presence is plain.

    :param clock: Unix milliseconds.
    """

    def __init__(
        self,
        devices: Devices,
        requests: PendingRequests,
        places: Places,
        codes: OneTimeCodes,
        origins: Origins,
        events: IEvents,
        clock: Callable[[], int],
        random_bytes: RandomBytes,
    ) -> None:
        self._devices = devices
        self._requests = requests
        self._places = places
        self._codes = codes
        self._origins = origins
        self._events = events
        self._clock = clock
        self._random_bytes = random_bytes

    def admit(
        self, request: Request, credential: Credential, peer: Peer
    ) -> Admitted | Deferred[Admitted]:
        """Admit a proven device; a Deferred only where something has to be stored.

        :raises openclaw.errors.ConnectRefused: directly or through the Deferred.
        """
        if credential.code is not None:
            request = self._with_code(request, credential)
        silent = self._may_pair_silently(request, credential, peer)
        visit = _Visit(request, credential, peer, silent)
        self._check_own_token(visit)
        wanted = self._wanted(self._devices.get(request.identity.device_id), visit)
        if isinstance(wanted, Ask):
            known = self._requests.known(wanted)
            if known is None:
                return self._ask(visit, wanted)
            raise self._refused(visit, known)
        if wanted is not None:
            return self._grow(visit)
        self._use_code(visit)
        return self._admitted(visit)

    def _with_code(self, request: Request, credential: Credential) -> Request:
        """Ask no more than a code grants or the device holds already."""
        token = live_token(self._devices.get(request.identity.device_id), request.role)
        held = token.scopes if token else ()
        granted = GRANT if credential.setup is None else credential.setup.scopes
        return evolve(request, scopes=within(request.scopes, {*granted, *held}))

    def _use_code(self, visit: _Visit) -> Callable[[], None]:
        """Use up the code, if one came; what is returned makes it good again.

        :raises openclaw.errors.ConnectRefused: another handshake was faster.
        """
        code, request = visit.credential.code, visit.request
        if code is None:
            return _nothing
        if visit.credential.setup is None:
            give_back = self._codes.use_sign_in(code)
        else:
            device_id = request.identity.device_id
            give_back = self._codes.use_setup(code, device_id, request.role)
        if give_back is None:
            raise refusals.code_invalid()
        return give_back

    def _may_pair_silently(self, request: Request, credential: Credential, peer: Peer) -> bool:
        """Whether this place, and what the client brings, make asking needless.

        A page needs a secret or a code besides being ours: any page can reach loopback. A device's
        own token is no word of the owner. A code that sets devices up is: it was made for this.
        """
        if credential.setup is not None:
            return credential.setup.verified or not self._places.of(peer).mfa
        if is_browser(request.client, peer):
            vouched = credential.is_shared or credential.code is not None
            if not (vouched and self._origins.is_loopback_page(peer)):
                return False
        elif credential.method == "device-token":
            return False
        place = self._places.place(peer)
        if place != "localhost" and not credential.is_shared:
            return False
        mode, policy = self._places.policy.mode, self._places.at(place)
        if mode == "strict":  # A code was made by the owner for this one sign-in.
            return credential.code is not None
        return (mode == "disabled" and place == "localhost") or (
            policy.auto_approve and not policy.mfa
        )

    def _check_own_token(self, visit: _Visit) -> None:
        """Where devices must use their own token, the shared secret only fetches a fresh one.

        :raises openclaw.errors.ConnectRefused: the device has fetched it already.
        """
        credential = visit.credential
        if credential.has_own or credential.method not in ("token", "password", "none"):
            return
        if not self._places.of(visit.peer).require_token:
            return
        device = self._devices.get(visit.request.identity.device_id)
        token = self._usable(device, visit)
        if token is not None and token.last_used_at_ms is not None:
            raise refusals.device_token_required()

    def _usable(self, device: Device | None, visit: _Visit) -> DeviceToken | None:
        """The device's token for its role, unless it is void or too old for where it comes from."""
        token = live_token(device, visit.request.role)
        if token is None or self._places.expired(token, visit.peer, self._clock()):
            return None
        return token

    def _wanted(self, device: Device | None, visit: _Visit) -> Device | Ask | None:
        """What the device must become for this visit, or ask for; ``None`` if it holds enough."""
        request, now_ms = visit.request, self._clock()
        role = request.role
        if device is None:
            if not visit.silent:
                return self._asks("not-paired", visit, device)
            via = "owner" if visit.credential.code is not None else "silent"
            return paired_device(request, via, first_generation(self._random_bytes), now_ms)
        open_door = visit.silent and self._places.policy.mode == "disabled"
        token = self._usable(device, visit)
        if token is None:
            lapsed = live_token(device, role)
            by_setup = visit.credential.setup is not None
            if open_door or (visit.silent and (by_setup or lapsed is not None)):
                kept = () if lapsed is None else lapsed.scopes
                scopes = {*kept, *request.scopes}
                return with_role(device, role, scopes, first_generation(self._random_bytes), now_ms)
            return self._asks("role-upgrade", visit, device)
        if is_changed(device, request.client):
            if not open_door:
                return self._asks("metadata-upgrade", visit, device)
            device = described(device, request.client.platform, request.client.device_family)
            if covers(token.scopes, request.scopes):
                return device
        if covers(token.scopes, request.scopes):
            return None
        if not visit.silent:
            return self._asks("scope-upgrade", visit, device)
        return widened(device, role, request.scopes, now_ms)

    def _asks(self, reason: refusals.Upgrade, visit: _Visit, device: Device | None) -> Ask:
        request, client = visit.request, visit.request.client
        scopes = request.scopes
        if reason == "metadata-upgrade" and device is not None:
            # An operator who confirms a changed platform confirms nothing else.
            scopes = within(scopes, device.tokens[request.role].scopes)
        return Ask(
            device_id=request.identity.device_id,
            public_key=request.identity.public_key,
            display_name=clipped(client.display_name),
            platform=clipped(client.platform),
            device_family=clipped(client.device_family),
            client_id=client.id,
            client_mode=client.mode,
            role=request.role,
            scopes=scopes,
            reason=reason,
            is_repair=device is not None and request.role in device.tokens,
            remote_ip=visit.peer.address,
            place=self._places.place(visit.peer),
        )

    @deferred
    async def _ask(self, visit: _Visit, ask: Ask) -> Admitted:
        """Store what is asked for, then refuse: what a device waits for is always in the list."""
        try:
            recorded = await self._requests.record(ask)
        except Busy:
            raise refusals.too_many_asks() from None
        except StoreError:
            raise refusals.not_stored() from None
        raise self._refused(visit, recorded)

    @deferred
    async def _grow(self, visit: _Visit) -> Admitted:
        """Store the grown grant, then admit; decides anew, as another handshake may be ahead."""
        give_back = self._use_code(visit)

        def grown(device: Device | None) -> Device | None:
            wanted = self._wanted(device, visit)
            if isinstance(wanted, Ask):  # Its grant was taken away meanwhile.
                raise refusals.device_token_mismatch()
            return wanted

        try:
            await self._devices.change(visit.request.identity.device_id, grown)
        except (StoreError, ConnectRefused) as error:
            give_back()
            raise (refusals.not_stored() if isinstance(error, StoreError) else error) from None
        self._tell_silent(visit.request.identity.device_id)
        return self._admitted(visit)

    def _tell_silent(self, device_id: str) -> None:
        request_id = new_id(self._random_bytes)
        resolved = PairResolved(
            request_id=request_id, device_id=device_id, decision="approved", ts=self._clock()
        )
        self._events.publish("device.pair.resolved", resolved)

    def _admitted(self, visit: _Visit) -> Admitted:
        request = visit.request
        device_id, role = request.identity.device_id, request.role
        token = live_token(self._devices.get(device_id), role)
        if token is None:  # Revoked while the grant was being written.
            raise refusals.device_token_mismatch()
        self._devices.used(device_id, role)
        # Where use renews a token, a connection is use: see openclaw.assembly.renewal.
        renewed = self._places.policy.renew_tokens
        ends = visit.credential.method == "device-token" and not renewed
        held = self._devices.token_of(device_id, role) or token
        return Admitted(
            role=role,
            scopes=within(request.scopes, token.scopes),
            method=visit.credential.method,
            device_id=device_id,
            device_token=self._devices.token(device_id, token),
            issued_at_ms=issued_at_ms(token),
            local=is_local(visit.peer),
            expires_at_ms=self._places.end_ms(held, visit.peer) if ends else None,
        )

    def _refused(self, visit: _Visit, recorded: PairingRequest) -> ConnectRefused:
        request = visit.request
        device_id = request.identity.device_id
        return refusals.pairing_required(
            recorded.reason,
            recorded.request_id,
            device_id,
            request.role,
            request.scopes,
            _approved(self._devices.get(device_id)),
            keeps_trying=request.client.id == TERMINAL_UI,
            code=(self._requests.code(recorded), recorded.code.expires_at_ms),
        )


def _nothing() -> None:
    """There was no code to give back."""


def _approved(device: Device | None) -> tuple[list[str], list[str]]:
    """Roles and scopes a device has; the role stays named after its token was revoked."""
    if device is None:
        return [], []
    live = [token for token in device.tokens.values() if token.revoked_at_ms is None]
    return sorted(device.tokens), sorted({scope for token in live for scope in token.scopes})
