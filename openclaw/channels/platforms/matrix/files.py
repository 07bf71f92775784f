"""Files at the homeserver: fetched with our token, stored with a look at how large they may be."""

from pathlib import Path
from urllib.parse import urljoin, urlsplit

from attrs import define
from twisted.internet.threads import deferToThread

from openclaw.channels.platforms.matrix.api import (
    CLIENT_V1,
    MEDIA,
    Homeserver,
    Refused,
    Unanswered,
)
from openclaw.channels.platforms.matrix.events import whole
from openclaw.channels.platforms.matrix.media import media_path
from openclaw.interfaces.messages import Attachment
from openclaw.interfaces.outbound import IOutboundResponse, OutboundError
from openclaw.interfaces.queue import Undelivered

_REDIRECTS = (301, 302, 303, 307, 308)
_OLD = (404, 405, 400)


@define
class Files:
    """The files of one account.

    :ivar most: bytes that the homeserver takes; 0 if it names no limit, ``None`` before it was
        asked.
    """

    api: Homeserver
    most: int | None = None

    async def fetch(self, attachment: Attachment) -> IOutboundResponse:
        """Begin to fetch a file, from a homeserver old or new.

        :raises OutboundError: there is no such address, or no answer.
        """
        where = media_path(attachment.ref)
        if not where:
            raise OutboundError("the file has no address at a homeserver", "refused")
        response = await self._follow(f"{CLIENT_V1}/media/download{where}")
        if response.status not in _OLD:
            return response
        response.release()
        return await self._follow(f"{MEDIA}/download{where}")

    async def store(self, file: Attachment) -> tuple[str, int]:
        """Upload a file.

        :return: its ``mxc:`` address and its size.
        :raises Undelivered: it cannot be read, or is too large.
        """
        data = await deferToThread(_contents, file.path)
        most = await self._limit()
        if most and len(data) > most:
            raise Undelivered(
                f"the homeserver takes no files above {most >> 20 or 1} MB (this one has "
                f"{len(data)} bytes, it takes {most})",
                "never",
            )
        uri = await self.api.upload(file.name or Path(file.path).name, file.mime, data)
        if not media_path(uri):
            raise Unanswered("an upload without an address")
        return uri, len(data)

    async def _follow(self, path: str) -> IOutboundResponse:
        """Get a file, from where the homeserver sends us if it does, there without our token."""
        response = await self.api.download(path)
        if response.status not in _REDIRECTS:
            return response
        target = urljoin(self.api.root + path, response.header("location"))
        response.release()
        secure = urlsplit(self.api.root).scheme != "https" or urlsplit(target).scheme == "https"
        if not secure:
            raise OutboundError("the homeserver sends its file over http", "refused")
        return await self.api.http.request("GET", target, {})

    async def _limit(self) -> int:
        if self.most is None:
            for where in (f"{CLIENT_V1}/media/config", f"{MEDIA}/config"):
                try:
                    said = await self.api.call("GET", where)
                except Refused as error:
                    if error.status not in _OLD:
                        raise
                else:
                    self.most = whole(said.get("m.upload.size"))
                    break
            else:
                self.most = 0
        return self.most


def _contents(path: str) -> bytes:
    """Read a file to send. Blocks."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise Undelivered(f"the file to send cannot be read: {error.strerror}", "never") from None
