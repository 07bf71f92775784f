"""One tool, used by a program: what is offered, what is refused, with whose rights."""

from collections.abc import Sequence
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer
from zope.interface.verify import verifyObject

from openclaw.assembly import parts
from openclaw.assembly.programs import Programs
from openclaw.http.openai.invoke import REFUSED
from openclaw.interfaces.tools import (
    Authority,
    Effect,
    ITool,
    IToolbox,
    IToolSource,
    ToolPlace,
    ToolResult,
    ToolSpec,
    ToolUse,
)
from tests.attacks.live import TOKEN, connect
from tests.http.openai.rig import INVOKE, ProgramsCase, Reply
from tests.security.clients import KeyedDevice

EFFECTS: dict[str, Effect] = {
    "look": "none",
    "note": "internal",
    "post": "external",
    "broken": "none",
    "owners": "none",
    "hang": "none",
    **{name: "none" for name in REFUSED},
}


@implementer(IToolbox)
class Box:
    """Tools that tell what they were used with."""

    def __init__(self) -> None:
        self.uses: list[ToolUse] = []
        self.cancelled = 0

    def register(self, tool: ITool, seconds: float | None = None) -> None:
        """Take none."""
        raise ValueError(tool.name)

    def register_source(self, source: IToolSource) -> None:
        """Take none."""

    def specs(self, place: ToolPlace, authority: Authority) -> Deferred[Sequence[ToolSpec]]:
        """All, but for what is the owner's."""
        names = [name for name in EFFECTS if authority.owner or name != "owners"]
        return succeed([ToolSpec(name=one, description="", parameters={}) for one in names])

    def effect(self, name: str) -> Effect:
        """What is felt of it."""
        return EFFECTS[name]

    def use(self, name: str, arguments: str, use: ToolUse) -> Deferred[ToolResult]:
        """Tell what it was asked."""
        self.uses.append(use)
        if name == "hang":
            return Deferred(lambda _: self._cancel())
        return succeed(ToolResult(text=f"{name} {arguments}", is_error=name == "broken"))

    def _cancel(self) -> None:
        self.cancelled += 1


class InvokeTests(ProgramsCase):
    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        self.box = Box()
        self.patch(parts, "Programs", lambda s, d, f, r, _: Programs(s, d, f, r, self.box))
        await super().setUp()

    async def invoke(self, tool: str = "look", **more: Any) -> Reply:
        return await self.ask(INVOKE, {"tool": tool, **more})

    def problem(self, reply: Reply, status: int, kind: str) -> None:
        self.assertEqual((reply.status, reply.document["ok"]), (status, False), reply.body)
        self.assertEqual(reply.error["type"], kind)

    def test_is_a_toolbox(self) -> None:
        self.assertTrue(verifyObject(IToolbox, self.box))

    async def test_a_use(self) -> None:
        reply = await self.invoke(args={"a": 1})
        content = [{"type": "text", "text": 'look {"a":1}'}]
        self.assertEqual(reply.document, {"ok": True, "result": {"content": content}})
        (use,) = self.box.uses
        self.assertEqual((use.session_key, use.agent_id), ("agent:main:main", "main"))
        self.assertTrue(use.authority.owner)

    async def test_another_session(self) -> None:
        await self.invoke("note", sessionKey="telegram:dm:42", agentId="main")
        self.assertEqual(self.box.uses[-1].session_key, "agent:main:telegram:direct:42")

    async def test_another_name_for_it(self) -> None:
        reply = await self.ask(INVOKE, {"name": "look", "tool": "post"})
        self.assertEqual(reply.status, 200)

    async def test_no_name(self) -> None:
        self.problem(await self.ask(INVOKE, {}), 400, "invalid_request")

    async def test_places_that_are_none(self) -> None:
        for more in (
            {"sessionKey": "a b"},
            {"agentId": "other"},
            {"agentId": "main", "sessionKey": "agent:other:main"},
            {"sessionKey": "agent:other:main"},
        ):
            self.problem(await self.invoke(**more), 400, "invalid_request")

    async def test_an_unknown_one(self) -> None:
        self.problem(await self.invoke("nothing"), 404, "not_found")

    async def test_one_that_fails(self) -> None:
        self.problem(await self.invoke("broken"), 400, "tool_error")

    async def test_what_can_be_felt_outside(self) -> None:
        for name in ("post", *sorted(REFUSED)):
            self.problem(await self.invoke(name), 403, "forbidden")
        self.assertEqual(self.box.uses, [])

    async def test_the_rights_are_the_callers(self) -> None:
        """A device that may write is not the owner, and is not even told of the owner's tools."""
        device, caller = KeyedDevice(4711), await self.dial()
        assert caller is not None
        asked = connect("openclaw-tui/ui", scopes=["operator.write"], role="operator")
        nonce = caller.seen[0].json()["payload"]["nonce"]
        device.sign(asked["params"], nonce, self.parts.door.now_ms())
        token = (await caller.ask(asked))["payload"]["auth"]["deviceToken"]
        await caller.leave()
        bearer = {"Authorization": f"Bearer {token}"}
        self.problem(await self.ask(INVOKE, {"tool": "owners"}, **bearer), 404, "not_found")
        self.assertEqual((await self.ask(INVOKE, {"tool": "look"}, **bearer)).status, 200)
        self.assertFalse(self.box.uses[-1].authority.owner)
        self.assertEqual((await self.invoke("owners")).status, 200)

    async def test_a_caller_that_hangs_up(self) -> None:
        talk = await self.talk()
        body = msgspec.json.encode({"tool": "hang"})
        head = f"POST {INVOKE} HTTP/1.1\r\nHost: {self.host}\r\nContent-Length: {len(body)}\r\n"
        head += f"Authorization: Bearer {TOKEN}\r\n\r\n"
        talk.say(head.encode() + body)
        await self.until(lambda: bool(self.box.uses))
        await talk.leave()
        await self.until(lambda: self.box.cancelled == 1)


class WithoutToolsTests(ProgramsCase):
    async def test_there_are_none(self) -> None:
        reply = await self.ask(INVOKE, {"tool": "look"})
        self.assertEqual((reply.status, reply.error["type"]), (404, "not_found"))
