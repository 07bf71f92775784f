"""Variables of the environment, read the same way everywhere."""

from collections.abc import Mapping


def variable(environ: Mapping[str, str], name: str) -> str | None:
    """Read a variable; set but blank counts as not set, as compose files do it."""
    return environ.get(name, "").strip() or None
