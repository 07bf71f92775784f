"""What the gateway knows of IRC without loading its code."""

from openclaw.interfaces.channels import Abilities, Manifest, TextLimit

MANIFEST = Manifest(
    id="irc",
    label="IRC",
    settings="openclaw.channels.platforms.irc.settings:IRCSettings",
    factory="openclaw.channels.platforms.irc.service:make",
    # A line on the wire has 512 bytes, of which the server needs some for who says it where. A few
    # short lines go as one message: so many as may leave at once.
    text=TextLimit(default=350, hard=400, unit="bytes", lines=5),
    abilities=Abilities(),
    max_connections=1,
    reconnect_seconds=5.0,
)
