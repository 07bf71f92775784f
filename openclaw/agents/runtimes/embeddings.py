"""Vectors of texts, from providers that speak OpenAI's ``/embeddings``; keeps none of them.

The API: https://platform.openai.com/docs/api-reference/embeddings
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from openclaw.agents.runtimes.dialect import bearer
from openclaw.agents.runtimes.failures import Failures, send
from openclaw.agents.runtimes.provider import MESSAGES, ProviderSettings
from openclaw.agents.runtimes.words import error_words
from openclaw.deferreds import deferred
from openclaw.errors import InvalidRequest
from openclaw.interfaces.agents import IEmbeddings, Vectors
from openclaw.interfaces.outbound import IOutboundHTTP, OutboundError

MOST_INPUTS = 2048
BATCH = 32
"""Texts of one request: its answer is read in one go, and must not hold up everything else."""

MAX_BYTES = 8 * 1024 * 1024
NONE = "the server sent something that is no list of vectors"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One vector."""

    index: int = 0
    embedding: list[float]


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What the texts were counted as."""

    prompt_tokens: int | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """The answer."""

    data: list[Row]
    model: str | None = None
    usage: Tokens | None = None


_documents = msgspec.json.Decoder(Document)


@implementer(IEmbeddings)
class Embeddings:
    """Asks the providers of a catalogue.

    :param settings: of every provider, by id.
    :param resolve: the ``provider/model`` behind an alias; anything else as it is.
    """

    def __init__(
        self,
        settings: Mapping[str, ProviderSettings],
        http: IOutboundHTTP,
        clock: IReactorTime,
        resolve: Callable[[str], str] = str,
    ) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._resolve = resolve

    def providers(self) -> Sequence[str]:
        """See :meth:`IEmbeddings.providers`."""
        return [
            id for id, one in self._settings.items() if one.api != MESSAGES and not one.obstacle
        ]

    @deferred
    async def embed(self, ref: str, inputs: Sequence[str], dimensions: int = 0) -> Vectors:
        """Ask in batches; see :meth:`IEmbeddings.embed`."""
        provider, _, model = self._resolve(ref).partition("/")
        if provider not in self.providers() or not model:
            known = ", ".join(self.providers()) or "none"
            raise InvalidRequest(f"no provider of embeddings for {ref!r}; providers: {known}")
        if not 0 < len(inputs) <= MOST_INPUTS:
            raise InvalidRequest(f"expected 1 to {MOST_INPUTS} texts, found {len(inputs)}")
        rows: list[Sequence[float]] = []
        name, tokens = model, 0
        for at in range(0, len(inputs), BATCH):
            batch = inputs[at : at + BATCH]
            found = await self._ask(self._settings[provider], model, batch, dimensions)
            rows += [row.embedding for row in sorted(found.data, key=lambda row: row.index)]
            name = found.model or name
            tokens += (found.usage.prompt_tokens if found.usage else 0) or 0
        return Vectors(rows, name, tokens)

    async def _ask(
        self, settings: ProviderSettings, model: str, inputs: Sequence[str], dimensions: int
    ) -> Document:
        failures = Failures(settings, self._clock)
        body: dict[str, Any] = {"model": model, "input": list(inputs), "encoding_format": "float"}
        if dimensions:
            body["dimensions"] = dimensions
        headers = {"content-type": "application/json", **bearer(settings)}
        headers.update((name.lower(), value) for name, value in settings.headers.items())
        url = settings.base_url.rstrip("/") + "/embeddings"
        try:
            response = await send(self._http, settings, url, headers, msgspec.json.encode(body))
            if not 200 <= response.status < 300:
                raise await failures.refused(model, response)
            data = await response.read(MAX_BYTES)
        except OutboundError as error:
            raise failures.on_the_way(model, error) from None
        try:
            found = _documents.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            words = error_words(data) if data[:1] == b"{" else ""
            raise failures.failed(model, words or NONE, "stream") from None
        if len(found.data) != len(inputs):
            words = f"asked for {len(inputs)} vectors, the server sent {len(found.data)}"
            raise failures.failed(model, words, "stream")
        return found
