"""The runtime for OpenAI-compatible servers: one streaming chat completion per run, no tools."""

from collections.abc import Sequence

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from zope.interface import implementer

from openclaw.agents.runtimes.provider import ProviderSettings
from openclaw.agents.runtimes.refusal import kind_of, retry_after_ms
from openclaw.agents.runtimes.relay import BrokenAnswer, Relay
from openclaw.agents.runtimes.wire import MAX_WORDS, encode_request, error_words
from openclaw.deferreds import deferred
from openclaw.errors import ModelError
from openclaw.interfaces.agents import (
    MOST_TURNS,
    IAgentRuntime,
    IRunSink,
    ModelInfo,
    RunOutcome,
    RunRequest,
)
from openclaw.interfaces.outbound import IOutboundHTTP, IOutboundResponse, OutboundError

RETRY_SECONDS = 0.25
"""Pause before the only second try, which there is when no connection carried the first."""

MAX_ERROR_BYTES = 64 * 1024

KINDS = {"connect": "network", "lost": "network", "timeout": "timeout", "too_large": "stream"}
"""Kinds of :class:`ModelError` for what befell the request on its way."""


@implementer(IAgentRuntime)
class OpenAIRuntime:
    """One provider that speaks ``openai-completions``.

    :param clock: for the pause before the second try, and for dates in ``Retry-After``.
    """

    name = "openai-completions"
    most_turns = MOST_TURNS

    def __init__(
        self, settings: ProviderSettings, http: IOutboundHTTP, clock: IReactorTime
    ) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._url = settings.base_url.rstrip("/") + "/chat/completions"

    def models(self) -> Sequence[ModelInfo]:
        """The models of this provider's settings."""
        return self._settings.models

    @deferred
    async def run(self, request: RunRequest, sink: IRunSink) -> RunOutcome:
        """Ask the server, relay what it says."""
        try:
            response = await self._ask(encode_request(request))
        except OutboundError as error:
            raise self._failed(request, error.message, KINDS.get(error.kind, "invalid")) from None
        if not 200 <= response.status < 300:
            raise await self._refused(request, response)
        sink.model_started(request.model.provider, request.model.id)
        return await self._relay(request, response, sink)

    async def _ask(self, body: bytes) -> IOutboundResponse:
        try:
            return await self._post(body)
        except OutboundError as error:
            if error.kind != "connect":
                raise
        await deferLater(self._clock, RETRY_SECONDS)
        return await self._post(body)

    async def _post(self, body: bytes) -> IOutboundResponse:
        settings = self._settings
        headers = {"content-type": "application/json", "accept": "text/event-stream"}
        if settings.api_key:
            headers["authorization"] = f"Bearer {settings.api_key}"
        headers.update((name.lower(), value) for name, value in settings.headers.items())
        return await self._http.request(
            "POST",
            self._url,
            headers,
            body,
            connect_seconds=settings.connect_seconds,
            idle_seconds=settings.idle_seconds,
            trusted=True,
        )

    async def _relay(
        self, request: RunRequest, response: IOutboundResponse, sink: IRunSink
    ) -> RunOutcome:
        relay = Relay(sink.delta)

        def on_data(data: bytes) -> None:
            if relay.feed(data):
                response.release()

        try:
            await response.deliver(on_data)
        except OutboundError as error:
            if not relay.answered:  # Else only the figures after the last word are missing.
                words = f"the answer broke off after {relay.characters} characters: {error.message}"
                kind = "timeout" if error.kind == "timeout" else "stream"
                raise self._failed(request, words, kind) from None
        except BrokenAnswer as error:
            raise self._failed(request, str(error), "stream") from None
        finally:
            relay.close()
        try:
            return relay.end()
        except BrokenAnswer as error:
            raise self._failed(request, str(error), "stream") from None

    async def _refused(self, request: RunRequest, response: IOutboundResponse) -> ModelError:
        status = response.status
        wait = retry_after_ms(
            response.header("retry-after-ms"), response.header("retry-after"), self._clock.seconds()
        )
        try:
            words = error_words(await response.read(MAX_ERROR_BYTES))
        except OutboundError:  # The status is known; words would have been nice.
            words = ""
        said = f"answered {status}: {words}" if words else f"answered {status}{_hint(status)}"
        return self._failed(request, said, kind_of(status), wait)

    def _failed(
        self, request: RunRequest, words: str, kind: str, wait_ms: int | None = None
    ) -> ModelError:
        words = self._settings.hide_secrets(words)
        if len(words) > MAX_WORDS:
            words = words[:MAX_WORDS] + "…"
        return ModelError(
            f"{request.model.provider}: {words}",
            kind=kind,
            provider=request.model.provider,
            model=request.model.id,
            retry_after_ms=wait_ms,
        )


def _hint(status: int) -> str:
    """Say what to look at when the server itself said nothing."""
    if 300 <= status < 400:
        return ", a redirect; set the provider's baseUrl to where it leads"
    return "; are the provider's baseUrl and the model's id right?" if status == 404 else ""
