"""Files that came with messages: fetched once somebody was let in, kept below one directory."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from openclaw.channels.account import Account
from openclaw.channels.media_types import file_name, media_type
from openclaw.interfaces.messages import Attachment, Inbound, MediaKind
from openclaw.interfaces.outbound import IOutboundResponse

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600


class MediaStore:
    """Fetches and keeps files; a file that cannot be had becomes a note in the message's text.

    :param root: the media directory; made when the first file comes.
    :param make_id: names the files.
    """

    _log = Logger()

    def __init__(self, root: Path, make_id: Callable[[], str], reactor: Any) -> None:
        self._root = root
        self._make_id = make_id
        self._reactor = reactor

    async def with_files(self, account: Account, message: Inbound) -> Inbound:
        """The message with its files fetched."""
        if not message.attachments:
            return message
        attachments, notes = [], []
        for one in message.attachments:
            try:
                attachments.append(await self._fetched(account, one))
            except Exception as error:  # A file is never worth a message.
                why = getattr(error, "message", "it could not be fetched")
                self._log.warn("{name}: a file was left out: {why}", name=account.key, why=why)
                notes.append(f"[{one.kind} {one.name or ''}left out: {why}]")
                attachments.append(one)
        text = "\n".join([message.text, *notes])
        return msgspec.structs.replace(message, text=text, attachments=tuple(attachments))

    async def _fetched(self, account: Account, one: Attachment) -> Attachment:
        if not one.ref:
            return one
        most = account.configured.media_bytes
        if one.size > most:
            raise TooLarge(most)
        return await self.kept(await account.channel.fetch(one), one, most)

    async def kept(self, response: IOutboundResponse, one: Attachment, most: int) -> Attachment:
        """Read a file that is on its way, and keep it.

        :param most: bytes.
        :raises Unfetched: whoever has it does not give it out.
        :raises OutboundError: it breaks off, or is too large.
        """
        if response.status != 200:
            response.release()
            raise Unfetched(response.status)
        data = await response.read(most)
        mime = media_type(data, response.header("content-type") or one.mime, one.name)
        name = file_name(one.name, mime)
        path = self._root / self._make_id() / name
        await self._write(path, data)
        return msgspec.structs.replace(one, path=str(path), mime=mime, name=name, size=len(data))

    def _write(self, path: Path, data: bytes) -> Deferred[None]:
        pool = self._reactor.getThreadPool()
        return deferToThreadPool(self._reactor, pool, write_file, path, data)


class TooLarge(Exception):
    """A file is larger than may be fetched."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.message = f"it is larger than {most >> 20} MB"


class Unfetched(Exception):
    """The platform did not give a file out."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.message = f"the platform answered {status}"


def write_file(path: Path, data: bytes) -> None:
    """Write a file that only we may read, its directory included. Blocks."""
    path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def kind_of(mime: str) -> MediaKind:
    """How people see a file of some type."""
    kind = mime.partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "document"  # type: ignore[return-value]
