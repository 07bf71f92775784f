"""Methods behind the real dispatcher, over real conversations; sockets are elsewhere."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import msgspec
from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from openclaw.automation.heartbeat import HeartbeatPlan, HeartbeatService
from openclaw.errors import InvalidRequest
from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Dispatcher, Handler
from openclaw.gateway.methods.agents import AgentMethods, AgentProfile
from openclaw.gateway.methods.automation import AutomationMethods
from openclaw.gateway.methods.channels import ChannelMethods
from openclaw.gateway.methods.chat import ChatMethods
from openclaw.gateway.methods.configuration import ConfigMethods
from openclaw.gateway.methods.sessions import SessionMethods
from openclaw.gateway.methods.system import SystemMethods
from openclaw.gateway.presence import Presence
from openclaw.gateway.repeats import Repeats
from openclaw.gateway.web_chat import WebChat
from openclaw.interfaces.agents import ISummaries, ModelInfo, Turn
from openclaw.interfaces.monitoring import ILogs
from openclaw.interfaces.security import Admitted, Peer
from openclaw.monitoring.figures import Figures
from openclaw.monitoring.health import HealthKeeper, HealthSources
from openclaw.monitoring.lag import ReactorLag
from openclaw.monitoring.notices import Notices
from openclaw.monitoring.usage import UsageReport
from openclaw.protocol import scopes
from openclaw.protocol.base import encode
from openclaw.protocol.connect import ClientInfo
from openclaw.protocol.frames import Request
from openclaw.protocol.methods import METHODS
from openclaw.protocol.schema.configuration import ConfigSnapshot
from openclaw.protocol.schema.system import (
    DashboardLink,
    LogsTail,
    LogsTailParams,
    PresenceEntry,
    QueueHealth,
)
from tests.sessions.rig import COMMANDS, MAIN, MODEL, OTHER, WorldCase, make_id

PEER = Peer(address="127.0.0.1", loopback=True)
ALL = (scopes.ADMIN, scopes.APPROVALS, scopes.PAIRING)


@implementer(ISummaries)
@define
class Summarist:
    """Writes the summary the test gives it."""

    able: bool = True
    told: list[str] = field(factory=list)
    result: Deferred[str] = field(factory=lambda: succeed("they met"))
    results: list[Deferred[str]] = field(factory=list)
    pieces: list[list[str]] = field(factory=list)
    owner: bool = False

    def can(self, ref: str) -> bool:
        """As the test says."""
        return self.able

    def write(
        self, ref: str, session_key: str, agent_id: str, turns: Any, owner: bool
    ) -> Deferred[str]:
        """Keep what was told."""
        self.told = [turn.text for turn in turns if isinstance(turn, Turn)]
        self.pieces.append(self.told)
        self.owner = owner
        return self.results.pop(0) if self.results else self.result


@implementer(ILogs)
@define
class Log:
    """A log of one line."""

    asked: list[LogsTailParams] = field(factory=list)

    def read(self, params: LogsTailParams) -> Deferred[LogsTail]:
        """Keep the question."""
        self.asked.append(params)
        tail = LogsTail(file="x.log", cursor=2, size=2, lines=["{}"], truncated=False, reset=False)
        return succeed(tail)


@define(eq=False)
class Peerless:
    """A client without a socket: keeps what it is sent."""

    client: Client
    sent: list[Any]

    def answers(self, request_id: str) -> list[Any]:
        """The responses to one request."""
        return [one for one in self.sent if one.get("id") == request_id]


class MethodCase(WorldCase):
    """All methods, and clients that call them."""

    def setUp(self) -> None:
        super().setUp()
        self._numbers = count(1)
        self.wire()

    def wire(self) -> None:
        """Put methods around the conversations there are now."""
        world = self.world
        now_ms = world.now_ms
        self.broadcaster = Broadcaster()
        self.web_chat = WebChat(self.broadcaster, now_ms)
        self.summaries = Summarist()
        self.log = Log()
        self.figures = Figures(
            clock_ms=now_ms,
            started_at_ms=now_ms() - 5000,
            lag=ReactorLag(world.clock, lambda: 0.0),
            notices=Notices(now_ms),
            usage=UsageReport(world.store, now_ms),
        )
        self.figures.active_runs = lambda: len(world.runs.active())
        plan = HeartbeatPlan(every_seconds=1800, session_key=MAIN)
        self.heartbeat = HeartbeatService(
            plan, world.conversations, world.heard, world.store, world.clock, now_ms, make_id
        )
        self.successResultOf(self.heartbeat.load())
        self.health = HealthKeeper(
            HealthSources(
                store=world.store,
                conversations=world.conversations,
                events=world.heard,
                event_loop=self.figures.event_loop,
                heartbeat=self.heartbeat.describe,
                changed=lambda: None,
                default_agent="main",
                queue=QueueHealth(backend="sqlite", durable=True),
            ),
            world.clock,
            now_ms,
        )
        handlers = self.handlers()
        table = {name: METHODS[name] for name in handlers}
        self.dispatcher = Dispatcher(table, handlers, lambda: "ref-1")
        self.operator = self.connect(*ALL)

    def handlers(self) -> dict[str, Handler]:
        world = self.world
        now_ms = world.now_ms
        me = PresenceEntry(ts=now_ms(), mode="gateway")
        presence = Presence(me, self.broadcaster, now_ms, world.clock)
        namespaces = (
            AgentMethods(
                agents=[AgentProfile("main", "Assistant", "/w"), AgentProfile("ops", "Ops", "/o")],
                default_agent="main",
                main_key="main",
                models=lambda: [MODEL, OTHER],
                default_model=lambda: MODEL,
                tags=lambda model: ["default"] if model is MODEL else [],
                commands=[("help", "What can be typed.")],
            ),
            AutomationMethods(),
            ChannelMethods(
                channels=None,
                router=None,
                web_chat=self.web_chat,
                traces=None,
                repeats=Repeats(world.clock.seconds),
                now_ms=now_ms,
            ),
            ChatMethods(
                conversations=world.conversations,
                runs=world.runs,
                canonical=world.keys.canonical,
                main_of=world.keys.main_of,
                agents=frozenset({"main", "ops", "work", "other"}),
                clock=world.clock,
                web_chat=self.web_chat,
            ),
            ConfigMethods(snapshot=self.snapshot()),
            SessionMethods(
                conversations=world.conversations,
                runs=world.runs,
                summaries=self.summaries,
                canonical=world.keys.canonical,
                check_model=check_model,
                now_ms=now_ms,
            ),
            SystemMethods(
                version="1.2.3",
                pid=42,
                config_hash="hash",
                default_agent="main",
                health=self.health,
                heartbeats=self.heartbeat,
                figures=self.figures,
                logs=self.log,
                presence=presence,
                broadcaster=self.broadcaster,
                conversations=world.conversations,
                sign_in=lambda: DashboardLink(url="http://x/#c", code="c", expires_at_ms=5),
                tls=None,
            ),
        )
        handlers: dict[str, Handler] = {}
        for namespace in namespaces:
            handlers |= namespace.handlers()
        return handlers

    def snapshot(self) -> ConfigSnapshot:
        """What ``config.get`` shows."""
        return ConfigSnapshot(
            path="openclaw.json",
            exists=True,
            valid=True,
            hash="hash",
            raw="{}",
            parsed={},
            resolved={},
            source_config={},
            runtime_config={},
            issues=[],
        )

    def connect(self, *granted: str, native: bool = True) -> Peerless:
        """A client with these scopes."""
        sent: list[Any] = []
        number = next(self._numbers)
        client = Client(
            f"conn-{number}",
            ClientInfo(id="cli", version="1", platform="linux", mode="cli"),
            Admitted("operator", granted, "token"),
            PEER,
            frozenset(),
            self.world.now_ms(),
            lambda text: sent.append(msgspec.json.decode(text)),
            lambda: False,
            native,
        )
        return Peerless(client, sent)

    def request(self, method: str, by: Peerless | None = None, /, **params: Any) -> Sequence[Any]:
        """Call a method; the answers so far, and those that come."""
        by = by or self.operator
        request_id = f"q{next(self._numbers)}"
        answers = Answers(by, request_id)
        text = msgspec.Raw(encode(params))
        self.dispatcher.dispatch(
            by.client, Request(type="req", id=request_id, method=method, params=text)
        )
        return answers

    def ok(self, method: str, by: Peerless | None = None, /, **params: Any) -> Any:
        """Call a method that answers yes, at once and once; the payload."""
        (answer,) = self.request(method, by, **params)
        self.assertTrue(answer["ok"], answer)
        return answer["payload"]

    def refused(self, method: str, by: Peerless | None = None, /, **params: Any) -> Any:
        """Call a method that answers no, at once and once; the error."""
        (answer,) = self.request(method, by, **params)
        self.assertFalse(answer["ok"], answer)
        return answer["error"]


class Answers(Sequence[Any]):
    """The answers to one request, as they come."""

    def __init__(self, by: Peerless, request_id: str) -> None:
        self._by = by
        self._id = request_id

    def __len__(self) -> int:
        return len(self._by.answers(self._id))

    def __getitem__(self, at: Any) -> Any:
        return self._by.answers(self._id)[at]


def check_model(ref: str) -> ModelInfo:
    """Find a model by its reference."""
    for model in (MODEL, OTHER, COMMANDS):
        if model.ref == ref:
            return model
    raise InvalidRequest(f"unknown model {ref!r}")
