"""What went wrong with a provider, as the error that whoever asked is told; hides every secret."""

from urllib.parse import urlsplit

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from openclaw.agents.runtimes.provider import ProviderSettings
from openclaw.agents.runtimes.refusal import kind_of, reason_of, retry_after_ms
from openclaw.agents.runtimes.words import (
    MAX_WORDS,
    error_labels,
    error_words,
    is_bill,
    reason_of_labels,
)
from openclaw.deferreds import deferred
from openclaw.errors import ModelError
from openclaw.interfaces.outbound import IOutboundHTTP, IOutboundResponse, OutboundError

MAX_ERROR_BYTES = 64 * 1024

KINDS = {"connect": "network", "lost": "network", "timeout": "timeout", "too_large": "stream"}
"""Kinds of :class:`ModelError` for what befell the request on its way."""


class Failures:
    """Makes the errors of one provider.

    :param clock: for dates in ``Retry-After``.
    """

    def __init__(self, settings: ProviderSettings, clock: IReactorTime) -> None:
        self._settings = settings
        self._clock = clock

    def on_the_way(self, model: str, error: OutboundError) -> ModelError:
        """A request that got no answer."""
        return self.failed(model, error.message, KINDS.get(error.kind, "invalid"))

    @deferred
    async def refused(self, model: str, response: IOutboundResponse) -> ModelError:
        """An answer that is none; never fails, but is cancelled as the reading is."""
        status = response.status
        wait = retry_after_ms(
            response.header("retry-after-ms"), response.header("retry-after"), self._clock.seconds()
        )
        try:
            body = await response.read(MAX_ERROR_BYTES)
        except OutboundError:  # The status is known; words would have been nice.
            body = b""
        words = error_words(body)
        hint = _hint(status, response.header("location"))
        said = f"answered {status}: {words}" if words else f"answered {status}{hint}"
        if is_bill(words):
            return self.failed(model, said, "auth", wait, "billing")
        reason = reason_of_labels(error_labels(body)) or reason_of(status)
        return self.failed(model, said, kind_of(status), wait, reason)

    def failed(
        self, model: str, words: str, kind: str, wait_ms: int | None = None, reason: str = ""
    ) -> ModelError:
        """Any failure, in somebody's words."""
        provider = self._settings.id
        words = self._settings.hide_secrets(words)
        if len(words) > MAX_WORDS:
            words = words[:MAX_WORDS] + "…"
        return ModelError(
            f"{provider}: {words}",
            kind=kind,
            provider=provider,
            model=model,
            retry_after_ms=wait_ms,
            failover_reason=reason,
        )


def send(
    http: IOutboundHTTP,
    settings: ProviderSettings,
    url: str,
    headers: dict[str, str],
    body: bytes,
) -> Deferred[IOutboundResponse]:
    """Send one request to a provider; its address is the operator's own."""
    return http.request(
        "POST",
        url,
        headers,
        body,
        connect_seconds=settings.connect_seconds,
        idle_seconds=settings.idle_seconds,
        trusted=True,
    )


HINTS = {
    401: "; is the provider's apiKey right?",
    403: "; may the provider's apiKey use this model?",
    404: "; are the provider's baseUrl and the model's id right?",
    413: "; the conversation is too long for it, begin a new one with /reset",
}
"""What to look at when the server itself said nothing."""


def _hint(status: int, location: str) -> str:
    if 300 <= status < 400:
        where = urlsplit(location)
        # Queries and what stands before an @ may hold secrets.
        host = where.netloc.rpartition("@")[2]
        leads = f" to {where.scheme}://{host}{where.path}" if host else ""
        return f", a redirect{leads}; set the provider's baseUrl to where it leads"
    return HINTS.get(status, "")
