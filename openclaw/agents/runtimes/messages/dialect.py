"""``anthropic-messages`` as a dialect: where it is asked, with what, who reads the answer."""

from urllib.parse import urlsplit

from openclaw.agents.runtimes.dialect import Answer, Question, bearer
from openclaw.agents.runtimes.draft import Draft
from openclaw.agents.runtimes.messages.answer import MessagesAnswer
from openclaw.agents.runtimes.messages.request import encode_request
from openclaw.agents.runtimes.provider import ProviderSettings
from openclaw.interfaces.agents import RunRequest

VERSION = "2023-06-01"


class Messages:
    """The API; see :class:`Dialect`."""

    def url(self, base_url: str) -> str:
        """Below an address that may or may not end with ``/v1``: both are usual."""
        base = base_url.rstrip("/")
        versioned = urlsplit(base).path.endswith("/v1")
        return base + ("/messages" if versioned else "/v1/messages")

    def headers(self, settings: ProviderSettings) -> dict[str, str]:
        """The version, and the key."""
        headers = {"anthropic-version": VERSION}
        if settings.bearer:
            return {**headers, **bearer(settings)}
        return {**headers, "x-api-key": settings.api_key} if settings.api_key else headers

    def encode(self, question: Question) -> bytes:
        """Write the body."""
        return encode_request(question)

    def answer(self, draft: Draft, request: RunRequest) -> Answer:
        """Begin to read."""
        return MessagesAnswer(draft, request.model)
