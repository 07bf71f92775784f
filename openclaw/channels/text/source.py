"""The text before it is read: without what no platform can carry. No Markdown here."""

# C0 and C1 controls except tab and line feed, and the delete key: no platform shows them, IRC
# would obey them, and some servers refuse the whole message. NUL gets the usual replacement.
_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (9, 10)}
_CONTROLS[0] = 0xFFFD  # type: ignore[assignment]  # The table is wider than its first values.


def clean(text: str) -> str:
    """Return a text that can be sent: line feeds only, no control characters, no lone surrogates.

    Idempotent. What becomes of everything else is the forms' business.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # A pair that arrived as two halves is made whole, a half becomes the replacement sign.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def visible(text: str) -> str:
    """Return the characters of a clean text that are not white space: what must not get lost."""
    return "".join(text.split())
