"""What implies what: laws that hold for every set of scopes."""

from collections.abc import Set as AbstractSet

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.protocol.scopes import (
    ADMIN,
    APPROVALS,
    PAIRING,
    READ,
    SCOPES,
    TALK,
    TALK_SECRETS,
    WRITE,
    covers,
    expand,
)

_sets = st.frozensets(st.sampled_from(sorted(SCOPES)))


class ScopeTests(SynchronousTestCase):
    def test_the_table(self) -> None:
        for held, expected in (
            ((), set()),
            ((READ,), {READ}),
            ((WRITE,), {WRITE, READ, TALK}),
            ((TALK,), {TALK}),
            ((PAIRING, APPROVALS), {PAIRING, APPROVALS}),
            ((ADMIN,), set(SCOPES)),
        ):
            self.assertEqual(expand(held), expected)

    def test_talk_secrets_are_for_admins_and_those_who_have_them(self) -> None:
        self.assertEqual(
            {one for one in SCOPES if covers([one], [TALK_SECRETS])}, {ADMIN, TALK_SECRETS}
        )

    def test_an_unknown_scope_gives_nothing(self) -> None:
        self.assertEqual(expand(["novelty"]) & SCOPES, frozenset())
        self.assertFalse(covers(SCOPES, ["novelty"]))

    @given(held=_sets)
    def test_expanding_again_changes_nothing(self, held: AbstractSet[str]) -> None:
        self.assertEqual(expand(expand(held)), expand(held))
        self.assertLessEqual(held, expand(held))

    @given(one=_sets, other=_sets)
    def test_holding_both_is_holding_each(
        self, one: AbstractSet[str], other: AbstractSet[str]
    ) -> None:
        self.assertEqual(expand(one | other), expand(one) | expand(other))

    @given(a=_sets, b=_sets, c=_sets)
    def test_covering_is_an_order(
        self, a: AbstractSet[str], b: AbstractSet[str], c: AbstractSet[str]
    ) -> None:
        self.assertTrue(covers(a, a))
        self.assertTrue(covers(a, ()))
        self.assertTrue(covers([ADMIN], a))
        if covers(a, b) and covers(b, c):
            self.assertTrue(covers(a, c))
        if covers(a, b) and covers(a, c):
            self.assertTrue(covers(a, b | c))
