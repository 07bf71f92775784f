"""Tests of vectors, against the stand-in and against servers that misbehave."""

import json
from typing import Any

from attrs import evolve
from twisted.internet import reactor
from zope.interface.verify import verifyObject

from openclaw.agents.runtimes.embeddings import BATCH, MOST_INPUTS, NONE, Embeddings
from openclaw.agents.runtimes.provider import ProviderSettings
from openclaw.errors import InvalidRequest, ModelError
from openclaw.interfaces.agents import IEmbeddings, Vectors
from tests.agents.runtimes.test_server import KEY, RuntimeCase, body, nothing, refuse
from tests.http.upstream import Script, reset
from tests.standins.test_clients import ClientCase


def make(settings: ProviderSettings, http: Any) -> Embeddings:
    """The embeddings of one provider."""
    clock: Any = reactor
    aliases = {"vec": "mock/embed-1"}
    return Embeddings({settings.id: settings}, http, clock, lambda ref: aliases.get(ref, ref))


class StandInTests(ClientCase):
    """What the stand-in gives, and the official client reads."""

    def embeddings(self) -> Embeddings:
        """Ours."""
        base = f"{self.url}/v1"
        return make(ProviderSettings(id="mock", base_url=base, api_key=KEY), self.http)

    async def test_vectors_in_order(self) -> None:
        ours = self.embeddings()
        self.assertTrue(verifyObject(IEmbeddings, ours))
        inputs = ["a", "bb cc", ""]
        found = await ours.embed("vec", inputs)
        self.assertEqual(
            found, Vectors([[1.0, 1.0, 0.5], [5.0, 2.0, 0.5], [0.0, 0.0, 0.5]], "embed-1", 6)
        )

    async def test_many_texts_are_asked_for_in_batches(self) -> None:
        inputs = ["x" * number for number in range(BATCH * 2 + 1)]
        found = await self.embeddings().embed("mock/embed-1", inputs)
        self.assertEqual([row[0] for row in found.rows], list(map(float, range(len(inputs)))))
        self.assertEqual(found.tokens, sum(map(len, inputs)))


class RefusalTests(RuntimeCase):
    """What goes wrong."""

    async def embedding_error(self, script: Script, **changes: Any) -> ModelError:
        """Ask a server, and return how it failed."""
        self.serve(script)
        ours = make(evolve(self.settings, **changes), self.http)
        return await self.error_of(ours.embed("mock/embed-1", ["a"]))

    async def test_table(self) -> None:
        short = json.dumps({"data": []}).encode()
        for script, kind, words in [
            (refuse(404, b'{"error":{"message":"no such model"}}'), "invalid", "no such model"),
            (refuse(401, f"bad {KEY}".encode()), "auth", "[redacted]"),
            (reset, "network", "broke"),
            (body(b"<html>"), "stream", NONE),
            (body(b'{"error":{"message":"no vectors here"}}'), "stream", "no vectors here"),
            (body(short), "stream", "asked for 1 vectors, the server sent 0"),
            (body(b"["), "stream", NONE),
        ]:
            error = await self.embedding_error(script)
            self.assertEqual(error.kind, kind, words)
            self.assertIn(words, error.message)
            self.assertNotIn(KEY, error.message)
        error = await self.embedding_error(nothing, idle_seconds=0.05)
        self.assertEqual(error.kind, "timeout")

    async def test_who_cannot_be_asked(self) -> None:
        self.serve(nothing)
        for settings, ref, inputs in [
            (self.settings, "nobody/x", ["a"]),
            (self.settings, "mock", ["a"]),
            (self.settings, "mock/x", []),
            (self.settings, "mock/x", ["a"] * (MOST_INPUTS + 1)),
            (evolve(self.settings, api="anthropic-messages"), "mock/x", ["a"]),
            (evolve(self.settings, obstacle="no key"), "mock/x", ["a"]),
        ]:
            asked = make(settings, self.http).embed(ref, inputs)
            await self.assertFailure(asked, InvalidRequest)
        self.assertEqual(self.server.requests, [])
