"""What the gateway knows of Telegram without loading its code."""

from openclaw.interfaces.channels import Abilities, Manifest, TextLimit, Variable

MANIFEST = Manifest(
    id="telegram",
    label="Telegram",
    settings="openclaw.channels.platforms.telegram.settings:TelegramSettings",
    factory="openclaw.channels.platforms.telegram.service:make",
    text=TextLimit(default=4000, hard=4096, unit="utf-16", caption=1024),
    abilities=Abilities(
        edit=True,
        delete=True,
        react=True,
        typing_seconds=4.0,
        threads=True,
        media=True,
        webhook=True,
    ),
    streaming="partial",
    edit_ms=(1000, 3000),
    max_connections=5,
    media_bytes=50 << 20,
    webhook_bytes=1 << 20,
    variables=(Variable(name="TELEGRAM_BOT_TOKEN", key="botToken", unless=("tokenFile",)),),
)
