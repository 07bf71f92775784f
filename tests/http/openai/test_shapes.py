"""Requests in the shapes that well-known programs send, after their public documentation."""

import json
from pathlib import Path

from tests.http.openai.rig import PNG, ProgramsCase

SHAPES = json.loads(
    (Path(__file__).parent / "shapes.json").read_text().replace('"PNG"', f'"{PNG}"')
)


class ShapeTests(ProgramsCase):
    async def test_every_one_is_answered(self) -> None:
        self.assertGreaterEqual(len({one["client"].split(",")[0] for one in SHAPES}), 6)
        for one in SHAPES:
            reply = await self.ask(one["path"], one["body"], User_Agent=one["client"])
            self.assertEqual(reply.status, 200, (one["client"], reply.body))
            if one["body"]["stream"]:
                self.assertEqual(reply.events[-1], "[DONE]", one["client"])
                text = "".join(json.dumps(event) for event in reply.events)
            else:
                text = reply.body.decode()
            said = "The tool said" if "print(1)" in json.dumps(one["body"]) else "Hello"
            self.assertIn(said, text, one["client"])

    async def test_nothing_that_was_said_is_lost(self) -> None:
        for one in SHAPES:
            await self.ask(one["path"], one["body"])
            shown = json.dumps(self.model.asked[-1]["messages"])
            for message in one["body"].get("messages", ()):
                content = message.get("content") or ""
                texts = (
                    [content] if isinstance(content, str) else [p.get("text", "") for p in content]
                )
                for text in texts:
                    self.assertIn(json.dumps(text.strip())[1:-1], shown, one["client"])
