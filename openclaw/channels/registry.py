"""Which channels there are: those that come with the gateway, and those of other packages."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from openclaw.errors import ConfigError
from openclaw.interfaces.channels import Manifest

GROUP = "openclaw.channels"
"""Entry points of this group name manifests: ``sms = my_package.manifest:MANIFEST``."""

_PLATFORMS = "openclaw.channels.platforms"
BUILT_IN: Mapping[str, str] = {
    name: f"{_PLATFORMS}.{name}.manifest:MANIFEST"
    for name in ("discord", "irc", "matrix", "slack", "telegram", "webhook")
}


def load(path: str) -> Any:
    """Import what ``module:name`` names.

    :raises ImportError: there is no such module.
    :raises AttributeError: it has no such name.
    """
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


class Registry:
    """Finds manifests by the channel's id; a package that nobody configured is not looked for.

    :param others: gives the entry points of other packages.
    """

    def __init__(
        self, others: Callable[[], Iterable[EntryPoint]] = lambda: entry_points(group=GROUP)
    ) -> None:
        self._others = others

    def find(self, channel: str) -> Manifest:
        """The manifest of a channel.

        :raises ConfigError: there is no such channel, or its package is broken.
        """
        path = f"channels.{channel}"
        if channel in BUILT_IN:
            return self._read(BUILT_IN[channel], channel, path)
        for point in self._others():
            if point.name == channel:
                return self._read(point.value, channel, path)
        known = ", ".join(sorted({*BUILT_IN, *(point.name for point in self._others())}))
        raise ConfigError(
            f"there is no channel of that name: expected one of {known}, or a package that "
            f"offers it as an entry point of {GROUP}",
            path,
        )

    def all(self) -> list[Manifest]:
        """Every manifest that can be loaded, by id; broken packages are left out."""
        found = {}
        for name, value in (*BUILT_IN.items(), *((p.name, p.value) for p in self._others())):
            try:
                found[name] = self._read(value, name, f"channels.{name}")
            except ConfigError:
                continue
        return [found[name] for name in sorted(found)]

    def _read(self, value: str, channel: str, path: str) -> Manifest:
        try:
            manifest = load(value)
        except Exception as error:  # A stranger's package may fail in any way.
            raise ConfigError(f"its package cannot be loaded ({value}): {error}", path) from error
        if not isinstance(manifest, Manifest):
            raise ConfigError(f"{value} is no channel manifest; ask its package's authors", path)
        if manifest.id != channel:
            raise ConfigError(
                f"{value} describes the channel {manifest.id}; its entry point has to have the "
                "same name",
                path,
            )
        return manifest
