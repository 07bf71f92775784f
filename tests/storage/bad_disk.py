"""A process whose disk refuses to take another byte for a while; prints what its journal did."""

import json
import resource
import sys
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from openclaw.storage.sqlite import SQLiteStore
from tests.contracts.store import names, put


async def attempt(store: SQLiteStore, function: Callable[..., Any], **arguments: Any) -> list[Any]:
    """Run it; return how it ended and whether the journal is well afterwards."""
    try:
        await store.run(function, **arguments)
    except Exception as error:
        return [type(error).__name__, store.health().ok]
    return ["ok", store.health().ok]


def limit(size: int) -> None:
    """Let no file grow beyond so many bytes; writes then fail with EFBIG, an I/O error."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def main(reactor: Any, path: str) -> None:
    """Write before, during and after the fault."""
    store = SQLiteStore(path, reactor, reactor)
    store.startService()
    await store.when_open()
    found: dict[str, Any] = {"before": await attempt(store, put, name="a", value=b"")}
    limit(4096)
    found["during"] = [await attempt(store, put, name="b", value=b"x" * 9000) for _ in range(3)]
    found["read during"] = await store.read(names)
    found["last error"] = store.health().last_error
    limit(resource.RLIM_INFINITY)
    found["after"] = await attempt(store, put, name="c", value=b"y" * 9000)
    found["read after"] = await store.read(names)
    await store.stopService()
    print(json.dumps(found))


if __name__ == "__main__":
    react(lambda reactor, path: Deferred.fromCoroutine(main(reactor, path)), sys.argv[1:])
