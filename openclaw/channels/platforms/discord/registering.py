"""Tells Discord the slash commands, when they are not what it was told last."""

from __future__ import annotations

from twisted.logger import Logger

from openclaw.channels.platforms.discord.api import Api, DiscordError, Request
from openclaw.channels.platforms.discord.buckets import Route
from openclaw.channels.platforms.discord.commands import fingerprint, registration
from openclaw.channels.platforms.discord.settings import DiscordSettings
from openclaw.interfaces.channels import ILink

STATE = "commands"

_log = Logger()


async def register(link: ILink, api: Api, application_id: str) -> None:
    """Register what the settings say; a failure is no reason to stop, and tried again later."""
    settings: DiscordSettings = link.settings
    commands = settings.slash_commands()
    application_id = settings.application_id or application_id
    if commands is None or not application_id:
        return
    listed = registration(commands)
    told = fingerprint(application_id, listed)
    if link.state.get(STATE) == told:
        return
    route = Route("PUT", "/applications/{app}/commands", {"app": application_id})
    try:
        await api.call(Request(route=route, body=listed))
    except DiscordError as error:
        _log.warn("discord: no slash commands registered: {why}", why=error.message)
        return
    await link.state.put(STATE, told)
