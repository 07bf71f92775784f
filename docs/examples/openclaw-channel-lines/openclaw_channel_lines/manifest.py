"""What the gateway knows of the channel without loading its code."""

from openclaw.interfaces.channels import Abilities, Manifest, TextLimit

MANIFEST = Manifest(
    id="lines",
    label="Lines",
    settings="openclaw_channel_lines.settings:LinesSettings",
    factory="openclaw_channel_lines.channel:LinesChannel",
    text=TextLimit(default=1000, hard=2000),
    abilities=Abilities(idempotent=True),
)
