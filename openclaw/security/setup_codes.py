"""One-time codes that set a device up: made by an operator, for one device, bound to the first."""

from collections.abc import Callable

from attrs import evolve, frozen

from openclaw.interfaces.security import SignInCode
from openclaw.protocol.scopes import APPROVALS, NODE, OPERATOR, QUESTIONS, READ, WRITE
from openclaw.security.codes import LIFETIME_MS, Clock, SignInCodes
from openclaw.security.secrets import RandomBytes, digest, new_token

# Never administration nor pairing: a picture can be photographed from behind.
OPERATOR_GRANT = (APPROVALS, QUESTIONS, READ, WRITE)


@frozen
class SetupGrant:
    """What a code lets its device have.

    :ivar roles: each of them once.
    :ivar scopes: as operator; a request gets none beyond these.
    :ivar verified: whoever made it had shown a second factor.
    """

    roles: frozenset[str]
    scopes: tuple[str, ...]
    verified: bool


@frozen
class _Made:
    grant: SetupGrant
    expires_at_ms: int
    device_id: str | None = None


class SetupCodes:
    """The codes that wait for their device; lost with the process on purpose.

    A code belongs to the first device that pairs with it. That device may use it once for each
    role; a second device never.

    :param clock: Unix milliseconds.
    :param limit: codes outstanding; a new one beyond it makes the oldest void.
    """

    def __init__(self, clock: Clock, random_bytes: RandomBytes, *, limit: int = 32) -> None:
        self._clock = clock
        self._random_bytes = random_bytes
        self._limit = limit
        self._made: dict[bytes, _Made] = {}

    def make(self, as_operator: bool, verified: bool) -> SignInCode:
        """Make a code, good for ten minutes.

        :param as_operator: the device may be an operator as well as a node.
        """
        code = new_token(self._random_bytes, 24)
        roles = frozenset({NODE, OPERATOR} if as_operator else {NODE})
        grant = SetupGrant(roles, OPERATOR_GRANT if as_operator else (), verified)
        expires_at_ms = self._clock() + LIFETIME_MS
        while len(self._made) >= self._limit:
            del self._made[next(iter(self._made))]
        self._made[digest(code)] = _Made(grant, expires_at_ms)
        return SignInCode(code, expires_at_ms)

    def grant(self, code: str, device_id: str, role: str) -> SetupGrant | None:
        """What the code is good for, for this device in this role; ``None``: nothing (any more)."""
        made = self._made.get(digest(code))
        if made is None or self._clock() >= made.expires_at_ms:
            return None
        if made.device_id not in (None, device_id) or role not in made.grant.roles:
            return None
        return made.grant

    def use(self, code: str, device_id: str, role: str) -> Callable[[], None] | None:
        """Use the code up for one role, and bind it; of two handshakes only one gets it.

        :return: makes it as good as it was, if nothing could be stored; ``None`` if it is not good.
        """
        grant = self.grant(code, device_id, role)
        if grant is None:
            return None
        key = digest(code)
        made = self._made[key] = evolve(self._made[key], device_id=device_id)
        self._leave(key, made, grant.roles - {role})

        def give_back() -> None:
            """The device's other role may have been used meanwhile; it stays the device's code."""
            present = self._made.get(key)
            left = present.grant.roles if present is not None else frozenset[str]()
            self._leave(key, made, left | {role})

        return give_back

    def _leave(self, key: bytes, made: _Made, roles: frozenset[str]) -> None:
        if roles:
            self._made[key] = evolve(made, grant=evolve(made.grant, roles=roles))
        else:
            del self._made[key]

    def forget_all(self) -> None:
        """Make every code void."""
        self._made.clear()


class OneTimeCodes:
    """Both kinds of codes that come as ``bootstrapToken``; none yet.

    :ivar sign_in: for browsers.
    :ivar setup: for devices.
    """

    def __init__(self, clock: Clock, random_bytes: RandomBytes) -> None:
        self.sign_in = SignInCodes(clock, random_bytes)
        self.setup = SetupCodes(clock, random_bytes)
        self._generation = 0

    def use_sign_in(self, code: str) -> Callable[[], None] | None:
        """Use a browser's code up; as :meth:`use_setup`."""
        expires_at_ms = self.sign_in.use(code)
        if expires_at_ms is None:
            return None
        return self._unless_void(lambda: self.sign_in.give_back(code, expires_at_ms))

    def use_setup(self, code: str, device_id: str, role: str) -> Callable[[], None] | None:
        """Use a device's code up for one role.

        :return: makes it good again, if nothing could be stored; ``None`` if it is not good.
        """
        give_back = self.setup.use(code, device_id, role)
        return None if give_back is None else self._unless_void(give_back)

    def forget_all(self) -> None:
        """Make every code void, also those that are being used right now."""
        self._generation += 1
        self.sign_in.forget_all()
        self.setup.forget_all()

    def _unless_void(self, give_back: Callable[[], None]) -> Callable[[], None]:
        generation = self._generation
        return lambda: give_back() if generation == self._generation else None
