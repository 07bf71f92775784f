"""Every way a proof of identity is refused, each with its own code and next step."""

from openclaw.errors import ConnectRefused
from openclaw.security.identities.identity import Cause, Method
from openclaw.security.refusals import unauthorized

# Cause: tail of the message, next step.
_ID_TOKEN: dict[Cause, tuple[str, str]] = {
    "malformed": (
        "malformed",
        "Send the provider's ID token, unchanged, and not an access token.",
    ),
    "algorithm": (
        "algorithm not accepted",
        "Let the provider sign with one of access.authentication.oidc.algorithms.",
    ),
    "key": (
        "unknown key",
        "Bring access.authentication.oidc.jwks up to date with the provider's keys.",
    ),
    "signature": (
        "signature invalid",
        "Check that access.authentication.oidc.jwks has the keys of the provider that made it.",
    ),
    "issuer": (
        "another issuer",
        "Sign in at the provider that access.authentication.oidc.issuer names.",
    ),
    "audience": (
        "for another audience",
        "Ask the provider for a token for access.authentication.oidc.audience.",
    ),
    "expired": ("expired", "Sign in at the provider again for a fresh ID token."),
    "not-yet": (
        "not valid yet",
        "Set the gateway's clock; the token says it was made in the future.",
    ),
    "subject": (
        "unknown subject",
        "On the gateway add this user to access.authentication.oidc.scopes.",
    ),
    "role": ("for operators only", "Pair nodes with a device key and the gateway's token."),
}
_STRANGERS: dict[Method, tuple[str, str, str]] = {
    "certificate": (
        "client certificate unknown",
        "AUTH_CERTIFICATE_UNKNOWN",
        "On the gateway add its fingerprint to access.authentication.certificates.",
    ),
    "trusted-proxy": (
        "this user may not come in",
        "AUTH_PROXY_USER_NOT_ALLOWED",
        "On the gateway add the user to gateway.auth.trustedProxy.allowUsers.",
    ),
    "tailscale": (
        "this Tailscale user may not come in",
        "AUTH_TAILSCALE_USER_NOT_ALLOWED",
        "On the gateway give the user scopes in gateway.auth.identityScopes, or use its token.",
    ),
}


def id_token_refused(cause: Cause) -> ConnectRefused:
    """An ID token of the configured provider that is not good."""
    tail, next_step = _ID_TOKEN[cause]
    return unauthorized(
        f"ID token refused ({tail})",
        f"AUTH_OIDC_{cause.upper().replace('-', '_')}",
        f"oidc_{cause.replace('-', '_')}",
        "update_auth_credentials",
        next_step,
    )


def stranger(method: Method) -> ConnectRefused:
    """Somebody was vouched for whom the configuration does not let in."""
    tail, code, next_step = _STRANGERS[method]
    reason = code.removeprefix("AUTH_").lower()
    return unauthorized(tail, code, reason, "update_auth_configuration", next_step)


def certificate_device_gone() -> ConnectRefused:
    """The device that a certificate stands for is not paired, or not in this role."""
    return unauthorized(
        "the certificate's device is not paired (pair it again)",
        "AUTH_CERTIFICATE_DEVICE_GONE",
        "certificate_device_gone",
        "update_auth_configuration",
        "Pair the device again, or give the certificate scopes in "
        "access.authentication.certificates.",
    )


def proxy_user_missing() -> ConnectRefused:
    """The proxy did not say who has signed in."""
    return unauthorized(
        "the proxy named no user (check its sign-in and headers)",
        "AUTH_PROXY_USER_MISSING",
        "proxy_user_missing",
        "update_auth_configuration",
        "Let the proxy set the header of gateway.auth.trustedProxy.userHeader for every request.",
    )


def kind_not_accepted() -> ConnectRefused:
    """A credential of a kind that the configuration does not accept."""
    return unauthorized(
        "this kind of credential is not accepted here",
        "AUTH_METHOD_NOT_ACCEPTED",
        "method_not_accepted",
        "update_auth_configuration",
        "Use one of the kinds that access.authentication.methods names, or add this one to it.",
    )
