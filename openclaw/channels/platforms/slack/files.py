"""Files to Slack and from it: three calls to share one, a guarded request to fetch one.

See https://docs.slack.dev/messaging/working-with-files.
"""

from pathlib import Path
from urllib.parse import urljoin, urlsplit

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from openclaw.channels.hosts import leads_here
from openclaw.channels.platforms.slack.api import Answer, WebApi
from openclaw.channels.platforms.slack.failures import Kind, SlackError
from openclaw.channels.platforms.slack.fields import Fields, is_ts, part, parts, text
from openclaw.errors import StoreError
from openclaw.interfaces.channels import IChannelState
from openclaw.interfaces.messages import Attachment, Outgoing
from openclaw.interfaces.outbound import IOutboundHTTP, IOutboundResponse, OutboundError

HOSTS = ("slack.com", "slack-edge.com", "slack-files.com")
_REDIRECTS = 3
_UPLOAD_SECONDS = 60.0
# Slack shares a file a moment after it has said yes.
_SHARED_AFTER = (0.0, 0.5, 1.0, 2.0)


class Files:
    """Files of one account.

    :param state: keeps the ids of files that are being shared, so that an unknown outcome can be
        looked up after a restart too.
    """

    _log = Logger()

    def __init__(
        self, api: WebApi, http: IOutboundHTTP, clock: IReactorTime, state: IChannelState
    ) -> None:
        self._api = api
        self._http = http
        self._clock = clock
        self._state = state

    async def share(self, outgoing: Outgoing, chat: str, thread: str, comment: str) -> str:
        """Upload a file and share it in a chat.

        :param comment: stands above the file; rendered.
        :return: the message's id; the file's if Slack does not tell that of the message.
        :raises SlackError: see :mod:`openclaw.channels.platforms.slack.failures`.
        :raises OSError: the file cannot be read.
        """
        attachment = outgoing.attachment
        assert attachment is not None
        content: bytes = await deferToThread(Path(attachment.path).read_bytes)
        name = attachment.name or Path(attachment.path).name
        file_id = await self._upload(name, content)
        await self._state.put(_kept(outgoing.id), file_id)
        arguments: Answer = {"files": [{"id": file_id, "title": name}], "channel_id": chat}
        if thread:
            arguments["thread_ts"] = thread
        if comment:
            arguments["initial_comment"] = comment
        answer = await self._api.call("files.completeUploadExternal", arguments)
        ts = ""
        for each in parts(answer, "files"):
            ts = ts or _share(each, chat)
        ts = ts or await self._shared_as(file_id, chat)
        await self._forget(outgoing.id)
        return ts or file_id

    async def find(self, outgoing: Outgoing, chat: str) -> str:
        """The message that shared a file, or an empty text if it was never shared."""
        file_id = self._state.get(_kept(outgoing.id))
        if not file_id:
            return ""
        try:
            ts = await self._shared_as(file_id, chat)
        except SlackError as error:
            if error.code not in ("file_not_found", "file_deleted"):
                raise
            ts = ""
        await self._forget(outgoing.id)
        return ts

    async def _forget(self, outgoing_id: str) -> None:
        try:
            await self._state.put(_kept(outgoing_id), "")
        except StoreError as error:  # What is shared is shared.
            self._log.warn("slack upload not forgotten: {error}", error=error)

    async def _upload(self, name: str, content: bytes) -> str:
        answer = await self._api.read(
            "files.getUploadURLExternal", filename=name, length=len(content)
        )
        url = text(answer, "upload_url")
        if not self._is_allowed(url):
            raise SlackError("files.getUploadURLExternal", "no address of Slack's", "refused")
        try:
            response = await self._http.request(
                "POST",
                url,
                {"content-type": "application/octet-stream"},
                content,
                idle_seconds=_UPLOAD_SECONDS,
                trusted=True,
            )
        except OutboundError as error:
            # Nobody has seen the file yet.
            raise SlackError("upload", error.message, "undone") from None
        response.release()
        if response.status != 200:
            kind: Kind = "undone" if response.status >= 429 else "refused"
            raise SlackError("upload", f"HTTP {response.status}", kind)
        return text(answer, "file_id")

    async def _shared_as(self, file_id: str, chat: str) -> str:
        for pause in _SHARED_AFTER:
            if pause:
                await deferLater(self._clock, pause)
            try:
                answer = await self._api.read("files.info", file=file_id)
            except SlackError as error:
                if error.code in ("file_not_found", "file_deleted"):
                    raise
                continue
            ts = _share(part(answer, "file"), chat)
            if ts:
                return ts
        return ""

    async def fetch(self, attachment: Attachment) -> IOutboundResponse:
        """Begin to fetch a file; see :meth:`openclaw.interfaces.channels.IChannel.fetch`.

        :raises OutboundError: it cannot be had, with what to do about it.
        """
        file_id, _, url = attachment.ref.partition(" ")
        if not url:
            url = await self._address(file_id)
        response = await self._get(url)
        kind = response.header("content-type").partition(";")[0].strip().lower()
        if response.status == 200 and kind == "text/html" and attachment.mime != "text/html":
            response.release()
            raise OutboundError(
                "Slack answered with its login page: the app lacks the scope files:read; add it "
                "and install the app again",
                "refused",
            )
        if response.status != 200:
            response.release()
            raise OutboundError(f"Slack answered HTTP {response.status} for a file", "refused")
        return response

    async def _get(self, url: str) -> IOutboundResponse:
        """Follow redirects, to Slack's own hosts alone; the token goes to the first one alone."""
        first = urlsplit(url).netloc
        for _ in range(_REDIRECTS + 1):
            if not self._is_allowed(url):
                raise OutboundError("the file is not on a host of Slack's", "refused")
            mine = urlsplit(url).netloc == first
            headers = {"authorization": self._api.bearer} if mine else {}
            response = await self._http.request(
                "GET", url, headers, idle_seconds=30.0, trusted=self._is_root(url)
            )
            if response.status not in (301, 302, 303, 307, 308):
                return response
            url = urljoin(url, response.header("location"))
            response.release()
        raise OutboundError("the file is redirected again and again", "refused")

    async def _address(self, file_id: str) -> str:
        """Ask for a file of which only the id came, as from shared channels."""
        try:
            answer = await self._api.read("files.info", file=file_id)
        except SlackError as error:
            raise OutboundError(str(error), "refused") from None
        return text(part(answer, "file"), "url_private_download", "url_private")

    def _is_allowed(self, url: str) -> bool:
        parts_of = urlsplit(url)
        host = parts_of.hostname or ""
        if parts_of.scheme == "https" and host.endswith(tuple(f".{each}" for each in HOSTS)):
            return True
        return self._is_root(url)

    def _is_root(self, url: str) -> bool:
        """Whether a file is where the Web API is, by configuration another one than Slack's."""
        mine, theirs = urlsplit(self._api.root), urlsplit(url)
        if leads_here(self._api.root):
            return theirs.scheme == "http" and leads_here(url)
        return (mine.scheme, mine.netloc) == (theirs.scheme, theirs.netloc)


def _kept(outgoing_id: str) -> str:
    return f"upload:{outgoing_id}"


def _share(file: Fields, chat: str) -> str:
    """The message by which a file was shared in a chat."""
    shares = part(file, "shares")
    for kind in ("private", "public"):
        for share in parts(part(shares, kind), chat):
            ts = text(share, "ts")
            if is_ts(ts):
                return ts
    return ""
