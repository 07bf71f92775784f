"""What the gateway knows of Matrix without loading its code."""

from openclaw.interfaces.channels import Abilities, Manifest, TextLimit, Variable

MANIFEST = Manifest(
    id="matrix",
    label="Matrix",
    settings="openclaw.channels.platforms.matrix.settings:MatrixSettings",
    factory="openclaw.channels.platforms.matrix.service:make",
    # An event may have 65 536 bytes. Both bodies are counted, and an edit holds each of them
    # twice; the rest is for what JSON escapes, and for the event's own fields.
    text=TextLimit(default=8_000, hard=24_000, unit="bytes", caption=8_000),
    abilities=Abilities(
        edit=True,
        delete=True,
        react=True,
        typing_seconds=20.0,
        threads=True,
        media=True,
        idempotent=True,
    ),
    # A homeserver of stock settings lets ten messages pass, then one in five seconds.
    streaming="off",
    edit_ms=(3000, 3000),
    max_connections=5,
    media_bytes=50 << 20,
    variables=(
        Variable(name="MATRIX_HOMESERVER", key="homeserver", kind="text"),
        Variable(name="MATRIX_USER_ID", key="userId", kind="text"),
        Variable(name="MATRIX_ACCESS_TOKEN", key="accessToken"),
        Variable(name="MATRIX_PASSWORD", key="password"),
        Variable(name="MATRIX_DEVICE_ID", key="deviceId", kind="text"),
        Variable(name="MATRIX_DEVICE_NAME", key="deviceName", kind="text"),
    ),
)
