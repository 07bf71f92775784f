"""The tool ``message``: says something through a channel, at once and not at the end of a run."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from openclaw.agents.tools.schemas import Arguments
from openclaw.agents.tools.visibility import is_origin
from openclaw.deferreds import deferred
from openclaw.errors import GatewayError
from openclaw.interfaces.channels import IChannels
from openclaw.interfaces.messages import Outgoing, OutgoingKind, Sent, Target
from openclaw.interfaces.tools import Authority, Effect, ITool, ToolFailed, ToolResult, ToolUse

Action = Literal["send", "reply", "react", "edit", "delete"]
PATIENCE_SECONDS = 30.0
_KINDS: dict[str, OutgoingKind] = {"react": "react", "edit": "edit", "delete": "delete"}
_DONE = {"react": "reacted", "edit": "edited it", "delete": "deleted it"}


class MessageArguments(Arguments, frozen=True, kw_only=True):
    """What ``message`` takes."""

    action: Annotated[
        Action, Meta(description="send; reply: to the message that asked; or change one.")
    ] = "send"
    message: Annotated[str, Meta(description="What to say, Markdown.", max_length=100_000)] = ""
    media_url: Annotated[str, Meta(description="Public address of a file to send along.")] = ""
    channel: Annotated[str, Meta(description="Channel; left out: where you were asked.")] = ""
    target: Annotated[str, Meta(description="Chat id there; left out: where you were asked.")] = ""
    account_id: Annotated[str, Meta(description="Account of the channel, if it has several.")] = ""
    thread_id: Annotated[str, Meta(description="Thread in the chat.")] = ""
    message_id: Annotated[str, Meta(description="What is replied to, reacted to, changed.")] = ""
    emoji: Annotated[str, Meta(description="For react; empty takes the reaction back.")] = ""


@implementer(ITool)
class MessageTool:
    """Sends through channels: where the run was asked from, or elsewhere for the owner.

    Only the owner's runs change messages: on some platforms an account may delete what others said.

    :param make_id: names the calls: each use is a message of its own.
    """

    name = "message"
    description = (
        "Sends a message, a file or a reaction through a chat channel right away. Not for your "
        "answer: that is delivered by itself."
    )
    arguments = MessageArguments
    effect: Effect = "external"

    def __init__(
        self, channels: IChannels, make_id: Callable[[], str], clock: IReactorTime
    ) -> None:
        self._channels = channels
        self._make_id = make_id
        self._clock = clock

    def allowed(self, authority: Authority, agent_id: str) -> bool:
        """To speak where it was asked is anybody's run's right; a run from nowhere needs more."""
        return authority.owner or authority.origin is not None

    @deferred
    async def use(self, arguments: Any, use: ToolUse) -> ToolResult:
        """See :meth:`ITool.use`."""
        try:
            target = self._target(arguments, use.authority)
            self._check(arguments, target, use.authority)
            calls = await self._calls(arguments, target, use)
            sent = await self._sent(calls)
        except GatewayError as error:
            raise ToolFailed(error.message) from None
        if sent is None:
            return ToolResult(
                text="accepted and kept: it is delivered as soon as the channel takes it. "
                "Do not send it again.",
                title="queued a message",
            )
        where = f"{target.channel} {target.chat_id}"
        done = _DONE.get(arguments.action, "sent")
        return ToolResult(
            text=f"{done}, {where}, message id {sent[0].message_id}", title=f"{done}: {where}"
        )

    def _target(self, arguments: MessageArguments, authority: Authority) -> Target:
        """Where it goes."""
        origin = None if authority.origin is None else authority.origin.target
        named = bool(arguments.target or arguments.channel or arguments.account_id)
        if not named and origin is None:
            raise ToolFailed("you were not asked from a channel: name channel and target")
        if not named and origin is not None:
            reply = arguments.message_id or (origin.reply_to if arguments.action == "reply" else "")
            return Target(
                channel=origin.channel,
                account=origin.account,
                chat_id=origin.chat_id,
                chat_type=origin.chat_type,
                thread_id=arguments.thread_id or origin.thread_id,
                reply_to=reply,
            )
        channel = arguments.channel or (origin.channel if origin is not None else "")
        if not arguments.target or not channel:
            raise ToolFailed("name both channel and target, or none of them")
        return Target(
            channel=channel,
            account=arguments.account_id or self._account(channel, origin),
            chat_id=arguments.target,
            thread_id=arguments.thread_id or self._thread(arguments, channel, origin),
            reply_to=arguments.message_id,
        )

    def _account(self, channel: str, origin: Target | None) -> str:
        if origin is not None and origin.channel == channel:
            return origin.account
        return str(self._channels.default_account(channel))

    def _thread(self, arguments: MessageArguments, channel: str, origin: Target | None) -> str:
        """A chat that is named in full is meant with the thread that one is in."""
        here = origin is not None and (origin.channel, origin.chat_id) == (
            channel,
            arguments.target,
        )
        return origin.thread_id if here and origin is not None else ""

    def _check(self, arguments: MessageArguments, target: Target, authority: Authority) -> None:
        """Raise if this run may not do this there."""
        if not authority.owner and not is_origin(authority, target):
            raise ToolFailed("only the owner may have you write to others: say it in your answer")
        if not authority.owner and arguments.action in ("edit", "delete"):
            raise ToolFailed(f"only the owner may have you {arguments.action} messages")
        if arguments.action in _KINDS and not arguments.message_id:
            raise ToolFailed(f"{arguments.action} needs messageId")
        wordless = arguments.action in ("react", "delete") or arguments.media_url
        if not wordless and not arguments.message.strip():
            raise ToolFailed("message is empty: say what to send")
        self._check_ability(arguments.action, target.channel)

    def _check_ability(self, action: Action, channel: str) -> None:
        for manifest in self._channels.manifests():
            kind = _KINDS.get(action)
            if manifest.id == channel and kind and not getattr(manifest.abilities, kind):
                raise ToolFailed(f"{manifest.label} cannot {action} messages")

    async def _calls(
        self, arguments: MessageArguments, target: Target, use: ToolUse
    ) -> Sequence[Outgoing]:
        key = f"tool:{self._make_id()}"
        more: dict[str, Any] = {"run_id": use.run_id, "session_key": use.session_key}
        if arguments.action in _KINDS:
            return [
                Outgoing(
                    id=key,
                    target=target,
                    kind=_KINDS[arguments.action],
                    text=arguments.message if arguments.action == "edit" else "",
                    message_id=arguments.message_id,
                    emoji=arguments.emoji,
                    **more,
                )
            ]
        if arguments.media_url:
            file = await self._channels.attach(target.channel, target.account, arguments.media_url)
            more["attachment"] = file
        return await self._channels.compose(target, arguments.message, key, **more)

    async def _sent(self, calls: Sequence[Outgoing]) -> Sequence[Sent] | None:
        """What the platform said; ``None`` if it has said nothing yet: the outbox keeps trying."""
        sending: Deferred[Sequence[Sent]] = self._channels.send(calls)
        try:
            return await sending.addTimeout(PATIENCE_SECONDS, self._clock)
        except TooLate:
            return None
