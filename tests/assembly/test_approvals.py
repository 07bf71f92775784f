"""Approvals on a real gateway: asked, told to those who may decide, decided, by others refused."""

from typing import Any

from tests.attacks.live import Caller, LiveCase, connect

ASKED = {"command": "system.run", "commandArgv": ["uname", "-a b"], "nodeId": "n1"}


class ApprovalTests(LiveCase):
    """Two clients, one of which may decide."""

    timeout = 120

    async def client(self, *scopes: str) -> Caller:
        """A client with some scopes."""
        return await self.inside(connect("cli/cli", scopes=list(scopes)))

    async def ask(self, caller: Caller, method: str, **params: Any) -> Any:
        """One request."""
        self.number = getattr(self, "number", 0) + 1
        frame = {"type": "req", "id": f"a{self.number}", "method": method, "params": params}
        return await caller.ask(frame)

    async def test_asked_told_and_decided_once(self) -> None:
        caller = await self.client("operator.approvals")
        answer = await self.ask(caller, "exec.approval.request", **ASKED, twoPhase=True)
        self.assertEqual(answer["payload"]["status"], "accepted")
        approval_id = answer["payload"]["id"]
        (row,) = (await self.ask(caller, "exec.approval.list"))["payload"]
        self.assertEqual(row["request"]["command"], 'system.run uname "-a b"')
        self.assertEqual((row["request"]["nodeId"], row["request"]["host"]), ("n1", "node"))
        done = await self.ask(
            caller, "exec.approval.resolve", id=approval_id, decision="allow-once"
        )
        self.assertTrue(done["ok"])
        waited = await self.ask(caller, "exec.approval.waitDecision", id=approval_id)
        self.assertEqual(waited["payload"]["decision"], "allow-once")
        again = await self.ask(caller, "exec.approval.resolve", id=approval_id, decision="deny")
        self.assertEqual(again["error"]["code"], "APPROVAL_NOT_FOUND")
        events = [one.json() for one in caller.seen]
        told = [one["event"] for one in events if one.get("event", "").startswith("exec.")]
        self.assertEqual(told, ["exec.approval.requested", "exec.approval.resolved"])
        await caller.leave()

    async def test_others_are_neither_told_nor_heard(self) -> None:
        decider = await self.client("operator.approvals")
        other = await self.client("operator.read", "operator.write")
        answer = await self.ask(decider, "exec.approval.request", **ASKED, twoPhase=True)
        for method, params in (
            ("exec.approval.list", {}),
            ("exec.approval.request", ASKED),
            ("exec.approval.resolve", {"id": answer["payload"]["id"], "decision": "allow-once"}),
            ("exec.approval.waitDecision", {"id": answer["payload"]["id"]}),
            ("exec.approvals.get", {}),
        ):
            refused = await self.ask(other, method, **params)
            self.assertEqual(refused["error"]["code"], "FORBIDDEN")
        always = {"id": answer["payload"]["id"], "decision": "allow-always"}
        refused = await self.ask(decider, "exec.approval.resolve", **always)
        self.assertEqual(refused["error"]["code"], "INVALID_REQUEST")
        events = [one.json().get("event", "") for one in other.seen]
        self.assertEqual([one for one in events if one.startswith("exec.")], [])
        await other.leave()
        await decider.leave()
