"""What operators decide about devices: approve, refuse, rename, rotate, revoke, remove."""

from collections.abc import Callable, Sequence

from attrs import evolve
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.errors import Forbidden, InvalidRequest
from openclaw.interfaces.events import IEvents
from openclaw.interfaces.second_factor import ISecondFactor
from openclaw.interfaces.security import Approver, Device, DeviceToken, IPairing
from openclaw.protocol.schema.devices import PairChanged, PendingDevice
from openclaw.protocol.scopes import ADMIN, OPERATOR
from openclaw.security.devices import Devices
from openclaw.security.grants import (
    described,
    live_token,
    new_device,
    revoked,
    rotated,
    widened,
    with_role,
    within,
)
from openclaw.security.policy import PairingPolicy, PlacePolicy
from openclaw.security.request_rows import PairingRequest, shown
from openclaw.security.requests import PendingRequests, unknown_request
from openclaw.security.secrets import RandomBytes, first_generation

HangUp = Callable[[str, str | None], None]


def nobody_to_cut(device_id: str, role: str | None) -> None:
    """No sockets to close."""


@implementer(IPairing)
class Approvals:
    """Carries out decisions, each of them at most once, and never wider than what was shown.

    :ivar hang_up: closes the sockets of a device, in one role or (``None``) in all.
    :param factor: the owner's second factor; ``None``: nobody can show one.
    :param clock: Unix milliseconds.
    """

    _log = Logger()

    def __init__(
        self,
        devices: Devices,
        requests: PendingRequests,
        policy: PairingPolicy,
        events: IEvents,
        clock: Callable[[], int],
        random_bytes: RandomBytes,
        factor: ISecondFactor | None = None,
    ) -> None:
        self._devices = devices
        self._requests = requests
        self._policy = policy
        self._events = events
        self._clock = clock
        self._random_bytes = random_bytes
        self._factor = factor
        self.hang_up: HangUp = nobody_to_cut

    def pending(self) -> Sequence[PendingDevice]:
        """See :meth:`IPairing.pending`."""
        return [shown(request) for request in self._requests.pending()]

    @deferred
    async def approve(self, request_id: str, approver: Approver, second_factor: str = "") -> Device:
        """See :meth:`IPairing.approve`."""
        request = self._requests.get(request_id)
        self._check_rights(request, approver)
        await self._check_factor(request, approver, second_factor)
        device = await self._requests.settle(
            [request_id],
            "approved",
            lambda: self._devices.change(
                request.device_id, lambda device: self._granted(device, request), [request_id]
            ),
        )
        assert device is not None  # It was written just now.
        self._log.info(
            "{approver} approved {device_id} as {role}",
            approver=approver.name,
            device_id=device.device_id,
            role=request.role,
        )
        return device

    @deferred
    async def reject(self, request_id: str) -> str:
        """See :meth:`IPairing.reject`."""
        return await self._requests.reject(request_id)

    @deferred
    async def remove(self, device_id: str, approver: Approver) -> None:
        """See :meth:`IPairing.remove`."""
        if not _may_manage(device_id, approver):
            raise InvalidRequest("device pairing removal denied")
        if self._devices.get(device_id) is None:
            raise InvalidRequest("unknown deviceId")
        waiting = self._requests.of_device(device_id)
        removed = await self._requests.settle(
            waiting, "removed", lambda: self._devices.remove(device_id, waiting)
        )
        if not removed:
            raise InvalidRequest("unknown deviceId")
        self._log.info(
            "{approver} removed {device_id}", approver=approver.name, device_id=device_id
        )
        self.hang_up(device_id, None)

    @deferred
    async def rename(self, device_id: str, label: str, approver: Approver) -> None:
        """See :meth:`IPairing.rename`."""
        if not label.strip():
            raise InvalidRequest("label required")
        if not _may_manage(device_id, approver):
            raise InvalidRequest("device pairing rename denied")

        def named(device: Device | None) -> Device:
            if device is None:
                raise InvalidRequest("unknown deviceId")
            return evolve(device, operator_label=label)

        await self._devices.change(device_id, named)
        self._events.publish("device.pair.changed", PairChanged())

    @deferred
    async def rotate(
        self, device_id: str, role: str, scopes: Sequence[str] | None, approver: Approver
    ) -> tuple[DeviceToken, str]:
        """See :meth:`IPairing.rotate`."""

        def turned(device: Device | None) -> Device:
            token = live_token(device, role)
            denied = device is None or token is None or not _may_manage(device_id, approver)
            if denied or device is None or token is None:
                raise InvalidRequest("device token rotation denied")
            wanted = token.scopes if scopes is None else tuple(dict.fromkeys(scopes))
            if set(within(wanted, token.scopes)) != set(wanted) or not _covers(
                approver, role, wanted
            ):
                raise InvalidRequest("device token rotation denied")
            return rotated(device, role, wanted, self._clock())

        device = await self._devices.change(device_id, turned)
        assert device is not None
        token = device.tokens[role]
        self._note("rotated", device_id, role, approver)
        self.hang_up(device_id, role)
        return token, self._devices.token(device_id, token)

    @deferred
    async def revoke(self, device_id: str, role: str, approver: Approver) -> DeviceToken:
        """See :meth:`IPairing.revoke`."""

        def ended(device: Device | None) -> Device | None:
            token = device.tokens.get(role) if device else None
            if device is None or token is None or not _may_manage(device_id, approver):
                raise InvalidRequest("device token revocation denied")
            if role != OPERATOR and ADMIN not in approver.allowed:
                raise InvalidRequest("device token revocation denied")
            return revoked(device, role, self._clock()) if token.revoked_at_ms is None else None

        device = await self._devices.change(device_id, ended)
        assert device is not None
        self._note("revoked", device_id, role, approver)
        self.hang_up(device_id, role)
        return device.tokens[role]

    # -- inside --------------------------------------------------------------------------------

    def _check_rights(self, request: PairingRequest, approver: Approver) -> None:
        """Nobody gives what he does not have.

        :raises openclaw.errors.InvalidRequest: in the words that official clients match.
        """
        if request.role != OPERATOR and ADMIN not in approver.allowed:
            raise InvalidRequest("device pairing approval denied")
        granted = set(request.scopes)
        if request.reason == "metadata-upgrade":
            token = live_token(self._devices.get(request.device_id), request.role)
            granted.update(token.scopes if token else ())
        missing = granted - approver.allowed
        if missing:
            told = ADMIN if ADMIN in missing else min(missing)
            raise InvalidRequest(f"missing scope: {told}")

    async def _check_factor(self, request: PairingRequest, approver: Approver, code: str) -> None:
        """Where the device's place asks for it, the approver has to show a second factor.

        :raises openclaw.errors.Forbidden: it was not shown, or was wrong.
        """
        policy: PlacePolicy = getattr(self._policy, request.place)
        if not policy.mfa or approver.verified:
            return
        enrolled = self._factor is not None and self._factor.status().enrolled_at_ms is not None
        if self._factor is None or not enrolled or not code:
            step = (
                "approve again with the code of your authenticator app"
                if enrolled
                else ("on the gateway's machine run `openclaw mfa enroll`")
            )
            raise Forbidden(
                "second factor required",
                {
                    "code": "MFA_REQUIRED",
                    "enrolled": enrolled,
                    "next": f"Devices from {request.place} need it: {step}.",
                },
            )
        await self._factor.verify(code, approver.name)

    def _granted(self, device: Device | None, request: PairingRequest) -> Device:
        """Exactly what the request shows, put into the device as it is now."""
        now_ms, role = self._clock(), request.role
        if device is None:
            if request.reason != "not-paired":
                raise unknown_request()
            return new_device(request, first_generation(self._random_bytes), now_ms)
        if request.reason == "metadata-upgrade":
            grown = described(device, request.platform, request.device_family)
        elif live_token(device, role) is not None:
            grown = widened(device, role, request.scopes, now_ms)
        else:
            grown = with_role(
                device, role, request.scopes, first_generation(self._random_bytes), now_ms
            )
        return evolve(
            grown, approved_via="owner", approved_at_ms=now_ms, remote_ip=request.remote_ip
        )

    def _note(self, what: str, device_id: str, role: str, approver: Approver) -> None:
        self._log.info(
            "{approver} {what} the token of {device_id} as {role}",
            approver=approver.name,
            what=what,
            device_id=device_id,
            role=role,
        )


def _may_manage(device_id: str, approver: Approver) -> bool:
    """Who is no administrator manages only their own device; the owner's own tools have none.

    Nor has a user whom a proxy or a provider names: having no device makes nobody the owner.
    """
    if ADMIN in approver.allowed or approver.device_id == device_id:
        return True
    return approver.device_id is None and not approver.user


def _covers(approver: Approver, role: str, scopes: Sequence[str]) -> bool:
    if role != OPERATOR:
        return ADMIN in approver.allowed
    return set(scopes) <= approver.allowed
