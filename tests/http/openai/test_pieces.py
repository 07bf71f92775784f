"""The small parts: names of sessions, offers of tools, models, embeddings."""

import base64
import struct

from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import Busy, ConnectRefused, InvalidRequest, ModelError, StoreError
from openclaw.http.openai.caller import Caller
from openclaw.http.openai.errors import Refused, refusal_of
from openclaw.http.openai.functions import Function, offered
from openclaw.interfaces.security import Admitted, Peer
from tests.http.openai.rig import ProgramsCase

PEER = Peer("127.0.0.1", loopback=True)


class OfferTests(SynchronousTestCase):
    room, hall = Function(name="room"), Function(name="hall", parameters={"type": "object"})

    def names(self, choice: str | None) -> tuple[list[str], str]:
        specs, word = offered((self.room, self.hall), choice)
        return [spec.name for spec in specs], word

    def test_choices(self) -> None:
        both = ["room", "hall"]
        self.assertEqual(self.names(None), (both, ""))
        self.assertEqual(self.names("auto"), (both, ""))
        self.assertEqual(self.names("none"), ([], ""))
        self.assertEqual(self.names("required"), (both, "required"))
        self.assertEqual(self.names("only hall"), (["hall"], "only hall"))

    def test_what_cannot_be_kept(self) -> None:
        for functions, choice in (
            ((self.room, self.room), None),
            ((self.room,), "only hall"),
            ((), "required"),
            ((), "only room"),
        ):
            self.assertRaises(Refused, offered, functions, choice)


class CallerTests(SynchronousTestCase):
    def test_only_admin_is_the_owner(self) -> None:
        for scopes, owner in ((("operator.admin",), True), (("operator.write",), False)):
            caller = Caller(Admitted("operator", scopes, "token"), PEER)
            self.assertEqual((caller.owner, caller.authority.owner), (owner, owner))
            self.assertIn("operator.read", caller.authority.scopes)


class StatusTests(SynchronousTestCase):
    def test_every_failure_has_one(self) -> None:
        for error, status in (
            (Busy("x", retry_after_ms=1500), 429),
            (InvalidRequest("x"), 400),
            (StoreError("x"), 503),
            (ModelError("x", kind="rate_limit"), 429),
            (ModelError("x", kind="auth"), 502),
            (ModelError("x", kind="unheard-of"), 502),
            (ConnectRefused("x"), 403),
        ):
            self.assertEqual(refusal_of(error).status, status, error)
        self.assertEqual(refusal_of(Busy("x", retry_after_ms=1500)).retry_after_ms, 1500)


class ModelTests(ProgramsCase):
    async def test_the_agents(self) -> None:
        reply = await self.ask("/v1/models")
        ids = [one["id"] for one in reply.document["data"]]
        self.assertEqual(ids, ["openclaw", "openclaw/default", "openclaw/main"])
        for id in ids:
            for written in (id, id.replace("/", "%2F")):
                one = await self.ask(f"/v1/models/{written}")
                self.assertEqual(one.document["id"], id)
        missing = await self.ask("/v1/models/gpt-4")
        self.assertEqual((missing.status, missing.error["code"]), (404, "model_not_found"))

    async def test_nobody_else_is_told(self) -> None:
        for path in ("/v1/models", "/openapi.json", "/v1/models/openclaw"):
            reply = await self.ask(path, Authorization="")
            self.assertEqual((reply.status, reply.error["type"]), (401, "unauthorized"))


class EmbeddingTests(ProgramsCase):
    async def test_passed_through(self) -> None:
        asked = {"model": "mock/vectors", "input": ["a", "b c"]}
        found = (await self.ask("/v1/embeddings", asked)).document
        self.assertEqual([one["embedding"] for one in found["data"]], [[1, 1, 0.5], [3, 2, 0.5]])
        self.assertEqual(found["usage"]["prompt_tokens"], 4)

    async def test_packed_and_by_header(self) -> None:
        asked = {"model": "openclaw", "input": "a", "encoding_format": "base64"}
        reply = await self.ask("/v1/embeddings", asked, x_openclaw_model="mock/vectors")
        packed = base64.b64decode(reply.document["data"][0]["embedding"])
        self.assertEqual(struct.unpack("<3f", packed), (1.0, 1.0, 0.5))

    async def test_what_is_not_known(self) -> None:
        for model in ("openclaw", "gpt-4", "nobody/x"):
            reply = await self.ask("/v1/embeddings", {"model": model, "input": "a"})
            self.assertEqual(reply.status, 400, reply.body)


class OffTests(ProgramsCase):
    """Where nobody needs a token, no program is served: any page could be one."""

    def configure(self) -> object:  # type: ignore[override]
        return {**super().configure(), "gateway": {"auth": {"mode": "none"}}}

    async def test_without_a_token(self) -> None:
        for path in ("/v1/models", "/openapi.json"):
            self.assertEqual((await self.ask(path)).status, 404)
