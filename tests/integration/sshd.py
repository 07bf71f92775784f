"""A real SSH server on loopback, with keys of its own, and an ``ssh`` that knows them."""

import getpass
import os
import socket
import subprocess
from pathlib import Path

from openclaw.cli.tunnel import find_free_port
from tests.integration.programs import PATH, program
from tests.integration.running import Running, run


class SshServer:
    """One sshd in a directory; whoever has the key in it may log in as us.

    :ivar environ: ``PATH`` with an ``ssh`` in front that uses this directory's keys.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self.directory.mkdir(parents=True)
        self.port = find_free_port()
        for name in ("host", "user"):
            subprocess.run(
                [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", self._at(name)],
                check=True,
            )
        self._write("authorized", self._read("user.pub"))
        self._write("known", f"[127.0.0.1]:{self.port} {self._read('host.pub')}")
        self._write("sshd_config", self._server_configuration())
        self._write("ssh_config", self._client_configuration())
        (self.directory / "bin").mkdir()
        wrapper = self.directory / "bin" / "ssh"
        wrapper.write_text(f'#!/bin/sh\nexec {program("ssh")} -F {self._at("ssh_config")} "$@"\n')
        wrapper.chmod(0o700)
        self.environ = {"PATH": f"{wrapper.parent}{os.pathsep}{PATH}", "HOME": str(directory)}

    @property
    def target(self) -> str:
        """What a user would type."""
        return f"{getpass.getuser()}@127.0.0.1:{self.port}"

    def start(self) -> Running:
        """Start it; ``wait`` tells when it listens."""
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists, as root.
        arguments = [program("sshd"), "-D", "-e", "-f", self._at("sshd_config")]
        return run(arguments, {"PATH": PATH}, self.directory)

    def listens(self) -> bool:
        """Whether it accepts connections."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def clients(self) -> list[int]:
        """The processes of ssh that lead here."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                arguments = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            ours = self._at("ssh_config").encode() in arguments
            if ours and Path(os.fsdecode(arguments[0])).name == "ssh":
                found.append(int(process.name))
        return found

    def _server_configuration(self) -> str:
        return "\n".join(
            (
                f"Port {self.port}",
                "ListenAddress 127.0.0.1",
                f"HostKey {self._at('host')}",
                f"AuthorizedKeysFile {self._at('authorized')}",
                "PidFile none",
                "UsePAM no",
                "StrictModes no",
                "PermitRootLogin prohibit-password",
                "PasswordAuthentication no",
                "KbdInteractiveAuthentication no",
                "AllowTcpForwarding local",
                "",
            )
        )

    def _client_configuration(self) -> str:
        return "\n".join(
            (
                f"IdentityFile {self._at('user')}",
                "IdentitiesOnly yes",
                f"UserKnownHostsFile {self._at('known')}",
                "GlobalKnownHostsFile /dev/null",
                "StrictHostKeyChecking yes",
                "",
            )
        )

    def forget_host_key(self) -> None:
        """As if another host answered under this address."""
        self._write("known", f"[127.0.0.1]:{self.port} {self._read('user.pub')}")

    def _at(self, name: str) -> str:
        return str(self.directory / name)

    def _read(self, name: str) -> str:
        return (self.directory / name).read_text()

    def _write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)
