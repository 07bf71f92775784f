"""What the gateway knows of Slack without loading its code."""

from openclaw.interfaces.channels import Abilities, Manifest, TextLimit, Variable

MANIFEST = Manifest(
    id="slack",
    label="Slack",
    settings="openclaw.channels.platforms.slack.settings:SlackSettings",
    factory="openclaw.channels.platforms.slack.service:make",
    # Slack takes 40 000 characters when a message is posted, but only 4 000 when it is changed.
    text=TextLimit(default=4000, hard=40_000, caption=4000),
    abilities=Abilities(
        edit=True,
        delete=True,
        react=True,
        typing_seconds=60.0,
        threads=True,
        media=True,
        webhook=True,
        lookup=True,
    ),
    streaming="partial",
    edit_ms=(1000, 1000),
    # One that serves, and its successor while Slack refreshes a connection.
    max_connections=2,
    reconnect_seconds=1.0,
    media_bytes=20 << 20,
    variables=(
        Variable(name="SLACK_BOT_TOKEN", key="botToken"),
        Variable(name="SLACK_APP_TOKEN", key="appToken"),
    ),
)
