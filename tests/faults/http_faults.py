"""What can happen to single HTTP requests on their way: which, how often; and where each ends."""

from collections.abc import Callable, Mapping
from typing import Literal

from attrs import define, field

Act = Literal["pass", "answer", "duplicate", "lose", "reset"]


@define(eq=False)
class Request:
    """One whole request as it came.

    :ivar raw: all of its bytes.
    """

    method: str
    path: str
    raw: bytes
    upgrade: bool = False


@define(eq=False)
class Rule:
    """What happens to the next requests of a kind.

    :ivar within: a piece of the path; empty for every request.
    :ivar times: how many requests it still is for.
    """

    act: Act
    within: str
    times: int
    answer: bytes = b""

    def takes(self, request: Request) -> bool:
        """Whether it is for this one; then it is used up by one."""
        if self.times <= 0 or self.within not in request.path:
            return False
        self.times -= 1
        return True


@define(eq=False)
class HttpFaults:
    """The rules of one proxy; the first that takes a request decides."""

    rules: list[Rule] = field(factory=list)

    def answer(
        self,
        status: int,
        *,
        times: int = 1,
        within: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"{}",
    ) -> None:
        """Answer the next requests with ``status``; the server never sees them."""
        lines = [f"HTTP/1.1 {status} Fault", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        raw = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        self.rules.append(Rule("answer", within, times, raw))

    def duplicate(self, *, times: int = 1, within: str = "") -> None:
        """Let the server have the next requests twice; the second answer goes nowhere."""
        self.rules.append(Rule("duplicate", within, times))

    def lose_answer(self, *, times: int = 1, within: str = "") -> None:
        """Let the server have the next requests, and reset instead of passing its answer on."""
        self.rules.append(Rule("lose", within, times))

    def reset_before(self, *, times: int = 1, within: str = "") -> None:
        """Reset at the next requests; the server never sees them."""
        self.rules.append(Rule("reset", within, times))

    def judge(self, request: Request) -> Rule:
        """What happens to this one."""
        for rule in self.rules:
            if rule.takes(request):
                return rule
        return Rule("pass", "", 1)


class Splitter:
    """Cuts what a client sends into requests; after an upgrade everything is passed as it comes.

    :param on_request: gets each whole request.
    :param on_rest: gets what comes after an upgrade.
    """

    def __init__(
        self, on_request: Callable[[Request], object], on_rest: Callable[[bytes], object]
    ) -> None:
        self._on_request = on_request
        self._on_rest = on_rest
        self._buffer = b""
        self._upgraded = False

    def feed(self, data: bytes) -> None:
        """Bytes came."""
        self._buffer += data
        while self._buffer and not self._upgraded:
            size = self._whole()
            if not size:
                return
            raw, self._buffer = self._buffer[:size], self._buffer[size:]
            method, path, _ = raw.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
            upgrade = b"\r\nupgrade:" in raw.partition(b"\r\n\r\n")[0].lower()
            self._upgraded = upgrade
            self._on_request(Request(method, path, raw, upgrade))
        if self._upgraded and self._buffer:
            rest, self._buffer = self._buffer, b""
            self._on_rest(rest)

    def _whole(self) -> int:
        """How long the first request is, 0 while it is not all here."""
        head, found, _ = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return 0
        start = len(head) + 4
        fields = dict(_field(line) for line in head.split(b"\r\n")[1:])
        if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
            end = self._chunked(start)
        else:
            end = start + int(fields.get(b"content-length", b"0"))
        return end if len(self._buffer) >= end else 0

    def _chunked(self, at: int) -> int:
        while True:
            line_end = self._buffer.find(b"\r\n", at)
            if line_end < 0:
                return len(self._buffer) + 1
            size = int(self._buffer[at:line_end].partition(b";")[0], 16)
            at = line_end + 2 + size + 2
            if not size:
                return at


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.strip().lower(), value.strip()
