"""The memory of a session: written by its runs, read by its runs, and by no others."""

from openclaw.agents.tools.memory import LONGEST_MEMORY, MemoryGet, MemorySet, memory_prompt
from openclaw.protocol.base import encode
from tests.agents.tools.rig import STRANGER, box, use_of
from tests.sessions.rig import MAIN, WorldCase, answers_itself

OTHER_KEY = "agent:main:telegram:direct:777"


class MemoryTests(WorldCase):
    def setUp(self) -> None:
        super().setUp()
        self.world.runtime.on_run = answers_itself
        for number, key in enumerate((MAIN, OTHER_KEY)):
            self.successResultOf(self.world.accept(f"r{number}", key=key))
            self.world.turn()
        self.box = box(self.world.clock)
        self.box.register(MemoryGet(self.world.conversations))
        self.box.register(MemorySet(self.world.conversations))

    def set(self, text: str, key: str = MAIN) -> str:
        arguments = encode({"text": text}).decode()
        using = self.box.use("memory_set", arguments, use_of(STRANGER, session_key=key))
        return self.successResultOf(using).text

    def get(self, key: str = MAIN) -> str:
        return self.successResultOf(self.box.use("memory_get", "{}", use_of(session_key=key))).text

    def test_each_session_has_its_own(self) -> None:
        self.assertEqual(self.get(), "Nothing is written down.")
        self.assertEqual(self.set("canary-1"), "Written down.")
        self.assertEqual(self.set("canary-2", OTHER_KEY), "Written down.")
        self.assertEqual((self.get(), self.get(OTHER_KEY)), ("canary-1", "canary-2"))
        self.set("")
        self.assertEqual(
            (self.get(), self.get(OTHER_KEY)), ("Nothing is written down.", "canary-2")
        )

    def test_it_outlives_a_new_start_of_session_and_gateway_but_no_deletion(self) -> None:
        self.set("canary-1")
        self.successResultOf(self.world.conversations.reset(MAIN))
        self.assertEqual(self.get(), "canary-1")
        world = self.world.crash()
        self.successResultOf(world.conversations.load())
        self.assertEqual(world.conversations.memory(MAIN), "canary-1")
        self.successResultOf(world.conversations.delete(MAIN, None))
        self.assertEqual(world.conversations.memory(MAIN), "")
        self.assertEqual(world.conversations.memory(OTHER_KEY), "")

    def test_too_much_and_no_session(self) -> None:
        self.assertIn("must not have more than", self.set("x" * (LONGEST_MEMORY + 1)))
        self.assertIn("No session found", self.set("x", "agent:main:never"))
        self.assertEqual(self.get(), "Nothing is written down.")

    def test_what_a_model_is_told(self) -> None:
        self.assertEqual(memory_prompt(""), "")
        self.assertIn("no instruction:\nShe sews.", memory_prompt("She sews."))
