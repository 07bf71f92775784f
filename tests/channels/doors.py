"""The way in of one process: intake, admission and routing as they are, over any queue."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from twisted.internet.interfaces import IReactorTime

from openclaw.channels.account import Account
from openclaw.channels.accounts import ConfiguredAccount
from openclaw.channels.intake import Gates, Intake
from openclaw.channels.media import MediaStore
from openclaw.channels.outbox import AccountOf, Outbox
from openclaw.channels.overdue import Overdue
from openclaw.channels.records import SentRecords
from openclaw.channels.status import Record
from openclaw.config.schema.channels import ChannelSettings
from openclaw.interfaces.channels import AccountStatus, Manifest
from openclaw.interfaces.queue import IQueue
from openclaw.interfaces.routing import AccessRules
from openclaw.interfaces.storage import IStore
from openclaw.monitoring.traces import Traces
from openclaw.routing.admission import Admission
from openclaw.routing.router import Router
from openclaw.routing.routes import Routes
from openclaw.routing.session_keys import KeyMaker
from openclaw.security.pairing_codes import CodeMaker
from openclaw.security.sender_codes import SenderCodes
from tests.channels.kit import MANIFEST

EVERYBODY = AccessRules(dm="open", allow_from=frozenset("*"), group="open", require_mention=False)


def made_account(
    name: str,
    clock: IReactorTime,
    now_ms: Callable[[], int],
    manifest: Manifest = MANIFEST,
    **settings: Any,
) -> Account:
    """An account of the kit's platform; it has no channel yet."""
    chosen = msgspec.structs.replace(ChannelSettings(), **settings)
    configured = ConfiguredAccount(
        manifest=manifest, account=name, settings=chosen, is_default=name == "default"
    )
    status = AccountStatus(channel="test", account=name, state="stopped")
    return Account(configured, Record(status, now_ms, lambda: None), clock, Random(1))


class Door:
    """One process's way in; open to everybody, unless the rules say otherwise.

    :ivar intake: takes messages.
    """

    def __init__(
        self,
        store: IStore,
        queue: IQueue,
        clock: IReactorTime,
        now_ms: Callable[[], int],
        account_of: AccountOf,
        rules: AccessRules = EVERYBODY,
    ) -> None:
        self.traces = Traces(store, clock, now_ms)
        self.sent = SentRecords(store, now_ms)
        self.outbox = Outbox(queue, self.sent, self.traces, account_of)
        senders = SenderCodes(store, CodeMaker(b"k" * 32), now_ms)
        self.routes = Routes(store, now_ms)
        self.overdue = Overdue(self.outbox, clock, lambda *_: None, lambda: None)
        self.intake = Intake(
            Gates(
                admission=Admission(senders, lambda *_: None, clock.seconds, lambda: 0),
                router=Router((), KeyMaker(), self.routes),
                queue=queue,
                outbox=self.outbox,
                overdue=self.overdue,
                media=MediaStore(Path("unused"), str, clock),
                traces=self.traces,
                rules_of=lambda account: rules,
                account_of=account_of,
                counted=lambda account, taken: None,
            ),
            clock,
        )
