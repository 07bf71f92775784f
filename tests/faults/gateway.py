"""A whole gateway in the test's process, on a simulated clock, with accounts on every platform."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

from openclaw.assembly.gateway import GatewayService, build
from openclaw.client.address import GatewayAddress
from openclaw.client.dial import Dialer
from openclaw.client.frames import Event
from openclaw.client.gateway import GatewayClient
from openclaw.client.hello import Hello
from openclaw.client.settings import Credentials, Introduction
from openclaw.config.settings import Options
from tests.faults.platforms import Platform
from tests.faults.simulation import Simulation
from tests.integration.running import TOKEN, fetch

EVERYTHING = ("operator.admin", "operator.read", "operator.write")


@frozen
class Views:
    """What each view says of one account at one moment: whether it is connected."""

    health: bool
    status: bool
    hello: bool
    ready: bool
    event: bool


@implementer(ILogObserver)
class Gateway:
    """The gateway and a client that listens.

    :ivar log: what the channels logged.
    :ivar ends: how runs ended, by their ids.
    """

    def __init__(self, simulation: Simulation, directory: Path) -> None:
        self.simulation = simulation
        self.directory = directory
        self.log: list[str] = []
        self.service: GatewayService
        self.client: GatewayClient
        self.ends: dict[str, str] = {}
        self._health: dict[str, Any] = {}

    async def start(self, platforms: Sequence[Platform], **more: Any) -> None:
        """Start, and wait until every account is connected."""
        state = self.directory / "state"
        state.mkdir(parents=True, mode=0o700)
        channels = {
            one.id: {"streaming": "off", "typing": False, **one.settings, **more}
            for one in platforms
        }
        (state / "openclaw.json").write_text(json.dumps({"channels": channels}))
        options = Options(
            config=None, state_dir=str(state), host=None, port="0", token=TOKEN,
            allow_plaintext=False,
        )  # fmt: skip
        reactor: Any = self.simulation.reactor
        globalLogPublisher.addObserver(self)
        self.service = build(options, {}, self.directory, reactor, False)
        self.service.startService()
        await self.simulation.result(self.service.when_started())
        store = self.parts.store
        self.simulation.barriers = [
            lambda: store.run(lambda tx: None),
            lambda: store.read(lambda tx: None),
        ]
        proxies = [proxy for one in platforms for proxy in one.proxies]
        self.simulation.signs = [
            lambda: sum(proxy.passed + proxy.total for proxy in proxies),
            lambda: len(self.log),
        ]
        await self.connect()

    @property
    def parts(self) -> Any:
        """What the gateway is made of."""
        return self.service._parts

    async def connect(self) -> None:
        """Connect the client that listens to events."""
        self.client = self._make_client()
        self.client.on_event(self._heard)
        self.client.on_hello(self._greeted)
        await self.simulation.result(self.client.connect())

    async def stop(self) -> None:
        """Stop all of it."""
        self.simulation.barriers = []
        self.client.close()
        await self.simulation.result(self.service.stopService(), moving=True)
        globalLogPublisher.removeObserver(self)

    def state(self, channel: str) -> str:
        """The state of an account, from the machine that all views are made from."""
        return str(self.status(channel).state)

    def status(self, channel: str) -> Any:
        """All of its status."""
        (found,) = [
            one for one in self.parts.channels.channels.statuses() if one.channel == channel
        ]
        return found

    async def call(self, method: str, **params: Any) -> Any:
        """Ask the gateway."""
        return await self.simulation.result(self.client.request(method, params))

    async def views(self, channels: Sequence[str]) -> dict[str, Views]:
        """Ask every view about every account, while the clock stands still."""
        health = _channels(await self.call("health"))
        status = (await self.call("channels.status"))["channelAccounts"]
        fresh = self._make_client()
        hello = await self.simulation.result(fresh.connect())
        snapshot = _channels(hello.payload["snapshot"]["health"])
        fresh.close()
        answer = await self.simulation.result(fetch(self.service.port, "/readyz"))
        failing = answer.document["failing"]
        return {
            channel: Views(
                health=health[channel],
                status=status[channel][0]["connected"],
                hello=snapshot[channel],
                ready=f"{channel}/default" not in failing,
                event=self._health[channel],
            )
            for channel in channels
        }

    def _make_client(self) -> GatewayClient:
        introduction = Introduction(credentials=Credentials(token=TOKEN), scopes=EVERYTHING)
        address = GatewayAddress("127.0.0.1", self.service.port)
        return GatewayClient(Dialer(address, introduction, self.simulation.reactor))

    def _greeted(self, hello: Hello) -> None:
        self._health = _channels(hello.payload["snapshot"]["health"])

    def _heard(self, event: Event) -> None:
        payload: Any = event.payload
        if event.event == "health":
            self._health = _channels(payload)
        elif event.event == "chat" and payload["state"] in ("final", "error", "aborted"):
            self.ends[payload["runId"]] = payload["state"]

    def __call__(self, event: LogEvent) -> None:
        """Keep what the channels log."""
        if str(event.get("log_namespace", "")).startswith("openclaw.channels"):
            self.log.append(str(formatEvent(event)))


def _channels(health: Any) -> dict[str, bool]:
    return {name: one["connected"] for name, one in health["channels"].items()}
