"""Tests of address spelling and buckets."""

from twisted.trial.unittest import SynchronousTestCase

from openclaw.security.addresses import bucket, parse


class AddressTests(SynchronousTestCase):
    """One address, one spelling."""

    def test_mapped_addresses_fold(self) -> None:
        """IPv4 written as IPv6 is that IPv4 address."""
        for text in ("::ffff:10.1.2.3", "::FFFF:0a01:0203", "0:0:0:0:0:ffff:10.1.2.3"):
            self.assertEqual(str(parse(text)), "10.1.2.3")
            self.assertEqual(bucket(text), "10.1.2.3")

    def test_a_v6_network_is_one_bucket(self) -> None:
        """A /64 shares a budget, the next /64 does not."""
        self.assertEqual(bucket("2001:db8::1"), bucket("2001:db8::ffff:1:2:3"))
        self.assertNotEqual(bucket("2001:db8::1"), bucket("2001:db8:0:1::1"))

    def test_zones_are_dropped(self) -> None:
        """``%eth0`` is the kernel's business."""
        self.assertEqual(str(parse("fe80::1%eth0")), "fe80::1")

    def test_what_is_no_address(self) -> None:
        """Names, sockets and nonsense are none, and count as themselves."""
        for text in ("", "localhost", "/run/socket", "1.2.3", "1.2.3.4.5", "1.2.3.4/8", "01.2.3.4"):
            self.assertIsNone(parse(text))
            self.assertEqual(bucket(text), text)
