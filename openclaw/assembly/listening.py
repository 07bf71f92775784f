"""Bind the port when the service is made, so that a busy port fails the start at once."""

import errno
import os
import resource
import socket
import subprocess
from pathlib import Path

from openclaw.errors import ConfigError, PortInUse

BACKLOG = 511
FILES = 65_536


def bind(hosts: tuple[str, ...], port: int) -> list[socket.socket]:
    """Bind and listen on each address; nothing is accepted yet, connections wait in the backlog.

    :param port: 0 takes any free one, the same for all addresses.
    :raises PortInUse: somebody listens there, and who it is where the system tells.
    :raises ConfigError: an address this machine does not have.
    """
    bound: list[socket.socket] = []
    try:
        for host in hosts:
            bound.append(_bind_one(host, port))
            port = bound[0].getsockname()[1]
    except BaseException:
        for one in bound:
            one.close()
        raise
    return bound


def _bind_one(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind((host, port))
        # Two sockets may bind one port as long as neither listens: this decides who has it.
        one.listen(BACKLOG)
        one.setblocking(False)
    except OSError as error:
        one.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(port, owner_of(port)) from None
        if error.errno in (errno.EADDRNOTAVAIL, errno.EACCES):
            words = f"cannot listen on {host}:{port}: {error.strerror}"
            raise ConfigError(words, "gateway.host") from None
        raise
    return one


def owner_of(port: int) -> str:
    """Who listens on a TCP port of this machine, such as ``node (pid 42)``; empty if unknown."""
    if Path("/proc/net/tcp").exists():
        return _owner_by_proc(port)
    return _owner_by_lsof(port)


def _owner_by_proc(port: int) -> str:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            listening = fields[3] == "0A"
            if listening and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        if inodes and _holds(process, inodes):
            name = _read(process / "comm")
            return f"{name or 'a process'} (pid {process.name})"
    return ""


def _holds(process: Path, inodes: set[str]) -> bool:
    try:
        return any(os.readlink(link) in inodes for link in (process / "fd").iterdir())
    except OSError:  # Somebody else's process, or one that has just ended.
        return False


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _owner_by_lsof(port: int) -> str:
    try:
        found = subprocess.run(
            ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    told = {line[:1]: line[1:] for line in found.stdout.splitlines()}
    return f"{told.get('c', 'a process')} (pid {told['p']})" if "p" in told else ""


def raise_file_limit() -> int:
    """Let this process open as many files as it may need, if the system lets it; tells how many.

    Many systems start programs with 1024, which is less than the sockets that strangers may hold
    together: they would keep the owner out.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
