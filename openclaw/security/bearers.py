"""Finds whose token a text is that comes without a name; keeps digests only, checks no right."""

from collections.abc import Mapping

from openclaw.security.secrets import digest


class Bearers:
    """The tokens of all devices by their digest.

    Looking through the devices one by one would let anybody who sends wrong tokens keep the gateway
    busy. The time of a look-up tells nothing of a token, as it is that of its digest.
    """

    def __init__(self) -> None:
        self._owners: dict[bytes, tuple[str, str]] = {}
        self._known: dict[str, list[bytes]] = {}

    def put(self, device_id: str, tokens: Mapping[str, str]) -> None:
        """Note the tokens that a device has now.

        :param tokens: by role; none for a device that is gone.
        """
        for old in self._known.pop(device_id, ()):
            del self._owners[old]
        digests = {role: digest(token) for role, token in tokens.items()}
        self._owners |= {one: (device_id, role) for role, one in digests.items()}
        if digests:
            self._known[device_id] = list(digests.values())

    def owner(self, presented: str) -> tuple[str, str] | None:
        """The device's id and the role."""
        return self._owners.get(digest(presented))
