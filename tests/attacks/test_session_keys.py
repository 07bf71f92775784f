"""S15: session keys and ids that want to be paths, other sessions, or endless."""

import itertools
import random
import re
import string
from collections.abc import Callable, Iterator
from typing import Any

from openclaw.errors import InvalidRequest
from openclaw.interfaces.messages import Inbound, Person
from openclaw.routing import session_keys
from openclaw.routing.session_keys import KeyMaker
from openclaw.sessions import keys
from openclaw.sessions.keys import SessionKeys
from tests.attacks.judging import AttackCase, Verdict, hostile
from tests.attacks.live import LiveCase, connect

_UPS = ("../", "..\\", "..", "%2e%2e%2f", "..%2f", "....//", "\u2025/", "\uff0e\uff0e/", "./", "~/")
_ENDS = ("", "etc/passwd", "\x00", "\x00.json", "\n", "\r\nx: y", "gateway-token", "CON", "x" * 600)
_STARTS = ("", "agent:main:", "agent:main:main/", "agent:", "agent:../:", "/", "C:\\", "file://")
_SIGNS = string.ascii_letters + string.digits + "_.+@#=!$~*-"


def hostile_keys(count: int) -> Iterator[str]:
    """Keys of which none is one."""
    fixed = [f"{a}{b * n}{c}" for a, b, c, n in itertools.product(_STARTS, _UPS, _ENDS, (1, 4))]
    choose = random.Random(15)
    odd = "/\\\x00\n\r\t \"'<>|?&;(){}[]^`%,\x1b\x7f\u202e\u200b\ud7ff\U0001f600\uff0f"
    while len(fixed) < count:
        text = "".join(choose.choice(_SIGNS) for _ in range(choose.randrange(1, 40)))
        at = choose.randrange(len(text) + 1)
        fixed.append(text[:at] + choose.choice(odd) + text[at:])
    yield from fixed[:count]


def is_key(text: str) -> bool:
    """The oracle: parts of harmless signs between colons, none of which is a step upwards."""
    parts = text.split(":")
    plain = all(parts) and len(text) <= 512 and len(parts) <= 10 and ".." not in text
    plain = plain and all(len(one) <= 200 and set(one) <= set(_SIGNS) for one in parts)
    if not plain or parts[0] != "agent":
        return plain
    named = len(parts) > 2 and set(parts[1]) <= set(string.ascii_lowercase + string.digits + "_-")
    return named and parts[1][0] not in "_-" and len(parts[1]) <= 64


class KeyAttacks(AttackCase):
    """The one place that reads keys."""

    def read(self) -> Verdict:
        verdict, reader = Verdict(), SessionKeys()
        for text in hostile_keys(2500):
            may = is_key(text)
            verdict.note(text, _reads(reader.canonical, text), may)
        for text in ("main", "agent:main:main", "telegram:dm:42", "a:b:c", "x" * 200):
            verdict.note(text, _reads(reader.canonical, text), is_key(text))
        return verdict

    @hostile(2500)
    def test_cve_2026_28482_ids_that_become_paths(self) -> None:
        """A session's id was a part of a path, and ``../`` was a session (GHSA-64qx-vpxx-mvqf)."""
        self.held(self.read())
        self.patch(keys, "_KEY", re.compile(r"[^:]+(?::[^:]+)*", re.S))
        self.caught(self.read())


class PlatformIdAttacks(AttackCase):
    """People, rooms and threads on platforms whose ids want to be somebody else's session."""

    def aimed(self) -> Verdict:
        verdict, keys = Verdict(), KeyMaker()
        owners = {
            keys.key("main", one) for kind in ("dm", "group") for one in _events("owner", kind)
        }
        parts = ("owner", "work", "direct", "dm", "group", "thread", "1", "main", "agent", "x")
        ids = [":".join(one) for n in (1, 2, 3) for one in itertools.permutations(parts, n)]
        spelled = [one.replace(":", sign) for one in ids[:200] for sign in ("~3A", "%3A", "\uff1a")]
        for text in (*ids, *spelled):
            for kind in ("dm", "group"):
                for message in _events(text, kind):
                    hit = keys.key("main", message) in owners
                    verdict.note((kind, text, message.thread_id), hit, may=text == "owner")
        return verdict

    @hostile(11_328)
    def test_cve_2026_35636_ids_that_spell_other_sessions(self) -> None:
        """Whose id held the separators of a key had another's conversation (CVE-2026-27004)."""
        self.held(self.aimed())
        self.patch(session_keys, "encode", lambda text: text)
        self.caught(self.aimed())


def _events(peer: str, kind: Any) -> Iterator[Inbound]:
    for account, thread in itertools.product(("default", "work"), ("", "1")):
        yield Inbound(
            channel="irc",
            account=account,
            chat_type=kind,
            chat_id=peer,
            sender=Person(id=peer),
            message_id="1",
            dedupe_id="1",
            timestamp_ms=1,
            text="x",
            thread_id=thread,
        )


def _reads(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except InvalidRequest:
        return False
    return True


class LiveKeyAttacks(LiveCase):
    """The same at the methods that take a key, on a real socket, with the disk watched."""

    def files(self) -> set[str]:
        """Everything below the place of the test; the journal's own files come and go."""
        found = (str(path.relative_to(self.place)) for path in self.place.rglob("*"))
        return {name for name in found if "journal.sqlite" not in name}

    async def send_all(self) -> Verdict:
        verdict, before = Verdict(), self.files()
        caller = await self.dial()
        assert caller is not None
        await caller.ask(connect(scopes=["operator.admin"]))
        for number, text in enumerate(hostile_keys(240)):
            method, named = _CALLS[number % len(_CALLS)]
            params = {name: text if value is None else value for name, value in named.items()}
            asked = {"type": "req", "id": str(number), "method": method, "params": params}
            answer = await caller.ask(asked)
            verdict.note((method, text), bool(answer and answer["ok"]) and not is_key(text))
            if number % 60 == 59:  # What was said so far is read again for each answer.
                await caller.leave()
                caller = await self.dial()
                assert caller is not None
                await caller.ask(connect(scopes=["operator.admin"]))
        await caller.leave()
        verdict.note("files", bool(self.files() - before))
        return verdict

    @hostile(241)
    async def test_ghsa_hv93_r4j3_q65f_hostile_ids_at_methods(self) -> None:
        """No key becomes a file, and none that is no key is answered."""
        self.held(await self.send_all())
        self.patch(keys, "_KEY", re.compile(r"[^:]+(?::[^:]+)*", re.S))
        canonical = SessionKeys.canonical

        def touching(reader: SessionKeys, text: str) -> str:
            (self.state / "session").mkdir(exist_ok=True)
            return canonical(reader, text.replace("..", "").replace(":", "") or "main")

        self.patch(SessionKeys, "canonical", touching)
        self.caught(await self.send_all())


_CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("chat.history", {"sessionKey": None}),
    ("sessions.patch", {"key": None, "label": "x"}),
    ("sessions.reset", {"key": None}),
    ("sessions.delete", {"key": None}),
    ("sessions.describe", {"key": None}),
    ("chat.send", {"sessionKey": None, "message": "hi", "idempotencyKey": "k"}),
    ("sessions.messages.subscribe", {"key": None}),
    ("agent", {"message": "hi", "sessionKey": None, "idempotencyKey": "k"}),
)
