"""How ``access.ipWhitelist`` is read."""

from ipaddress import ip_network

from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.address_list import read_address_list
from openclaw.errors import ConfigError


class AddressListTests(SynchronousTestCase):
    """Networks, addresses, names, and what is none of them."""

    def test_the_seeds_own_list(self) -> None:
        """Two networks and a name."""
        listed = read_address_list(["192.168.1.0/24", "10.0.0.0/8", "vpn.company.com"])
        self.assertEqual(listed.networks, (ip_network("192.168.1.0/24"), ip_network("10.0.0.0/8")))
        self.assertEqual(listed.names, ("vpn.company.com",))
        self.assertTrue(listed)

    def test_nothing_listed(self) -> None:
        """Everybody may connect."""
        self.assertFalse(read_address_list([]))

    def test_addresses(self) -> None:
        """A single one, one with bits below its mask, a mapped one, blanks around."""
        cases = {
            "10.0.0.7": "10.0.0.7/32",
            "10.0.0.7/8": "10.0.0.0/8",
            " 10.0.0.7 ": "10.0.0.7/32",
            "::ffff:10.0.0.0/104": "10.0.0.0/8",
            "::ffff:10.0.0.7": "10.0.0.7/32",
            "2001:db8::/32": "2001:db8::/32",
            "::1": "::1/128",
            "::/0": "::/0",
        }
        for text, network in cases.items():
            self.assertEqual(read_address_list([text]).networks, (ip_network(network),), text)

    def test_names(self) -> None:
        """In lower case, once, without the dot at the end."""
        listed = read_address_list(["VPN.Company.com", "vpn.company.com.", "host", "a_b.local"])
        self.assertEqual(listed.names, ("vpn.company.com", "host", "a_b.local"))

    def test_what_is_none_of_them(self) -> None:
        """A typing error must not become a name that nobody has."""
        bad = ["", " ", "10.0.0", "10.0.0.256", "10.0.0.0/33", "1.2.3.4.5", "a..b", "-a.b"]
        bad += ["a b", "*.company.com", "http://vpn.company.com", "vpn.company.com:443", "a" * 64]
        bad += ["[::1]", "2001:db8::/129", "10.0.0.1-10.0.0.9", "!10.0.0.1", ".".join("a" * 200)]
        for text in bad:
            error = self.assertRaises(ConfigError, read_address_list, ["10.0.0.1", text])
            self.assertEqual(error.path, "access.ipWhitelist[1]", text)
