"""Who wants to know that a queue may have work; a hint within this process, never a promise."""

from collections.abc import Callable, Iterable

from twisted.logger import Logger


class Wakes:
    """The callbacks of each queue."""

    _log = Logger()

    def __init__(self) -> None:
        self._callbacks: dict[str, list[Callable[[], None]]] = {}

    def on_ready(self, queue: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back whenever the queue may have work; returns the undo, which may be repeated."""
        waiting = self._callbacks.setdefault(queue, [])
        waiting.append(callback)

        def undo() -> None:
            if callback in waiting:
                waiting.remove(callback)

        return undo

    def ready(self, queues: Iterable[str]) -> None:
        """Tell whoever asked about these queues."""
        for queue in queues:
            for callback in tuple(self._callbacks.get(queue, ())):
                try:
                    callback()
                except Exception:  # Whoever enqueued must not fail for the sake of who listens.
                    self._log.failure("queue {queue}: a listener failed", queue=queue)
