"""Approvals on a real gateway: asked, told to those who may decide, decided, by others refused."""

from collections.abc import Mapping
from typing import Any

from tests.attacks.live import Caller, LiveCase, connect

ASKED = {"command": "system.run", "commandArgv": ["uname", "-a b"], "nodeId": "n1"}


class ApprovalCase(LiveCase):
    """Clients with whatever rights."""

    timeout = 120

    async def client(self, *scopes: str) -> Caller:
        """A client with some scopes."""
        return await self.inside(connect("cli/cli", scopes=list(scopes)))

    async def ask(self, caller: Caller, method: str, **params: Any) -> Any:
        """One request."""
        self.number = getattr(self, "number", 0) + 1
        frame = {"type": "req", "id": f"a{self.number}", "method": method, "params": params}
        return await caller.ask(frame)


class ApprovalTests(ApprovalCase):
    """Two clients, one of which may decide."""

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


class CommandCase(ApprovalCase):
    """Something waits, and somebody types."""

    async def asked(self, *scopes: str) -> tuple[Caller, str]:
        """A client with some scopes, and the id of what waits."""
        decider = await self.client("operator.approvals")
        answer = await self.ask(decider, "exec.approval.request", **ASKED, twoPhase=True)
        await decider.leave()
        return await self.client(*scopes), answer["payload"]["id"]

    async def send(self, caller: Caller, text: str, key: str) -> Any:
        """Say something in the main session."""
        return await self.ask(
            caller, "chat.send", sessionKey="main", message=text, idempotencyKey=key
        )

    async def said(self) -> list[str]:
        """Who spoke in the main session, in order."""
        caller = await self.client("operator.read")
        answer = await self.ask(caller, "chat.history", sessionKey="main")
        await caller.leave()
        return [one["role"] for one in answer["payload"]["messages"]]

    async def pending(self) -> list[str]:
        """The ids of what waits."""
        caller = await self.client("operator.approvals")
        rows = (await self.ask(caller, "exec.approval.list"))["payload"]
        await caller.leave()
        return [one["id"] for one in rows]


class CommandTests(CommandCase):
    """The same by what is typed in a chat: it takes what the method itself takes."""

    async def test_who_may_decide_may_type_it(self) -> None:
        caller, name = await self.asked("operator.write", "operator.approvals")
        sent = await self.send(caller, f"/approve {name}", "k")
        self.assertEqual(sent["payload"]["status"], "started")
        waited = await self.ask(caller, "agent.wait", runId="k", timeoutMs=5000)
        self.assertEqual(waited["payload"]["status"], "ok")
        self.assertEqual(await self.pending(), [])
        self.assertEqual(await self.said(), ["user", "assistant"])
        again = await self.send(caller, f"/approve {name}", "k")
        self.assertEqual(again["payload"]["status"], "ok")
        self.assertEqual(await self.said(), ["user", "assistant"])
        await caller.leave()

    async def test_who_may_not_is_told_at_once_and_leaves_nothing(self) -> None:
        caller, name = await self.asked("operator.write")
        for text in (f"/approve {name}", f"/deny {name}", f" /APPROVE {name} once", "/批准 1"):
            refused = await self.send(caller, text, text)
            self.assertEqual(refused["error"]["code"], "FORBIDDEN", text)
            self.assertIn("operator.approvals", refused["error"]["message"])
        self.assertEqual(await self.said(), [])
        self.assertEqual(await self.pending(), [name])
        await caller.leave()

    async def test_programs_cannot(self) -> None:
        caller, name = await self.asked("operator.write", "operator.approvals")
        given = {"message": f"/approve {name}", "agentId": "main", "idempotencyKey": "k"}
        accepted = await self.ask(caller, "agent", **given)
        self.assertEqual(accepted["payload"]["status"], "accepted")
        waited = await self.ask(caller, "agent.wait", runId="k", timeoutMs=5000)
        self.assertEqual(waited["payload"]["status"], "ok")
        self.assertEqual(await self.pending(), [name])
        await caller.leave()


class FactorTests(CommandCase):
    """Where deciding takes a second factor, typing it takes one too."""

    def configure(self) -> Mapping[str, Any]:
        mfa = {"enabled": True, "requiredFor": ["exec.approval.resolve"]}
        return {"access": {"authentication": {"mfa": mfa}}}

    async def test_typing_it_is_no_way_round(self) -> None:
        caller, name = await self.asked("operator.write", "operator.approvals")
        given = {"id": name, "decision": "allow-once"}
        refused = await self.ask(caller, "exec.approval.resolve", **given)
        self.assertEqual(refused["error"]["details"]["code"], "MFA_REQUIRED")
        refused = await self.send(caller, f"/approve {name}", "k")
        self.assertEqual(refused["error"]["details"]["code"], "MFA_REQUIRED")
        self.assertEqual(await self.pending(), [name])
        self.assertTrue((await self.send(caller, "/stop", "s"))["ok"])
        await caller.leave()
