"""Synapse on loopback, as a process of its own; one for each kind that tests want."""

import atexit
import hashlib
import hmac
import json
import os
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread

from openclaw.cli.tunnel import find_free_port
from tests.channels.matrix.real.environment import clean, python
from tests.channels.matrix.real.people import Person

SECRET = "shared-secret-of-the-tests"
START_SECONDS = 120.0
PASSWORD = "pass-word-of-the-tests"
_GENEROUS = {"per_second": 10_000, "burst_count": 10_000}


class Synapse:
    """One homeserver, with everything it keeps in a directory of its own.

    :param stock_limits: whether messages are limited as they are unless configured. Sign-ins and
        joins never are: tests do more of them than people.
    """

    def __init__(self, stock_limits: bool = False) -> None:
        self.python = python(os.environ)
        self._directory = tempfile.TemporaryDirectory(prefix="openclaw-synapse-")
        self.place = Path(self._directory.name)
        self.port = find_free_port()
        self.root = f"http://127.0.0.1:{self.port}"
        self._users = 0
        self._configure(stock_limits)
        with (self.place / "output").open("wb") as output:
            self._process = subprocess.Popen(
                [*self._program, *self._files],
                cwd=self.place,
                env=clean(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._wait()

    def register(self, name: str) -> str:
        """Make a user, by the shared secret; returns its id."""
        self._users += 1
        name = f"{name}{self._users}"
        nonce = self._ask("GET", "/_synapse/admin/v1/register")["nonce"]
        words = "\0".join((nonce, name, PASSWORD, "notadmin"))
        mac = hmac.new(SECRET.encode(), words.encode(), hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": name, "password": PASSWORD, "mac": mac}
        said = self._ask(
            "POST", "/_synapse/admin/v1/register", {**body, "displayname": name.title()}
        )
        return str(said["user_id"])

    async def person(self, name: str) -> Person:
        """Somebody new with matrix-nio, signed in."""
        user_id = await deferToThread(self.register, name)
        person = Person(str(self.python), self.root, user_id)
        await person.sign_in(PASSWORD)
        return person

    def stop(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()
        self._directory.cleanup()

    def devices(self, token: str) -> list[str]:
        """The devices of a user."""
        said = self._ask("GET", "/_matrix/client/v3/devices", token=token)
        return [str(one["device_id"]) for one in said["devices"]]

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        """One call, blocking."""
        return self._ask(method, path, body, token)

    @property
    def _program(self) -> list[str]:
        return [str(self.python), "-m", "synapse.app.homeserver"]

    @property
    def _files(self) -> list[str]:
        return ["-c", str(self.place / "made.yaml"), "-c", str(self.place / "ours.yaml")]

    def _configure(self, stock_limits: bool) -> None:
        made = ["--generate-config", "--report-stats=no", "--server-name", "localhost"]
        subprocess.run(
            [*self._program, *made, "-c", str(self.place / "made.yaml")],
            cwd=self.place,
            env=clean(),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        listener = {
            "port": self.port,
            "bind_addresses": ["127.0.0.1"],
            "type": "http",
            "resources": [{"names": ["client"], "compress": False}],
        }
        ours: dict[str, Any] = {
            "listeners": [listener],
            "registration_shared_secret": SECRET,
            "trusted_key_servers": [],
            "federation_domain_whitelist": [],
            "rc_login": {"address": _GENEROUS, "account": _GENEROUS, "failed_attempts": _GENEROUS},
            "rc_joins": {"local": _GENEROUS, "remote": _GENEROUS},
            "rc_invites": {"per_room": _GENEROUS, "per_user": _GENEROUS},
        }
        if not stock_limits:
            ours["rc_message"] = _GENEROUS
        # Every JSON text is a YAML text.
        (self.place / "ours.yaml").write_text(json.dumps(ours))

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self._ask("GET", "/_matrix/client/versions")
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > end:
                    said = (self.place / "output").read_text(errors="replace")[-2000:]
                    self.stop()
                    raise RuntimeError(f"Synapse did not start: {said}") from None
                time.sleep(0.1)

    def _ask(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        request = urllib.request.Request(self.root + path, method=method)
        if token:
            request.add_header("authorization", f"Bearer {token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        with _opener.open(request, timeout=30) as answer:
            return json.loads(answer.read())


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_running: dict[bool, Synapse] = {}


def shared(stock_limits: bool = False) -> Synapse:
    """The one Synapse of a kind, started at first use and killed with this process. Blocks.

    :raises NotInstalled: it cannot be had here.
    """
    if stock_limits not in _running:
        synapse = _running[stock_limits] = Synapse(stock_limits)
        atexit.register(synapse.stop)
    return _running[stock_limits]
