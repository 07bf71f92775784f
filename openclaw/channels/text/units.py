"""How long a text is, as platforms count; and the slices they name in UTF-16 code units."""

from openclaw.interfaces.channels import Unit


def length(text: str, unit: Unit) -> int:
    """The length of a text in a platform's unit; bytes are those of UTF-8."""
    if unit == "characters" or (text.isascii()):
        return len(text)
    return utf16_length(text) if unit == "utf-16" else len(text.encode("utf-8", "replace"))


def utf16_length(text: str) -> int:
    """The length of a text in UTF-16 code units: characters beyond U+FFFF count twice."""
    return len(text) + sum(char > "\uffff" for char in text)


def utf16_index(text: str, offset: int) -> int:
    """The index in a Python string of an offset in UTF-16 code units.

    An offset within a surrogate pair names the character that the pair is; one that lies outside
    of the text names its nearest end.
    """
    if offset <= 0 or text.isascii():
        return max(0, min(offset, len(text)))
    units = 0
    for index, char in enumerate(text):
        units += 1 + (char > "\uffff")
        if units > offset:
            return index
    return len(text)


def utf16_slice(text: str, offset: int, length: int) -> str:
    """What an entity of a message covers.

    :param offset: UTF-16 code units from the start.
    :param length: UTF-16 code units; what ends within a pair takes in the whole character.
    """
    start = utf16_index(text, offset)
    end = utf16_index(text, offset + length)
    if length > 0 and offset >= 0 and utf16_length(text[:end]) < offset + length:
        end += 1
    return text[start : max(start, end)]
