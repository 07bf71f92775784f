"""A server that misbehaves as its argument says, written without any library."""

import json
import sys
import time
from typing import Any

TOOLS: list[Any] = [
    {"name": "fine", "inputSchema": {"type": "object"}},
    {"name": "päth/with spaces", "description": None},
    {"name": "x" * 200},
    {"name": 5},
    {"inputSchema": "none"},
    "no object",
    {"name": "huge", "inputSchema": {"type": "object", "description": "x" * 100_000}},
]


def say(message: object) -> None:
    """Write one message."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def noise() -> None:
    """Everything that is no message, and one line of 100 MB."""
    for line in (
        b"",
        b"hello",
        b"[]",
        b"{}",
        b'{"jsonrpc":"2.0"}',
        b"null",
        b"\xff\xfe",
        b"[" * 50_000,
    ):
        sys.stdout.buffer.write(line + b"\n")
    say({"jsonrpc": "2.0", "id": 999, "result": "never asked"})
    say({"jsonrpc": "2.0", "id": "1", "result": "of another kind"})
    say({"jsonrpc": "2.0", "id": 77, "method": "ping"})
    say({"jsonrpc": "2.0", "id": 78, "method": "sampling/createMessage", "params": {}})
    for _ in range(100):
        sys.stdout.buffer.write(b"y" * (1 << 20))
    sys.stdout.buffer.write(b"\n")
    sys.stderr.write("z" * 100_000 + "\n")
    sys.stdout.flush()


def answer(how: str, message: dict[str, Any]) -> None:
    """Answer one request."""
    number, method = message["id"], message["method"]
    if method == "initialize":
        version = "1999-01-01" if how == "old" else "2025-06-18"
        say({"jsonrpc": "2.0", "id": number, "result": {"protocolVersion": version}})
    elif method == "tools/list" and how == "endless":
        say({"jsonrpc": "2.0", "id": number, "result": {"tools": [], "nextCursor": "more"}})
    elif method == "tools/list":
        say(
            {
                "jsonrpc": "2.0",
                "id": number,
                "result": {
                    "tools": TOOLS[0:1]
                    if how == "noise"
                    else [one for one in TOOLS if isinstance(one, dict)]
                },
            }
        )
    elif how == "long":
        say(
            {
                "jsonrpc": "2.0",
                "id": number,
                "result": {"content": [{"type": "text", "text": "x" * (5 << 20)}]},
            }
        )
    elif how == "odd":
        say({"jsonrpc": "2.0", "id": number, "result": {"content": "not a list"}})
    else:
        asked = message["params"]["name"]
        say(
            {
                "jsonrpc": "2.0",
                "id": number,
                "result": {"content": [{"type": "text", "text": asked}]},
            }
        )


def main() -> None:
    """Serve until the end of the input, or do something worse."""
    how = sys.argv[1]
    if how == "mute":
        time.sleep(600)
    if how == "deaf":
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if how == "exit":
        sys.exit(4)
    if how == "noise":
        noise()
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("id") is not None and "method" in message:
            answer(how, message)
    if how == "deaf":
        time.sleep(600)


if __name__ == "__main__":
    main()
