"""ID tokens of an OpenID provider: signature first, then every claim. Asks nobody."""

from collections.abc import Callable, Mapping
from typing import Any

from openclaw.config.access import OidcSettings
from openclaw.security.identities.identity import Cause, Identity, IdentityRefused
from openclaw.security.identities.keys import ProviderKeys
from openclaw.security.identities.token_text import Malformed, read_token

_MAX_SUBJECT = 255  # OpenID Connect Core, 2.


class IdTokens:
    """Judge ID tokens.

    :param clock: Unix milliseconds.
    :raises openclaw.errors.ConfigError: the provider's keys cannot be used.
    """

    def __init__(self, settings: OidcSettings, clock: Callable[[], int]) -> None:
        self._settings = settings
        self._clock = clock
        self._keys = ProviderKeys(settings.jwks, settings.algorithms)

    def identify(self, text: str) -> Identity:
        """Tell who a token is about.

        What it claims is looked at only once the provider is known to have said it.

        :raises IdentityRefused: it is not good, or about nobody we know.
        """
        try:
            token = read_token(text)
        except Malformed:
            raise _refused("malformed") from None
        if token.algorithm not in self._settings.algorithms:
            raise _refused("algorithm")
        key = self._keys.find(token.algorithm, token.key_id)
        if key is None:
            raise _refused("key")
        if not key.signed(token):
            raise _refused("signature")
        expires_at_ms = self._check_claims(token.claims)
        scopes = self._scopes(token.claims)
        return Identity("oidc", token.claims["sub"], scopes, expires_at_ms=expires_at_ms)

    def _check_claims(self, claims: Mapping[str, Any]) -> int:
        """Whether it is from there, for us, and for now; tells when it ends, Unix milliseconds."""
        if claims.get("iss") != self._settings.issuer:
            raise _refused("issuer")
        if not self._is_for_us(claims):
            raise _refused("audience")
        now, leeway = self._clock() / 1000, self._settings.leeway_seconds
        ends, made = _moment(claims, "exp"), _moment(claims, "iat")
        if now >= ends + leeway:
            raise _refused("expired")
        begins = _moment(claims, "nbf") if "nbf" in claims else made
        if max(begins, made) > now + leeway:
            raise _refused("not-yet")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT:
            raise _refused("malformed")
        return int((ends + leeway) * 1000)

    def _is_for_us(self, claims: Mapping[str, Any]) -> bool:
        """Among our client ids; a token for several must have been made for one of ours."""
        audience, ours = claims.get("aud"), self._settings.audience
        listed = [audience] if isinstance(audience, str) else audience
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            return False
        party = claims.get("azp", listed[0] if len(listed) == 1 else None)
        return any(one in ours for one in listed) and party in ours

    def _scopes(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        """What the configuration grants to this user, or to the user's groups together."""
        name = self._settings.claim
        value = claims.get(name)
        if name == "email" and claims.get("email_verified") is not True:
            value = None  # Anybody can write any address into most providers' profiles.
        values = value if isinstance(value, list) else [value]
        granted = [
            self._settings.scopes[one]
            for one in values
            if isinstance(one, str) and one in self._settings.scopes
        ]
        if not granted:
            raise _refused("subject")
        return tuple(dict.fromkeys(scope for scopes in granted for scope in scopes))


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # Some providers send fractions; true is a number for Python, and 1e999 is one for JSON.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise _refused("malformed")
    return value


def _refused(cause: Cause) -> IdentityRefused:
    return IdentityRefused("oidc", cause)
