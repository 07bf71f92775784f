"""What one bot account is made of, and how its parts know one another; it opens nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from openclaw.channels.platforms.discord.addresses import Addresses
from openclaw.channels.platforms.discord.api import Api, root_of
from openclaw.channels.platforms.discord.delivery import Delivery
from openclaw.channels.platforms.discord.directory import Directory
from openclaw.channels.platforms.discord.endpoint import Endpoint
from openclaw.channels.platforms.discord.intake import Intake
from openclaw.channels.platforms.discord.interactions import Interactions
from openclaw.channels.platforms.discord.missed import Missed
from openclaw.channels.platforms.discord.session import Session, Sessions
from openclaw.channels.platforms.discord.settings import DiscordSettings
from openclaw.channels.platforms.discord.tokens import Tokens
from openclaw.channels.platforms.discord.wire import Own
from openclaw.deferreds import Tasks
from openclaw.interfaces.channels import ChannelFailed, ILink

NO_TOKEN = (
    "There is no bot token. Make one in the Developer Portal (Bot > Reset Token) and set it as "
    "channels.discord.token."
)


class Account:
    """The parts of one account.

    :param on_failure: told why an event could not be taken in.
    :ivar hooks: owns what answers interactions; it outlives connections.
    :raises ChannelFailed: the settings cannot work; says what to do.
    """

    def __init__(self, link: ILink, on_failure: Callable[[Exception], None]) -> None:
        settings: DiscordSettings = link.settings
        written = settings.token if isinstance(settings.token, str) else ""
        self.token = written.strip().removeprefix("Bot ")
        if not self.token:
            raise ChannelFailed(NO_TOKEN)
        root = root_of(settings.api_url, settings.allow_insecure)
        directory, tokens = Directory(), Tokens(link)
        self._link = link
        self.root = root
        self.hooks = Tasks()
        self.api = Api(link, self.token, root)
        self.addresses = Addresses(self.api, root, settings.allow_insecure)
        self.sessions = Sessions(link.state, settings.intent_bits())
        self.delivery = Delivery(link, self.api, directory, tokens)
        self.interactions = Interactions(link, self.api, directory, tokens, self.hooks)
        self.endpoint = Endpoint(link, self.interactions, self.own, self.hooks)
        self.intake = Intake(
            link,
            self.api,
            directory,
            self.interactions,
            own=self.own,
            on_safe=self.sessions.advance,
            on_failure=on_failure,
        )
        self.missed = Missed(link, self.api, self.intake, self.sessions)
        self.intake.on_direct = self.missed.direct

    def own(self) -> Own:
        """Who the bot is, as far as a session has told."""
        session = self.sessions.current
        return Own(
            id=session.user_id if session else "",
            name=session.user_name if session else "",
            channel=self._link.channel,
            account=self._link.account,
        )

    def opened(self, seq: int, ready: Any) -> None:
        """READY came.

        :raises KeyError: it lacks what a session needs.
        """
        user = ready["user"]
        session = Session(
            id=ready["session_id"],
            url=ready.get("resume_gateway_url") or "",
            seq=seq,
            intents=self._link.settings.intent_bits(),
            user_id=str(user["id"]),
            user_name=user.get("username") or "",
            application_id=str((ready.get("application") or {}).get("id") or ""),
            at_ms=self._link.now_ms(),
        )
        self.intake.begin(session.id, seq)
        self.sessions.opened(session)
