"""Thoughts that a server leaves in the answer, told apart from it; knows no wire.

Models think between ``<think>`` and ``</think>`` at the start of what they write. vLLM without a
``--reasoning-parser``, LM Studio and older Ollama and llama.cpp pass that on as the answer's text.
"""

OPEN = "<think>"
CLOSE = "</think>"


class ThinkTag:
    """Splits the text of one answer, cut anywhere, into thoughts and answer.

    Only a tag that is the very first thing counts: elsewhere somebody writes about it.
    """

    def __init__(self) -> None:
        self._held = ""
        self._thoughts: list[str] = []
        self._inside = False
        self._after = False
        self._done = False

    @property
    def thinking(self) -> bool:
        """Whether a thought has begun and not ended."""
        return self._inside

    def feed(self, text: str) -> tuple[str, str]:
        """Take text; give what of it is thought and what is answer, as far as that is known."""
        if self._done:
            return "", text
        self._held += text
        thought = ""
        if not self._inside and not self._after:
            self._begin()
        if self._inside:
            thought = self._think()
        return thought, self._answer()

    def finish(self) -> str:
        """No more text comes; give what is answer after all.

        A thought without an end is given whole, its tag included: some people ask for the tag.
        """
        held, self._held = self._held, ""
        self._done = True
        return OPEN + "".join(self._thoughts) + held if self._inside else held

    def _begin(self) -> None:
        start = self._held.lstrip()
        if start.startswith(OPEN):
            self._inside = True
            self._held = start[len(OPEN) :]
        elif not OPEN.startswith(start):
            self._done = True

    def _think(self) -> str:
        thought, close, rest = self._held.partition(CLOSE)
        if close:
            self._inside, self._after, self._held = False, True, rest
        else:
            # What may be the beginning of the closing tag is not known yet.
            kept = next(n for n in range(len(CLOSE) - 1, -1, -1) if thought.endswith(CLOSE[:n]))
            at = len(thought) - kept
            thought, self._held = thought[:at], thought[at:]
        self._thoughts.append(thought)
        return thought

    def _answer(self) -> str:
        """What follows the thoughts, without the blank lines between."""
        if self._after:
            self._held = self._held.lstrip()
            self._done = bool(self._held)
        if not self._done:
            return ""
        text, self._held = self._held, ""
        return text
