"""Where a text may be cut without cutting a character as people see it. Words are elsewhere.

A short form of Unicode's rules for extended grapheme clusters (UAX #29): combining marks, variation
selectors, joined and tinted emoji, flags, tags, and Korean syllables spelled in letters.
"""

from unicodedata import category

_JOINER = "\u200d"
_FLAGS = range(0x1F1E6, 0x1F200)
_TINTS = range(0x1F3FB, 0x1F400)
_TAGS = range(0xE0020, 0xE0080)
_JAMO = range(0x1100, 0x1200)
# Longer than any cluster that means something: a heap of accents must not make the search long.
_LONGEST = 64


def is_boundary(text: str, index: int) -> bool:
    """Whether a text may be cut before an index."""
    if index <= 0 or index >= len(text):
        return True
    before, after = text[index - 1], text[index]
    if after < "\u0300":
        return not (before == "\r" and after == "\n")
    code = ord(after)
    if category(after) in ("Mn", "Me", "Mc") or after == _JOINER or before == _JOINER:
        return False
    if code in _TINTS or code in _TAGS:
        return False
    if code in _JAMO and code >= 0x1160 and ord(before) in _JAMO:
        return False
    return code not in _FLAGS or _flags_before(text, index) % 2 == 0


def boundary(text: str, index: int, floor: int = 0) -> int:
    """The last place at or before an index where a text may be cut, above a floor.

    :return: ``index`` itself if there is none, so that cutting always gets on.
    """
    for place in range(index, max(floor, index - _LONGEST), -1):
        if is_boundary(text, place):
            return place
    return index


def next_boundary(text: str, index: int) -> int:
    """The first place after an index where a text may be cut."""
    for place in range(index + 1, min(len(text), index + _LONGEST)):
        if is_boundary(text, place):
            return place
    return min(len(text), index + _LONGEST)


def _flags_before(text: str, index: int) -> int:
    count = 0
    while count < _LONGEST and index > count and ord(text[index - count - 1]) in _FLAGS:
        count += 1
    return count
