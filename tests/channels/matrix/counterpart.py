"""A homeserver with people on it, on loopback: rooms, syncs, invitations, files.

It is strict where homeservers are: tokens, encoded paths, membership, transactions, event sizes,
shapes of messages, tokens of syncs. Its people can do what clients of all ages do.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from attrs import define, field
from twisted.internet import reactor
from twisted.internet.interfaces import IDelayedCall
from twisted.web.server import Request

from openclaw.channels.counterpart import Shown
from tests.channels.loopback import Fault, gone
from tests.channels.matrix.server import Call, Door, Json, MatrixError

SERVER = "hs.test"
BOT = f"@tia:{SERVER}"
ADA = f"@ada:{SERVER}"
PASSWORD = "correct horse"
MOST_BYTES = 65_536
_STATE = ("m.room.create", "m.room.member", "m.room.name", "m.room.encryption")


@define
class Room:
    """One room.

    :ivar events: (position, event) in order.
    """

    id: str
    events: list[tuple[int, Json]] = field(factory=list)

    def member(self, user: str) -> str:
        """Somebody's membership now."""
        found = self.state("m.room.member", user)
        return "leave" if found is None else str(found["content"]["membership"])

    def state(self, kind: str, key: str = "") -> Json | None:
        """A state event as it is now."""
        for _, event in reversed(self.events):
            if event["type"] == kind and event.get("state_key") == key:
                return event
        return None

    def joined(self) -> list[str]:
        """Who is in it."""
        users = {e["state_key"] for _, e in self.events if e["type"] == "m.room.member"}
        return sorted(user for user in users if self.member(user) == "join")


@define
class Waiting:
    """A sync that waits for news."""

    request: Request
    call: Call
    since: int
    timer: IDelayedCall


class Homeserver(Door):
    """The counterpart.

    :ivar old: it has no authenticated media yet.
    :ivar ignores_to: it looks further back than the token it is given.
    :ivar waits: whether syncs wait for news at all.
    :ivar clock: how long they wait is counted on it.
    """

    def __init__(self, token: str = "syt_secret_token", clock: Any = reactor) -> None:
        super().__init__()
        self.clock = clock
        self.token = token
        self.tokens[token] = (BOT, "DEVICE1")
        self.names = {BOT: "Tia", ADA: "Ada"}
        self.rooms: dict[str, Room] = {}
        self.aliases: dict[str, str] = {}
        self.account_data: dict[str, tuple[int, Json]] = {}
        self.filters: dict[str, Json] = {}
        self.media: dict[str, bytes] = {}
        self.moved: dict[str, str] = {}
        self.transactions: dict[tuple[str, str], str] = {}
        self.forgotten: list[str] = []
        self.typing: list[tuple[str, bool]] = []
        self.receipts: list[tuple[str, str]] = []
        self.most_upload = 50 << 20
        self.old = self.ignores_to = self.no_filters = False
        self.waits = True
        self.position = 1
        self.synced = 0
        self.syncs: set[Request] = set()
        self._most = 0
        self._next = 0
        self._waiting: list[Waiting] = []

    # What a test, or a person, does.

    def settings(self) -> Mapping[str, Any]:
        return {
            "homeserver": self.root,
            "accessToken": self.token,
            "allowFrom": ["*"],
            "dmPolicy": "open",
            "groupPolicy": "open",
            "autoJoin": "always",
        }

    def room(self, room_id: str, *people: str, name: str = "") -> Room:
        """A room with the bot and people in it, made at first use."""
        if room_id not in self.rooms:
            room = self.rooms[room_id] = Room(room_id)
            creator = people[0] if people else ADA
            self.put(room_id, creator, "m.room.create", {"room_version": "12"}, "")
            for one in (*people, BOT):
                self.enter(room_id, one)
            if name:
                self.put(room_id, creator, "m.room.name", {"name": name}, "")
            return room
        return self.rooms[room_id]

    def enter(self, room_id: str, user: str, membership: str = "join", **more: Any) -> str:
        """Let somebody join, leave, be invited …"""
        before = self.rooms[room_id].state("m.room.member", user)
        sender = more.pop("sender", user)
        content = {"membership": membership, "displayname": self.names.get(user, ""), **more}
        event_id = self.put(room_id, sender, "m.room.member", content, user)
        if before is not None:
            self.rooms[room_id].events[-1][1]["unsigned"]["prev_content"] = before["content"]
        self._tell()
        return event_id

    def invite(self, room_id: str, inviter: str, direct: bool = False, **more: Any) -> None:
        """Invite the bot into a room of somebody's."""
        if room_id not in self.rooms:
            self.rooms[room_id] = Room(room_id)
            self.put(room_id, inviter, "m.room.create", {}, "")
            self.enter(room_id, inviter)
            if more.get("name"):
                self.put(room_id, inviter, "m.room.name", {"name": more["name"]}, "")
            if more.get("alias"):
                canonical = {"alias": more["alias"]}
                self.put(room_id, inviter, "m.room.canonical_alias", canonical, "")
        extra = {"is_direct": True} if direct else {}
        self.enter(room_id, BOT, "invite", sender=inviter, **extra)

    def say(self, text: str, *, chat_id: str, sender_id: str, group: bool = False) -> str:
        if group:
            self.room(chat_id, sender_id, f"@bob:{SERVER}", name="Friends")
        else:
            self.room(chat_id, sender_id)
        content: Json = {"msgtype": "m.text", "body": text, "m.mentions": {}}
        if group:
            content |= {"body": f"Tia: {text}", "m.mentions": {"user_ids": [BOT]}}
        return self.write(chat_id, sender_id, content)

    def write(self, room_id: str, sender: str, content: Json, kind: str = "m.room.message") -> str:
        """Let somebody send an event of any content; returns its id."""
        event_id = self.put(room_id, sender, kind, content)
        self._tell()
        return event_id

    def put(
        self, room_id: str, sender: str, kind: str, content: Json, state_key: str | None = None
    ) -> str:
        """Add an event to a room, told to nobody yet."""
        self._next += 1
        event: Json = {
            "event_id": f"$event{self._next}/+",
            "type": kind,
            "sender": sender,
            "origin_server_ts": int(time.time() * 1000),
            "content": content,
            "unsigned": {},
        }
        if state_key is not None:
            event["state_key"] = state_key
        self.position += 1
        self.rooms[room_id].events.append((self.position, event))
        return str(event["event_id"])

    def repeat(self, message_id: str) -> None:
        room, _, event = self._find(message_id)
        self.position += 1
        room.events.append((self.position, event))
        self._tell()

    def acknowledged(self, message_id: str) -> bool:
        return self._find(message_id)[1] <= self.synced

    def shown(self) -> list[Shown]:
        return [
            self._shown(room, event)
            for room, _, event in self._all()
            if event["sender"] == BOT
            and event["type"] == "m.room.message"
            and event["content"].get("m.relates_to", {}).get("rel_type") != "m.replace"
            and "redacted_because" not in event["unsigned"]
        ]

    def refuse(self, times: int, status: int, retry_after: float = 0.0) -> None:
        more: Json = {"retry_after_ms": round(retry_after * 1000)} if status == 429 else {}
        names = {429: "M_LIMIT_EXCEEDED", 403: "M_FORBIDDEN", 400: "M_BAD_JSON"}
        error = MatrixError(status, names.get(status, "M_UNKNOWN"), "Too Many Requests", **more)
        self.faults.append(Fault(_is_send, times, error=error))

    def lose_answers(self, times: int) -> None:
        self.faults.append(Fault(_is_send, times, "lose"))

    def freeze(self, frozen: bool) -> None:
        self.frozen = frozen

    def revoke(self) -> None:
        self.tokens.clear()

    @property
    def open_sockets(self) -> int:
        return len(self.syncs)

    @property
    def most_sockets(self) -> int:
        return self._most

    def pass_time(self) -> None:
        """Let the time of every sync that waits be over."""
        for waiting in self._waiting:
            waiting.timer.reset(0)

    async def stop(self) -> None:
        self.frozen = True
        for waiting in self._waiting:
            waiting.timer.cancel()
        self._waiting.clear()
        await super().stop()

    # What clients ask.

    def do(self, call: Call, user: str, device: str, request: Request) -> Any:
        if call.parts[:1] == ["media"] or call.parts[:3] == ["client", "v1", "media"]:
            return self._media(call)
        match call.method, call.parts[2:]:
            case "GET", ["sync"]:
                return self._sync(call, request)
            case method, ["rooms", room_id, *rest]:
                return self._in_room(method, room_id, rest, call, device)
            case "GET", ["account", "whoami"]:
                return {"user_id": user, "device_id": device}
            case method, ["user", who, *rest]:
                assert who == user
                return self._users_own(method, rest, call)
        return self._elsewhere(call, user)

    def _users_own(self, method: str, rest: list[str], call: Call) -> Json:
        match method, rest:
            case "POST", ["filter"] if not self.no_filters:
                self.filters[str(len(self.filters))] = call.json
                return {"filter_id": str(len(self.filters) - 1)}
            case _, ["account_data", kind]:
                return self._account_data(method, kind, call)
        raise MatrixError(404, "M_UNRECOGNIZED", "Unrecognized request")

    def _elsewhere(self, call: Call, user: str) -> Json:
        match call.method, call.parts[2:]:
            case "POST", ["login"]:
                return self._login(call.json)
            case "GET", ["profile", who, "displayname"]:
                return {"displayname": self.names[who]}
            case "GET", ["joined_rooms"]:
                rooms = [one.id for one in self.rooms.values() if one.member(user) == "join"]
                return {"joined_rooms": rooms}
            case "GET", ["directory", "room", alias]:
                if alias not in self.aliases:
                    raise MatrixError(404, "M_NOT_FOUND", "Room alias not found")
                return {"room_id": self.aliases[alias], "servers": [SERVER]}
            case "POST", ["createRoom"]:
                return self._create(call.json)
            case "POST", ["join", room_id]:
                return self._join(room_id)
        raise MatrixError(404, "M_UNRECOGNIZED", "Unrecognized request")

    def _login(self, body: Json) -> Json:
        if body.get("type") != "m.login.password":
            raise MatrixError(400, "M_UNKNOWN", "Unknown login type")
        who = body.get("identifier", {})
        right = who.get("type") == "m.id.user" and who.get("user") in (BOT, "tia")
        if not right or body.get("password") != PASSWORD:
            raise MatrixError(403, "M_FORBIDDEN", "Invalid username or password")
        device = body.get("device_id") or f"MADE{len(self.tokens)}"
        self.tokens = {t: (u, d) for t, (u, d) in self.tokens.items() if d != device}
        self._next += 1
        token = f"syt_login_{self._next}"
        self.tokens[token] = (BOT, device)
        return {"user_id": BOT, "access_token": token, "device_id": device}

    def _account_data(self, method: str, kind: str, call: Call) -> Json:
        if method == "PUT":
            self.position += 1
            self.account_data[kind] = (self.position, call.json)
            self._tell()
            return {}
        if kind not in self.account_data:
            raise MatrixError(404, "M_NOT_FOUND", "Account data not found")
        return self.account_data[kind][1]

    def _create(self, body: Json) -> Json:
        self._next += 1
        room_id = f"!made{self._next}"
        self.rooms[room_id] = Room(room_id)
        self.put(room_id, BOT, "m.room.create", {}, "")
        self.enter(room_id, BOT)
        for one in body.get("invite", []):
            self.enter(room_id, one, "invite", sender=BOT)
        return {"room_id": room_id}

    def _join(self, room_id: str) -> Json:
        room = self.rooms.get(room_id)
        if room is None or room.member(BOT) not in ("invite", "join"):
            raise MatrixError(403, "M_FORBIDDEN", "You are not invited to this room.")
        self.enter(room_id, BOT)
        return {"room_id": room_id}

    def _in_room(self, method: str, room_id: str, rest: list[str], call: Call, device: str) -> Any:
        room = self.rooms.get(room_id)
        if room is None or (room.member(BOT) != "join" and rest != ["forget"]):
            raise MatrixError(403, "M_FORBIDDEN", f"User {BOT} not in room {room_id}")
        match method, rest:
            case "PUT", ["send", kind, _]:
                return self._once(device, call, lambda: self._send(room, kind, call.json))
            case "PUT", ["redact", event_id, _]:
                return self._once(device, call, lambda: self._redact(event_id))
            case "PUT", ["typing", who]:
                assert who == BOT and key_types(call.json)
                self.typing.append((room_id, call.json["typing"]))
                return {}
            case "POST", ["receipt", "m.read", event_id]:
                self._find(event_id)
                self.receipts.append((room_id, event_id))
                return {}
            case "POST", ["forget"]:
                self.forgotten.append(room_id)
                return {}
            case "GET", _:
                return self._look(room, rest, call)
        raise MatrixError(404, "M_UNRECOGNIZED", "Unrecognized request")

    def _look(self, room: Room, rest: list[str], call: Call) -> Any:
        match rest:
            case ["joined_members"]:
                return {
                    "joined": {one: {"display_name": self.names.get(one)} for one in room.joined()}
                }
            case ["state", kind, *key]:
                found = room.state(kind, key[0] if key else "")
                if found is None:
                    raise MatrixError(404, "M_NOT_FOUND", "Event not found.")
                return found["content"]
            case ["event", event_id]:
                return self._find(event_id)[2]
            case ["messages"]:
                return self._messages(room, call.query)
            case ["relations", event_id, "m.annotation", "m.reaction"]:
                return {"chunk": [e for e in self._reactions(event_id)]}
        raise MatrixError(404, "M_UNRECOGNIZED", "Unrecognized request")

    def _once(self, device: str, call: Call, work: Any) -> Json:
        key = (device, "/".join(call.parts))
        if key not in self.transactions:
            self.transactions[key] = work()
        return {"event_id": self.transactions[key]}

    def _send(self, room: Room, kind: str, content: Json) -> str:
        if (
            len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())
            > MOST_BYTES - 600
        ):
            raise MatrixError(413, "M_TOO_LARGE", "event too large")
        relation = content.get("m.relates_to", {})
        if kind == "m.room.message":
            check_message(content)
        elif kind == "m.reaction":
            key = (relation["event_id"], relation["key"])
            self._find(key[0])
            if any(
                r["content"]["m.relates_to"]["key"] == key[1]
                for r in self._reactions(key[0])
                if r["sender"] == BOT
            ):
                raise MatrixError(400, "M_DUPLICATE_ANNOTATION", "Can't send same reaction twice")
        event_id = self.put(room.id, BOT, kind, content)
        room.events[-1][1]["unsigned"]["transaction_id"] = "txn"
        self._tell()
        return event_id

    def _redact(self, event_id: str) -> str:
        room, _, event = self._find(event_id)
        redaction = self.put(room.id, BOT, "m.room.redaction", {"redacts": event_id})
        event["unsigned"]["redacted_because"] = {"event_id": redaction}
        event["content"] = {}
        self._tell()
        return redaction

    def _messages(self, room: Room, query: dict[str, str]) -> Json:
        assert query["dir"] == "b"
        start, end = _place(query["from"]), 0
        if "to" in query and not self.ignores_to:
            end = _place(query["to"])
        found = [(at, e) for at, e in room.events if end < at <= start][::-1]
        page = found[: int(query.get("limit", "10"))]
        answer: Json = {"start": query["from"], "chunk": [event for _, event in page]}
        if len(page) < len(found):
            answer["end"] = f"t{page[-1][0] - 1}"
        return answer

    def _media(self, call: Call) -> Any:
        newer = call.parts[:2] == ["client", "v1"]
        if newer and self.old:
            raise MatrixError(404, "M_UNRECOGNIZED", "Unrecognized request")
        match call.method, call.parts[3 if newer else 2 :]:
            case "GET", ["config"]:
                return {"m.upload.size": self.most_upload}
            case "POST", ["upload"] if not newer:
                if len(call.body) > self.most_upload:
                    raise MatrixError(413, "M_TOO_LARGE", "Upload request body is too large")
                self._next += 1
                media_id = f"media{self._next}"
                self.media[media_id] = call.body
                return {"content_uri": f"mxc://{SERVER}/{media_id}"}
            case "GET", ["download", server, media_id]:
                if media_id in self.moved:
                    raise MatrixError(307, "", location=self.moved[media_id])
                if server != SERVER or media_id not in self.media or (not newer and not self.old):
                    raise MatrixError(404, "M_NOT_FOUND", "Not found")
                return self.media[media_id]
        raise MatrixError(404, "M_UNRECOGNIZED", "Unrecognized request")

    # Syncs.

    def _sync(self, call: Call, request: Request) -> Any:
        self.syncs.add(request)
        self._most = max(self._most, len(self.syncs))
        request.notifyFinish().addBoth(lambda _: self.syncs.discard(request))
        since = _place(call.query["since"]) if "since" in call.query else 0
        if since > self.position:
            raise MatrixError(400, "M_INVALID_PARAM", "Unknown since token")
        self.synced = max(self.synced, since)
        said = self._news(call, since)
        wait = int(call.query.get("timeout", "0")) / 1000
        if said is not None or not since or not wait or not self.waits:
            return said or {"next_batch": f"s{self.position}"}
        timer = self.clock.callLater(wait, self._tell)
        self._waiting.append(Waiting(request, call, since, timer))
        return self.LATER

    def _tell(self) -> None:
        """Answer the syncs for which there is news, or whose time is over."""
        if self.frozen:
            return
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            said = self._news(one.call, one.since)
            if gone(one.request):
                if one.timer.active():
                    one.timer.cancel()
            elif said is not None or not one.timer.active():
                if one.timer.active():
                    one.timer.cancel()
                self.answer(one.request, said or {"next_batch": f"s{self.position}"})
            else:
                self._waiting.append(one)

    def _news(self, call: Call, since: int) -> Json | None:
        given = call.query.get("filter", "{}")
        wanted = json.loads(given) if given.startswith("{") else self.filters[given]
        limit = wanted.get("room", {}).get("timeline", {}).get("limit", 10)
        rooms: Json = {"join": {}, "invite": {}, "leave": {}}
        for room in self.rooms.values():
            mine = room.member(BOT)
            news = [event for at, event in room.events if at > since]
            if mine == "join" and news:
                rooms["join"][room.id] = self._joined(room, since, limit)
            elif mine == "invite" and any(e.get("state_key") == BOT for e in news):
                rooms["invite"][room.id] = {"invite_state": {"events": self._stripped(room)}}
            elif since and any(e.get("state_key") == BOT for e in news):
                rooms["leave"][room.id] = {"timeline": {"events": news[-limit:]}}
        data = [
            {"type": kind, "content": content}
            for kind, (at, content) in self.account_data.items()
            if at > since
        ]
        if not since or data or any(rooms.values()):
            return {
                "next_batch": f"s{self.position}",
                "rooms": {kind: some for kind, some in rooms.items() if some},
                "account_data": {"events": data},
                "presence": {"events": []},
            }
        return None

    def _joined(self, room: Room, since: int, limit: int) -> Json:
        came = max(
            at
            for at, e in room.events
            if e.get("state_key") == BOT and e["content"]["membership"] == "join"
        )
        new = since < came
        events = [(at, event) for at, event in room.events if new or at > since]
        shown = events[-limit:]
        before = [event for at, event in room.events if at < shown[0][0]]
        state = [e for e in before if new and e["type"] in _STATE]
        return {
            "timeline": {
                "events": [event for _, event in shown],
                "limited": len(shown) < len(events),
                "prev_batch": f"t{shown[0][0] - 1}",
            },
            "state": {"events": state},
            "summary": {"m.joined_member_count": len(room.joined())},
        }

    def _stripped(self, room: Room) -> list[Json]:
        kept = [room.state("m.room.member", BOT), room.state("m.room.name")]
        kept.append(room.state("m.room.canonical_alias"))
        names = ("type", "state_key", "sender", "content")
        return [{name: one[name] for name in names} for one in kept if one is not None]

    # What there is.

    def _all(self) -> list[tuple[Room, int, Json]]:
        found = [(at, room, event) for room in self.rooms.values() for at, event in room.events]
        return [(room, at, event) for at, room, event in sorted(found, key=lambda one: one[0])]

    def _find(self, event_id: str) -> tuple[Room, int, Json]:
        for room, at, event in self._all():
            if event["event_id"] == event_id:
                return room, at, event
        raise MatrixError(404, "M_NOT_FOUND", f"Could not find event {event_id}")

    def _reactions(self, event_id: str) -> list[Json]:
        return [
            event
            for _, _, event in self._all()
            if event["type"] == "m.reaction"
            and event["content"].get("m.relates_to", {}).get("event_id") == event_id
        ]

    def _shown(self, room: Room, event: Json) -> Shown:
        content, relation = event["content"], event["content"].get("m.relates_to", {})
        for _, _, later in self._all():
            change = later["content"].get("m.relates_to", {})
            if change.get("rel_type") == "m.replace" and change["event_id"] == event["event_id"]:
                content = later["content"]["m.new_content"]
        url, name = content.get("url", ""), content.get("filename")
        answered = relation.get("m.in_reply_to", {}).get("event_id", "")
        return Shown(
            chat_id=room.id,
            message_id=event["event_id"],
            text="" if url and content["body"] == name else content["body"],
            thread_id=relation.get("event_id", ""),
            reply_to="" if relation.get("is_falling_back") else answered,
            reactions=tuple(
                one["content"]["m.relates_to"]["key"] for one in self._reactions(event["event_id"])
            ),
            files=(self.media[url.rpartition("/")[2]],) if url else (),
        )


def _is_send(method: str, parts: list[str]) -> bool:
    return method == "PUT" and "send" in parts and "m.room.message" in parts


def _place(token: str) -> int:
    if token[:1] not in ("s", "t") or not token[1:].isdigit():
        raise MatrixError(400, "M_INVALID_PARAM", "Invalid stream token")
    return int(token[1:])


def key_types(body: Json) -> bool:
    """Whether a typing sign has what it needs."""
    return isinstance(body.get("typing"), bool) and (
        not body["typing"] or isinstance(body.get("timeout"), int)
    )


def check_message(content: Json) -> None:
    """Refuse a message that clients could not show, or that would mention by accident."""
    files = ("m.image", "m.file", "m.audio", "m.video")
    kind, relation = content.get("msgtype"), content.get("m.relates_to", {})
    problems = [
        (kind not in ("m.text", "m.notice", *files), "msgtype"),
        (not isinstance(content.get("body"), str), "body"),
        (not isinstance(content.get("m.mentions"), dict), "m.mentions"),
        (("formatted_body" in content) != ("format" in content), "format"),
        (kind in files and not str(content.get("url", "")).startswith("mxc://"), "url"),
        (relation.get("rel_type") == "m.replace" and "m.new_content" not in content, "new content"),
        ("rel_type" in relation and not relation.get("event_id"), "relation"),
    ]
    for wrong, what in problems:
        if wrong:
            raise MatrixError(400, "M_BAD_JSON", f"a message with a wrong {what}")
    if "m.new_content" in content:
        check_message(content["m.new_content"])
