"""A person with matrix-nio; runs as a program of its own and does what lines on stdin say.

Every line is a JSON object with ``do``, an ``n`` that its answer repeats, and what that needs. What
comes in rooms is printed as it comes, with the class that matrix-nio read it as.
"""

import asyncio
import json
import os
import sys
from typing import Any

# It runs in an environment of its own, where there is a nio; ours has none.
from nio import (  # type: ignore[import-not-found]
    AsyncClient,
    AsyncClientConfig,
    DownloadError,
    Event,
    InviteMemberEvent,
)
from nio.responses import ErrorResponse  # type: ignore[import-not-found]


def say(**what: Any) -> None:
    """Print one line."""
    print(json.dumps(what), flush=True)


class Person:
    """One user, signed in and syncing."""

    def __init__(self, homeserver: str, user_id: str) -> None:
        config = AsyncClientConfig(encryption_enabled=False)
        self.client = AsyncClient(homeserver, user_id, config=config)
        self.client.add_event_callback(self.saw, Event)
        self.client.add_event_callback(self.invited, InviteMemberEvent)
        self.syncing: asyncio.Task[None] | None = None

    async def saw(self, room: Any, event: Any) -> None:
        """Tell an event of a room."""
        say(saw=type(event).__name__, room=room.room_id, event=event.source)

    async def invited(self, room: Any, event: Any) -> None:
        """Follow every invitation."""
        if event.membership == "invite" and event.state_key == self.client.user_id:
            await self.client.join(room.room_id)
            say(joined=room.room_id)

    async def login(self, given: dict[str, Any]) -> Any:
        answer = await self.client.login(given["password"], device_name="nio")
        self.syncing = asyncio.create_task(self.client.sync_forever(timeout=30000))
        return answer

    async def create(self, given: dict[str, Any]) -> Any:
        return await self.client.room_create(
            name=given.get("name"),
            is_direct=given.get("direct", False),
            invite=given.get("invite", []),
            initial_state=given.get("state", []),
        )

    async def send(self, given: dict[str, Any]) -> Any:
        kind = given.get("type", "m.room.message")
        return await self.client.room_send(given["room"], kind, given["content"])

    async def upload(self, given: dict[str, Any]) -> Any:
        with open(given["path"], "rb") as file:
            answer, _ = await self.client.upload(
                file,
                content_type=given["mime"],
                filename=given["name"],
                filesize=os.path.getsize(given["path"]),
            )
        return answer

    async def download(self, given: dict[str, Any]) -> Any:
        return await self.client.download(given["uri"])

    async def kick(self, given: dict[str, Any]) -> Any:
        return await self.client.room_kick(given["room"], given["user"])

    async def do(self, given: dict[str, Any]) -> None:
        """Do one thing and print what came of it."""
        answer = await getattr(self, given["do"])(given)
        if isinstance(answer, ErrorResponse | DownloadError):
            say(n=given["n"], error=str(answer))
            return
        found = {
            name: getattr(answer, name)
            for name in ("access_token", "room_id", "event_id", "content_uri", "content_type")
            if isinstance(getattr(answer, name, None), str)
        }
        if isinstance(getattr(answer, "body", None), bytes):
            found["hex"] = answer.body.hex()
        say(n=given["n"], **found)


async def main(homeserver: str, user_id: str) -> None:
    """Serve lines until stdin ends."""
    person = Person(homeserver, user_id)
    reader = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        await person.do(json.loads(line))
    await person.client.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
