"""What each call of the stand-in's REST API does; ``rest`` serves them."""

import re
from typing import Any

from tests.channels.discord import objects
from tests.channels.discord.rest import (
    ROUTES,
    Call,
    Problem,
    Rest,
    Routes,
    check_form,
    malformed,
    route,
)
from tests.channels.discord.world import APPLICATION_ID, BOT_ID, GUILD_ID


@route("GET", "/gateway/bot")
def gateway_bot(rest: Rest, call: Call) -> Any:
    return {
        "url": rest.world.base,
        "shards": 1,
        "session_start_limit": rest.session_limit,
    }


@route("GET", "/users/@me")
def users_me(rest: Rest, call: Call) -> Any:
    return rest.world.me


@route("GET", "/oauth2/applications/@me")
@route("GET", "/applications/@me")
def applications_me(rest: Rest, call: Call) -> Any:
    owner = objects.user("700000000000000001", "owner")
    return objects.application(APPLICATION_ID, owner, rest.flags)


@route("POST", "/users/@me/channels")
def open_direct(rest: Rest, call: Call) -> Any:
    recipient = str((call.body or {}).get("recipient_id") or "")
    if recipient not in rest.world.users or recipient == BOT_ID:
        raise Problem(400, 50033, "Invalid Recipient(s)")
    return rest.world.direct(recipient)


@route("GET", "/channels/{channel}")
def get_channel(rest: Rest, call: Call, channel: str) -> Any:
    return rest.channel(channel)


@route("PATCH", "/channels/{channel}")
def change_channel(rest: Rest, call: Call, channel: str) -> Any:
    found = rest.channel(channel)
    if "archived" in call.body:
        found["thread_metadata"]["archived"] = call.body["archived"]
    return found


@route("GET", "/channels/{channel}/messages")
def get_messages(rest: Rest, call: Call, channel: str) -> Any:
    rest.channel(channel)
    limit = int(call.query.get("limit", "50"))
    here = [one for one in rest.world.messages.values() if one["channel_id"] == channel]
    if "after" in call.query:  # Those that follow it, yet the newest of them first.
        later = [one for one in here if int(one["id"]) > int(call.query["after"])]
        return sorted(later, key=lambda one: int(one["id"]))[:limit][::-1]
    return list(reversed(here))[:limit]


@route("GET", "/guilds/{guild}/members/{user}")
def get_member(rest: Rest, call: Call, guild: str, user: str) -> Any:
    if user not in rest.world.users:
        raise Problem(404, 10007, "Unknown Member")
    roles = rest.world.roles_of.get(user, ())
    return {**objects.member(roles), "user": rest.world.users[user]}


@route("POST", "/channels/{channel}/messages")
def create_message(rest: Rest, call: Call, channel: str) -> Any:
    return rest.post(channel, call, call.body)


@route("GET", "/channels/{channel}/messages/{message}")
def get_message(rest: Rest, call: Call, channel: str, message: str) -> Any:
    return rest.message(channel, message)


@route("PATCH", "/channels/{channel}/messages/{message}")
def edit_message(rest: Rest, call: Call, channel: str, message: str) -> Any:
    found = rest.message(channel, message)
    if found["author"]["id"] != BOT_ID:
        raise Problem(403, 50005, "Cannot edit a message authored by another user")
    check_form(call.body, call.files)
    rest.world.edit(message, call.body.get("content") or "")
    return found


@route("DELETE", "/channels/{channel}/messages/{message}")
def delete_message(rest: Rest, call: Call, channel: str, message: str) -> Any:
    rest.message(channel, message)
    del rest.world.messages[message]


@route("PUT", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me")
def add_reaction(rest: Rest, call: Call, channel: str, message: str, emoji: str) -> Any:
    found = rest.message(channel, message)
    if emoji.isascii() and ":" not in emoji:
        raise Problem(400, 10014, "Unknown Emoji")
    name, _, emoji_id = emoji.partition(":")
    shown = {"id": emoji_id or None, "name": name}
    reactions = found.setdefault("reactions", [])
    if not any(one["emoji"] == shown for one in reactions):
        reactions.append({"emoji": shown, "count": 1, "me": True})


@route("DELETE", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me")
def remove_reaction(rest: Rest, call: Call, channel: str, message: str, emoji: str) -> Any:
    found = rest.message(channel, message)
    name = emoji.partition(":")[0]
    kept = [one for one in found.get("reactions") or () if one["emoji"]["name"] != name]
    found["reactions"] = kept


@route("POST", "/channels/{channel}/typing")
def type_there(rest: Rest, call: Call, channel: str) -> Any:
    rest.channel(channel)
    rest.typing.append(channel)


@route("POST", "/channels/{channel}/messages/{message}/threads")
def thread_under(rest: Rest, call: Call, channel: str, message: str) -> Any:
    rest.message(channel, message)
    if message in rest.world.channels:
        raise Problem(400, 160004, "A thread has already been created for this message")
    return rest.world.thread(_name(call), channel, BOT_ID, message)


@route("POST", "/channels/{channel}/threads")
def start_post(rest: Rest, call: Call, channel: str) -> Any:
    if rest.channel(channel)["type"] != 15:
        raise Problem(400, 50024, "Cannot execute action on this channel type")
    form = call.body.get("message")
    check_form(form, call.files)
    if "nonce" in form or "message_reference" in form:
        raise Problem(400, 50035, "Invalid Form Body")
    made = rest.world.thread(_name(call), channel, BOT_ID)
    more = {"id": made["id"]}
    first = rest.world.write(made["id"], rest.world.me, form.get("content") or "", more)
    return {**made, "message": first}


def _name(call: Call) -> str:
    name = (call.body or {}).get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= 100:
        raise malformed("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    return name


@route("GET", "/guilds/{guild}")
def get_guild(rest: Rest, call: Call, guild: str) -> Any:
    if guild != GUILD_ID:
        raise Problem(404, 10004, "Unknown Guild")
    return rest.world.guild()


@route("PUT", "/applications/{app}/commands")
def register_commands(rest: Rest, call: Call, app: str) -> Any:
    if app != APPLICATION_ID:
        raise Problem(403, 20012, "You are not authorized to perform this action")
    for number, command in enumerate(call.body):
        if not re.fullmatch(r"[-_\w]{1,32}", command["name"]) or not command["description"]:
            raise malformed(f"{number}.name", "APPLICATION_COMMAND_INVALID_NAME", "invalid")
    rest.commands.append(call.body)
    return call.body


@route("POST", "/interactions/{id}/{token}/callback")
def interaction_callback(rest: Rest, call: Call, id: str, token: str) -> Any:
    known = rest.interactions.get(id)
    if known is None or known["token"] != token:
        raise Problem(404, 10062, "Unknown interaction")
    if id in rest.callbacks:
        raise Problem(400, 40060, "Interaction has already been acknowledged.")
    rest.callbacks[id] = call.body


@route("PATCH", "/webhooks/{webhook}/{token}/messages/{message}")
def answer_interaction(rest: Rest, call: Call, webhook: str, token: str, message: str) -> Any:
    known = next((one for one in rest.interactions.values() if one["token"] == token), None)
    if webhook != APPLICATION_ID or known is None or known["id"] not in rest.callbacks:
        raise Problem(404, 10015, "Unknown Webhook")
    check_form(call.body, call.files)
    standing = rest.answers.get(known["id"])
    if message == "@original" and standing is None:
        more = rest._extras(known["channel_id"], {}, call.files)
        content = call.body.get("content") or ""
        made = rest.world.write(known["channel_id"], rest.world.me, content, more)
        rest.answers[known["id"]] = made["id"]
        return made
    rest.world.edit(str(standing), call.body.get("content") or "")
    return rest.world.messages[str(standing)]


SERVED: Routes = ROUTES
"""Every call there is."""
