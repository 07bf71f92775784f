"""What is known of Discord without loading its code."""

from openclaw.interfaces.channels import Abilities, Manifest, TextLimit, Variable

MANIFEST = Manifest(
    id="discord",
    label="Discord",
    settings="openclaw.channels.platforms.discord.settings:DiscordSettings",
    factory="openclaw.channels.platforms.discord.service:make_channel",
    text=TextLimit(default=2000, hard=2000, unit="utf-16", lines=17, caption=2000),
    abilities=Abilities(
        edit=True,
        delete=True,
        react=True,
        typing_seconds=8.0,
        threads=True,
        media=True,
        webhook=True,
        idempotent=True,
    ),
    streaming="partial",
    edit_ms=(1200, 1200),
    media_bytes=25 << 20,
    variables=(Variable(name="DISCORD_BOT_TOKEN", key="token"),),
)
