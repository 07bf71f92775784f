"""Checks of secrets, of second factors, and of how devices are let in."""

from collections import Counter
from collections.abc import Iterator, Mapping
from math import log2
from typing import Any

from openclaw.config.audit.facts import Facts
from openclaw.config.audit.findings import Found, check
from openclaw.config.redact import is_secret, shows
from openclaw.config.references import resolve
from openclaw.errors import ConfigError

LEAST_BITS = 70
_COMMON = ("password", "changeme", "openclaw", "secret", "letmein", "admin", "gateway", "test")


@check("auth.weak-token", "critical", "Remove it: the gateway then makes a good one itself")
def weak_token(facts: Facts) -> Iterator[Found]:
    """It can be guessed."""
    if facts.settings.token and is_weak(facts.settings.token):
        yield Found(_token_place(facts), "The token could be guessed.")


@check("auth.weak-password", "critical", "Set a long password, or use the token")
def weak_password(facts: Facts) -> Iterator[Found]:
    """It can be guessed."""
    if facts.settings.password and is_weak(facts.settings.password, LEAST_BITS * 0.6):
        yield Found("gateway.auth.password", "The password could be guessed.")


@check("auth.plain-secret", "warn", 'Write "${NAME}", or {"source": "file", "path": …} instead')
def plain_secret(facts: Facts) -> Iterator[Found]:
    """Configurations are copied, shown and committed."""
    for path in plain_secrets(facts.settings.loaded.tree):
        yield Found(path, "The secret stands in the configuration itself.")


@check("auth.token-in-environment", "info", "Use the token file, or a reference to a file")
def token_in_environment(facts: Facts) -> Iterator[Found]:
    """Programs that the gateway starts could read it."""
    for name in ("OPENCLAW_GATEWAY_TOKEN", "OPENCLAW_GATEWAY_PASSWORD"):
        if facts.environ.get(name):
            yield Found(name, "Programs that are started from here inherit it.")


@check("auth.token-in-arguments", "warn", "Start it without --token")
def token_in_arguments(facts: Facts) -> Iterator[Found]:
    """Every user of the machine can list command lines."""
    if any(word == "--token" or word.startswith("--token=") for word in facts.arguments):
        yield Found("--token", "Everybody on this machine can list the gateway's arguments.")


@check("auth.hooks-token-shared", "critical", "Give webhooks a token of their own: hooks.token")
def hooks_token_shared(facts: Facts) -> Iterator[Found]:
    """Whoever may call a webhook is the owner."""
    config = facts.settings.config
    token = config.hooks.token
    if not isinstance(token, str) or not token:
        return
    try:
        value = resolve(token, {**config.env.vars, **facts.environ}, "hooks.token")
    except ConfigError:
        return
    if value in (facts.settings.token, facts.settings.password):
        yield Found("hooks.token", "Webhooks have the gateway's own secret.")


@check("auth.remote-token-shared", "warn", "Give every gateway a token of its own")
def remote_token_shared(facts: Facts) -> Iterator[Found]:
    """One that is lost opens both."""
    token = facts.settings.remote_token
    if token and token == facts.settings.token:
        yield Found("gateway.remote.token", "Two gateways have the same token.")


@check("auth.no-second-factor", "warn", 'Set access.authentication.mfa.requiredFor to ["admin"]')
def no_second_factor(facts: Facts) -> Iterator[Found]:
    """A stolen token is then all it takes."""
    access = facts.settings.access
    if facts.reachable and not (access.mfa_enabled and access.mfa_required_for):
        where = "access.authentication.mfa.requiredFor"
        yield Found(where, "Nothing asks for a second factor, and others can reach the gateway.")


@check("auth.any-proxy-user", "warn", "List them in gateway.auth.trustedProxy.allowUsers")
def any_proxy_user(facts: Facts) -> Iterator[Found]:
    """Whoever has an account at the proxy."""
    users = facts.settings.access.proxy_users
    if users is not None and not users.allowed:
        where = "gateway.auth.trustedProxy.allowUsers"
        yield Found(where, "Everybody whom the proxy lets through may come in.")


@check("pairing.disabled", "warn", 'Set gateway.pairing.mode to "lenient"')
def pairing_disabled(facts: Facts) -> Iterator[Found]:
    """No device is ever asked for."""
    if facts.settings.config.gateway.pairing.mode == "disabled":
        yield Found("gateway.pairing.mode", "Programs on this machine need no approval, ever.")


@check("pairing.wan-auto", "critical", "Set gateway.pairing.policies.wan.autoApprove to false")
def wan_auto(facts: Facts) -> Iterator[Found]:
    """The token alone opens the gateway to the world."""
    if facts.settings.config.gateway.pairing.policies.wan.auto_approve:
        where = "gateway.pairing.policies.wan.autoApprove"
        yield Found(where, "Devices from anywhere are paired without being asked about.")


@check("pairing.lan-auto", "warn", "Set {where} to false")
def lan_auto(facts: Facts) -> Iterator[Found]:
    """Guests are in the same network."""
    policies = facts.settings.config.gateway.pairing.policies
    for name, policy in (("lan", policies.lan), ("tailnet", policies.tailnet)):
        if policy.auto_approve:
            where = f"gateway.pairing.policies.{name}.autoApprove"
            yield Found(where, "Devices of the network are paired without being asked about.")


@check("pairing.endless-tokens", "info", 'Set {where} to "90d"')
def endless_tokens(facts: Facts) -> Iterator[Found]:
    """A device that is lost and forgotten."""
    if (
        facts.reachable
        and facts.settings.config.gateway.pairing.policies.wan.token_lifetime is None
    ):
        where = "gateway.pairing.policies.wan.tokenLifetime"
        yield Found(where, "The token of a device never runs out.")


def is_weak(secret: str, least_bits: float = LEAST_BITS) -> bool:
    """Whether a secret could be guessed: its characters, their variety, words that everybody tries.

    :param least_bits: what an unguessable one has.
    """
    length = len(secret)
    shares = [count / length for count in Counter(secret).values()]
    bits = -length * sum(share * log2(share) for share in shares)
    known = sum(len(word) * secret.lower().count(word) for word in _COMMON)
    return bits < least_bits or known * 2 > length


def plain_secrets(value: Any, path: str = "", secret: bool = False) -> Iterator[str]:
    """The JSON path of every secret that is written out."""
    if isinstance(value, Mapping):
        if isinstance(value.get("source"), str) and secret:
            return
        for key, inner in value.items():
            below = f"{path}.{key}" if path else str(key)
            yield from plain_secrets(inner, below, secret or is_secret(str(key)))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from plain_secrets(inner, f"{path}[{index}]", secret)
    elif secret and isinstance(value, str) and not shows(value):
        yield path


def _token_place(facts: Facts) -> str:
    source = facts.settings.token_source
    return {"environment": "OPENCLAW_GATEWAY_TOKEN", "option": "--token"}.get(
        source, "gateway.auth.token"
    )


CHECKS = (
    weak_token,
    weak_password,
    plain_secret,
    token_in_environment,
    token_in_arguments,
    hooks_token_shared,
    remote_token_shared,
    no_second_factor,
    any_proxy_user,
    pairing_disabled,
    wan_auto,
    lan_auto,
    endless_tokens,
)
