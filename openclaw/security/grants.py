"""What a device holds and how it grows: pure functions over paired devices. Stores nothing."""

from collections.abc import Iterable

from attrs import evolve, frozen

from openclaw.interfaces.security import Device, DeviceToken
from openclaw.protocol.connect import ClientInfo
from openclaw.protocol.scopes import SCOPES, expand
from openclaw.security.device_proof import Identity, normalized
from openclaw.security.request_rows import PairingRequest

MAX_NAME = 120


@frozen
class Request:
    """What a proven device asks for.

    :ivar scopes: known scopes in the order asked; none for a node.
    """

    identity: Identity
    client: ClientInfo
    role: str
    scopes: tuple[str, ...]


def known_scopes(asked: Iterable[str]) -> tuple[str, ...]:
    """The scopes that exist, in the order asked, each once."""
    return tuple(scope for scope in dict.fromkeys(asked) if scope in SCOPES)


def within(asked: Iterable[str], held: Iterable[str]) -> tuple[str, ...]:
    """The asked scopes that ``held`` allows, in the order asked; never more than either."""
    allowed = expand(held)
    return tuple(scope for scope in known_scopes(asked) if scope in allowed)


def clipped(value: object) -> str:
    """What a client says of itself, short enough to be kept; empty where it says nothing."""
    return value[:MAX_NAME] if isinstance(value, str) else ""


def live_token(device: Device | None, role: str) -> DeviceToken | None:
    """The device's token for a role, unless there is none or it was revoked."""
    token = device.tokens.get(role) if device else None
    return token if token and token.revoked_at_ms is None else None


def issued_at_ms(token: DeviceToken) -> int:
    """When the present value of a token was made."""
    return token.created_at_ms if token.rotated_at_ms is None else token.rotated_at_ms


def is_changed(device: Device, client: ClientInfo) -> bool:
    """Whether the device claims another platform or family than it was approved with."""
    pinned = (
        (device.platform, clipped(client.platform)),
        (device.device_family, clipped(client.device_family)),
    )
    return any(normalized(old) and normalized(old) != normalized(new) for old, new in pinned)


def paired_device(request: Request, via: str, generation: int, now_ms: int) -> Device:
    """A device that has just been approved.

    :param via: ``silent`` or ``owner``.
    :param generation: first generation of its token; random, so that a device that is removed and
        paired again never gets an old token back.
    """
    client = request.client
    token = DeviceToken(request.role, tuple(sorted(request.scopes)), now_ms, generation)
    return Device(
        device_id=request.identity.device_id,
        public_key=request.identity.public_key,
        display_name=clipped(client.display_name),
        platform=clipped(client.platform),
        device_family=clipped(client.device_family),
        client_id=client.id,
        client_mode=client.mode,
        approved_via=via,
        created_at_ms=now_ms,
        approved_at_ms=now_ms,
        last_seen_at_ms=now_ms,
        last_seen_reason="connect",
        tokens={request.role: token},
    )


def new_device(asked: PairingRequest, generation: int, now_ms: int) -> Device:
    """A device that an operator has just approved; as :func:`paired_device`."""
    token = DeviceToken(asked.role, tuple(sorted(asked.scopes)), now_ms, generation)
    return Device(
        device_id=asked.device_id,
        public_key=asked.public_key,
        display_name=asked.display_name,
        platform=asked.platform,
        device_family=asked.device_family,
        client_id=asked.client_id,
        client_mode=asked.client_mode,
        approved_via="owner",
        created_at_ms=now_ms,
        approved_at_ms=now_ms,
        last_seen_at_ms=now_ms,
        last_seen_reason="approved",
        tokens={asked.role: token},
        remote_ip=asked.remote_ip,
    )


def widened(device: Device, role: str, scopes: Iterable[str], now_ms: int) -> Device:
    """The device with more scopes for one role, and so with a new token."""
    old = device.tokens[role]
    token = evolve(
        old,
        scopes=tuple(sorted({*old.scopes, *scopes})),
        generation=old.generation + 1,
        rotated_at_ms=now_ms,
        last_used_at_ms=None,
    )
    return evolve(device, tokens={**device.tokens, role: token})


def with_role(device: Device, role: str, scopes: Iterable[str], first: int, now_ms: int) -> Device:
    """The device with a role it did not have, or had lost; nothing of the lost grant comes back.

    :param first: generation of the token if it is the first of its role.
    """
    old = device.tokens.get(role)
    if old is None:
        token = DeviceToken(role, tuple(sorted(scopes)), now_ms, first)
    else:
        token = evolve(
            old,
            scopes=tuple(sorted(scopes)),
            generation=old.generation + 1,
            rotated_at_ms=now_ms,
            revoked_at_ms=None,
            last_used_at_ms=None,
        )
    return evolve(device, tokens={**device.tokens, role: token})


def rotated(device: Device, role: str, scopes: Iterable[str], now_ms: int) -> Device:
    """The device with a new token in place of the present one, never wider than that was."""
    old = device.tokens[role]
    token = evolve(
        old,
        scopes=tuple(sorted(within(scopes, old.scopes))),
        generation=old.generation + 1,
        rotated_at_ms=now_ms,
        last_used_at_ms=None,
    )
    return evolve(device, tokens={**device.tokens, role: token})


def revoked(device: Device, role: str, now_ms: int) -> Device:
    """The device with its token for a role made void."""
    token = evolve(device.tokens[role], revoked_at_ms=now_ms)
    return evolve(device, tokens={**device.tokens, role: token})


def described(device: Device, platform: object, family: object) -> Device:
    """The device with another platform and family; nothing else of it changes."""
    return evolve(device, platform=clipped(platform), device_family=clipped(family))
