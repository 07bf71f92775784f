"""Discord's objects as its API shows them, complete enough for the official client libraries."""

from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]

EPOCH_MS = 1_420_070_400_000


class Snowflakes:
    """Ids that grow, and tell when they were made."""

    def __init__(self, now_ms: Any) -> None:
        self._now_ms = now_ms
        self._count = 0

    def next(self) -> str:
        """A new one."""
        self._count += 1
        return str(((self._now_ms() - EPOCH_MS) << 22) | (self._count & 0x3FFFFF))


def iso(at_ms: int) -> str:
    """A time as Discord writes it."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def user(user_id: str, name: str, *, bot: bool = False) -> Object:
    """A user."""
    return {
        "id": user_id,
        "username": name,
        "global_name": None if bot else name.title(),
        "discriminator": "0",
        "avatar": None,
        "bot": bot,
        "system": False,
        "public_flags": 0,
        "flags": 0,
    }


def me(user_id: str, name: str) -> Object:
    """The bot's own user."""
    return {
        **user(user_id, name, bot=True),
        "mfa_enabled": True,
        "verified": True,
        "email": None,
        "locale": "en-US",
    }


def member(roles: tuple[str, ...] = (), nick: str | None = None) -> Object:
    """A member without its user, as messages carry it."""
    return {
        "roles": list(roles),
        "nick": nick,
        "avatar": None,
        "joined_at": "2024-01-01T00:00:00.000000+00:00",
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "flags": 0,
        "pending": False,
        "communication_disabled_until": None,
    }


def role(role_id: str, name: str, *, bot_id: str | None = None) -> Object:
    """A role; with ``bot_id`` the one that Discord makes for a bot."""
    made: Object = {
        "id": role_id,
        "name": name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": 0 if bot_id is None else 1,
        "permissions": "2251799813685247",
        "managed": bot_id is not None,
        "mentionable": False,
        "flags": 0,
    }
    if bot_id is not None:
        made["tags"] = {"bot_id": bot_id}
    return made


def channel(channel_id: str, name: str, guild_id: str, kind: int = 0, position: int = 0) -> Object:
    """A guild's text channel (0) or forum (15)."""
    made: Object = {
        "id": channel_id,
        "type": kind,
        "guild_id": guild_id,
        "name": name,
        "position": position,
        "permission_overwrites": [],
        "nsfw": False,
        "parent_id": None,
        "topic": None,
        "last_message_id": None,
        "rate_limit_per_user": 0,
        "flags": 0,
    }
    if kind == 15:
        made |= {
            "available_tags": [],
            "default_reaction_emoji": None,
            "default_sort_order": None,
            "default_forum_layout": 0,
        }
    return made


def thread(thread_id: str, name: str, parent: Object, owner_id: str) -> Object:
    """A public thread."""
    return {
        "id": thread_id,
        "type": 11,
        "guild_id": parent["guild_id"],
        "parent_id": parent["id"],
        "owner_id": owner_id,
        "name": name,
        "last_message_id": None,
        "message_count": 0,
        "member_count": 1,
        "total_message_sent": 0,
        "rate_limit_per_user": 0,
        "flags": 0,
        "thread_metadata": {
            "archived": False,
            "auto_archive_duration": 1440,
            "archive_timestamp": "2024-01-01T00:00:00.000000+00:00",
            "locked": False,
            "create_timestamp": "2024-01-01T00:00:00.000000+00:00",
        },
    }


def direct(channel_id: str, recipient: Object) -> Object:
    """A direct channel."""
    return {
        "id": channel_id,
        "type": 1,
        "last_message_id": None,
        "recipients": [recipient],
        "flags": 0,
    }


def guild(
    guild_id: str, name: str, owner_id: str, roles: list[Object], channels: list[Object]
) -> Object:
    """A guild as GUILD_CREATE tells it."""
    return {
        "id": guild_id,
        "name": name,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "owner_id": owner_id,
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "roles": roles,
        "emojis": [],
        "features": [],
        "mfa_level": 0,
        "application_id": None,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "max_members": 500_000,
        "vanity_url_code": None,
        "description": None,
        "banner": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": "en-US",
        "public_updates_channel_id": None,
        "nsfw_level": 0,
        "premium_progress_bar_enabled": False,
        "safety_alerts_channel_id": None,
        "stickers": [],
        "joined_at": "2024-01-01T00:00:00.000000+00:00",
        "large": False,
        "unavailable": False,
        "member_count": 2,
        "voice_states": [],
        "members": [],
        "channels": channels,
        "threads": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def application(application_id: str, owner: Object, flags: int) -> Object:
    """The application as it sees itself."""
    return {
        "id": application_id,
        "name": "assistant",
        "icon": None,
        "description": "",
        "summary": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "owner": owner,
        "team": None,
        "flags": flags,
        "rpc_origins": [],
        "tags": [],
        "interactions_endpoint_url": None,
        "integration_types_config": {},
    }


def message(message_id: str, channel_id: str, author: Object, content: str, at_ms: int) -> Object:
    """A message."""
    return {
        "id": message_id,
        "channel_id": channel_id,
        "type": 0,
        "author": author,
        "content": content,
        "timestamp": iso(at_ms),
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "pinned": False,
        "flags": 0,
    }
