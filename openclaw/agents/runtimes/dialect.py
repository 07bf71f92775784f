"""What an API of models is to the rest: how it is asked, and how its answers are read."""

from typing import Protocol

from attrs import evolve, frozen

from openclaw.agents.runtimes.draft import Draft
from openclaw.agents.runtimes.provider import ModelSettings, ProviderSettings
from openclaw.agents.runtimes.turns import flattened, mended
from openclaw.interfaces.agents import RunRequest


class NotAnAnswer(ValueError):
    """Bytes that are no answer of this API."""


@frozen
class Question:
    """One request as it is to be asked.

    :ivar request: its turns are in an order that every API takes.
    :ivar base_url: of the provider; some servers are known by it.
    """

    request: RunRequest
    how: ModelSettings
    base_url: str = ""

    @property
    def max_tokens(self) -> int:
        """Most tokens of the answer; 0 for the server's own."""
        asked = self.request.max_tokens
        given = self.how.params.get("maxTokens")
        most = given if isinstance(given, int) else self.how.max_tokens
        return min(asked, most) if asked and most else asked or most

    @property
    def sees(self) -> bool:
        """Whether the model reads images."""
        return "image" in self.request.model.input


def question(
    request: RunRequest, settings: ProviderSettings, without: frozenset[str] = frozenset()
) -> Question:
    """Prepare a request.

    :param without: what the server would not take: ``tools``, ``thinking``.
    """
    how = settings.how(request.model.id)
    if "thinking" in without:
        request = evolve(request, thinking="")
    tools = () if "tools" in without or not how.compat.supports_tools else request.tools
    # Without tools, servers refuse turns that use them.
    turns = mended(request.turns) if tools else flattened(request.turns)
    return Question(evolve(request, turns=turns, tools=tools), how, settings.base_url)


class Answer(Protocol):
    """Reads one answer into a draft."""

    def event(self, data: bytes) -> None:
        """Read the data of one event.

        :raises NotAnAnswer: for bytes that are none of this API.
        :raises BrokenAnswer: for an error that the server reports.
        """

    def document(self, data: bytes) -> None:
        """Read an answer that came in one piece; raises as ``event`` does."""


class Dialect(Protocol):
    """One API."""

    def url(self, base_url: str) -> str:
        """Say where requests go."""

    def headers(self, settings: ProviderSettings) -> dict[str, str]:
        """What every request carries, the key included."""

    def encode(self, question: Question) -> bytes:
        """Write the body of a request."""

    def answer(self, draft: Draft, request: RunRequest) -> Answer:
        """Begin to read an answer."""


def bearer(settings: ProviderSettings) -> dict[str, str]:
    """The usual way to send a key."""
    return {"authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
