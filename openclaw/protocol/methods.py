"""The one table of methods: params, result, scope, key, work. What they do is elsewhere."""

from typing import Any

import msgspec
from attrs import field, frozen

from openclaw.protocol import scopes
from openclaw.protocol.schema import (
    agents,
    audit,
    automation,
    channels,
    chat,
    configuration,
    devices,
    exports,
    mfa,
    queue,
    sessions,
    system,
)
from openclaw.protocol.schema.common import NoParams, Ok


@frozen
class Method:
    """One method.

    :ivar scope: what the caller must hold; ``None``: every connection may call it.
    :ivar keyed: the params carry an idempotency key.
    :ivar control: changes who may do what, or the gateway itself: a few a minute are enough.
    :ivar or_result: a second shape of the result, where there are two.
    :ivar work: starts agent work or sends messages, so the work limit counts it.
    """

    name: str
    params: type[Any]
    result: Any
    scope: str | None
    summary: str
    keyed: bool = False
    work: bool = False
    control: bool = False
    or_result: Any = None
    decoder: msgspec.json.Decoder[Any] | None = field(init=False, repr=False, eq=False)

    @decoder.default
    def _make_decoder(self) -> msgspec.json.Decoder[Any] | None:
        """Nothing to decode for a method that takes nothing."""
        return None if self.params is NoParams else msgspec.json.Decoder(self.params)


_READ, _WRITE, _ADMIN = scopes.READ, scopes.WRITE, scopes.ADMIN

_TABLE = (
    Method("health", system.HealthParams, system.Health, None, "Is the gateway well?"),
    Method("status", system.StatusParams, system.Status, _READ, "Figures for people."),
    Method(
        "system-presence",
        NoParams,
        list[system.PresenceEntry],
        _READ,
        "Who is connected, or was lately; the gateway first.",
    ),
    Method("system-event", system.SystemEventParams, Ok, _ADMIN, "Put a note into presence."),
    Method(
        "last-heartbeat",
        NoParams,
        system.Heartbeat | None,
        _READ,
        "How the last heartbeat ended.",
    ),
    Method(
        "set-heartbeats",
        system.SetHeartbeatsParams,
        system.SetHeartbeatsResult,
        _ADMIN,
        "Switch heartbeats on or off.",
    ),
    Method("wake", system.WakeParams, Ok, _WRITE, "Tell the main session something.", work=True),
    Method("logs.tail", system.LogsTailParams, system.LogsTail, _READ, "The latest log lines."),
    Method(
        "diagnostics.stability",
        system.StabilityParams,
        system.Stability,
        _READ,
        "What the gateway noticed of itself.",
    ),
    Method("usage.cost", system.UsageCostParams, system.UsageCost, _READ, "Tokens by day."),
    Method("agents.list", NoParams, agents.AgentsList, _READ, "The agents."),
    Method(
        "agent.identity.get",
        agents.AgentIdentityParams,
        agents.AgentIdentity,
        _READ,
        "What an agent is called.",
    ),
    Method("models.list", agents.ModelsListParams, agents.ModelsList, _READ, "The models."),
    Method(
        "commands.list",
        agents.CommandsListParams,
        agents.CommandsList,
        _READ,
        "The commands that can be typed in a chat.",
    ),
    Method(
        "agent",
        agents.AgentParams,
        agents.AgentFinal,
        _WRITE,
        "Run an agent: answers once when the input is on disk, once more at the end.",
        keyed=True,
        work=True,
    ),
    Method("agent.wait", agents.AgentWaitParams, agents.AgentWait, _WRITE, "Wait for a run."),
    Method("config.get", NoParams, configuration.ConfigSnapshot, _READ, "The configuration."),
    Method("sessions.list", sessions.SessionsListParams, sessions.SessionsList, _READ, "Sessions."),
    Method(
        "sessions.subscribe",
        sessions.SubscribeParams,
        sessions.Subscribed,
        _READ,
        "Receive ``sessions.changed``.",
    ),
    Method("sessions.describe", sessions.DescribeParams, sessions.Described, _READ, "One session."),
    Method(
        "sessions.patch",
        sessions.PatchParams,
        sessions.Patched,
        _WRITE,
        "Rename or archive a session, or choose its model.",
    ),
    Method(
        "sessions.reset",
        sessions.ResetParams,
        sessions.ResetResult,
        _WRITE,
        "Start over under the same key.",
    ),
    Method("sessions.delete", sessions.DeleteParams, sessions.Deleted, _WRITE, "Delete a session."),
    Method(
        "sessions.compact",
        sessions.CompactParams,
        sessions.Compacted,
        _ADMIN,
        "Replace the older part of a transcript by a summary.",
    ),
    Method(
        "sessions.export",
        exports.ExportParams,
        exports.Exported,
        _READ,
        "A whole session as lines of JSON, part by part; sealed where that is configured.",
    ),
    Method(
        "sessions.unseal",
        exports.UnsealParams,
        exports.Unsealed,
        _ADMIN,
        "Open a part of a sealed export.",
    ),
    Method(
        "sessions.messages.subscribe",
        sessions.MessagesSubscribeParams,
        sessions.MessagesSubscribed,
        _READ,
        "Receive ``session.message`` of one session.",
    ),
    Method("chat.startup", chat.HistoryParams, chat.History, _READ, "What a chat page opens with."),
    Method("chat.metadata", chat.MetadataParams, chat.Metadata, _READ, "What a composer offers."),
    Method(
        "chat.history",
        chat.HistoryParams,
        chat.History,
        _READ,
        "A transcript, or what came after a cursor.",
        or_result=chat.HistoryDelta,
    ),
    Method(
        "chat.send",
        chat.SendParams,
        chat.SendResult,
        _WRITE,
        "Say something; the answer arrives as ``chat`` events.",
        keyed=True,
        work=True,
    ),
    Method("chat.abort", chat.AbortParams, chat.AbortResult, _WRITE, "Stop what runs."),
    Method(
        "send",
        channels.ChannelSendParams,
        channels.ChannelSent,
        _WRITE,
        "Send a message through a channel.",
        keyed=True,
        work=True,
    ),
    Method(
        "channels.status",
        channels.ChannelsStatusParams,
        channels.ChannelsStatus,
        _READ,
        "Every channel account and how it is.",
    ),
    Method(
        "channels.reload",
        channels.ChannelAccountParams,
        channels.ChannelsReloaded,
        _ADMIN,
        "Read the configuration of a channel again; no other is touched.",
        control=True,
    ),
    Method(
        "channels.stop",
        channels.ChannelAccountParams,
        channels.ChannelStopped,
        _ADMIN,
        "Stop an account until it is reloaded.",
        control=True,
    ),
    Method(
        "channels.logout",
        channels.ChannelAccountParams,
        channels.ChannelStopped,
        _ADMIN,
        "Stop an account and forget what it was logged in with, where that is kept here.",
        control=True,
    ),
    Method(
        "message.action",
        channels.MessageActionParams,
        channels.MessageActed,
        _WRITE,
        "Send, react to, edit or delete a message on a channel.",
        keyed=True,
        work=True,
    ),
    Method(
        "messages.trace",
        channels.TraceParams,
        channels.Trace,
        _READ,
        "Every step of one message's way, from the platform and back.",
    ),
    Method("cron.status", NoParams, automation.CronStatus, _READ, "The scheduler."),
    Method("cron.list", automation.CronListParams, automation.CronPage, _READ, "Scheduled jobs."),
    Method("device.pair.list", NoParams, devices.DevicePairList, scopes.PAIRING, "Devices."),
    Method(
        "device.pair.setupCode",
        devices.SetupCodeParams,
        devices.SetupCode,
        _ADMIN,
        "A code with which one device sets itself up, without another approval.",
        control=True,
    ),
    Method(
        "device.pair.approve",
        devices.ApproveParams,
        devices.Approved,
        scopes.PAIRING,
        "Grant a device what it asked for.",
        control=True,
    ),
    Method(
        "device.pair.reject",
        devices.RejectParams,
        devices.Rejected,
        scopes.PAIRING,
        "Refuse a device what it asked for.",
        control=True,
    ),
    Method(
        "device.pair.remove",
        devices.DeviceParams,
        devices.DeviceRemoved,
        scopes.PAIRING,
        "Forget a device and close its sockets.",
        control=True,
    ),
    Method(
        "device.pair.rename",
        devices.RenameParams,
        devices.RenameParams,
        scopes.PAIRING,
        "Give a device a name.",
        control=True,
    ),
    Method(
        "device.token.rotate",
        devices.RotateParams,
        devices.Rotated,
        scopes.PAIRING,
        "Make a device's token void and a new one.",
        control=True,
    ),
    Method(
        "device.token.revoke",
        devices.RevokeParams,
        devices.Revoked,
        scopes.PAIRING,
        "Make a device's token void.",
        control=True,
    ),
    Method(
        "pairing.list",
        devices.PairingListParams,
        devices.PairingList,
        scopes.PAIRING,
        "Senders and devices that wait to be let in.",
    ),
    Method(
        "pairing.approve",
        devices.PairingApproveParams,
        devices.PairingApproved,
        scopes.PAIRING,
        "Let in who shows a code.",
        control=True,
    ),
    Method("audit.list", audit.AuditListParams, audit.AuditList, _ADMIN, "What was decided."),
    Method("audit.verify", NoParams, audit.AuditVerified, _ADMIN, "Is the trail unaltered?"),
    Method(
        "encryption.status", NoParams, audit.EncryptionStatus, _ADMIN, "How the journal is sealed."
    ),
    Method(
        "encryption.rotate",
        NoParams,
        audit.EncryptionStatus,
        _ADMIN,
        "Make a new key; the journal is sealed with it again while the gateway runs.",
        control=True,
    ),
    Method(
        "queue.status",
        queue.QueueStatusParams,
        queue.QueueStatus,
        _READ,
        "How full the queues are, and what is dead.",
    ),
    Method(
        "queue.stats",
        queue.QueueStatsParams,
        queue.QueueStatsResult,
        _READ,
        "What went through the queues since the start.",
    ),
    Method(
        "queue.inspect",
        queue.QueueInspectParams,
        queue.QueueInspected,
        _READ,
        "Messages that wait, or dead letters, one by one.",
    ),
    Method(
        "queue.retry",
        queue.QueueIdsParams,
        queue.QueueDone,
        _ADMIN,
        "Put dead letters back at the end of their lanes.",
        work=True,
    ),
    Method("queue.discard", queue.QueueIdsParams, queue.QueueDone, _ADMIN, "Forget dead letters."),
    Method("exec.approval.list", NoParams, list[Any], scopes.APPROVALS, "Open approvals."),
    Method("plugin.approval.list", NoParams, list[Any], scopes.APPROVALS, "Open approvals."),
    Method("question.list", NoParams, automation.QuestionList, scopes.QUESTIONS, "Open questions."),
    Method(
        "mfa.status", NoParams, mfa.MfaStatus, _READ, "The second factor, and what asks for it."
    ),
    Method(
        "mfa.enroll",
        NoParams,
        mfa.MfaOffer,
        _ADMIN,
        "Offer a second factor to an authenticator app; on the gateway's own machine.",
    ),
    Method(
        "mfa.confirm",
        mfa.MfaConfirmParams,
        mfa.MfaConfirmed,
        _ADMIN,
        "Enrol what was offered, by the app's first code.",
    ),
    Method(
        "mfa.verify",
        mfa.MfaVerifyParams,
        mfa.MfaVerified,
        None,
        "Show a code; methods that asked for it are served for fifteen minutes.",
    ),
    Method(
        "mfa.disable",
        mfa.MfaDisableParams,
        Ok,
        _ADMIN,
        "Remove the second factor, by one more code of it.",
    ),
    Method(
        "gateway.token.rotate",
        NoParams,
        system.TokenRotated,
        _ADMIN,
        "Replace the gateway's token; connections of the old one are closed.",
        control=True,
    ),
    Method(
        "dashboard.link",
        NoParams,
        system.DashboardLink,
        _ADMIN,
        "A fresh one-time sign-in link for the web chat.",
    ),
)

METHODS = {method.name: method for method in _TABLE}
