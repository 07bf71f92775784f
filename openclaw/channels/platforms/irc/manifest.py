"""What the gateway knows of IRC without loading its code."""

from openclaw.interfaces.channels import Abilities, Manifest, TextLimit, Variable

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
    variables=(
        Variable(name="IRC_HOST", key="host", kind="text"),
        Variable(name="IRC_PORT", key="port", kind="number"),
        Variable(name="IRC_TLS", key="tls", kind="switch"),
        Variable(name="IRC_NICK", key="nick", kind="text"),
        Variable(name="IRC_USERNAME", key="username", kind="text"),
        Variable(name="IRC_REALNAME", key="realname", kind="text"),
        Variable(name="IRC_PASSWORD", key="password", unless=("passwordFile",)),
        Variable(name="IRC_CHANNELS", key="channels", kind="list"),
        Variable(name="IRC_NICKSERV_PASSWORD", key="nickservPassword"),
    ),
)
