"""Notes what the door decides; decides nothing itself."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from openclaw.errors import ConnectRefused
from openclaw.interfaces.audit import Detail, IAudit
from openclaw.interfaces.security import Admitted, IAdmission, Peer, SignInCode
from openclaw.protocol.base import UNSET
from openclaw.protocol.connect import ConnectAuth, ConnectParams
from openclaw.protocol.scopes import ROLES


@implementer(IAdmission)
class AuditedAdmission:
    """The door, with a record of who came and who was refused.

    :param inner: what decides.
    """

    def __init__(self, inner: IAdmission, audit: IAudit) -> None:
        self._inner = inner
        self._audit = audit

    def refuses_upgrade(self, peer: Peer) -> tuple[int, str] | None:
        """See :meth:`IAdmission.refuses_upgrade`."""
        refusal: tuple[int, str] | None = self._inner.refuses_upgrade(peer)
        if refusal is not None:
            self._audit.note("connect.refused", peer.address, status=refusal[0])
        return refusal

    def admit(self, params: ConnectParams, peer: Peer, nonce: str) -> Admitted | Deferred[Admitted]:
        """See :meth:`IAdmission.admit`."""
        device = params.device.id if params.device is not UNSET else ""
        client = f"{params.client.id}/{params.client.mode}"
        try:
            result = self._inner.admit(params, peer, nonce)
        except ConnectRefused as error:
            self._refused(error, peer, device, client, params.role)
            raise
        if isinstance(result, Deferred):
            result.addCallbacks(
                lambda admitted: self._admitted(admitted, peer, client),
                lambda failure: self._failed(failure, peer, device, client, params.role),
            )
            return result
        return self._admitted(result, peer, client)

    def admit_seed(
        self, auth: ConnectAuth, role: str, asked: Sequence[str] | None, peer: Peer
    ) -> Admitted:
        """See :meth:`IAdmission.admit_seed`."""
        try:
            admitted = self._inner.admit_seed(auth, role, asked, peer)
        except ConnectRefused as error:
            self._refused(error, peer, "", "seed", role)
            raise
        return self._admitted(admitted, peer, "seed")

    def bearer(self, token: str, peer: Peer) -> Admitted | None:
        """See :meth:`IAdmission.bearer`."""
        admitted: Admitted | None = self._inner.bearer(token, peer)
        if admitted is not None:
            subject = admitted.device_id or peer.address
            self._audit.note(
                "http.admitted",
                subject,
                address=peer.address,
                by=admitted.method,
                **_vouched(admitted),
            )
        elif token:
            self._audit.note("http.refused", peer.address)
        return admitted

    def bearer_wait_ms(self, token: str, peer: Peer) -> int:
        """See :meth:`IAdmission.bearer_wait_ms`."""
        wait_ms: int = self._inner.bearer_wait_ms(token, peer)
        return wait_ms

    def sign_in_code(self) -> SignInCode:
        """See :meth:`IAdmission.sign_in_code`."""
        self._audit.note("code.made", "gateway")
        code: SignInCode = self._inner.sign_in_code()
        return code

    def setup_code(self, as_operator: bool, verified: bool) -> SignInCode:
        """See :meth:`IAdmission.setup_code`."""
        code: SignInCode = self._inner.setup_code(as_operator, verified)
        return code

    def change_secret(self, secret: str) -> None:
        """See :meth:`IAdmission.change_secret`."""
        self._inner.change_secret(secret)

    def _admitted(self, admitted: Admitted, peer: Peer, client: str) -> Admitted:
        self._audit.note(
            "connect.admitted",
            admitted.device_id or peer.address,
            address=peer.address,
            client=client,
            role=admitted.role,
            by=admitted.method,
            scopes=admitted.scopes,
            **_vouched(admitted),
        )
        return admitted

    def _failed(self, failure: Failure, peer: Peer, device: str, client: str, role: str) -> Failure:
        if isinstance(failure.value, ConnectRefused):
            self._refused(failure.value, peer, device, client, role)
        return failure

    def _refused(
        self, error: ConnectRefused, peer: Peer, device: str, client: str, role: str
    ) -> None:
        details = error.details or {}
        # A role may be any text, and each other text would be another entry.
        known_role = role if role in ROLES else "unknown"
        detail: dict[str, Detail] = {"address": peer.address, "client": client, "role": known_role}
        code = str(details.get("code") or error.wire_code)
        detail["code"] = code
        if reason := details.get("reason"):
            detail["reason"] = str(reason)
        # Anybody can name a device; it has proven itself where it is asked to wait for approval.
        proven = device if code == "PAIRING_REQUIRED" else ""
        self._audit.note("connect.refused", proven or peer.address, **detail)


def _vouched(admitted: Admitted) -> dict[str, Detail]:
    """Who it was, where somebody else has said so."""
    return {"user": admitted.subject} if admitted.subject else {}
