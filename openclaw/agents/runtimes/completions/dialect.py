"""``openai-completions`` as a dialect: where it is asked, with what, who reads the answer."""

from openclaw.agents.runtimes.completions.answer import CompletionsAnswer
from openclaw.agents.runtimes.completions.request import encode_request
from openclaw.agents.runtimes.dialect import Answer, Question, bearer
from openclaw.agents.runtimes.draft import Draft
from openclaw.agents.runtimes.provider import ProviderSettings
from openclaw.interfaces.agents import RunRequest


class Completions:
    """The API; see :class:`Dialect`."""

    def url(self, base_url: str) -> str:
        """Below the address that the API's own clients are given."""
        return base_url.rstrip("/") + "/chat/completions"

    def headers(self, settings: ProviderSettings) -> dict[str, str]:
        """The key."""
        return bearer(settings)

    def encode(self, question: Question) -> bytes:
        """Write the body."""
        return encode_request(question)

    def answer(self, draft: Draft, request: RunRequest) -> Answer:
        """Begin to read."""
        return CompletionsAnswer(draft, request.model)
