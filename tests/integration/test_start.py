"""The start contract: what is read, what is written, when it is ready, and who may not start."""

import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import gatherResults
from twisted.trial.unittest import TestCase

from openclaw.cli.tunnel import find_free_port
from openclaw.client.errors import ConnectRefusedByGateway
from openclaw.deferreds import deferred
from tests.integration.running import (
    Ended,
    Place,
    Running,
    fetch,
    status_of,
)

PHASES = ["config", "log", "skills", "gateway", "channels", "cron", "agent", "ready"]
RACERS = int(os.environ.get("OPENCLAW_TEST_RACERS") or 10)
_PHASE = re.compile(r"start (\d)/8 (\w+): \d+ ms")

# What is in the file, and the two things its editor has to be told.
BAD_CONFIGURATIONS = [
    ('{"gateway": {"port": "18789"}}', "gateway.port", "whole number from 0 to 65535"),
    ('{"gateway": {"port": 65536}}', "gateway.port", "whole number from 0 to 65535"),
    ('{"gateway": {"bind": "moon"}}', "gateway.bind", '"loopback"'),
    ('{"gateway": {"auth": {"mode": "secret"}}}', "gateway.auth.mode", '"token"'),
    ('{"gateway": {"trustedProxies": ["::x"]}}', "gateway.trustedProxies[0]", "a network"),
    ('{"logging": {"level": "loud"}}', "logging.level", '"info"'),
    ('{"gateway": {"port": 1,}', "line 1", ""),
]


def files_below(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file())


class PlaceCase(TestCase):
    """A place for one gateway; whatever was started is gone at the end."""

    timeout = 120

    def setUp(self) -> None:
        self.place = Place(self.mktemp())

    def start(self, *arguments: str, **how: Any) -> Running:
        return self.watched(self.place.start(*arguments, **how))

    async def started(self, *arguments: str, **how: Any) -> Running:
        return self.watched(await self.place.started(*arguments, **how))

    def watched(self, running: Running) -> Running:
        self.addCleanup(running.stop, "KILL")
        return running

    async def admits(self, port: int, token: str) -> bool:
        self.place.port = port
        client = self.place.client(token)
        try:
            await client.connect()
        except ConnectRefusedByGateway:
            return False
        await client.close()
        return True


class PrecedenceTests(PlaceCase):
    """Option beats environment beats configuration beats default."""

    def everything(self) -> tuple[list[int], dict[str, str], Path]:
        ports = [find_free_port() for _ in range(3)]
        gateway = {"host": "127.0.0.3", "port": ports[2], "auth": {"token": "from-the-file"}}
        elsewhere = self.place.directory / "elsewhere"
        elsewhere.mkdir()
        named = elsewhere / "named.json"
        named.write_bytes(msgspec.json.encode({"gateway": gateway}))
        environment = {
            "OPENCLAW_STATE_DIR": str(self.place.directory / "by-environment"),
            "OPENCLAW_CONFIG_PATH": str(named),
            "OPENCLAW_GATEWAY_TOKEN": "from-the-environment",
            "OPENCLAW_GATEWAY_PORT": str(ports[1]),
            "OPENCLAW_GATEWAY_HOST": "127.0.0.2",
        }
        return ports, environment, named

    async def options_win(self, twistd: bool) -> None:
        ports, environment, named = self.everything()
        environment["OPENCLAW_CONFIG_PATH"] = "/nowhere/at/all.json"
        running = self.start(
            *("--config", str(named), "--state-dir", str(self.place.state), "--host", "127.0.0.1"),
            *("--port", str(ports[0]), "--token", "from-the-option"),
            twistd=twistd,
            **environment,
        )
        await self.place.ready(running, ports[0])
        self.assertTrue(await self.admits(ports[0], "from-the-option"))
        for wrong in ("from-the-environment", "from-the-file"):
            self.assertFalse(await self.admits(ports[0], wrong))
        self.assertEqual([await status_of(port) for port in ports], [200, 0, 0])
        self.assertTrue((self.place.own / "runtime.json").exists())
        self.assertFalse((self.place.directory / "by-environment").exists())

    async def test_options_under_python(self) -> None:
        await self.options_win(twistd=False)

    async def test_options_under_twistd(self) -> None:
        await self.options_win(twistd=True)

    async def test_environment(self) -> None:
        ports, environment, _ = self.everything()
        running = self.start(**environment)
        own = self.place.directory / "by-environment" / "gateway"
        while not (own / "runtime.json").exists():
            self.assertIsNone(running.gone, running.printed)
            await status_of(ports[1])
        runtime = msgspec.json.decode((own / "runtime.json").read_bytes())
        self.assertEqual((runtime["host"], runtime["port"]), ("127.0.0.2", ports[1]))
        self.assertFalse((own / "gateway-token").exists())

    async def test_configuration_in_the_state_directory(self) -> None:
        gateway = {"port": self.place.port, "auth": {"token": "from-the-file"}}
        config = self.place.configure({"gateway": gateway})
        before = config.read_bytes(), config.stat().st_mtime_ns
        running = self.start("--state-dir", str(self.place.state), twistd=True)
        await self.place.ready(running)
        self.assertTrue(await self.admits(self.place.port, "from-the-file"))
        self.assertEqual((config.read_bytes(), config.stat().st_mtime_ns), before)

    async def test_default_state_directory_is_in_the_home(self) -> None:
        running = self.start("--port", str(self.place.port))
        await self.place.ready(running)
        own = self.place.home / ".openclaw" / "gateway"
        token = (own / "gateway-token").read_text().strip()
        self.assertTrue(await self.admits(self.place.port, token))
        self.assertFalse((own.parent / "openclaw.json").exists())


class FirstStartTests(PlaceCase):
    """What one start leaves behind, and what it tells."""

    async def test_files_are_private_and_small(self) -> None:
        running = self.start("--state-dir", str(self.place.state), "--port", str(self.place.port))
        await self.place.ready(running)
        files = list(files_below(self.place.state))
        self.assertIn(self.place.own / "gateway-token", files)
        self.assertIn(self.place.own / "journal.sqlite", files)
        self.assertEqual([f"{f}" for f in files if stat.S_IMODE(f.stat().st_mode) & 0o077], [])
        folders = [self.place.state, self.place.own, self.place.own / "logs"]
        self.assertEqual([stat.S_IMODE(f.stat().st_mode) for f in folders], [0o700] * 3)
        self.assertLess(sum(path.stat().st_size for path in files), 1_000_000)
        token = (self.place.own / "gateway-token").read_text()
        for path in files:
            if path.name != "gateway-token":
                self.assertNotIn(token.strip().encode(), path.read_bytes(), path)
        self.assertNotIn(token.strip(), running.printed)

    async def test_token_stays(self) -> None:
        options = ("--state-dir", str(self.place.state), "--port", str(self.place.port))
        tokens = []
        for _ in range(2):
            running = await self.place.ready(self.start(*options))
            tokens.append((self.place.own / "gateway-token").read_text())
            await running.stop()
        self.assertEqual(tokens[0], tokens[1])

    async def phases(self, twistd: bool) -> None:
        running = await self.started(twistd=twistd)
        log = (self.place.own / "logs" / "gateway.log").read_text()
        while "8/8" not in running.out:
            self.assertIsNone(running.gone, running.printed)
            await status_of(self.place.port)
        for told in (running.out, log):
            found = _PHASE.findall(told)
            self.assertEqual(
                [(int(number), name) for number, name in found], list(enumerate(PHASES, 1))
            )

    async def test_phases_under_python(self) -> None:
        await self.phases(twistd=False)

    async def test_phases_under_twistd(self) -> None:
        await self.phases(twistd=True)

    async def test_web_chat_address_is_printed_in_the_foreground(self) -> None:
        running = await self.started()
        while "/chat/#code=" not in running.out:
            self.assertIsNone(running.gone, running.printed)
            await status_of(self.place.port)
        self.assertIn(f"http://127.0.0.1:{self.place.port}/chat/#code=", running.out)
        answer = await fetch(self.place.port, "/chat/")
        self.assertEqual(answer.status, 200)

    async def test_health_says_more_to_whom_it_may(self) -> None:
        await self.started()
        port, counts = self.place.port, {"ok", "status", "uptime", "connections", "agents"}
        bearer = {"Authorization": f"Bearer {self.place.token}"}
        for headers, told in (
            ({}, counts),
            ({"Host": "gateway.example"}, {"ok", "status"}),
            ({"Host": "gateway.example", **bearer}, counts),
        ):
            answer = await fetch(port, "/health", **headers)
            self.assertEqual((answer.status, answer.document["status"]), (200, "healthy"))
            self.assertEqual(set(answer.document), told)

    async def test_runtime_file(self) -> None:
        running = await self.started()
        path = self.place.own / "runtime.json"
        runtime = msgspec.json.decode(path.read_bytes())
        self.assertLessEqual(
            {"pid", "port", "host", "url", "configHash", "startedAtMs", "version"}, set(runtime)
        )
        self.assertEqual((runtime["pid"], runtime["port"]), (running.pid, self.place.port))
        self.assertEqual(runtime["url"], f"ws://127.0.0.1:{self.place.port}")
        self.assertEqual(await running.stop(), Ended(0, None))
        self.assertFalse(path.exists())
        self.assertEqual(list(self.place.own.glob("runtime*")), [])


class RefusedStartTests(PlaceCase):
    """A start that cannot succeed says why, in one line, with a status of its own."""

    async def test_bad_configurations(self) -> None:
        for number, (text, path, expected) in enumerate(BAD_CONFIGURATIONS):
            config = self.place.configure(text, f"bad-{number}.json")
            running = self.start("--config", str(config), *self.place.options())
            self.assertEqual(await running.ended(), Ended(78, None), running.printed)
            self.assertIn(path, running.err)
            self.assertIn(expected, running.err)
            self.assertNotIn("Traceback", running.printed)
        self.assertFalse(self.place.own.exists())

    async def test_bad_configuration_under_twistd(self) -> None:
        text, path, expected = BAD_CONFIGURATIONS[0]
        config = self.place.configure(text)
        running = self.start("--config", str(config), *self.place.options(), twistd=True)
        self.assertEqual(await running.ended(), Ended(78, None), running.printed)
        self.assertIn(path, running.err)
        self.assertIn(expected, running.err)

    async def test_bad_option(self) -> None:
        running = self.start("--state-dir", str(self.place.state), "--port", "many")
        self.assertEqual(await running.ended(), Ended(78, None), running.printed)
        self.assertIn("--port", running.err)

    async def test_named_configuration_that_is_missing(self) -> None:
        running = self.start("--config", "/nowhere/at/all.json", *self.place.options())
        self.assertEqual(await running.ended(), Ended(78, None), running.printed)
        self.assertIn("/nowhere/at/all.json", running.err)

    async def busy_port(self, twistd: bool) -> None:
        holder = socket.create_server(("127.0.0.1", self.place.port))
        self.addCleanup(holder.close)
        running = self.start(*self.place.options(), twistd=twistd)
        ended = await running.ended()
        self.assertEqual(ended, Ended(1, None), running.printed)
        self.assertIn(f"Error: Port {self.place.port} is already in use", running.err)
        self.assertIn(f"(pid {os.getpid()})", running.err)
        self.assertNotIn("Traceback", running.printed)

    async def test_busy_port_under_python(self) -> None:
        await self.busy_port(twistd=False)

    async def test_busy_port_under_twistd(self) -> None:
        await self.busy_port(twistd=True)

    async def test_second_gateway_on_the_same_state(self) -> None:
        first = await self.started()
        for twistd in (False, True):
            second = self.start(
                "--state-dir", str(self.place.state), "--port", str(find_free_port()), twistd=twistd
            )
            ended = await second.ended()
            self.assertEqual(ended, Ended(1, None), second.printed)
            # Under twistd standard error is part of the log.
            self.assertIn("Error: start failed in phase gateway: the journal", second.printed)
            self.assertIn(f"in use by process {first.pid}", second.printed)
            self.assertNotIn("Traceback", second.printed)
        runtime = msgspec.json.decode((self.place.own / "runtime.json").read_bytes())
        self.assertEqual(runtime["pid"], first.pid)
        self.assertEqual(await status_of(self.place.port), 200)

    async def test_one_of_many_wins(self) -> None:
        """Whoever is second does no harm to the first, however close they are."""
        racers = [self.start(*self.place.options()) for _ in range(RACERS)]
        await gatherResults([self.beaten_or_ready(racer) for racer in racers])
        alive = [racer for racer in racers if racer.gone is None]
        self.assertEqual(len(alive), 1)
        self.assertEqual(await status_of(self.place.port), 200)
        for racer in racers:
            if racer is not alive[0]:
                self.assertEqual(racer.gone, Ended(1, None), racer.printed)
                self.assertIn(f"Port {self.place.port} is already in use", racer.err)
        self.assertTrue(await self.admits(self.place.port, self.place.token))
        runtime = msgspec.json.decode((self.place.own / "runtime.json").read_bytes())
        self.assertEqual(runtime["pid"], alive[0].pid)

    @deferred
    async def beaten_or_ready(self, racer: Running) -> None:
        while racer.gone is None and "ready on" not in racer.out:
            await status_of(self.place.port)

    async def test_start_after_a_kill(self) -> None:
        first = await self.started()
        await first.stop("KILL")
        self.assertTrue((self.place.own / "runtime.json").exists())
        second = await self.started()
        runtime = msgspec.json.decode((self.place.own / "runtime.json").read_bytes())
        self.assertEqual(runtime["pid"], second.pid)


class HelpTests(PlaceCase):
    """``twistd openclaw --help`` lists the options."""

    async def test_help(self) -> None:
        twistd = self.place.start("--help", twistd=True)
        ended = await twistd.ended()
        self.assertEqual(ended.status, 0, twistd.printed)
        for option in ("--config", "--state-dir", "--host", "--port", "--token"):
            self.assertIn(option, twistd.out)
        self.assertFalse(self.place.state.exists())
