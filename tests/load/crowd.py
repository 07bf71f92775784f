"""A crowd in a process of its own: ``python -m tests.load.crowd KIND PORT COUNT``.

It does its worst, prints one JSON object for each stage, and ends with its standard input.
"""

import asyncio
import contextlib
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from tests.gateway import wire
from tests.integration.running import TOKEN
from tests.security.clients import KeyedDevice, plain_params

BATCH = 200
AT_ONCE = 64


def say(**told: Any) -> None:
    """Tell whoever started us."""
    print(json.dumps(told), flush=True)


class Visitor:
    """One connection of the crowd."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def dial(self) -> None:
        """Connect."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def upgrade(self, **headers: str) -> dict[str, Any]:
        """Become a WebSocket; what the challenge says."""
        await self.dial()
        self.writer.write(wire.upgrade(headers))
        head = await self.reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(head.split(b"\r\n")[0].decode())
        return await self.read()

    async def connect(self, device: KeyedDevice | None, **headers: str) -> dict[str, Any]:
        """Shake hands; the answer."""
        challenge = (await self.upgrade(**headers))["payload"]
        client = "gateway-client/backend" if device is None else "openclaw-tui/ui"
        params = plain_params(
            client,
            auth={"token": TOKEN},
            device=device,
            nonce=challenge["nonce"],
            at_ms=challenge["ts"],
        )
        self.send({"type": "req", "id": "c", "method": "connect", "params": params})
        return await self.read()

    def send(self, value: object) -> None:
        """Send one JSON value."""
        self.writer.write(wire.frame(wire.TEXT, json.dumps(value).encode()))

    async def read(self) -> dict[str, Any]:
        """The next text frame; others are passed over."""
        while True:
            first, size = await self.reader.readexactly(2)
            if size > 125:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
            payload = await self.reader.readexactly(size)
            if first & 15 == wire.TEXT:
                found: dict[str, Any] = json.loads(payload)
                return found
            if first & 15 == wire.CLOSE:
                raise ConnectionError(payload[2:].decode())

    async def held(self) -> bool:
        """Whether the connection is still there a little later."""
        try:
            data = await asyncio.wait_for(self.reader.read(1), 0.01)
        except TimeoutError:
            return True
        except OSError:
            return False
        return bool(data)

    def leave(self) -> None:
        """Cut the connection."""
        if hasattr(self, "writer"):
            self.writer.transport.abort()


async def half_open(port: int, count: int) -> None:
    """Connections that never prove anything: silent ones, and WebSockets without a handshake."""
    crowd: list[Visitor] = []
    refused = 0

    async def come(number: int) -> None:
        nonlocal refused
        visitor = Visitor(port)
        try:
            await (visitor.dial() if number % 2 else visitor.upgrade())
        except (OSError, EOFError):
            refused += 1
        else:
            crowd.append(visitor)

    await in_batches(count, come)
    kept = sum(await asyncio.gather(*(visitor.held() for visitor in crowd)))
    say(came=count, held=kept, refused=count - kept)
    await stopped()


async def slow_loris(port: int, count: int) -> None:
    """Heads and bodies that drip, a byte a second."""
    crowd = []

    async def come(number: int) -> None:
        visitor = Visitor(port)
        with contextlib.suppress(OSError):
            await visitor.dial()
            head = b"POST /chat/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n"
            visitor.writer.write(head if number % 2 else b"GET / HT")
            crowd.append(visitor)

    await in_batches(count, come)
    say(came=len(crowd))
    ended = asyncio.ensure_future(stopped())
    while not ended.done():
        for visitor in crowd:
            if not visitor.writer.is_closing():
                visitor.writer.write(b"x")
        await asyncio.wait([ended], timeout=1)


async def endless_bodies(port: int, count: int) -> None:
    """Bodies without end, as fast as they are taken, again and again."""
    sent = 0
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    heads = [
        b"POST /chat/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"PUT /control-ui-config.json HTTP/1.1\r\nHost: localhost\r\n"
        b"Authorization: Bearer guess\r\nContent-Length: 1000000\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10737418240\r\n\r\n",
    ]

    async def pour(number: int) -> None:
        nonlocal sent
        while True:
            visitor = Visitor(port)
            with contextlib.suppress(OSError):
                await visitor.dial()
                visitor.writer.write(heads[number % len(heads)])
                while not visitor.writer.is_closing():
                    visitor.writer.write(chunk)
                    await visitor.writer.drain()
                    sent += len(chunk)
            visitor.leave()
            await asyncio.sleep(0.01)

    pouring = [asyncio.ensure_future(pour(number)) for number in range(count)]
    say(came=count)
    await stopped()
    for one in pouring:
        one.cancel()
    say(sent=sent)


async def unknown_devices(port: int, count: int) -> None:
    """Devices that nobody knows, each from an address of its own."""
    await devices(port, count, lambda n: {"X-Forwarded-For": f"198.18.{n >> 8 & 255}.{n & 255}"})


async def own_devices(port: int, count: int) -> None:
    """Devices of the owner, which are let in, shown to everybody, and leave again."""
    await devices(port, count, lambda number: {})


async def devices(port: int, count: int, headers: Callable[[int], dict[str, str]]) -> None:
    """Devices with keys of their own, as many at once as there can be."""
    told: dict[str, int] = {}
    began = time.monotonic()

    async def come(number: int) -> None:
        visitor = Visitor(port)
        try:
            answer = await visitor.connect(KeyedDevice(number + 1), **headers(number))
            code = "ok" if answer["ok"] else answer["error"]["details"]["code"]
        except (OSError, EOFError, KeyError) as error:
            code = type(error).__name__
        told[code] = told.get(code, 0) + 1
        visitor.leave()

    await at_once(count, come)
    say(told=told, seconds=round(time.monotonic() - began, 1))
    await stopped()


async def reconnecting(port: int, count: int) -> None:
    """Clients that all lose their connection, and all come back at once, three times."""
    for _ in range(3):
        began, tries = time.monotonic(), 0
        crowd: list[Visitor] = []

        async def come(crowd: list[Visitor]) -> None:
            nonlocal tries
            pause = 0.05
            while True:
                visitor = Visitor(port)
                tries += 1
                try:
                    answer = await visitor.connect(None)
                except (OSError, EOFError):
                    await asyncio.sleep(pause)
                    pause = min(2.0, pause * 2)
                    continue
                assert answer["ok"], answer
                crowd.append(visitor)
                return

        await asyncio.gather(*(come(crowd) for _ in range(count)))
        say(inside=len(crowd), tries=tries, seconds=round(time.monotonic() - began, 2))
        for visitor in crowd:
            visitor.leave()
        await asyncio.sleep(0.5)
    say(left=True)
    await stopped()


async def in_batches(count: int, come: Callable[[int], Awaitable[None]]) -> None:
    """Let so many come, a batch at a time."""
    for start in range(0, count, BATCH):
        await asyncio.gather(*(come(n) for n in range(start, min(count, start + BATCH))))


async def at_once(count: int, come: Callable[[int], Awaitable[None]]) -> None:
    """Let so many come, never more than some at a time."""
    numbers = iter(range(count))

    async def one_by_one() -> None:
        for number in numbers:
            await come(number)

    await asyncio.gather(*(one_by_one() for _ in range(AT_ONCE)))


async def stopped() -> None:
    """Wait until nobody wants us any more."""
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


KINDS = {
    "half-open": half_open,
    "slow-loris": slow_loris,
    "endless-bodies": endless_bodies,
    "unknown-devices": unknown_devices,
    "own-devices": own_devices,
    "reconnecting": reconnecting,
}


def raise_file_limit() -> int:
    """Allow this process, and those it starts, as many files as the system lets it; how many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


if __name__ == "__main__":
    raise_file_limit()
    kind, port, count = sys.argv[1:]
    asyncio.run(KINDS[kind](int(port), int(count)))
