"""The second factor: enrol one, show it, remove it."""

from collections.abc import Mapping, Sequence

from attrs import frozen

from openclaw.errors import Forbidden, InvalidRequest
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.gateway.step_up import StepUp
from openclaw.interfaces.second_factor import ISecondFactor
from openclaw.protocol.base import UNSET
from openclaw.protocol.schema.common import NoParams, Ok
from openclaw.protocol.schema.mfa import (
    MfaConfirmed,
    MfaConfirmParams,
    MfaDisableParams,
    MfaOffer,
    MfaStatus,
    MfaVerified,
    MfaVerifyParams,
)
from openclaw.protocol.scopes import OPERATOR

_ENROLL_LOCALLY = {
    "code": "MFA_ENROLL_LOCALLY",
    "next": "On the gateway's machine run `openclaw mfa enroll`; through SSH is good enough.",
}


@frozen(kw_only=True)
class MfaMethods:
    """Codes of the owner's authenticator app.

    :ivar enabled: whether the configuration lets it be asked for.
    :ivar required_for: the names of the methods that ask for it.
    """

    factor: ISecondFactor
    step_up: StepUp
    enabled: bool
    required_for: Sequence[str]

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            "mfa.status": self._status,
            "mfa.enroll": self._enroll,
            "mfa.confirm": self._confirm,
            "mfa.verify": self._verify,
            "mfa.disable": self._disable,
        }

    def _status(self, client: Client, params: NoParams) -> MfaStatus:
        status, until_ms = self.factor.status(), self.step_up.verified_until_ms(client)
        enrolled_at_ms = status.enrolled_at_ms
        return MfaStatus(
            enabled=self.enabled,
            enrolled=enrolled_at_ms is not None,
            enrolled_at_ms=UNSET if enrolled_at_ms is None else enrolled_at_ms,
            recovery_codes_left=status.recovery_codes_left,
            required_for=list(self.required_for),
            verified_until_ms=UNSET if until_ms is None else until_ms,
        )

    def _enroll(self, client: Client, params: NoParams) -> MfaOffer:
        if not client.admitted.local:
            # Else whoever steals a token would enrol their own app before the owner does.
            raise Forbidden(
                "a second factor is enrolled on the gateway's own machine", _ENROLL_LOCALLY
            )
        offer = self.factor.offer()
        return MfaOffer(secret=offer.secret, uri=offer.uri, expires_at_ms=offer.expires_at_ms)

    async def _confirm(self, client: Client, params: MfaConfirmParams) -> MfaConfirmed:
        codes = await self.factor.confirm(params.code, _name(client))
        self.step_up.passed(client)
        return MfaConfirmed(recovery_codes=list(codes))

    async def _verify(self, client: Client, params: MfaVerifyParams) -> MfaVerified:
        if client.admitted.role != OPERATOR:
            raise InvalidRequest(f"unauthorized role: {client.admitted.role}")
        await self.factor.verify(params.code, _name(client))
        return MfaVerified(
            verified_until_ms=self.step_up.passed(client),
            recovery_codes_left=self.factor.status().recovery_codes_left,
        )

    async def _disable(self, client: Client, params: MfaDisableParams) -> Ok:
        if self.enabled:
            # Having lately shown a code is not enough: this ends all asking.
            code = params.code if isinstance(params.code, str) else ""
            await self.factor.verify(code, _name(client))
        elif not client.admitted.local:
            # While the owner gets rid of a lost one, nobody else may.
            raise Forbidden(
                "without a code a second factor is removed on the gateway's own machine",
                {
                    "code": "MFA_ENROLL_LOCALLY",
                    "next": "On the gateway's machine run `openclaw mfa disable`.",
                },
            )
        await self.factor.disable()
        self.step_up.forget_all()
        return Ok()


def _name(client: Client) -> str:
    """Whom wrong codes are counted for."""
    return client.admitted.device_id or client.peer.address
