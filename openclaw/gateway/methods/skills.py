"""Skills: which there are, and what they lack."""

from collections.abc import Callable, Mapping

from attrs import frozen
from twisted.internet.defer import Deferred

from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.interfaces.skills import ISkills
from openclaw.protocol.base import UNSET
from openclaw.protocol.schema.skills import SkillsStatus, SkillsStatusParams


@frozen(kw_only=True)
class SkillMethods:
    """Every method about skills.

    :ivar main_of: the main session of an agent, of the default one for an empty id.
    """

    skills: ISkills
    main_of: Callable[[str], str]

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {"skills.status": self._status}

    def _status(self, client: Client, params: SkillsStatusParams) -> Deferred[SkillsStatus]:
        named = "" if params.agent_id is UNSET else params.agent_id
        return self.skills.status(self.main_of(named).split(":")[1])
