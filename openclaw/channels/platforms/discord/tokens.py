"""Interactions that wait for their answer, and the tokens that answer them, for 15 minutes."""

from __future__ import annotations

import msgspec
from attrs import define, field
from twisted.internet.defer import Deferred

from openclaw.interfaces.channels import ILink
from openclaw.interfaces.messages import Outgoing, Target

STATE = "interactions"
VALID_MS = 14 * 60_000 + 30_000
"""Discord keeps a token for 15 minutes; an answer has to get there in time."""

MOST = 200


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One interaction, as it is kept.

    :ivar message_id: of the answer, once it was given.
    :ivar run_id: of the answer.
    """

    id: str
    token: str
    application_id: str
    chat_id: str
    thread_id: str
    at_ms: int
    message_id: str = ""
    answered: bool = False


@define
class _Greeting:
    """An interaction that Discord has not been told of that it came."""

    waiting: list[Deferred[None]] = field(factory=list)


class Tokens:
    """The interactions of the last minutes, in memory and in the account's durable state."""

    def __init__(self, link: ILink) -> None:
        self._link = link
        self._kept: dict[str, Token] | None = None
        self._greeting: dict[str, _Greeting] = {}

    def begin(self, token: Token) -> None:
        """An interaction came; until :meth:`greeted` nobody may answer it."""
        self._fresh()[token.id] = token
        self._greeting[token.id] = _Greeting()

    def greeted(self, interaction_id: str, *, awaits_answer: bool) -> None:
        """Discord was told that it came, or told all there is to tell."""
        kept = self._fresh()
        if not awaits_answer:
            kept.pop(interaction_id, None)
        greeting = self._greeting.pop(interaction_id, _Greeting())
        self._keep()
        for waiting in greeting.waiting:
            waiting.callback(None)

    async def claim(self, outgoing: Outgoing) -> Token | None:
        """The interaction that a message answers; ``None`` for an ordinary message.

        It is the one that the message replies to; for a message that replies to nothing, the
        oldest that waits in the same place.
        """
        if outgoing.part:
            return None
        token = self._waiting_for(outgoing.target)
        if token is not None and token.id in self._greeting:
            greeted: Deferred[None] = Deferred()
            self._greeting[token.id].waiting.append(greeted)
            await greeted
            token = self._waiting_for(outgoing.target)
        return token

    def is_interaction(self, message_id: str) -> bool:
        """Whether an id is an interaction's: no message can be a reply to that."""
        return message_id in self._fresh()

    def answered(self, token: Token, message_id: str) -> None:
        """The answer stands."""
        done = msgspec.structs.replace(token, answered=True, message_id=message_id)
        self._fresh()[token.id] = done
        self._keep()

    def drop(self, token: Token) -> None:
        """Discord no longer knows it."""
        self._fresh().pop(token.id, None)
        self._keep()

    def of_answer(self, message_id: str) -> Token | None:
        """The interaction whose answer a message is."""
        kept = self._fresh().values()
        return next((one for one in kept if one.message_id == message_id), None)

    def _waiting_for(self, target: Target) -> Token | None:
        kept = self._fresh()
        if target.reply_to:
            token = kept.get(target.reply_to)
            return None if token is None or token.answered else token
        place = (target.chat_id, target.thread_id)
        return next(
            (one for one in kept.values() if not one.answered and place_of(one) == place), None
        )

    def _fresh(self) -> dict[str, Token]:
        if self._kept is None:
            self._kept = self._read()
        oldest = self._link.now_ms() - VALID_MS
        over = [one.id for one in self._kept.values() if one.at_ms < oldest]
        over += list(self._kept)[: max(0, len(self._kept) - MOST)]
        for interaction_id in over:
            self._kept.pop(interaction_id, None)
        return self._kept

    def _read(self) -> dict[str, Token]:
        text = self._link.state.get(STATE)
        try:
            tokens = msgspec.json.decode(text, type=list[Token]) if text else []
        except msgspec.MsgspecError:  # Another release wrote it; they last minutes anyway.
            return {}
        return {token.id: token for token in tokens}

    def _keep(self) -> None:
        kept = [one for one in self._fresh().values() if one.id not in self._greeting]
        text = msgspec.json.encode(kept).decode() if kept else ""
        # Without it an answer after a restart is an ordinary message: no reason to fail.
        self._link.state.put(STATE, text).addErrback(lambda _: None)


def place_of(token: Token) -> tuple[str, str]:
    """Where an interaction waits, as targets name it."""
    return token.chat_id, token.thread_id
