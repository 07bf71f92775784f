"""A model that answers every message with words that name it; it runs beside the test."""

import json
import re
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.web.server import Request

from tests.faults.dialogues import word
from tests.faults.model_server import ModelServer, end, write

_ASKED = re.compile(r"([a-z]+\d+x\d+) words=(\d+) pause=(\d+)")


def request_for(key: str, words: int, pause_ms: int) -> str:
    """What a person writes to get so many words, with so long between two of them."""
    return f"{key} words={words} pause={pause_ms}"


class Pondering(ModelServer):
    """The model's server.

    :param asked: told the key of each message that reaches it.
    """

    def __init__(self, reactor: Any, asked: Callable[[str], None]) -> None:
        super().__init__(reactor)
        self._asked = asked

    def say(self, asked: Any, request: Request) -> None:
        """Answer the last message of the conversation."""
        key, words, pause = _ASKED.findall(json.dumps(asked["messages"]))[-1]
        self._asked(key)
        pieces = [f"{word(key, number + 1)} " for number in range(int(words))]
        _Answer(self.reactor, request, pieces, int(pause) / 1000)


class _Answer:
    """One answer under way."""

    def __init__(self, reactor: Any, request: Request, pieces: list[str], pause: float) -> None:
        self._reactor = reactor
        self._request = request
        self._pieces = iter(pieces)
        self._pause = pause
        self._timer: IDelayedCall | None = None
        request.notifyFinish().addBoth(self._over)
        self._step()

    def _step(self) -> None:
        self._timer = None
        for piece in self._pieces:
            write(self._request, piece)
            if self._pause:
                self._timer = self._reactor.callLater(self._pause, self._step)
                return
        end(self._request)

    def _over(self, _: object) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
