"""A door to come to: what tests of admission share."""

from typing import Any

import msgspec
from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import ConnectRefused
from openclaw.interfaces.security import Admitted, Peer
from tests.security.clients import (
    LOCAL,
    NONCE,
    PAGE,
    TOKEN,
    Door,
    KeyedDevice,
    params,
)

D1, D2 = KeyedDevice(1), KeyedDevice(2)
READ = ["operator.read"]
BACKEND, TUI, UI, CHAT = (
    "gateway-client/backend",
    "openclaw-tui/ui",
    "openclaw-control-ui/webchat",
    "webchat-ui/webchat",
)
ODD_HOST = evolve(LOCAL, host="gateway.example:18789")
FOREIGN = evolve(PAGE, origin="http://evil.example")
REBOUND = evolve(PAGE, origin="http://evil.example:18789", host="evil.example:18789")
NODE: dict[str, Any] = {"client": "node-host/node", "role": "node", "scopes": []}


class DoorCase(SynchronousTestCase):
    """A door, and words for what happens at it.

    :cvar usual: who comes where a test names nobody.
    """

    usual: Peer = LOCAL

    def setUp(self) -> None:
        """A gateway with a shared token."""
        self.door = Door()

    def come(self, client: str = "cli/cli", peer: Peer | None = None, **sent: Any) -> Admitted:
        """Be admitted, now or when the journal has answered."""
        result = self.door.admission.admit(params(client, **sent), peer or self.usual, NONCE)
        return result if isinstance(result, Admitted) else self.successResultOf(result)

    def refused(
        self, client: str = "cli/cli", peer: Peer | None = None, **sent: Any
    ) -> ConnectRefused:
        """Be refused; every refusal with details says what to do next."""
        try:
            decision = self.door.admission.admit(params(client, **sent), peer or self.usual, NONCE)
        except ConnectRefused as refused:
            error = refused
        else:
            self.assertNotIsInstance(decision, Admitted)
            assert isinstance(decision, Deferred)
            error = self.failureResultOf(decision, ConnectRefused).value
        codes = {"protocol mismatch": 1002, "UNAVAILABLE": 1013}
        code = codes.get(error.message) or codes.get(error.wire_code, 1008)
        self.assertEqual(error.close_code, code)
        if error.details is not None:
            self.assertTrue(str(error.details["next"]).endswith("."))
        self.assertNotIn(TOKEN, msgspec.json.encode([error.message, error.details]).decode())
        return error

    def code(self, *args: Any, **sent: Any) -> object:
        """The code of a refusal."""
        return (self.refused(*args, **sent).details or {})["code"]
