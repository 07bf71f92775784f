"""Where runs and methods meet the skills of agents: instructions in directories of their own."""

from collections.abc import Collection, Mapping

from twisted.internet.defer import Deferred
from zope.interface import Interface

from openclaw.protocol.schema.skills import SkillsStatus


class ISkills(Interface):
    """The skills that each agent has now; a change on disk is seen within a few seconds."""

    def prompt(
        agent_id: str, without: Collection[str] = (), as_files: bool = False
    ) -> Deferred[str]:
        """What a model is told of an agent's skills; empty if there are none. Never fails.

        :param without: names of skills that it is not told of.
        :param as_files: told where they are, for agents that read files by themselves.
        """

    def environment(agent_id: str, without: Collection[str] = ()) -> Deferred[Mapping[str, str]]:
        """What the skills that an agent can use are given: variables by name, with secrets.

        For processes of the owner's runs, and for nothing else. Never fails.
        """

    def status(agent_id: str) -> Deferred[SkillsStatus]:
        """Every skill, with what it needs and what of that is missing. Never fails."""

    def read(agent_id: str, name: str, path: str) -> Deferred[bytes]:
        """A file of a skill that the agent can use.

        Fails with :class:`openclaw.interfaces.tools.ToolFailed`.
        """
