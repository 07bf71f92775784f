"""The configuration, without its secrets."""

from collections.abc import Mapping

from attrs import frozen

from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.protocol.schema.common import NoParams
from openclaw.protocol.schema.configuration import ConfigSnapshot


@frozen(kw_only=True)
class ConfigMethods:
    """Reading the configuration.

    :ivar snapshot: made once; a change of the file needs a restart.
    """

    snapshot: ConfigSnapshot

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {"config.get": self._get}

    def _get(self, client: Client, params: NoParams) -> ConfigSnapshot:
        return self.snapshot
