"""Variables of the environment, read the same way everywhere."""

from collections.abc import Mapping

_SWITCHES = {"true": True, "1": True, "yes": True, "on": True} | {
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


def variable(environ: Mapping[str, str], name: str) -> str | None:
    """Read a variable; set but blank counts as not set, as compose files do it."""
    return environ.get(name, "").strip() or None


def typed(text: str, kind: str) -> str | int | bool | list[str]:
    """Read a variable as the key means it that it stands for.

    :param kind: ``number``, ``switch``, ``list`` with commas between, or else text.
    :return: the text itself where it is none of the kind: whoever checks the key says so.
    """
    if kind == "number" and text.isdecimal():
        return int(text)
    if kind == "switch":
        return _SWITCHES.get(text.lower(), text)
    if kind == "list":
        return [one.strip() for one in text.split(",") if one.strip()]
    return text
