"""What a file is said to be, and what it may be called."""

import gzip
import io
import wave
import zipfile

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.media_types import SNIFFED_BYTES, extension, file_name, media_type, sniffed

OFFICE = "application/vnd.openxmlformats-officedocument."


def archive(*names: str, first: bytes = b"<xml/>") -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as made:
        for name in names:
            made.writestr(name, first)
    return kept.getvalue()


def sound() -> bytes:
    kept = io.BytesIO()
    with wave.open(kept, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(8000)
        made.writeframes(bytes(100))
    return kept.getvalue()


HEADS = (
    (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
    (b"\xff\xd8\xff\xe1\x00\x10Exif", "image/jpeg"),
    (b"GIF89a\x01\x00\x01\x00", "image/gif"),
    (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
    (b"BM\x46\x00\x00\x00\x00\x00\x00\x00\x36\x00", "image/bmp"),
    (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1", "image/heic"),
    (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00", "image/heif"),
    (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41", "video/mp4"),
    (b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00", "audio/mp4"),
    (b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00", "video/quicktime"),
    (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\x82\x84webm", "video/webm"),
    (b"\x1a\x45\xdf\xa3\xa3B\x86\x81\x01B\x82\x88matroska", "video/x-matroska"),
    (b"OggS\x00\x02" + bytes(20) + b"\x01\x13OpusHead", "audio/ogg"),
    (b"ID3\x04\x00\x00\x00\x00\x00\x23", "audio/mpeg"),
    (b"\xff\xfb\x90\x64\x00\x00", "audio/mpeg"),
    (b"\xff\xf1\x50\x80\x02\x1f", "audio/aac"),
    (sound(), "audio/wav"),
    (b"fLaC\x00\x00\x00\x22", "audio/flac"),
    (b"%PDF-1.7\n%\xe2\xe3", "application/pdf"),
    (gzip.compress(b"x"), "application/gzip"),
    (archive("notes/word/a.txt"), "application/zip"),
    (archive("[Content_Types].xml", "word/document.xml"), f"{OFFICE}wordprocessingml.document"),
    (archive("[Content_Types].xml", "xl/workbook.xml"), f"{OFFICE}spreadsheetml.sheet"),
    (archive("[Content_Types].xml", "ppt/a.xml"), f"{OFFICE}presentationml.presentation"),
    (
        archive("mimetype", first=b"application/vnd.oasis.opendocument.text"),
        "application/vnd.oasis.opendocument.text",
    ),
    ("Grüße, 世界\n".encode(), "text/plain"),
    ("世".encode() * 2000, "text/plain"),
    (b"BMW makes cars, and other things", "text/plain"),
    (b"\xff\xfe\x00\x01", ""),
    (b"\x00\x01\x02", ""),
    (b"\xff\xff\xff\xff", ""),
    (b"", ""),
)


class MediaTypeTests(SynchronousTestCase):
    def test_first_bytes_tell(self) -> None:
        for head, mime in HEADS:
            self.assertEqual(sniffed(head[:SNIFFED_BYTES]), mime, head[:40])

    def test_bytes_beat_header_beats_name(self) -> None:
        png = HEADS[0][0]
        self.assertEqual(media_type(png, "text/html", "a.pdf"), "image/png")
        self.assertEqual(media_type(b"\x00\x01", "Image/TIFF; q=1", "a.pdf"), "image/tiff")
        self.assertEqual(media_type(b"\x00\x01", "", "a.PDF"), "application/pdf")
        self.assertEqual(media_type(b"\x00\x01", "application/octet-stream", "a.mp3"), "audio/mpeg")

    def test_header_may_say_which_kind_of_text_or_archive_it_is(self) -> None:
        self.assertEqual(media_type(b"a,b\n", "text/csv"), "text/csv")
        self.assertEqual(media_type(b"{}", "", "a.json"), "application/json")
        self.assertEqual(media_type(b"MZ text", "application/x-msdownload"), "text/plain")
        self.assertEqual(media_type(archive("x"), "image/png", "a.png"), "application/zip")

    def test_nonsense_is_unknown(self) -> None:
        for header in ("", "no type", "image/", "image/png\r\nX: y", "a" * 300 + "/b"):
            self.assertEqual(media_type(b"\x00", header, "x"), "application/octet-stream")

    def test_every_known_type_has_an_extension_that_leads_back(self) -> None:
        for _, mime in HEADS:
            if mime:
                self.assertEqual(media_type(b"", "", f"a{extension(mime)}"), mime)

    @settings(max_examples=200, deadline=None, database=None)
    @given(st.binary(max_size=200), st.text(max_size=40), st.text(max_size=40))
    def test_anything_has_a_type(self, head: bytes, header: str, name: str) -> None:
        self.assertRegex(media_type(head, header, name), r"\A[!-.0-~]+/[!-.0-~]+\Z")


class FileNameTests(SynchronousTestCase):
    def test_names(self) -> None:
        cases = (
            ("report.pdf", "", "report.pdf"),
            ("../../etc/passwd", "", "passwd"),
            ("C:\\Windows\\system32\\cmd.exe", "", "cmd.exe"),
            ("..", "", "file"),
            ("", "image/png", "file.png"),
            ("photo", "image/jpeg", "photo.jpg"),
            ("photo.jpeg", "image/jpeg", "photo.jpeg"),
            (".bashrc", "", "bashrc"),
            ("con.txt", "", "_con.txt"),
            ("LPT1", "", "_LPT1"),
            ("console.txt", "", "console.txt"),
            ("a\x00b\nc.txt", "", "ab c.txt"),
            ("inv\u202egpj.exe", "", "invgpj.exe"),
            ('a<b>:"c|?*.txt', "", "a_b___c___.txt"),
            ("naïve 文書.txt ", "", "naïve 文書.txt"),
            ("a. . .", "text/plain", "a.txt"),
        )
        for name, mime, kept in cases:
            self.assertEqual(file_name(name, mime), kept, repr(name))

    def test_long_name_keeps_its_extension_and_whole_characters(self) -> None:
        kept = file_name("漢" * 300 + ".docx")
        self.assertTrue(kept.endswith("漢.docx"))
        self.assertLessEqual(len(kept.encode()), 120)

    @settings(max_examples=500, deadline=None, database=None)
    @given(st.text(st.characters(exclude_categories=()), max_size=200), st.sampled_from(HEADS))
    def test_any_name_can_be_kept(self, name: str, head: tuple[bytes, str]) -> None:
        kept = file_name(name, head[1])
        self.assertLessEqual(len(kept.encode()), 120)
        self.assertNotRegex(kept, r'[\x00-\x1f<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]')
        self.assertNotIn(kept, ("", ".", ".."))
        self.assertFalse(kept.startswith((".", " ")) or kept.endswith((".", " ")))
        self.assertEqual(file_name(kept, head[1]), kept)
