"""Lets people in whom somebody else vouches for, with the grant that is configured for them."""

from collections.abc import Iterable

from attrs import frozen

from openclaw.errors import ConnectRefused
from openclaw.interfaces.security import Admitted, Peer
from openclaw.protocol.connect import ConnectAuth
from openclaw.protocol.scopes import OPERATOR
from openclaw.security.devices import Devices
from openclaw.security.grants import live_token, within
from openclaw.security.identities import refusals
from openclaw.security.identities.identity import Identity, IdentityRefused
from openclaw.security.identities.sources import Identities
from openclaw.security.limiter import FailureLimiter, Kind
from openclaw.security.origins import is_local
from openclaw.security.refusals import rate_limited


@frozen
class Vouching:
    """What admission does with identities.

    Nobody is paired here, and no token is issued: the configuration is the approval, and the proof
    comes again with each connection. What a request gets is its grant and never more.
    """

    identities: Identities
    devices: Devices
    limiter: FailureLimiter

    def identify(
        self, auth: ConnectAuth, role: str, peer: Peer, device_id: str | None
    ) -> Identity | None:
        """Who a handshake is from; ``None`` if it has to bring a credential of our own.

        :param device_id: the device whose key was proven.
        :raises ConnectRefused: a proof that is not good, where no other credential came with it.
        """
        secrets = _texts(auth.token, auth.password)
        for text in secrets:
            if self.identities.is_for_provider(text):
                if role != OPERATOR:
                    raise refusals.id_token_refused("role")
                return self._by_token(text, peer)
        explicit = secrets or _texts(auth.device_token, auth.bootstrap_token)
        found = self._by_connection(peer, bool(explicit))
        if found is None or (found.device_id is None and role != OPERATOR):
            return None
        if found.device_id is not None and device_id not in (None, found.device_id):
            return None
        # A proxy that signs people in does so for every request; pages still send old tokens.
        return None if explicit and found.method != "trusted-proxy" else found

    def admit(
        self,
        identity: Identity,
        role: str,
        asked: Iterable[str],
        peer: Peer,
        device_id: str | None,
    ) -> Admitted:
        """Grant what was asked for, as far as the identity's grant goes.

        :raises ConnectRefused: the device that it stands for is gone, or has no such role.
        """
        granted = identity.scopes
        if identity.device_id is not None:
            token = live_token(self.devices.get(identity.device_id), role)
            if token is None:
                raise refusals.certificate_device_gone()
            granted = token.scopes
        return Admitted(
            role,
            within(asked, granted),
            identity.method,
            identity.device_id or device_id,
            local=is_local(peer),
            expires_at_ms=identity.expires_at_ms,
            subject=identity.subject,
        )

    def decides(self, token: str) -> bool:
        """Whether a bearer is the provider's, so that nobody else need look at it."""
        return self.identities.is_for_provider(token)

    def bearer(self, token: str, peer: Peer) -> Admitted | None:
        """The same for a request over HTTP, which asks for everything it may have."""
        try:
            if self.identities.is_for_provider(token):
                identity: Identity | None = self._by_token(token, peer)
            else:
                identity = None if token else self._by_connection(peer, True)
            if identity is None:
                return None
            granted = identity.scopes
            if identity.device_id is not None:
                own = live_token(self.devices.get(identity.device_id), OPERATOR)
                granted = () if own is None else own.scopes
            return self.admit(identity, OPERATOR, granted, peer, None)
        except ConnectRefused:
            return None

    def _by_token(self, text: str, peer: Peer) -> Identity:
        if wait_ms := self.limiter.wait_ms(peer, Kind.ID_TOKEN):
            raise rate_limited(wait_ms)
        try:
            return self.identities.by_token(text)
        except IdentityRefused as refused:
            if refused.is_guess:
                self.limiter.failed(peer, Kind.ID_TOKEN)
            raise refusals.id_token_refused(refused.cause) from None

    def _by_connection(self, peer: Peer, has_other: bool) -> Identity | None:
        try:
            found = self.identities.by_connection(peer)
        except IdentityRefused as refused:
            if has_other:
                return None
            raise refusals.stranger(refused.method) from None
        if found is None and not has_other and self.identities.misses_proxy_user(peer):
            raise refusals.proxy_user_missing()
        return found


def _texts(*fields: object) -> list[str]:
    return [text for text in fields if isinstance(text, str) and text]
