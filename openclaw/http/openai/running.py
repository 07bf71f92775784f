"""A run on behalf of a request: an input like any other, and stopped when the client hangs up."""

from collections.abc import Callable

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from openclaw.deferreds import Tasks
from openclaw.errors import GatewayError, StoreError
from openclaw.http.openai.errors import HungUp, Refused, refusal_of, refusal_of_record
from openclaw.http.openai.exchange import Exchange
from openclaw.http.openai.prompt import Prompt
from openclaw.http.openai.streamed import StreamedAnswer
from openclaw.interfaces.conversations import IConversations, IRuns, NewInput, RunRecord
from openclaw.interfaces.security import Peer

FORMS = {"/v1/chat/completions": "response_format", "/v1/responses": "text"}
"""Which field asks for a form."""


@frozen(kw_only=True)
class Running:
    """Runs what requests say.

    :ivar take_work: counts one request that starts work; raises Busy for one too many.
    :ivar sees_images: whether the model of a session takes images.
    :ivar keeps_forms: whether the API of a session's model can be asked for JSON.
    :ivar noticed: counts what is of interest to operators.
    """

    _log = Logger()

    conversations: IConversations
    runs: IRuns
    tasks: Tasks
    take_work: Callable[[str, str | None, Peer], None]
    sees_images: Callable[[str], bool]
    keeps_forms: Callable[[str], bool]
    noticed: Callable[[str, str], None]

    async def run(
        self, exchange: Exchange, run_id: str, session_key: str, prompt: Prompt
    ) -> RunRecord:
        """Let an agent answer; the answer is wanted whole.

        :return: how it ended, which was well.
        :raises HungUp: the client did not wait for it.
        :raises Refused: the model takes no images, cannot be asked for JSON, or failed.
        :raises openclaw.errors.GatewayError: nothing was accepted.
        """
        record = await self._run(exchange, run_id, session_key, prompt, _unheard)
        if record.final.status != "ok":
            raise refusal_of_record(record)
        return record

    async def stream(
        self,
        exchange: Exchange,
        run_id: str,
        session_key: str,
        prompt: Prompt,
        answer: StreamedAnswer,
    ) -> None:
        """Let an agent answer; each word is wanted as soon as it may be seen.

        :raises HungUp: the client did not wait for it.
        :raises Refused: there is no answer, and nothing was written yet that would say why.
        """
        try:
            record = await self._run(exchange, run_id, session_key, prompt, answer.heard)
        except GatewayError as error:
            refused = refusal_of(error)
        except BaseException:
            answer.close()
            raise
        else:
            if record.final.status == "ok":
                answer.end(record)
                return
            refused = refusal_of_record(record)
        if not answer.fail(refused):
            raise refused

    async def _run(
        self,
        exchange: Exchange,
        run_id: str,
        session_key: str,
        prompt: Prompt,
        heard: Callable[[str], None],
    ) -> RunRecord:
        path = exchange.request.path.decode("latin-1")
        if prompt.has_images and not self.sees_images(session_key):
            raise Refused("the model of this agent takes no images", code="images_not_supported")
        if prompt.sampling.form is not None and not self.keeps_forms(session_key):
            raise Refused(
                "the model of this agent cannot be asked for JSON: its API has no word for it",
                param=FORMS.get(path, ""),
                code="unsupported_value",
            )
        caller = exchange.caller
        self.take_work(path, caller.admitted.device_id, caller.peer)
        new = NewInput(
            run_id=run_id,
            kind="agent",
            session_key=session_key,
            text=prompt.text,
            system=prompt.system,
            owner=caller.owner,
            scopes=tuple(sorted(caller.allowed)),
            wishes=prompt.wishes,
        )
        leave = self.runs.follow(run_id, heard)
        # Whoever waits before the input is handed in cannot miss its end.
        ended = self.conversations.ended(run_id)
        try:
            await self.conversations.accept(new)
            exchange.when_gone(lambda: self._hung_up(session_key, run_id, ended))
            return await ended
        except BaseException:
            ended.addErrback(lambda _: None)
            ended.cancel()
            if exchange.gone:
                raise HungUp from None
            raise
        finally:
            leave()

    def _hung_up(self, session_key: str, run_id: str, ended: Deferred[RunRecord]) -> None:
        self.noticed("http.hung-up", "a client hung up on an answer")
        self.tasks.spawn("stop of a run", self._stop(session_key, run_id, ended))

    async def _stop(self, session_key: str, run_id: str, ended: Deferred[RunRecord]) -> None:
        try:
            await self.runs.abort(session_key, run_id)
        except StoreError as error:
            self._log.warn("{run} not withdrawn: {why}", run=run_id, why=error.message)
        finally:
            ended.cancel()


def _unheard(text: str) -> None:
    """Nobody sees a whole answer grow."""
