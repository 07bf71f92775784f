"""Logs discord.py in, answers the first message, and says what it saw.

Usage: python judge.py <api root> <gateway> <token>
"""

import io
import json
import sys
from typing import Any

import discord
import yarl

API, GATEWAY, TOKEN = sys.argv[1:4]


def say(event: str, **data: Any) -> None:
    """Tell the test."""
    print(json.dumps({"event": event, **data}), flush=True)


class Judge(discord.Client):
    """Does what a bot does."""

    async def on_ready(self) -> None:
        """Say who we are."""
        assert self.user is not None
        say("ready", user=str(self.user.id), guilds=[guild.name for guild in self.guilds])

    async def on_message_edit(self, before: Any, after: Any) -> None:
        """Somebody's words changed."""
        say("edited", content=after.content)

    async def on_message(self, message: Any) -> None:
        """Answer."""
        if message.author.bot:
            return
        say(
            "message",
            content=message.content,
            author=str(message.author.id),
            guild=message.guild.name if message.guild else None,
            channel=getattr(message.channel, "name", None),
            mentioned=self.user in message.mentions,
        )
        if "goodbye" in message.content:
            await self.close()
            return
        file = discord.File(io.BytesIO(b"file"), filename="a.txt")
        sent = await message.reply("pong", file=file)
        await sent.edit(content="pong, edited")
        await message.add_reaction("👍")
        await message.channel.typing()
        say("answered", id=str(sent.id))


discord.http.Route.BASE = f"{API}/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(GATEWAY)
intents = discord.Intents(guilds=True, messages=True, message_content=True, guild_reactions=True)
Judge(intents=intents).run(TOKEN)
