"""What a file is, by its first bytes, its header or its name; and a name that any disk can take.

No file is opened here and no type is allowed or forbidden: that is for whoever keeps or sends it.
"""

import re
from unicodedata import category, normalize

SNIFFED_BYTES = 4096
"""How much of a file's beginning :func:`media_type` looks at."""

UNKNOWN = "application/octet-stream"
_ZIP = "application/zip"
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "image/heic"),
    **dict.fromkeys((b"mif1", b"msf1"), "image/heif"),
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys((b"M4A ", b"M4B "), "audio/mp4"),
    b"qt  ": "video/quicktime",
}
_EXTENSIONS = {
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/gif": ("gif",),
    "image/webp": ("webp",),
    "image/bmp": ("bmp",),
    "image/heic": ("heic",),
    "image/heif": ("heif",),
    "image/avif": ("avif",),
    "image/svg+xml": ("svg",),
    "video/mp4": ("mp4", "m4v"),
    "video/quicktime": ("mov",),
    "video/webm": ("webm",),
    "video/x-matroska": ("mkv",),
    "video/x-msvideo": ("avi",),
    "audio/ogg": ("ogg", "oga", "opus"),
    "audio/mpeg": ("mp3",),
    "audio/mp4": ("m4a",),
    "audio/aac": ("aac",),
    "audio/wav": ("wav",),
    "audio/flac": ("flac",),
    "application/pdf": ("pdf",),
    _ZIP: ("zip",),
    "application/gzip": ("gz", "tgz"),
    "application/x-7z-compressed": ("7z",),
    f"{_OFFICE}wordprocessingml.document": ("docx",),
    f"{_OFFICE}spreadsheetml.sheet": ("xlsx",),
    f"{_OFFICE}presentationml.presentation": ("pptx",),
    f"{_OPEN_DOCUMENT}text": ("odt",),
    f"{_OPEN_DOCUMENT}spreadsheet": ("ods",),
    f"{_OPEN_DOCUMENT}presentation": ("odp",),
    "application/json": ("json",),
    "text/plain": ("txt", "log"),
    "text/markdown": ("md",),
    "text/csv": ("csv",),
    "text/html": ("html", "htm"),
}
_BY_EXTENSION = {name: mime for mime, names in _EXTENSIONS.items() for name in names}
_OFFICE_PARTS = (
    (b"word/", f"{_OFFICE}wordprocessingml.document"),
    (b"xl/", f"{_OFFICE}spreadsheetml.sheet"),
    (b"ppt/", f"{_OFFICE}presentationml.presentation"),
)
_MIME = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
# What may be called by a name of its own although the bytes are those of its container.
_KINDS_OF = {
    _ZIP: ("application/",),
    "text/plain": ("text/", "application/json", "image/svg+xml"),
    "audio/ogg": ("video/ogg",),
    "video/mp4": ("audio/mp4",),
    "video/webm": ("audio/webm",),
}
# Names of devices on Windows, with any extension.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"/\\|?*%]')
_LONGEST_NAME_BYTES = 120


def media_type(head: bytes, header: str = "", name: str = "") -> str:
    """The media type of a file, without parameters.

    :param head: its first :data:`SNIFFED_BYTES` bytes, or all there are.
    :param header: what the sender calls it; believed only where the bytes say nothing, or nothing
        that is at odds with it.
    :param name: its name; believed last.
    """
    said = header.partition(";")[0].strip().lower()
    said = said if _MIME.fullmatch(said) and said != UNKNOWN else ""
    named = _BY_EXTENSION.get(name.rpartition(".")[2].lower(), "") if "." in name else ""
    magic = sniffed(head)
    for candidate in (said, named):
        if candidate and (not magic or candidate.startswith(_KINDS_OF.get(magic, ()))):
            return candidate
    return magic or UNKNOWN


def sniffed(head: bytes) -> str:
    """The media type by the first bytes alone; empty if they say nothing."""
    for magic, mime in _MAGIC:
        if head.startswith(magic):
            return mime
    for look in (_riff, _movie, _matroska, _ogg, _archive, _bitmap, _mpeg):
        mime = look(head)
        if mime:
            return mime
    return "text/plain" if _is_text(head) else ""


def extension(mime: str) -> str:
    """The usual extension of a type, with its dot; ``.bin`` if there is none."""
    names = _EXTENSIONS.get(mime)
    return f".{names[0]}" if names else ".bin"


def file_name(name: str, mime: str = "", fallback: str = "file") -> str:
    """A name by which a file can be kept and shown: no path, nothing hidden, nothing reserved.

    :param name: what somebody called it; may be anything.
    :param mime: its type: gives the extension if the name has none.
    :param fallback: the stem if nothing is left of the name.
    :return: at most 120 bytes of UTF-8, extension included.
    """
    name = re.split(r"[/\\]", name)[-1]
    spaced = " ".join(normalize("NFC", name).split())
    kept = "".join(char for char in spaced if not category(char).startswith("C"))
    kept = _FORBIDDEN.sub("_", " ".join(kept.split())).strip(" .")
    stem, dot, ending = kept.rpartition(".")
    if not dot or not stem or not ending.isalnum() or len(ending) > 10:
        stem, ending = kept, extension(mime)[1:] if mime else ""
    stem = stem.strip(" .") or fallback
    if _RESERVED.match(stem):
        stem = f"_{stem}"
    ending = f".{ending}" if ending else ""
    room = _LONGEST_NAME_BYTES - len(ending.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") + ending


def _riff(head: bytes) -> str:
    return _RIFF.get(head[8:12], "") if head.startswith(b"RIFF") else ""


def _movie(head: bytes) -> str:
    return _BRANDS.get(head[8:12], "video/mp4") if head[4:8] == b"ftyp" else ""


def _matroska(head: bytes) -> str:
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return ""
    return "video/webm" if b"webm" in head[:64] else "video/x-matroska"


def _ogg(head: bytes) -> str:
    if not head.startswith(b"OggS"):
        return ""
    return "video/ogg" if b"\x80theora" in head[:64] else "audio/ogg"


def _archive(head: bytes) -> str:
    """Office documents are archives; which, the names of their first members tell."""
    if not head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return ""
    if head[30:38] == b"mimetype":
        declared = head[38 : 38 + 80].partition(b"PK")[0].decode("ascii", "replace")
        return declared if declared in _EXTENSIONS else _ZIP
    for part, mime in _OFFICE_PARTS if b"[Content_Types].xml" in head else ():
        if part in head:
            return mime
    return _ZIP


def _bitmap(head: bytes) -> str:
    # "BM" alone begins many a text; the four bytes after the size are zero.
    return "image/bmp" if head.startswith(b"BM") and head[6:10] == bytes(4) else ""


def _mpeg(head: bytes) -> str:
    """Audio without a tag: eleven set bits, and then fields that make sense."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return ""
    layer, rate, sampling = head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    if layer == 0:
        return "audio/aac" if head[1] & 0xF6 == 0xF0 else ""
    return "audio/mpeg" if 0 < rate < 15 and sampling < 3 and head[1] >> 3 & 3 != 1 else ""


def _is_text(head: bytes) -> bool:
    """Whether these are words in UTF-8; a character may be cut off at the end."""
    if not head or any(byte < 9 or (13 < byte < 32 and byte != 27) for byte in head):
        return False
    for cut in range(min(4, len(head))):
        try:
            head[: len(head) - cut].decode()
        except UnicodeDecodeError:
            continue
        return True
    return False
