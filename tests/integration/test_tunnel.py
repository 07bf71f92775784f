"""``--ssh`` with a real sshd: the gateway's own handshake and token, through the tunnel."""

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from openclaw.cli.problems import Problem
from openclaw.cli.tunnel import Tunnel, find_free_port
from openclaw.client.address import GatewayAddress, parse_address
from openclaw.config.fingerprints import spelled
from openclaw.config.ssh import SshTarget, read_ssh_target
from tests.cli.running import Ran, run_here
from tests.integration.programs import needed
from tests.integration.running import TOKEN, Place, reactor, run
from tests.integration.sshd import SshServer


@needed("ssh", "sshd", "ssh-keygen")
class TunnelCase(TestCase):
    """A gateway, and an SSH server on the same host."""

    timeout = 120

    async def setUp(self) -> None:  # type: ignore[override]  # trial awaits it
        self.place = Place(self.mktemp())
        self.elsewhere = Path(self.mktemp()).absolute()
        self.elsewhere.mkdir()
        self.ssh = SshServer(Path(self.mktemp()))
        self.daemon = self.ssh.start()
        self.addCleanup(self.daemon.stop, "KILL")
        await self.until(self.ssh.listens)

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait for something."""
        while not happened():
            await deferLater(reactor, 0.03)

    async def start(self, tree: dict[str, Any] | None = None) -> None:
        """Start the gateway."""
        self.place.configure(tree or {})
        self.running = self.place.start(*self.place.options())
        self.addCleanup(self.running.stop)
        await self.until((self.place.own / "runtime.json").exists)

    async def command(self, *arguments: str, token: str = TOKEN) -> Ran:
        """Run a command as a user of another machine would: only ssh and a token are there."""
        environ = {**self.ssh.environ, **({"OPENCLAW_GATEWAY_TOKEN": token} if token else {})}
        given = [*arguments, "--json", "--timeout", "20s"]
        ran: Ran = await deferToThread(run_here, given, self.elsewhere, environ)
        self.assertEqual(self.ssh.clients(), [], "ssh outlived its command")
        return ran

    def url(self, scheme: str = "ws") -> str:
        """The gateway's address as the SSH server's host sees it."""
        return f"{scheme}://127.0.0.1:{self.place.port}"


class CommandTests(TunnelCase):
    """Whole commands."""

    async def test_a_command_goes_through_and_takes_the_tunnel_with_it(self) -> None:
        await self.start()
        ran = await self.command("status", "--ssh", self.ssh.target, "--url", self.url())
        self.assertEqual(ran.status, 0, ran)
        self.assertTrue(ran.document["reachable"])
        self.assertEqual(ran.document["ssh"], self.ssh.target)
        ran = await self.command("--ssh", self.ssh.target, "health", "--url", self.url())
        self.assertEqual((ran.status, ran.document["ok"]), (0, True), ran)

    async def test_the_token_is_wanted_as_ever_and_a_found_one_is_not_sent(self) -> None:
        await self.start()
        given = ("health", "--ssh", self.ssh.target, "--url", self.url())
        ran = await self.command(*given, token="wrong")
        self.assertEqual(ran.document["error"]["code"], "AUTH_TOKEN_MISMATCH")
        own = self.elsewhere / ".openclaw" / "gateway"
        own.mkdir(parents=True)
        (own / "gateway-token").write_text(TOKEN + "\n")
        ran = await self.command(*given, token="")
        self.assertEqual(ran.status, 1)
        self.assertIn("wants a token, and none was given", ran.document["error"]["message"])

    async def test_the_configuration_can_name_the_tunnel(self) -> None:
        await self.start()
        remote = {"ssh": self.ssh.target, "url": self.url(), "token": TOKEN}
        state = self.elsewhere / ".openclaw"
        state.mkdir()
        tree = {"gateway": {"mode": "remote", "remote": remote}}
        (state / "openclaw.json").write_text(json.dumps(tree))
        ran = await self.command("status", token="")
        self.assertEqual((ran.status, ran.document["reachable"]), (0, True), ran)
        self.assertEqual(ran.document["tokenSource"], "gateway.remote")

    async def test_a_pin_holds_through_the_tunnel(self) -> None:
        await self.start({"gateway": {"tls": {"enabled": True}}})
        note = json.loads((self.place.own / "runtime.json").read_bytes())
        (fingerprint,) = note["fingerprints"]
        given = ("health", "--ssh", self.ssh.target, "--url", self.url("wss"))
        for pin, status in ((fingerprint, 0), (spelled(bytes(32)), 1)):
            ran = await self.command(*given, "--tls-fingerprint", pin)
            self.assertEqual(ran.status, status, ran)
        ran = await self.command(*given)
        self.assertEqual(ran.document["error"]["details"], {"fingerprint": fingerprint})

    async def test_no_gateway_at_the_other_end_is_said(self) -> None:
        ran = await self.command("health", "--ssh", self.ssh.target, "--url", self.url())
        self.assertEqual(ran.document["error"]["code"], "GATEWAY_UNREACHABLE")
        self.assertIn(f"through ssh {self.ssh.target}", ran.document["error"]["message"])

    async def test_a_host_that_cannot_be_logged_in_to_is_said_in_the_words_of_ssh(self) -> None:
        nobody = f"nobody-at-all@127.0.0.1:{self.ssh.port}"
        ran = await self.command("health", "--ssh", nobody)
        self.assertEqual(ran.document["error"]["code"], "SSH_FAILED")
        self.assertIn("Permission denied", ran.document["error"]["message"])
        ran = await self.command("health", "--ssh", f"127.0.0.1:{find_free_port()}")
        self.assertIn("Connection refused", ran.document["error"]["message"])

    async def test_another_host_key_ends_it(self) -> None:
        await self.start()
        self.ssh.forget_host_key()
        ran = await self.command("health", "--ssh", self.ssh.target, "--url", self.url())
        self.assertEqual(ran.document["error"]["code"], "SSH_FAILED")
        self.assertIn("Host key verification failed", ran.document["error"]["message"])

    async def test_nothing_in_a_target_is_ever_run(self) -> None:
        trap = self.elsewhere / "trap"
        for target in (
            f"-oProxyCommand=touch {trap}",
            f"x@-oProxyCommand=touch {trap}",
            f"$(touch {trap})",
            f"host;touch {trap}",
        ):
            ran = await self.command("health", f"--ssh={target}")
            self.assertEqual(ran.status, 2, ran)
        self.assertFalse(trap.exists())


class LongCommandTests(TunnelCase):
    """Commands that stay connected."""

    async def test_a_chat_goes_through(self) -> None:
        await self.start()
        ran = await self.command("chat", "--ssh", self.ssh.target, "--url", self.url(), "/help")
        self.assertEqual(ran.status, 0, ran)
        self.assertIn("/status", ran.document["text"])

    async def test_a_command_that_follows_makes_a_broken_tunnel_again_and_ends_it(self) -> None:
        await self.start()
        given = ["logs", "--follow", "--json", "--ssh", self.ssh.target, "--url", self.url()]
        environment = self.place.environment(**self.ssh.environ, OPENCLAW_GATEWAY_TOKEN=TOKEN)
        following = run([sys.executable, "-m", "openclaw.cli", *given], environment, self.elsewhere)
        self.addCleanup(following.stop, "KILL")
        await self.until(lambda: "ready on" in following.out)
        (first,) = self.ssh.clients()
        os.kill(first, signal.SIGKILL)
        await self.until(lambda: bool(set(self.ssh.clients()) - {first}))
        self.assertIsNone(following.gone, following.printed)
        with (self.place.own / "logs" / "gateway.log").open("a") as log:
            log.write('{"message": "through the second tunnel"}\n')
        await self.until(lambda: "through the second tunnel" in following.out)
        ended = await following.stop("TERM")
        self.assertEqual((ended.status, following.err), (143, ""))
        await self.until(lambda: not self.ssh.clients())


class TunnelTests(TunnelCase):
    """The tunnel itself."""

    def tunnel(self, **more: Any) -> Tunnel:
        """A tunnel to where the gateway would be."""
        there = GatewayAddress("127.0.0.1", self.place.port)
        tunnel = Tunnel(read_ssh_target(self.ssh.target), there, self.ssh.environ, **more)
        self.addCleanup(deferToThread, tunnel.close)
        return tunnel

    async def test_a_broken_tunnel_is_made_again_and_a_whole_one_is_kept(self) -> None:
        tunnel = self.tunnel()
        first = await deferToThread(tunnel.open)
        self.assertEqual(await deferToThread(tunnel.open), first)
        (pid,) = self.ssh.clients()
        os.kill(pid, signal.SIGKILL)
        await self.until(lambda: not self.ssh.clients())
        await self.start()
        port = await deferToThread(tunnel.open)
        self.assertEqual(len(self.ssh.clients()), 1)

        def hello() -> bytes:
            with socket.create_connection(("127.0.0.1", port), 5) as stream:
                stream.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                return stream.recv(4096)

        self.assertIn(b" 200 ", await deferToThread(hello))

    async def test_whoever_took_the_port_in_between_is_never_spoken_to(self) -> None:
        impostor = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(impostor.close)
        impostor.settimeout(0.1)
        taken = impostor.getsockname()[1]
        ports = iter((taken, find_free_port()))
        port = await deferToThread(self.tunnel(free_port=lambda: next(ports)).open)
        self.assertNotEqual(port, taken)
        self.assertRaises(TimeoutError, impostor.accept)

    async def test_a_port_that_stays_taken_is_an_error(self) -> None:
        impostor = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(impostor.close)
        tunnel = self.tunnel(free_port=lambda: int(impostor.getsockname()[1]))
        problem: Any = await self.assertFailure(deferToThread(tunnel.open), Problem)
        self.assertEqual(problem.code, "SSH_FAILED")
        self.assertIn("Address already in use", problem.message)


class ArgumentTests(SynchronousTestCase):
    """What ssh is started with."""

    def arguments(self, target: SshTarget, url: str, attended: bool = False) -> list[str]:
        return Tunnel(target, parse_address(url), {}).arguments("/usr/bin/ssh", 4711, attended)

    def test_the_target_stands_behind_the_last_option(self) -> None:
        found = self.arguments(SshTarget("host", "me", 2222), "ws://127.0.0.1:18789")
        self.assertEqual(found[-3:], ["127.0.0.1:4711:127.0.0.1:18789", "--", "host"])
        self.assertEqual(found[found.index("-l") + 1], "me")
        self.assertEqual(found[found.index("-p") + 1], "2222")
        self.assertIn("BatchMode=yes", found)

    def test_somebody_at_the_terminal_may_be_asked(self) -> None:
        found = self.arguments(SshTarget("host"), "ws://[::1]:1", attended=True)
        self.assertNotIn("BatchMode=yes", found)
        self.assertIn("127.0.0.1:4711:[::1]:1", found)

    def test_only_a_plain_host_can_be_forwarded_to(self) -> None:
        for host in ("-x", "a b", "a/b", "$(id)", "a@b"):
            tunnel = Tunnel(SshTarget("host"), GatewayAddress(host), {})
            self.assertRaises(Problem, tunnel.arguments, "/usr/bin/ssh", 4711, False)

    def test_no_ssh_is_said_and_directories_of_the_moment_are_not_searched(self) -> None:
        here = Path(self.mktemp())
        here.mkdir()
        (here / "ssh").write_text("#!/bin/sh\ntouch trap\n")
        (here / "ssh").chmod(0o755)
        for path in ("", ".", str(here), f"{here}:."):
            tunnel = Tunnel(SshTarget("host"), GatewayAddress("127.0.0.1"), {"PATH": path})
            problem: Problem = self.assertRaises(Problem, tunnel.open, 1)
            self.assertEqual(problem.message, "There is no ssh program here.")
