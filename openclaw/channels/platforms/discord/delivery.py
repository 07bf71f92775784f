"""Sending, changing, deleting, reacting: Discord's refusals mended where that is known to help."""

from __future__ import annotations

from typing import Any

from attrs import define
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from openclaw.channels.platforms.discord import bodies
from openclaw.channels.platforms.discord.api import (
    Api,
    Broken,
    DiscordError,
    Limited,
    Refused,
    Request,
    Unauthorized,
    Unavailable,
)
from openclaw.channels.platforms.discord.bodies import Body, File
from openclaw.channels.platforms.discord.buckets import Route
from openclaw.channels.platforms.discord.codes import (
    ARCHIVED,
    INVALID_FORM,
    NOT_A_TEXT_CHANNEL,
    REPLY_IMPOSSIBLE,
    THREAD_EXISTS,
    TOO_LARGE,
    UNKNOWN_CHANNEL,
    UNKNOWN_EMOJI,
    UNKNOWN_INTERACTION,
    UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
)
from openclaw.channels.platforms.discord.directory import FORUMS, Directory, channel_of
from openclaw.channels.platforms.discord.places import Places
from openclaw.channels.platforms.discord.tokens import Token, Tokens
from openclaw.channels.platforms.discord.wire import emoji_name, time_of
from openclaw.channels.text.units import utf16_length
from openclaw.interfaces.channels import ILink
from openclaw.interfaces.messages import Attachment, Outgoing, Sent, Target
from openclaw.interfaces.queue import Undelivered

MOST_MENDS = 4
MOST_CONTENT = 2000
NONCE_SECONDS = 120.0
"""Discord knows a repeated message by its nonce for a few minutes; after that we look ourselves."""

MOST_LOST = 1_000
LOOK_BACK = 50
CLOCKS_APART_MS = 10_000
_MESSAGES = "/channels/{channel}/messages"
_MESSAGE = "/channels/{channel}/messages/{message}"
_ANSWER = "/webhooks/{webhook}/{token}/messages/"


def undelivered(error: DiscordError, *, repeatable: bool = True) -> Undelivered:
    """Say of a failed call whether it may be made again.

    :param repeatable: making it twice does no more than making it once.
    """
    if isinstance(error, Limited):
        return Undelivered(error.message, "retry", round(error.after_seconds * 1000 + 0.5))
    if isinstance(error, Unauthorized):
        return Undelivered(error.message, "later")
    if isinstance(error, Broken) and error.refused:
        return Undelivered(error.message, "never")
    if isinstance(error, Broken) and not error.carried:
        return Undelivered(error.message, "retry")
    if isinstance(error, Broken | Unavailable):
        return Undelivered(error.message, "retry" if repeatable else "unknown")
    return Undelivered(error.message, "never")


@define
class _Draft:
    """A message on its way, as far as it has been mended."""

    channel_id: str
    body: Body
    files: list[File]
    is_post: bool = False
    """It opens a new post in a forum, which has no key against doing so twice."""

    @property
    def request(self) -> Request:
        template = "/channels/{channel}/threads" if self.is_post else _MESSAGES
        body = bodies.post_body(self.body) if self.is_post else self.body
        return Request(
            route=Route("POST", template, {"channel": self.channel_id}),
            body=body,
            files=self.files,
        )


class Delivery:
    """What goes out of one account.

    :param own_id: the bot's own id, empty before it is known.
    """

    _log = Logger()

    def __init__(self, link: ILink, api: Api, directory: Directory, tokens: Tokens) -> None:
        self._link = link
        self._api = api
        self._directory = directory
        self._places = Places(api, directory)
        self._tokens = tokens
        self._lost: dict[str, int] = {}
        self.own_id = ""

    # -- messages --------------------------------------------------------------------------------

    async def send(self, outgoing: Outgoing, text: str) -> Sent:
        """Send a message, or answer the interaction that it is an answer to.

        :param text: as rendered.
        :raises Undelivered: see :meth:`IChannel.send`.
        """
        files = await self._files(outgoing.attachment)
        text = text or (outgoing.attachment.caption if outgoing.attachment else "")
        token = await self._tokens.claim(outgoing)
        if token is not None:
            sent = await self._answer(token, text, files)
            if sent is not None:
                return sent
        return await self._message(outgoing, text, files)

    async def edit(self, outgoing: Outgoing, text: str) -> Sent:
        """Change a message; one that is gone is sent anew."""
        token = self._tokens.of_answer(outgoing.message_id)
        body = bodies.changed_body(text, self._directory.people)
        try:
            if token is not None:
                route = self._answer_route("PATCH", token, outgoing.message_id)
                await self._api.call(Request(route=route, body=body, authorized=False))
            else:
                channel_id = await self._places.channel_id(outgoing.target)
                route = Route(
                    "PATCH", _MESSAGE, {"channel": channel_id, "message": outgoing.message_id}
                )
                await self._mended(channel_id, Request(route=route, body=body))
        except Refused as error:
            if error.code not in (UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK):
                raise undelivered(error) from None
            return await self._message(outgoing, text, [])
        except DiscordError as error:
            raise undelivered(error) from None
        return Sent(message_id=outgoing.message_id)

    async def delete(self, target: Target, message_id: str) -> None:
        """Delete a message; one that is gone is a success."""
        await self._on_message("DELETE", _MESSAGE, target, message_id)

    async def react(self, target: Target, message_id: str, emoji: str) -> None:
        """Put our reaction to a message, or take every one of ours away."""
        if self._tokens.is_interaction(message_id):
            return  # A command is no message: nothing is there to react to.
        if emoji:
            await self._on_message(
                "PUT", f"{_MESSAGE}/reactions/{{emoji}}/@me", target, message_id, emoji=named(emoji)
            )
            return
        try:
            channel_id = await self._places.channel_id(target)
            shown = await self._api.get(_MESSAGE, channel=channel_id, message=message_id)
        except DiscordError as error:
            raise undelivered(error) from None
        for reaction in shown.get("reactions") or ():
            if reaction.get("me"):
                await self._on_message(
                    "DELETE",
                    f"{_MESSAGE}/reactions/{{emoji}}/@me",
                    target,
                    message_id,
                    emoji=emoji_name(reaction.get("emoji") or {}),
                )

    async def typing(self, target: Target) -> None:
        """Show for ten seconds that an answer is being written."""
        try:
            channel_id = await self._places.channel_id(target)
            route = Route("POST", "/channels/{channel}/typing", {"channel": channel_id})
            await self._api.call(Request(route=route))
        except DiscordError as error:
            raise undelivered(error) from None

    async def _on_message(
        self, method: str, template: str, target: Target, message_id: str, **more: str
    ) -> None:
        try:
            channel_id = await self._places.channel_id(target)
            values = {"channel": channel_id, "message": message_id, **more}
            await self._mended(channel_id, Request(route=Route(method, template, values)))
        except Refused as error:
            gone = (UNKNOWN_MESSAGE, UNKNOWN_EMOJI, UNKNOWN_CHANNEL)
            if method != "DELETE" or error.code not in gone:
                raise undelivered(error) from None
        except DiscordError as error:
            raise undelivered(error) from None

    # -- answers to interactions -----------------------------------------------------------------

    async def _answer(self, token: Token, text: str, files: list[File]) -> Sent | None:
        """Answer an interaction; ``None`` if it can no longer be answered."""
        body = bodies.changed_body(text, self._directory.people)
        route = self._answer_route("PATCH", token, "@original")
        try:
            made = await self._api.call(
                Request(route=route, body=body, files=files, authorized=False)
            )
        except Refused as error:
            self._log.warn("discord: a command is answered in its channel: {why}", why=error)
            # Its answer by HTTP may still be on its way there.
            young = self._link.now_ms() - token.at_ms < 3_000
            if error.code in (UNKNOWN_WEBHOOK, UNKNOWN_MESSAGE, UNKNOWN_INTERACTION) and young:
                raise Undelivered(error.message, "retry", 500) from None
            self._tokens.drop(token)
            return None
        except DiscordError as error:
            raise undelivered(error) from None
        message_id = str((made or {}).get("id") or "")
        self._tokens.answered(token, message_id)
        return Sent(message_id=message_id)

    def _answer_route(self, method: str, token: Token, message: str) -> Route:
        # A token is part of the path; the ids that a person sees are not.
        values = {"webhook": token.application_id, "token": token.token, "message": message}
        template = _ANSWER + ("@original" if message == "@original" else "{message}")
        return Route(method, template, values)

    # -- ordinary messages -----------------------------------------------------------------------

    async def _message(self, outgoing: Outgoing, text: str, files: list[File]) -> Sent:
        settings = self._link.settings
        body = bodies.message_body(outgoing, text, self._directory.people, settings.suppress_embeds)
        if self._tokens.is_interaction(outgoing.target.reply_to):
            body.pop("message_reference", None)
        try:
            channel_id = await self._places.channel_id(outgoing.target)
            channel_id = await self._own_thread(outgoing, channel_id, body)
            found = await self._sent_before(outgoing.id, channel_id, body)
            if found is not None:
                return found
        except DiscordError as error:
            raise undelivered(error) from None
        known = self._directory.channels.get(channel_id)
        is_post = known is not None and known.kind in FORUMS
        return await self._post(outgoing, _Draft(channel_id, body, files, is_post))

    async def _post(self, outgoing: Outgoing, draft: _Draft) -> Sent:
        """Post a message, mending what Discord refuses for as long as that helps."""
        for _ in range(MOST_MENDS):
            try:
                made = await self._api.call(draft.request)
            except Refused as error:
                if not await self._mend(draft, error):
                    raise undelivered(error) from None
            except DiscordError as error:
                failed = undelivered(error, repeatable=not draft.is_post)
                if isinstance(error, Broken | Unavailable):
                    self._note_lost(outgoing.id)
                raise failed from None
            else:
                self._lost.pop(outgoing.id, None)
                return self._made(made, outgoing, draft)
        raise Undelivered("Discord refuses the message, however it is changed", "never")

    def _made(self, made: Any, outgoing: Outgoing, draft: _Draft) -> Sent:
        message_id = str((made or {}).get("id") or "")
        if draft.is_post:
            self._directory.add(channel_of(made))
            # A post's first message has its post's id, and is found there.
            return Sent(message_id=message_id, chat_id=message_id)
        return Sent(message_id=message_id)

    async def _mend(self, draft: _Draft, error: Refused) -> bool:
        """Change a refused message so that it may be taken; false if nothing is known to help."""
        form = error.code == INVALID_FORM and any("message_reference" in p for p in error.paths)
        if (error.code in REPLY_IMPOSSIBLE or form) and "message_reference" in draft.body:
            del draft.body["message_reference"]
            return True
        if error.code == ARCHIVED:
            return await self._opened_again(draft.channel_id)
        if error.code == NOT_A_TEXT_CHANNEL and not draft.is_post:
            draft.is_post = await self._is_forum(draft.channel_id)
            return draft.is_post
        if (error.code == TOO_LARGE or error.status == 413) and draft.files:
            names = ", ".join(file.name for file in draft.files)
            note = f"({names}: too large for Discord here)"
            told = "\n".join(filter(None, (draft.body["content"], note)))
            if utf16_length(told) <= MOST_CONTENT:
                draft.body["content"] = told
            else:
                self._log.warn("discord: left out, and no room to say so: {note}", note=note)
            draft.files = []
            return True
        return False

    async def _mended(self, channel_id: str, request: Request) -> Any:
        """Make a call; an archived thread is opened for it."""
        try:
            return await self._api.call(request)
        except Refused as error:
            if error.code != ARCHIVED or not await self._places.open_again(channel_id):
                raise
        return await self._api.call(request)

    async def _opened_again(self, channel_id: str) -> bool:
        try:
            return await self._places.open_again(channel_id)
        except DiscordError as error:
            raise undelivered(error) from None

    async def _is_forum(self, channel_id: str) -> bool:
        try:
            channel = await self._places.look_up(channel_id)
        except DiscordError as error:
            raise undelivered(error) from None
        return channel is not None and channel.kind in FORUMS

    async def _own_thread(self, outgoing: Outgoing, channel_id: str, body: Body) -> str:
        """Open a thread under the answered message where that is configured."""
        target = outgoing.target
        known = self._directory.channels.get(channel_id)
        wanted = "message_reference" in body and not target.thread_id and known is not None
        if not wanted or known is None or known.is_thread:
            return channel_id
        if not self._link.settings.opens_threads(known.guild_id, channel_id, known.name):
            return channel_id
        route = Route(
            "POST",
            f"{_MESSAGE}/threads",
            {"channel": channel_id, "message": target.reply_to},
        )
        form = {
            "name": bodies.thread_name(body["content"]),
            "auto_archive_duration": bodies.THREAD_MINUTES,
        }
        try:
            self._directory.add(channel_of(await self._api.call(Request(route=route, body=form))))
        except Refused as error:
            if error.code != THREAD_EXISTS:
                self._log.warn("discord: no thread was opened: {why}", why=error.message)
                return channel_id
        del body["message_reference"]
        return target.reply_to  # A thread has the id of the message that it hangs under.

    # -- whether it was sent ---------------------------------------------------------------------

    def _note_lost(self, outgoing_id: str) -> None:
        self._lost.setdefault(outgoing_id, self._link.now_ms())
        if len(self._lost) > MOST_LOST:
            self._lost.pop(next(iter(self._lost)))

    async def _sent_before(self, outgoing_id: str, channel_id: str, body: Body) -> Sent | None:
        """Look for a message whose answer was lost too long ago for its nonce to help."""
        first_ms = self._lost.get(outgoing_id)
        if first_ms is None or self._link.now_ms() - first_ms < NONCE_SECONDS * 1000:
            return None
        latest = await self._api.get(_MESSAGES, f"limit={LOOK_BACK}", channel=channel_id)
        for message in latest:
            ours = str((message.get("author") or {}).get("id")) == self.own_id
            same = (message.get("content") or "").strip() == body["content"].strip()
            since = time_of(str(message.get("id"))) >= first_ms - CLOCKS_APART_MS
            if ours and same and since:
                return Sent(message_id=str(message["id"]))
        return None

    # -- files -----------------------------------------------------------------------------------

    async def _files(self, attachment: Attachment | None) -> list[File]:
        if attachment is None:
            return []
        try:
            return [await deferToThread(_read, attachment)]
        except OSError as error:
            told = f"the file to be sent cannot be read: {error.strerror}"
            raise Undelivered(told, "never") from None


def named(emoji: str) -> str:
    """An emoji as Discord's paths name it: itself, or ``name:id`` out of ``<:name:id>``."""
    inner = emoji.strip("<>")
    return inner.removeprefix("a:").lstrip(":") if inner != emoji else emoji


def _read(attachment: Attachment) -> File:
    with open(attachment.path, "rb") as opened:
        content = opened.read()
    name = attachment.name or attachment.path.rpartition("/")[2]
    return File(name, attachment.mime or "application/octet-stream", content)
