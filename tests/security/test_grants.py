"""Tests of scopes and grants: nothing ever grows by asking."""

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.interfaces.security import Device, DeviceToken
from openclaw.protocol.connect import ClientInfo
from openclaw.protocol.scopes import SCOPES, expand
from openclaw.security.device_proof import Identity
from openclaw.security.grants import (
    Request,
    is_changed,
    issued_at_ms,
    known_scopes,
    live_token,
    paired_device,
    widened,
    within,
)

SCOPE_LISTS = st.lists(st.sampled_from([*sorted(SCOPES), "operator.root", "", "node.x", "*"]))


def client(platform: str = "linux", family: str | None = "Linux") -> ClientInfo:
    """A client that claims this."""
    plain = ClientInfo(id="cli", version="1", platform=platform, mode="cli", display_name="x" * 999)
    if family is None:
        return plain
    return ClientInfo(id="cli", version="1", platform=platform, mode="cli", device_family=family)


def device(about: ClientInfo | None = None) -> Device:
    """A device that was paired with read."""
    request = Request(Identity("d" * 64, "key"), about or client(), "operator", ("operator.read",))
    return paired_device(request, "silent", 7, 1000)


class ScopeTests(SynchronousTestCase):
    """Effective scopes are what was asked, within what is held."""

    @settings(max_examples=500, deadline=None, database=None, derandomize=True)
    @given(SCOPE_LISTS, SCOPE_LISTS)
    def test_scopes_never_widen(self, asked: list[str], held: list[str]) -> None:
        """Never more than asked, never more than held, in the order asked, no doubles."""
        granted = within(asked, held)
        self.assertLessEqual(set(granted), set(asked) & expand(held) & SCOPES)
        self.assertEqual(list(granted), [s for s in dict.fromkeys(asked) if s in granted])
        self.assertEqual(set(granted), set(asked) & SCOPES & expand(held))

    def test_unknown_scopes_are_dropped(self) -> None:
        """In order, each once."""
        asked = ["operator.write", "root", "operator.read", "operator.write"]
        self.assertEqual(known_scopes(asked), ("operator.write", "operator.read"))


class GrantTests(SynchronousTestCase):
    """How a device's grant begins and grows."""

    def test_widening_keeps_what_was_held_and_makes_a_new_token(self) -> None:
        """A new generation and a new time of issue."""
        before = device()
        after = widened(before, "operator", ["operator.admin"], 2000)
        token = after.tokens["operator"]
        self.assertEqual(token.scopes, ("operator.admin", "operator.read"))
        self.assertEqual((token.generation, issued_at_ms(token)), (8, 2000))
        self.assertEqual(issued_at_ms(before.tokens["operator"]), 1000)
        self.assertEqual(after.created_at_ms, 1000)

    def test_a_revoked_token_is_none(self) -> None:
        """Nor is one of another role, or of nobody."""
        paired = device()
        self.assertIsNotNone(live_token(paired, "operator"))
        self.assertIsNone(live_token(paired, "node"))
        self.assertIsNone(live_token(None, "operator"))
        revoked = DeviceToken("operator", (), 1, revoked_at_ms=2)
        paired = evolve(paired, tokens={"operator": revoked})
        self.assertIsNone(live_token(paired, "operator"))

    def test_what_counts_as_another_device(self) -> None:
        """Another platform or family; not another spelling, not one that was never told."""
        paired = device()
        for platform, family, changed in (
            ("linux", "Linux", False),
            (" LINUX ", "linux", False),
            ("windows", "Linux", True),
            ("linux", "Mac", True),
            ("linux", None, True),
        ):
            self.assertIs(is_changed(paired, client(platform, family)), changed, (platform, family))
        self.assertFalse(is_changed(device(client(family=None)), client()))

    def test_a_long_name_is_cut(self) -> None:
        """Nobody fills the journal with one name."""
        self.assertEqual(len(device(client(family=None)).display_name), 120)
