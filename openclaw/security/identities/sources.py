"""Everybody whose word counts besides the shared secret: asked in one place, in one order."""

from collections.abc import Callable

from twisted.logger import Logger

from openclaw.config.access import AccessSettings, OidcSettings
from openclaw.errors import ConfigError
from openclaw.interfaces.security import ClientCertificate, NamedUser, Peer
from openclaw.security.identities.identity import USUAL, Identity, IdentityRefused, Method
from openclaw.security.identities.token_text import looks_like_token


class Identities:
    """Find out who somebody is.

    :param clock: Unix milliseconds.
    :raises openclaw.errors.ConfigError: the provider's keys cannot be used.
    """

    _log = Logger()

    def __init__(self, settings: AccessSettings, clock: Callable[[], int]) -> None:
        self._settings = settings
        self._clock = clock
        self._id_tokens: Callable[[str], Identity] | None = None
        if settings.oidc is not None and self.accepts("oidc"):
            self._id_tokens = _provider(settings.oidc, clock)

    def accepts(self, kind: str) -> bool:
        """Whether a kind of credential counts here."""
        return self._settings.kinds is None or kind in self._settings.kinds

    def is_for_provider(self, text: str) -> bool:
        """Whether a presented text is meant as an ID token, and we have a provider."""
        return self._id_tokens is not None and looks_like_token(text)

    def by_token(self, text: str) -> Identity:
        """Who an ID token is about; only after :meth:`is_for_provider`.

        :raises IdentityRefused: it is not good.
        """
        assert self._id_tokens is not None
        try:
            return self._id_tokens(text)
        except IdentityRefused as refused:
            self._log.info("ID token refused: {cause}", cause=refused.cause)
            raise

    def by_connection(self, peer: Peer) -> Identity | None:
        """Who the connection itself tells of; ``None`` if it tells nothing that counts.

        :raises IdentityRefused: it names somebody whom the configuration does not let in.
        """
        if peer.user is not None and self.accepts(peer.user.source):
            return self._user(peer.user)
        if peer.certificate is None or not self._settings.certificates:
            return None
        return self._certificate(peer.certificate) if self.accepts("certificate") else None

    def _certificate(self, shown: ClientCertificate) -> Identity:
        """What the most exact rule for it says; a connection may outlive a certificate."""
        rules = self._settings.certificates
        name = next((name for name in shown.names if name in rules), None)
        if name is None or self._clock() >= shown.expires_at_ms:
            raise self._unknown("certificate", " ".join(shown.names))
        rule = rules[name]
        return Identity("certificate", name, rule.scopes, rule.device_id, shown.expires_at_ms)

    def misses_proxy_user(self, peer: Peer) -> bool:
        """Whether the proxy that should have signed somebody in has not."""
        through_proxy = peer.forwarded and peer.attributed and peer.user is None
        return self._settings.proxy_users is not None and through_proxy

    def _user(self, user: NamedUser) -> Identity:
        proxied = self._settings.proxy_users
        granted = self._settings.identity_scopes.get(user.name)
        if user.source == "trusted-proxy":
            if proxied is None or (proxied.allowed and user.name not in proxied.allowed):
                raise self._unknown(user.source, user.name)
            return Identity(user.source, user.name, USUAL if granted is None else granted)
        if granted is None:
            raise self._unknown(user.source, user.name)
        return Identity(user.source, user.name, granted)

    def _unknown(self, method: Method, subject: str) -> IdentityRefused:
        self._log.info("{method} names a stranger: {subject}", method=method, subject=subject)
        return IdentityRefused(method, "subject")


def _provider(settings: OidcSettings, clock: Callable[[], int]) -> Callable[[str], Identity]:
    """Loaded where it is configured: most gateways have no provider, nor the library for one."""
    try:
        from openclaw.security.identities.id_tokens import IdTokens
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] != "joserfc":
            raise
        raise ConfigError(
            "needs a library that is not installed: pip install openclaw-gateway[oidc]",
            "access.authentication.oidc",
        ) from None
    return IdTokens(settings, clock).identify
