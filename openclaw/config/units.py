"""Durations, sizes and rates as people write them in a configuration; not a date library."""

import re
from typing import Any

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40}
_PER_MINUTE = {"rps": 60, "rpm": 1, "rph": 1 / 60}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhdw])")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)i?b", re.IGNORECASE)
_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(rp[smh])")


class Seconds(float):
    """A length of time in seconds, written ``"500ms"``, ``"30s"``, ``"1h30m"``, ``"7d"``."""

    expected = 'a duration such as "30s", "5m" or "7d"'


class Bytes(int):
    """A size in bytes, written ``"16kb"``, ``"100mb"`` or as a plain number; 1 kb is 1024."""

    expected = 'a size such as "16kb" or "100mb"'


class PerMinute(float):
    """A rate per minute, written ``"60rpm"`` or ``"5rps"``."""

    expected = 'a rate such as "60rpm"'


def parse_seconds(text: str) -> Seconds:
    """Read a duration; a bare ``"0"`` is the only number that needs no unit.

    :raises ValueError: if it is not one.
    """
    compact = text.strip().lower()
    parts = _PART.findall(compact)
    if compact == "0":
        return Seconds(0)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        raise ValueError(f"expected {Seconds.expected}")
    return Seconds(sum(float(number) * _SECONDS[unit] for number, unit in parts))


def parse_bytes(value: str | int) -> Bytes:
    """Read a size.

    :raises ValueError: if it is not one.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Bytes(value)
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"expected {Bytes.expected}")
    return Bytes(float(match[1]) * _BYTES[match[2].lower() + "b"])


def parse_rate(text: str) -> PerMinute:
    """Read a rate.

    :raises ValueError: if it is not one.
    """
    match = _RATE.fullmatch(text.strip().lower())
    if match is None or float(match[1]) <= 0:
        raise ValueError(f"expected {PerMinute.expected}")
    return PerMinute(float(match[1]) * _PER_MINUTE[match[2]])


def decode_unit(kind: type, value: Any) -> object:
    """Turn one JSON value into ``Seconds``, ``Bytes`` or ``PerMinute`` (a msgspec ``dec_hook``).

    :raises ValueError: if the value is not one.
    """
    if kind is Bytes:
        return parse_bytes(value)
    if isinstance(value, str) and kind is Seconds:
        return parse_seconds(value)
    if isinstance(value, str) and kind is PerMinute:
        return parse_rate(value)
    raise ValueError(f"expected {getattr(kind, 'expected', kind.__name__)}")


def encode_unit(value: Any) -> float | int:
    """Turn a unit back into its plain number (a msgspec ``enc_hook``)."""
    if isinstance(value, Bytes):
        return int(value)
    if isinstance(value, Seconds | PerMinute):
        return float(value)
    raise NotImplementedError(type(value).__name__)
