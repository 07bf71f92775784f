"""The runtime for models behind a wire: one streaming request per run, whatever the API."""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from openclaw.agents.runtimes.concessions import CONCESSION_SECONDS, Concessions, concession
from openclaw.agents.runtimes.dialect import Dialect, question
from openclaw.agents.runtimes.draft import BrokenAnswer, Draft, Hearing, call_ids
from openclaw.agents.runtimes.failures import Failures, send
from openclaw.agents.runtimes.provider import ProviderSettings
from openclaw.agents.runtimes.relay import Relay
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


def dialect_of(api: str) -> Dialect:
    """Give the dialect of an API, loading it at its first use.

    :raises KeyError: it is not served.
    """
    if api == "anthropic-messages":
        from openclaw.agents.runtimes.messages.dialect import Messages

        return Messages()
    if api == "openai-responses":
        from openclaw.agents.runtimes.responses.dialect import Responses

        return Responses()
    if api == "openai-completions":
        from openclaw.agents.runtimes.completions.dialect import Completions

        return Completions()
    raise KeyError(api)


@implementer(IAgentRuntime)
class ServerRuntime:
    """One provider; each of its models may speak an API of its own.

    :param clock: for the pause before the second try, for dates in ``Retry-After``, and for the
        deadline of a run.
    """

    most_turns = MOST_TURNS
    _log = Logger()

    def __init__(
        self, settings: ProviderSettings, http: IOutboundHTTP, clock: IReactorTime
    ) -> None:
        self.name = settings.api
        self._settings = settings
        self._http = http
        self._clock = clock
        self._dialects: dict[str, Dialect] = {}
        self._concessions = Concessions(clock)
        self._failures = Failures(settings, clock)

    def models(self) -> tuple[ModelInfo, ...]:
        """The models of this provider's settings."""
        return self._settings.models

    def run(self, request: RunRequest, sink: IRunSink) -> Deferred[RunOutcome]:
        """Ask the server, relay what it says; see :class:`IAgentRuntime`."""
        seconds = request.timeout_seconds

        def too_late(_: object, __: float) -> Failure:
            return Failure(self._failed(request, f"no answer within {seconds:g} s", "timeout"))

        return self._run(request, sink).addTimeout(seconds, self._clock, too_late)

    @deferred
    async def _run(self, request: RunRequest, sink: IRunSink) -> RunOutcome:
        """Ask, and if the server cannot do all that is asked of it, ask for less."""
        while True:
            without = self._concessions.of(request.model.id)
            response = await self._ask(request, without)
            if 200 <= response.status < 300:
                sink.model_started(request.model.provider, request.model.id)
                return await self._relay(request, response, sink)
            error = await self._failures.refused(request.model.id, response)
            lacking = concession(error.message, request)
            if not lacking or lacking in without:
                raise error
            self._concede(request, lacking, error.message)

    def _concede(self, request: RunRequest, what: str, words: str) -> None:
        self._concessions.make(request.model.id, what)
        self._log.warn(
            "{model} is asked without {what} for the next {minutes} minutes: {words}",
            model=request.model.ref,
            what=what,
            minutes=CONCESSION_SECONDS // 60,
            words=words,
        )

    async def _ask(self, request: RunRequest, without: frozenset[str]) -> IOutboundResponse:
        dialect = self._dialect(request.model)
        asking = question(request, self._settings, without)
        headers = {"content-type": "application/json", "accept": "text/event-stream"}
        headers.update(dialect.headers(self._settings))
        for own in (self._settings.headers, asking.how.headers):
            headers.update((name.lower(), value) for name, value in own.items())
        body = dialect.encode(asking)
        url = dialect.url(self._settings.base_url)
        try:
            return await self._post(url, headers, body)
        except OutboundError as error:
            raise self._failures.on_the_way(request.model.id, error) from None

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> IOutboundResponse:
        try:
            return await self._send(url, headers, body)
        except OutboundError as error:
            if error.kind != "connect":
                raise
        await deferLater(self._clock, RETRY_SECONDS)
        return await self._send(url, headers, body)

    def _send(self, url: str, headers: dict[str, str], body: bytes) -> Deferred[IOutboundResponse]:
        return send(self._http, self._settings, url, headers, body)

    async def _relay(
        self, request: RunRequest, response: IOutboundResponse, sink: IRunSink
    ) -> RunOutcome:
        draft = Draft(Hearing(sink.delta, sink.thought), call_ids(request))
        relay = Relay(self._dialect(request.model).answer(draft, request), draft)

        def on_data(data: bytes) -> None:
            if relay.feed(data):
                response.release()

        try:
            await self._deliver(request, response, on_data, draft)
            return relay.end()
        except BrokenAnswer as error:
            raise self._broken(request, error) from None
        finally:
            relay.close()

    async def _deliver(
        self,
        request: RunRequest,
        response: IOutboundResponse,
        on_data: Callable[[bytes], None],
        draft: Draft,
    ) -> None:
        try:
            await response.deliver(on_data)
        except OutboundError as error:
            if draft.answered:  # Only the figures after the last word are missing.
                return
            words = f"the answer broke off after {draft.characters} characters: {error.message}"
            kind = "timeout" if error.kind == "timeout" else "stream"
            raise self._failed(request, words, kind) from None

    def _dialect(self, model: ModelInfo) -> Dialect:
        api = self._settings.how(model.id).api
        if api not in self._dialects:
            self._dialects[api] = dialect_of(api)
        return self._dialects[api]

    def _failed(self, request: RunRequest, words: str, kind: str, reason: str = "") -> ModelError:
        return self._failures.failed(request.model.id, words, kind, reason=reason)

    def _broken(self, request: RunRequest, error: BrokenAnswer) -> ModelError:
        return self._failed(request, str(error), error.kind, error.reason)
