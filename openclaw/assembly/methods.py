"""Makes the method namespaces and joins them to one table of handlers."""

import os
from collections.abc import Callable, Sequence

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from openclaw import __version__
from openclaw.agents.runtimes.commands import COMMANDS, control_method
from openclaw.agents.runtimes.controls import CONTROLS
from openclaw.agents.runtimes.phrases import ENGLISH
from openclaw.agents.summaries import Summaries
from openclaw.assembly.domain import Domain, make_id, now_ms
from openclaw.config.known import known_secrets
from openclaw.config.settings import Settings
from openclaw.errors import MissingScope
from openclaw.gateway.audited import audited
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.gateway.methods.agents import AgentMethods, AgentProfile
from openclaw.gateway.methods.approvals import ApprovalMethods
from openclaw.gateway.methods.audit import AuditMethods
from openclaw.gateway.methods.automation import AutomationMethods
from openclaw.gateway.methods.channels import ChannelMethods
from openclaw.gateway.methods.chat import ChatMethods
from openclaw.gateway.methods.configuration import ConfigMethods
from openclaw.gateway.methods.devices import DeviceMethods
from openclaw.gateway.methods.exports import ExportMethods
from openclaw.gateway.methods.mfa import MfaMethods
from openclaw.gateway.methods.pairing import PairingMethods
from openclaw.gateway.methods.queue import QueueMethods
from openclaw.gateway.methods.sessions import SessionMethods
from openclaw.gateway.methods.setup import Reached, SetupMethods
from openclaw.gateway.methods.skills import SkillMethods
from openclaw.gateway.methods.system import SystemMethods
from openclaw.gateway.methods.token import TokenMethods
from openclaw.gateway.methods.workers import WorkerMethods
from openclaw.gateway.presence import Presence
from openclaw.gateway.repeats import Repeats
from openclaw.gateway.step_up import StepUp
from openclaw.gateway.web_chat import WebChat
from openclaw.interfaces.security import IAdmission, ISharedToken
from openclaw.monitoring.health import HealthKeeper
from openclaw.monitoring.log_tail import LogTail
from openclaw.protocol.methods import METHODS
from openclaw.protocol.schema.configuration import ConfigIssue, ConfigSnapshot
from openclaw.protocol.schema.system import DashboardLink, TlsStatus
from openclaw.security.exec.binding import command_line


@frozen(kw_only=True)
class MethodTable:
    """What the namespaces are made of."""

    settings: Settings
    domain: Domain
    presence: Presence
    health: HealthKeeper
    agents: Sequence[AgentProfile]
    sign_in: Callable[[], DashboardLink]
    step_up: StepUp
    token: ISharedToken
    admission: IAdmission
    reached: Reached
    tls: Callable[[], TlsStatus] | None
    clock: IReactorTime
    web_chat: WebChat

    def handlers(self) -> dict[str, Handler]:
        """Every method of the gateway, by name."""
        domain, devices = self.domain, self._devices()
        namespaces = (
            self._system(),
            self._agents(),
            self._sessions(),
            self._chat(),
            SkillMethods(skills=domain.tooling.skills, main_of=domain.keys.main_of),
            self._channels(),
            AutomationMethods(),
            ApprovalMethods(approvals=domain.tooling.approvals, command_line=command_line),
            devices,
            self._setup(),
            PairingMethods(senders=domain.access.senders, devices=devices),
            self._mfa(),
            ExportMethods(exports=domain.exports, sealing=domain.export_sealing, make_id=make_id),
            TokenMethods(token=self.token, now_ms=now_ms),
            QueueMethods(
                queue=domain.queue, hide=known_secrets(self.settings).clean, now_ms=now_ms
            ),
            AuditMethods(trail=domain.audit, sealing=domain.sealing, exports=domain.export_sealing),
            WorkerMethods(workers=domain.programs.workers),
            ConfigMethods(snapshot=_snapshot(self.settings, domain.config_revision)),
        )
        handlers: dict[str, Handler] = {}
        for namespace in namespaces:
            handlers |= namespace.handlers()
        return audited(handlers, domain.audit)

    def _channels(self) -> ChannelMethods:
        domain = self.domain
        parts = domain.channels
        return ChannelMethods(
            channels=None if parts is None else parts.channels,
            router=None if parts is None else parts.router,
            web_chat=self.web_chat,
            traces=None if parts is None else parts.traces,
            repeats=Repeats(self.clock.seconds),
            now_ms=now_ms,
            default_agent=domain.keys.default_agent,
        )

    def _devices(self) -> DeviceMethods:
        access = self.domain.access
        return DeviceMethods(
            devices=access.devices,
            pairing=access.approvals,
            codes=access.codes,
            broadcaster=self.domain.broadcaster,
            verified=lambda client: self.step_up.verified_until_ms(client) is not None,
        )

    def _setup(self) -> SetupMethods:
        return SetupMethods(
            admission=self.admission,
            reached=self.reached,
            auth="password" if self.settings.auth_mode == "password" else "token",
            verified=lambda client: self.step_up.verified_until_ms(client) is not None,
        )

    def _system(self) -> SystemMethods:
        domain = self.domain
        return SystemMethods(
            version=__version__,
            pid=os.getpid(),
            config_hash=domain.config_revision,
            default_agent=domain.keys.default_agent,
            health=self.health,
            heartbeats=domain.heartbeat,
            figures=domain.figures,
            logs=LogTail(self.settings.log_file),
            presence=self.presence,
            broadcaster=domain.broadcaster,
            conversations=domain.conversations,
            sign_in=self.sign_in,
            tls=self.tls,
        )

    def _mfa(self) -> MfaMethods:
        required = [name for name, method in METHODS.items() if self.step_up.covers(method)]
        return MfaMethods(
            factor=self.domain.second_factor,
            step_up=self.step_up,
            enabled=self.settings.access.mfa_enabled,
            required_for=sorted(required),
        )

    def _agents(self) -> AgentMethods:
        domain = self.domain
        return AgentMethods(
            agents=self.agents,
            default_agent=domain.keys.default_agent,
            main_key=domain.keys.main_key,
            models=domain.catalogue.models,
            default_model=lambda: domain.catalogue.default,
            tags=domain.catalogue.tags,
            commands=[(name, ENGLISH.summaries[name]) for name in (*COMMANDS, *CONTROLS)],
        )

    def _sessions(self) -> SessionMethods:
        domain = self.domain
        return SessionMethods(
            conversations=domain.conversations,
            runs=domain.runs,
            summaries=Summaries(domain.catalogue, self.clock, make_id),
            canonical=domain.keys.canonical,
            check_model=domain.catalogue.resolve,
            now_ms=now_ms,
        )

    def _chat(self) -> ChatMethods:
        domain = self.domain
        return ChatMethods(
            conversations=domain.conversations,
            runs=domain.runs,
            canonical=domain.keys.canonical,
            main_of=domain.keys.main_of,
            agents=frozenset(agent.id for agent in self.agents),
            clock=self.clock,
            web_chat=self.web_chat,
            control_method=control_method,
            check=self._check,
        )

    def _check(self, client: Client, name: str) -> None:
        """Refuse what a message stands for to whom the method itself would be refused."""
        method = METHODS[name]
        if method.scope is not None and method.scope not in client.allowed:
            raise MissingScope(method.scope)
        if self.step_up.covers(method):
            self.step_up.check(client)


def _snapshot(settings: Settings, revision: str) -> ConfigSnapshot:
    loaded = settings.loaded
    tree = loaded.redacted_tree()
    issues = [
        ConfigIssue(path=path, message="unknown key, ignored") for path in loaded.unknown_keys
    ]
    issues += [
        ConfigIssue(path=path, message="not yet served, ignored") for path in loaded.not_served
    ]
    return ConfigSnapshot(
        path=str(loaded.path),
        exists=loaded.exists,
        valid=True,
        hash=revision,
        raw=loaded.redacted_text() if loaded.exists else None,
        parsed=tree,
        resolved=tree,
        source_config=tree,
        runtime_config=tree,
        issues=issues,
    )
