"""Tests of what is this machine."""

from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.hosts import is_loopback, leads_here


class HostTests(SynchronousTestCase):
    def test_hosts(self) -> None:
        for host, here in (
            ("localhost", True),
            ("127.0.0.1", True),
            ("127.255.0.9", True),
            ("::1", True),
            ("10.0.0.1", False),
            ("0.0.0.0", False),
            ("localhost.example.org", False),
            ("127.0.0.1.nip.io", False),
            ("", False),
        ):
            self.assertEqual(is_loopback(host), here, host)

    def test_addresses(self) -> None:
        for url, here in (
            ("http://localhost:1/x", True),
            ("ws://[::1]:1", True),
            ("http://localhost@example.org/", False),
            ("nonsense", False),
        ):
            self.assertEqual(leads_here(url), here, url)
