"""Pairings and tokens through histories by chance: crashes, lost answers, broken disks.

The model knows what was decided and acknowledged; whatever happens in between, the gateway must
hold no more than that, and no less than what was acknowledged.
"""

from typing import Any

from attrs import define, field
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import ConnectRefused, InvalidRequest, StoreError
from openclaw.interfaces.security import Admitted, Approver
from openclaw.protocol.scopes import SCOPES, expand
from openclaw.security.setup_codes import OPERATOR_GRANT
from openclaw.storage.memory import MemoryStore
from tests.security.clients import LOCAL, NONCE, REMOTE, TOKEN, Door, KeyedDevice, params

DEVICES = [KeyedDevice(number) for number in (11, 12)]
WHICH = st.sampled_from(range(len(DEVICES)))
SOME = st.lists(
    # Without admin, which would hide every other scope that came from nowhere.
    st.sampled_from(["operator.read", "operator.write", "operator.approvals", "operator.pairing"]),
    max_size=3,
    unique=True,
)
HELD = st.just(["operator.admin"]) | st.lists(
    st.sampled_from(sorted(SCOPES)), max_size=4, unique=True
)
ADMIN = Approver("owner", expand(["operator.admin"]))


@define
class Held:
    """What the model knows of one device.

    :ivar most: every scope that anybody with the right to do so may have given.
    :ivar tokens: values that were handed out and are good.
    :ivar void: values that are certainly void.
    :ivar surely: it was acknowledged that it is paired (or that it is not); ``None``: unknown.
    """

    most: set[str] = field(factory=set)
    tokens: set[str] = field(factory=set)
    void: set[str] = field(factory=set)
    surely: bool | None = False


@define
class Setup:
    """A code that sets a device up, and what became of it.

    :ivar device: which one it belongs to, once somebody was let in by it.
    :ivar used: somebody was let in by it, or may have been when the process died.
    """

    code: str
    door: Door
    made_at: float
    device: int | None = None
    used: bool = False


class Crashing:
    """A journal whose process dies: before a write, or after it and before the answer."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.next = "fine"

    def run(self, function: Any, /, **arguments: Any) -> Deferred[Any]:
        """Write, or die trying."""
        how, self.next = self.next, "fine"
        if how == "dies before":
            return Deferred()
        if how == "disk full":
            failed: Deferred[Any] = Deferred()
            failed.errback(StoreError("disk full"))
            return failed
        done = self.store.run(function, **arguments)
        return Deferred() if how == "dies after" else done

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


class Pairings(RuleBasedStateMachine):
    """Devices that come and operators that decide, on one journal."""

    def __init__(self) -> None:
        super().__init__()
        self.seed = 0
        self.now = 0.0
        self.journal: Crashing | None = None
        self.door = self.reopen()
        self.devices = [Held() for _ in DEVICES]
        self.requests: dict[str, tuple[int, set[str]]] = {}
        self.setup: Setup | None = None

    def reopen(self) -> Door:
        """Start a gateway on the journal as it is; its memory knows only what was read."""
        self.seed += 1
        if self.journal is None:
            door = Door(seed=self.seed)
            self.journal = Crashing(door.store)
        self.journal.next = "fine"
        door = Door(self.journal, seed=self.seed)  # type: ignore[arg-type]  # Stands for it.
        door.clock.advance(self.now)
        return door

    def outcome(self, answer: Any) -> Any:
        """The result, a failure, or ``None`` if the process died; then it is started again."""
        results: list[Any] = []
        answer.addBoth(results.append)
        if not results:
            self.door = self.reopen()
            return None
        if isinstance(results[0], Failure):
            results[0].trap(ConnectRefused, InvalidRequest, StoreError)
        return results[0]

    @rule(which=WHICH, here=st.booleans(), own=st.booleans(), asked=SOME)
    def come(self, which: int, here: bool, own: bool, asked: list[str]) -> None:
        """A device connects; only the owner's token on this machine may widen silently."""
        held, key = self.devices[which], DEVICES[which]
        token = next(iter(held.tokens), "")
        auth = {"deviceToken": token} if own and token else {"token": TOKEN}
        sent = params(device=key, scopes=asked, auth=auth, at_ms=self.door.now_ms())
        silent = here and "token" in auth
        device = self.door.devices.get(key.id)
        if silent and (device is None or device.tokens["operator"].revoked_at_ms is None):
            held.most |= set(asked) & SCOPES
            held.surely = None
        came = maybeDeferred(self.door.admission.admit, sent, LOCAL if here else REMOTE, NONCE)
        result = self.outcome(came)
        if isinstance(result, Admitted):
            assert set(result.scopes) <= set(asked) & expand(held.most)
            assert result.device_token and result.device_token not in held.void
            held.void |= held.tokens - {result.device_token}
            held.tokens = {result.device_token}
            held.surely = True
        elif isinstance(result, Failure) and result.check(ConnectRefused):
            refused: Any = result.value
            details = refused.details or {}
            if details.get("code") == "PAIRING_REQUIRED":
                listed = {row.request_id: row for row in self.door.approvals.pending()}
                row = listed[details["requestId"]]  # What a device waits for is in the list.
                self.requests[row.request_id] = which, set(row.scopes)

    @rule()
    def make_code(self) -> None:
        """The owner makes a code for one device."""
        code = self.door.admission.setup_code(True, False).code
        self.setup = Setup(code, self.door, self.now)

    @precondition(lambda self: self.setup is not None)
    @rule(which=WHICH, asked=SOME)
    def set_up(self, which: int, asked: list[str]) -> None:
        """A device brings the latest code, from afar: one of them, once, in time, no more."""
        setup, held, key = self.setup, self.devices[which], DEVICES[which]
        assert setup is not None
        auth = {"bootstrapToken": setup.code}
        sent = params(device=key, scopes=asked, auth=auth, at_ms=self.door.now_ms())
        good = setup.door is self.door and not setup.used and self.now - setup.made_at < 600
        before, most = self.door.devices.get(key.id), set(held.most)
        if good:
            held.most |= set(asked) & set(OPERATOR_GRANT)
            held.surely = None
        came = maybeDeferred(self.door.admission.admit, sent, REMOTE, NONCE)
        result = self.outcome(came)
        if isinstance(result, Admitted):
            assert good and setup.device in (None, which)
            assert set(result.scopes) <= set(asked) & expand(held.most)
            assert result.device_token and result.device_token not in held.void
            held.void |= held.tokens - {result.device_token}
            held.tokens, held.surely = {result.device_token}, True
            setup.used, setup.device = True, which
        elif isinstance(result, Failure):
            assert self.door.devices.get(key.id) == before
            held.most = most
            token = before.tokens.get("operator") if before else None
            held.surely = token is not None and token.revoked_at_ms is None
        else:
            setup.used = True

    @rule(how=st.sampled_from(["dies before", "dies after", "disk full"]))
    def trouble(self, how: str) -> None:
        """The next write goes wrong."""
        assert self.journal is not None
        self.journal.next = how

    @rule()
    def restart(self) -> None:
        """Stop and start."""
        self.door = self.reopen()

    @rule(minutes=st.sampled_from([1, 61, 60 * 25]))
    def wait(self, minutes: int) -> None:
        """Time goes by; what is too old goes visibly."""
        self.now += minutes * 60
        self.door.clock.advance(minutes * 60)
        self.outcome(self.door.requests.sweep())

    def drawn(self, data: Any) -> str:
        """One of the requests there ever were; the latest ones more often."""
        known = list(self.requests)
        request_id: str = data.draw(st.sampled_from(known[-2:]) | st.sampled_from(known))
        return request_id

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), scopes=HELD)
    def approve(self, data: Any, scopes: list[str]) -> None:
        """Somebody approves a request, new or long gone, with these scopes of his own."""
        request_id = self.drawn(data)
        which, shown = self.requests[request_id]
        held, approver = self.devices[which], Approver("somebody", expand(scopes))
        listed = request_id in {row.request_id for row in self.door.approvals.pending()}
        before = self.door.devices.get(DEVICES[which].id)
        result = self.outcome(self.door.approvals.approve(request_id, approver))
        if isinstance(result, Failure):
            assert self.door.devices.get(DEVICES[which].id) == before
            return
        assert listed and shown <= approver.allowed
        held.most |= shown
        held.surely = True if result is not None else None
        if result is not None:
            held.void |= held.tokens
            held.tokens = set()
            assert request_id not in {row.request_id for row in self.door.approvals.pending()}

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def reject(self, data: Any) -> None:
        """Somebody refuses a request."""
        request_id = self.drawn(data)
        result = self.outcome(self.door.approvals.reject(request_id))
        if isinstance(result, str):
            assert request_id not in {row.request_id for row in self.door.approvals.pending()}

    @rule(which=WHICH, data=st.data())
    def rotate(self, which: int, data: Any) -> None:
        """The owner has a token made anew, often a narrower one."""
        held, key = self.devices[which], DEVICES[which]
        fewer = st.lists(st.sampled_from(sorted(held.most) or ["operator.read"]), unique=True)
        scopes: list[str] | None = data.draw(st.none() | SOME | fewer)
        result = self.outcome(self.door.approvals.rotate(key.id, "operator", scopes, ADMIN))
        if isinstance(result, tuple):
            held.void |= held.tokens
            held.tokens = {result[1]}
            assert set(result[0].scopes) <= expand(held.most)
            assert scopes is None or set(result[0].scopes) <= set(scopes)
            held.most = set(result[0].scopes)
        elif result is None:
            held.tokens = set()  # The old or the new one is good; a connect will tell.

    @rule(which=WHICH)
    def revoke(self, which: int) -> None:
        """The owner takes the role away."""
        held, key = self.devices[which], DEVICES[which]
        result = self.outcome(self.door.approvals.revoke(key.id, "operator", ADMIN))
        if result is None or not isinstance(result, Failure):
            self.ended(held, result is not None)

    @rule(which=WHICH)
    def remove(self, which: int) -> None:
        """The owner forgets a device."""
        held, key = self.devices[which], DEVICES[which]
        known = self.door.devices.get(key.id) is not None
        answer = self.door.approvals.remove(key.id, ADMIN)
        results: list[Any] = []
        answer.addBoth(results.append)
        if not results:
            self.door = self.reopen()
            self.ended(held, False)
        elif results[0] is None:
            assert known and self.door.devices.get(key.id) is None
            self.ended(held, True)

    def ended(self, held: Held, surely: bool) -> None:
        """A grant is gone, or was being taken when the process died."""
        if surely:
            held.void |= held.tokens
            held.most = set()
            held.surely = False
        else:
            held.surely = None
        held.tokens = set()

    @invariant()
    def nobody_holds_more_than_was_given(self) -> None:
        """In memory as on disk."""
        for held, key in zip(self.devices, DEVICES, strict=True):
            device = self.door.devices.get(key.id)
            token = device.tokens.get("operator") if device else None
            live = token if token and token.revoked_at_ms is None else None
            if live is not None:
                assert set(live.scopes) <= expand(held.most), (live.scopes, held.most)
            if held.surely is not None:
                assert (live is not None) == held.surely
            for value in held.void:
                assert not self.door.devices.is_token(key.id, "operator", value)

    @invariant()
    def memory_is_what_the_journal_says(self) -> None:
        """Another gateway on the same journal sees the same."""
        assert self.journal is not None
        troubled, self.journal.next = self.journal.next, "fine"
        again = Door(self.journal.store, seed=99)
        self.journal.next = troubled
        again.clock.advance(self.now)
        mine, theirs = (
            {one.request_id for one in door.approvals.pending()} for door in (self.door, again)
        )
        assert mine == theirs
        for key in DEVICES:
            tokens = []
            for door in (self.door, again):
                device = door.devices.get(key.id)
                tokens.append(
                    {
                        role: (token.scopes, token.generation, token.revoked_at_ms)
                        for role, token in (device.tokens if device else {}).items()
                    }
                )
            assert tokens[0] == tokens[1]


class HistoryTests(SynchronousTestCase):
    """Many of them."""

    def test_histories(self) -> None:
        """Whatever comes, in whatever order."""
        run_state_machine_as_test(
            Pairings,
            settings=settings(
                max_examples=200,
                stateful_step_count=40,
                deadline=None,
                database=None,
                derandomize=True,
            ),
        )
