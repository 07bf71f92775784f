"""The embedded agent: answers commands from the live gateway, needs no key, pretends no model."""

import re
from collections.abc import Iterator, Sequence

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from zope.interface import implementer

from openclaw.agents.runtimes.commands import Call, Scene, answer, parse
from openclaw.agents.runtimes.phrases import CHINESE, ENGLISH, Phrases, is_chinese
from openclaw.deferreds import deferred
from openclaw.interfaces.agents import IAgentRuntime, IRunSink, ModelInfo, RunOutcome, RunRequest

MODEL = ModelInfo(provider="embedded", id="assistant", name="Embedded assistant")

MOST_DELTAS = 8
"""Pieces an answer is streamed in; clients are built for streams, and more would only cost."""

PAUSE_SECONDS = 0.02

_WORD = re.compile(r"\S+\s*|\s+")


@implementer(IAgentRuntime)
class EmbeddedAgent:
    """What answers when no model does.

    :param scene: what its commands see and may do.
    :param clock: paces the stream.
    """

    name = "embedded"
    most_turns = 12  # Enough to learn which language is spoken.

    def __init__(self, scene: Scene, clock: IReactorTime) -> None:
        self._scene = scene
        self._clock = clock

    def models(self) -> Sequence[ModelInfo]:
        """The one model that is none."""
        return (MODEL,)

    @deferred
    async def run(self, request: RunRequest, sink: IRunSink) -> RunOutcome:
        """Answer a command, or say how to get a model."""
        sink.model_started(request.model.provider, request.model.id)
        text = await self._answer(request)
        for number, piece in enumerate(_pieces(text) if sink.watched() else (text,)):
            if number:
                await deferLater(self._clock, PAUSE_SECONDS)
            sink.delta(piece)
        return RunOutcome(text=text)

    async def _answer(self, request: RunRequest) -> str:
        words = _language(request)
        said = request.turns[-1].text if request.turns else ""
        name = parse(said)
        if name:
            call = Call(self._scene, request.session_key, words, request.authority, said)
            return await answer(name, call)
        if name is None:
            return words.no_model
        return words.unknown.format(command=said.split(maxsplit=1)[0])


def _language(request: RunRequest) -> Phrases:
    """Choose by the latest words of the user that belong to a language; a command does not."""
    for turn in reversed(request.turns):
        if turn.role == "user" and (is_chinese(turn.text) or parse(turn.text) is None):
            return CHINESE if is_chinese(turn.text) else ENGLISH
    return ENGLISH


def _pieces(text: str) -> Iterator[str]:
    """Cut between words, into at most :data:`MOST_DELTAS` pieces that join to ``text``."""
    least = -(-len(text) // MOST_DELTAS)
    piece = ""
    for word in _WORD.findall(text):
        piece += word
        if len(piece) >= least:
            yield piece
            piece = ""
    if piece:
        yield piece
