"""The few words in which SQL engines differ, translated once per statement; not a query builder."""

import re
from collections.abc import Mapping
from functools import lru_cache

SQLITE: Mapping[str, str] = {
    # Without autoincrement SQLite hands the id of a deleted last row out again.
    "pk": "integer primary key autoincrement",
    "blob": "blob",
    "skip": "",
}

_WORD = re.compile(r"\{(\w+)\}")
_STORE_ONLY = re.compile(
    r"\s*(begin|commit|end|rollback|savepoint|release|pragma|attach|detach|vacuum)\b", re.IGNORECASE
)


@lru_cache(maxsize=1024)
def sqlite_sql(sql: str) -> str:
    """Return the statement as SQLite wants it.

    :raises ValueError: the statement would interfere with the store's own transaction.
    """
    taboo = _STORE_ONLY.match(sql)
    if taboo:
        raise ValueError(f"{taboo[1]!r} is the store's part, not a function's")
    return _WORD.sub(lambda word: SQLITE.get(word[1], word[0]), sql)
