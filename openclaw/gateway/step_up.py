"""Which requests need a second factor, and who has lately shown one; checks no code itself."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

from openclaw.errors import ConfigError, Forbidden
from openclaw.gateway.client import Client
from openclaw.protocol.methods import Method
from openclaw.protocol.scopes import SCOPES

LIFETIME_MS = 900_000
_CAPACITY = 4096
_OWN = "mfa."  # Else nobody could enrol, or show a code.
_PATH = "access.authentication.mfa.requiredFor"
NEXT = {
    True: "Call mfa.verify with the code of your authenticator app, then ask again; the command "
    "line asks you for it, or takes it as --mfa-code.",
    False: "Nothing is enrolled yet: on the gateway's machine run `openclaw mfa enroll`.",
}


def full_scope(name: str) -> str | None:
    """The scope meant by ``admin`` or ``operator.admin``; ``None`` if there is no such scope."""
    return next((scope for scope in (name, f"operator.{name}") if scope in SCOPES), None)


class StepUp:
    """Ask for a second factor where the owner wants it asked for.

    What was shown counts for fifteen minutes, for a device on all its connections, for a client
    without a device on its connection.

    :param required_for: scopes, short or in full, and names of methods.
    :param enrolled: whether there is a second factor.
    :param clock: Unix milliseconds.
    :raises openclaw.errors.ConfigError: one of ``required_for`` is neither.
    """

    def __init__(
        self,
        required_for: Iterable[str],
        table: Mapping[str, Method],
        enrolled: Callable[[], bool],
        clock: Callable[[], int],
    ) -> None:
        self._scopes: set[str] = set()
        self._methods: set[str] = set()
        for index, name in enumerate(required_for):
            self._require(name, table, f"{_PATH}[{index}]")
        self._enrolled = enrolled
        self._clock = clock
        self._until: OrderedDict[tuple[str, str], int] = OrderedDict()

    def _require(self, name: str, table: Mapping[str, Method], path: str) -> None:
        scope = full_scope(name)
        if scope is not None:
            self._scopes.add(scope)
        elif name in table and not name.startswith(_OWN):
            self._methods.add(name)
        else:
            raise ConfigError(
                f'expected a scope such as "admin" or the name of a method, found "{name}"', path
            )

    def covers(self, method: Method) -> bool:
        """Whether this method is only served to who has shown a second factor."""
        if method.name.startswith(_OWN):
            return False
        return method.name in self._methods or method.scope in self._scopes

    def withholds_events(self) -> bool:
        """Whether there are scopes whose events wait for a factor: with methods there are none."""
        return bool(self._scopes)

    def may_hear(self, client: Client, scope: str) -> bool:
        """Whether a client may have events of a scope: what may not be read may not be heard."""
        return scope not in self._scopes or self.verified_until_ms(client) is not None

    def covers_scope(self, scope: str | None) -> bool:
        """The same for what is no method: an HTTP route by its scope."""
        return scope in self._scopes

    def check(self, client: Client) -> None:
        """Let a request pass, or ask for the second factor.

        :raises openclaw.errors.Forbidden: ``MFA_REQUIRED``.
        """
        if self.verified_until_ms(client) is None:
            raise self.required()

    def required(self) -> Forbidden:
        """What is answered to who has to show it."""
        enrolled = self._enrolled()
        return Forbidden(
            "second factor required",
            {"code": "MFA_REQUIRED", "enrolled": enrolled, "next": NEXT[enrolled]},
        )

    def passed(self, client: Client) -> int:
        """Note that a client has shown it; tells until when that counts, Unix milliseconds."""
        now_ms = self._clock()
        until_ms = now_ms + LIFETIME_MS
        self._until.pop(_key(client), None)
        self._until[_key(client)] = until_ms
        # The oldest ends first, so what has ended stands in front.
        while self._until and (
            len(self._until) > _CAPACITY or next(iter(self._until.values())) <= now_ms
        ):
            self._until.popitem(last=False)
        return until_ms

    def verified_until_ms(self, client: Client) -> int | None:
        """Until when a client's second factor counts; ``None`` if it does not, or no more."""
        return self._live(_key(client))

    def is_device_verified(self, device_id: str | None) -> bool:
        """Whether a device has lately shown it, for requests that come without a connection."""
        return device_id is not None and self._live(("device", device_id)) is not None

    def forget_all(self) -> None:
        """The factor is gone: what was shown of it counts no more."""
        self._until.clear()

    def _live(self, key: tuple[str, str]) -> int | None:
        until_ms = self._until.get(key)
        return until_ms if until_ms is not None and self._clock() < until_ms else None


def _key(client: Client) -> tuple[str, str]:
    device_id = client.admitted.device_id
    return ("connection", client.conn_id) if device_id is None else ("device", device_id)
