"""Binding the port, and naming whoever has it."""

import os
import resource
import socket
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from openclaw.assembly.listening import FILES, bind, owner_of
from openclaw.errors import ConfigError, PortInUse
from tools.layers import ROOT


class FileLimitTests(SynchronousTestCase):
    """How many sockets there can be."""

    def test_as_many_as_the_system_allows(self) -> None:
        """A process of its own, which begins with few."""
        script = (
            "import resource as r\n"
            "hard = r.getrlimit(r.RLIMIT_NOFILE)[1]\n"
            "r.setrlimit(r.RLIMIT_NOFILE, (64, hard))\n"
            "from openclaw.assembly.listening import raise_file_limit\n"
            "print(raise_file_limit(), *r.getrlimit(r.RLIMIT_NOFILE))\n"
            "print(raise_file_limit())\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        told, soft, hard, again = map(int, done.stdout.split())
        wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        self.assertEqual((told, soft, again), (wanted, wanted, wanted))


class BindTests(SynchronousTestCase):
    def bound(self, hosts: tuple[str, ...], port: int = 0) -> list[socket.socket]:
        sockets = bind(hosts, port)
        for one in sockets:
            self.addCleanup(one.close)
        return sockets

    def test_connections_wait_before_anybody_accepts(self) -> None:
        (one,) = self.bound(("127.0.0.1",))
        with socket.create_connection(one.getsockname(), timeout=1) as early:
            early.sendall(b"x")

    def test_all_addresses_share_one_port(self) -> None:
        first, second = self.bound(("127.0.0.1", "127.0.0.2"))
        self.assertEqual(first.getsockname()[1], second.getsockname()[1])

    def test_busy_port_names_its_owner(self) -> None:
        (one,) = self.bound(("127.0.0.1",))
        port = one.getsockname()[1]
        error = self.assertRaises(PortInUse, bind, ("127.0.0.1",), port)
        self.assertTrue(str(error).startswith(f"Error: Port {port} is already in use"), error)
        self.assertIn(f"(pid {os.getpid()})", error.owner)

    def test_second_address_that_is_busy_frees_the_first(self) -> None:
        (one,) = self.bound(("127.0.0.2",))
        port = one.getsockname()[1]
        self.assertRaises(PortInUse, bind, ("127.0.0.1", "127.0.0.2"), port)
        self.bound(("127.0.0.1",), port)

    def test_port_of_connections_that_just_closed_can_be_had(self) -> None:
        (one,) = self.bound(("127.0.0.1",))
        port = one.getsockname()[1]
        client = socket.create_connection(one.getsockname(), timeout=1)
        one.setblocking(True)
        server, _ = one.accept()
        server.close()
        client.close()
        one.close()
        self.bound(("127.0.0.1",), port)

    def test_address_of_another_machine(self) -> None:
        error = self.assertRaises(ConfigError, bind, ("203.0.113.1",), 0)
        self.assertEqual((error.path, error.exit_status), ("gateway.host", 78))

    def test_nobody_owns_a_free_port(self) -> None:
        (one,) = self.bound(("127.0.0.1",))
        port = one.getsockname()[1]
        one.close()
        self.assertEqual(owner_of(port), "")
