"""The gateway's own token, replaced while others come and go."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred

from openclaw.errors import ConnectRefused, GatewayError, InvalidRequest
from openclaw.security.shared_token import ELSEWHERE, SharedToken
from tests.security.clients import LOCAL, NONCE, PAGE, TOKEN, params
from tests.security.door import CHAT, D1, READ, DoorCase


class SharedTokenTests(DoorCase):
    """What a rotation does at the door, and what it leaves."""

    def setUp(self) -> None:
        super().setUp()
        self.path = Path(self.mktemp())
        self.path.write_text(f"{TOKEN}\n")
        self.learned: list[str] = []
        self.hung_up = 0

    def hang_up(self) -> None:
        self.hung_up += 1

    def token(
        self, source: str = "file", in_thread: Callable[..., Deferred[Any]] = maybeDeferred
    ) -> SharedToken:
        """One whose disk is as fast as memory."""
        return SharedToken(
            self.path,
            source,
            self.door.admission,
            self.learned.append,
            self.hang_up,
            os.urandom,
            in_thread,
        )

    def test_only_the_new_one_counts(self) -> None:
        self.assertEqual(self.come().method, "token")
        self.assertEqual(self.successResultOf(self.token().rotate()), str(self.path))
        new = self.path.read_text().strip()
        self.assertEqual((self.learned, self.hung_up), ([new], 1))
        self.assertNotEqual(new, TOKEN)
        self.assertEqual(self.code(), "AUTH_TOKEN_MISMATCH")
        self.assertIsNone(self.door.admission.bearer(TOKEN, LOCAL))
        self.assertEqual(self.come(auth={"token": new}).method, "token")
        self.assertIsNotNone(self.door.admission.bearer(new, LOCAL))

    def test_devices_keep_their_own_tokens(self) -> None:
        own = self.come(device=D1, scopes=READ).device_token
        self.successResultOf(self.token().rotate())
        admitted = self.come(device=D1, scopes=READ, auth={"deviceToken": own})
        self.assertEqual(admitted.method, "device-token")

    def test_links_that_were_made_before_are_void(self) -> None:
        """Whoever had the old token could have made one for later."""
        code = self.door.admission.sign_in_code().code
        self.successResultOf(self.token().rotate())
        sent: dict[str, Any] = {"device": D1, "scopes": READ, "auth": {"bootstrapToken": code}}
        self.assertEqual(self.code(CHAT, PAGE, **sent), "AUTH_BOOTSTRAP_TOKEN_INVALID")

    def test_who_was_being_paired_with_the_old_one_is_refused(self) -> None:
        """Else that socket would live on: it was in nobody's list when the others were closed."""
        writing: Deferred[None] = Deferred()
        change = self.door.devices.change

        def slowly(*arguments: Any) -> Deferred[Any]:
            return writing.addCallback(lambda _: change(*arguments))

        self.patch(self.door.devices, "change", slowly)
        decision = self.door.admission.admit(params(device=D1, scopes=READ), LOCAL, NONCE)
        assert isinstance(decision, Deferred)
        self.successResultOf(self.token().rotate())
        self.assertNoResult(decision)
        writing.callback(None)
        refused = self.failureResultOf(decision, ConnectRefused).value
        self.assertEqual((refused.details or {})["code"], "AUTH_TOKEN_MISMATCH")

    def test_a_disk_that_fails_changes_nothing(self) -> None:
        gone = self.path.parent / "gone" / "token"
        token = self.token()
        token._path = gone
        error = self.failureResultOf(token.rotate(), GatewayError).value
        self.assertIn("the old one still counts", error.message)
        self.assertEqual((self.learned, self.hung_up), ([], 0))
        self.assertEqual(self.come().method, "token")

    def test_what_is_kept_elsewhere_is_changed_there(self) -> None:
        for source, words in ELSEWHERE.items():
            error = self.failureResultOf(self.token(source).rotate(), InvalidRequest).value
            self.assertIn(words, error.message)
        self.assertEqual(self.path.read_text().strip(), TOKEN)
        self.assertEqual(self.come().method, "token")

    def test_two_at_once_come_one_after_the_other(self) -> None:
        disk: list[Deferred[Any]] = []

        def slow(function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
            disk.append(Deferred())
            return disk[-1].addCallback(lambda _: function(*arguments))

        token = self.token(in_thread=slow)
        first, second = token.rotate(), token.rotate()
        self.assertEqual(len(disk), 1)
        disk[0].callback(None)
        self.successResultOf(first)
        self.assertNoResult(second)
        disk[1].callback(None)
        self.successResultOf(second)
        self.assertEqual(self.come(auth={"token": self.learned[-1]}).method, "token")
        self.assertEqual(self.code(auth={"token": self.learned[0]}), "AUTH_TOKEN_MISMATCH")
