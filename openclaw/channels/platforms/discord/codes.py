"""Discord's numbers in words: close codes, error codes, and what to do about each."""

from openclaw.channels.platforms.discord.settings import INTENTS

PRIVILEGED = {
    "guildMembers": ("SERVER MEMBERS INTENT", (1 << 14) | (1 << 15)),
    "messageContent": ("MESSAGE CONTENT INTENT", (1 << 18) | (1 << 19)),
}
"""Intents that have to be switched on for an application: the switch's label in the Developer
Portal, and the application's flags of which one is set where it is on."""

AUTHENTICATION_FAILED = 4004
DISALLOWED_INTENTS = 4014

FATAL_CLOSES = {
    4004: "Discord does not accept the bot token. Make a new one in the Developer Portal "
    "(Bot > Reset Token) and set it as channels.discord.token.",
    4010: "Discord refused the shard. Nothing of the configuration can cause this; report it.",
    4012: "Discord no longer speaks version 10 of its gateway. Install a newer release.",
    4013: "Discord does not know one of the intents. Take channels.discord.intents out of the "
    "configuration, or name only documented ones.",
}
"""After these no new connection helps. 4014 is :func:`disallowed_intents`."""

SHARDING_REQUIRED = 4011

NEW_SESSION_CLOSES = frozenset({4007, 4009})
"""After these the session is gone; after all others it is resumed."""

UNKNOWN_CHANNEL = 10003
UNKNOWN_MESSAGE = 10008
UNKNOWN_EMOJI = 10014
UNKNOWN_WEBHOOK = 10015
UNKNOWN_INTERACTION = 10062
TOO_LARGE = 40005
ALREADY_ACKNOWLEDGED = 40060
NOT_A_TEXT_CHANNEL = 50008
INVALID_FORM = 50035
ARCHIVED = 50083
THREAD_EXISTS = 160004
REPLY_IMPOSSIBLE = frozenset({50021, 160002})
"""System messages cannot be answered; answering needs the right to read the history."""

REMEDIES = {
    10003: "The channel does not exist, or the bot is not in its guild.",
    10008: "The message is gone.",
    10013: "There is no user of that id.",
    10014: "Discord does not know that emoji, or the bot may not use it.",
    40005: "The file is larger than Discord takes there.",
    50001: "The bot cannot see the channel. Give its role the permission View Channel.",
    50005: "It is not the bot's own message.",
    50007: "The person takes no direct messages from the bot. They have to share a guild with it "
    "and allow direct messages from its members, or write to it first.",
    50008: "Nothing can be written in a channel of that kind.",
    50013: "The bot lacks a permission there. Give its role Send Messages, Send Messages in "
    "Threads, Read Message History, Attach Files and Add Reactions.",
    50035: "Discord found the request malformed.",
    50083: "The thread is archived, and the bot may not open it again.",
    90001: "The bot was blocked from reacting there.",
}


def disallowed_intents(bits: int, flags: int | None) -> str:
    """Name the intents that the application may not use, and where to switch them on.

    :param bits: what was asked for.
    :param flags: the application's flags, if Discord told them.
    """
    asked = {name: known for name, known in PRIVILEGED.items() if bits & INTENTS[name]}
    if flags is not None:
        off = {name: known for name, known in asked.items() if not flags & known[1]}
        asked = off or asked
    switches = " and ".join(label for label, _ in asked.values()) or "the intents asked for"
    keys = ", ".join(asked) or "what needs them"
    return (
        f"Discord refused the intents (close code 4014): the application lacks {switches}. Switch "
        "it on in the Developer Portal (Bot > Privileged Gateway Intents), then reload the "
        f"account; or leave {keys} out of channels.discord.intents."
    )


def remedy(code: int, message: str) -> str:
    """Say what an error code of the REST API means for the operator."""
    known = REMEDIES.get(code)
    said = f"Discord refused it ({code}: {message})"
    return said if known is None else f"{said}. {known}"


def error_paths(errors: object, path: str = "") -> list[str]:
    """List what the ``errors`` object of a malformed request complains of, as ``path: code``.

    Only paths and codes: the rest may quote what somebody wrote.
    """
    if not isinstance(errors, dict):
        return []
    found = [
        f"{path}: {entry.get('code', '?')}"
        for entry in errors.get("_errors") or ()
        if isinstance(entry, dict)
    ]
    for key, inner in errors.items():
        if key != "_errors":
            found.extend(error_paths(inner, f"{path}.{key}" if path else str(key)))
    return found
