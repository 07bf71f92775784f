"""A device's token that grows too old ends the connections that it opened."""

from collections.abc import Mapping
from typing import Any

from openclaw.assembly import parts
from tests.attacks.live import TOKEN, LiveCase
from tests.gateway import wire
from tests.security.clients import KeyedDevice


class LifetimeTests(LiveCase):
    """A gateway whose tokens are old after a second, without an OpenID provider."""

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        self.patch(parts, "ENDING_SECONDS", 0.05)
        await super().setUp()

    def configure(self) -> Mapping[str, Any]:
        """A short life."""
        return {"gateway": {"pairing": {"policies": {"localhost": {"tokenLifetime": "1s"}}}}}

    async def test_the_connection_ends_with_the_token(self) -> None:
        device = KeyedDevice(1)
        first, hello = await self.arrive(device, {"token": TOKEN})
        await first.leave()
        own = hello["payload"]["auth"]["deviceToken"]
        caller, hello = await self.arrive(device, {"deviceToken": own})
        self.assertEqual(hello["payload"]["auth"]["method"], "device-token")
        await caller._talk.until(lambda _: caller.closed)
        last = caller.seen[-1]
        self.assertEqual((last.opcode, last.code), (wire.CLOSE, 1008))
