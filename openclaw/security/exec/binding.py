"""What an approval is good for, and how it is shown to whoever decides. Pure."""

import unicodedata
from hashlib import sha256

import msgspec

from openclaw.errors import InvalidRequest
from openclaw.interfaces.approvals import Danger

MOST_CHARACTERS = 8_000
"""The longest thing that anybody can be expected to read before deciding."""


def digest_of(danger: Danger) -> str:
    """A hash of everything that is decided about; no other thing has the same."""
    bound = [danger.node, danger.command, list(danger.argv), danger.cwd, danger.session_key]
    return sha256(msgspec.json.encode(bound)).hexdigest()


def check_size(danger: Danger) -> None:
    """Refuse what cannot be shown in full: a decision about a half of it would be none.

    :raises InvalidRequest: it is too long.
    """
    size = sum(map(len, (danger.node, danger.command, danger.cwd, *danger.argv)))
    if size > MOST_CHARACTERS:
        raise InvalidRequest(
            f"too long to be approved: {size} characters, and at most {MOST_CHARACTERS} can be "
            "shown in full; do it in smaller steps"
        )


def shown(text: str) -> str:
    """A text whose every character can be seen: what is invisible or turns lines is spelled."""
    return "".join(one if _is_visible(one) else f"\\u{{{ord(one):x}}}" for one in text)


def command_line(danger: Danger) -> str:
    """Everything that is decided about, in one text."""
    return shown(" ".join((danger.command, *map(_argument, danger.argv))))


def _argument(text: str) -> str:
    """An argument so that it is seen where it begins and ends."""
    if danger_free(text):
        return text
    return msgspec.json.encode(text.encode("utf-8", "replace").decode()).decode()


def danger_free(text: str) -> bool:
    """Whether an argument may stand without quotes; JSON objects, as of tools, may."""
    plain = bool(text) and not any(one.isspace() or one in "\"'\\" for one in text)
    return plain or (text.startswith("{") and text.endswith("}"))


def _is_visible(letter: str) -> bool:
    if letter == " ":
        return True
    # Controls, direction marks, unassigned, surrogates; separators; marks that stack on others.
    return unicodedata.category(letter)[0] not in "CZ"
