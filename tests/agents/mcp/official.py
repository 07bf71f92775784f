"""A server made with the official library, run as a process: ``official.py stdio`` or ``http``.

Over HTTP it prints the port that it listens on.
"""

import os
import socket
import sys

import anyio
from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("official")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
def variable(name: str) -> str:
    """Tells a variable of the environment."""
    return os.environ.get(name, "(not set)")


@server.tool()
def big(characters: int) -> str:
    """Says much."""
    return "x" * characters


@server.tool()
def broken() -> str:
    """Fails."""
    raise ValueError("this never works")


@server.tool()
def die() -> str:
    """Ends the process, in the middle of everything."""
    os._exit(3)


@server.tool()
async def slow(path: str) -> str:
    """Notes in a file that it began, and what became of it."""
    with open(path, "w") as file:
        file.write("began")
    try:
        await anyio.sleep(60)
    except BaseException:
        with open(path, "w") as file:
            file.write("cancelled")
        raise
    return "done"


@server.tool()
async def grow(ctx: Context) -> str:
    """Gets one more tool, and tells so."""

    def grown() -> str:
        """Was not there before."""
        return "here"

    server.add_tool(grown)
    await ctx.session.send_tool_list_changed()
    return "grown"


async def serve_http() -> None:
    """Serve on any free port."""
    import uvicorn

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    print(listener.getsockname()[1], flush=True)
    app = server.streamable_http_app(json_response="json" in sys.argv)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        anyio.run(serve_http)
