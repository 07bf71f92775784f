"""A network nobody here wrote: InspIRCd over TLS, with Atheme's services, each a process."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from twisted.internet.task import deferLater

from openclaw.cli.tunnel import find_free_port
from tests.channels.irc.server import reactor
from tests.conformance.packages import Missing
from tests.integration.running import Running, run

LINK_PASSWORD = "link-of-the-tests"
_SBIN = ("/usr/sbin", "/usr/local/sbin")
_SERVER = """
<config format="xml">
<path datadir="{here}" logdir="{here}" runtimedir="{here}" configdir="{here}">
<server name="irc.test" description="A test" network="TestNet" id="1AA">
<admin name="Admin" nick="admin" email="admin@irc.test">
<bind address="127.0.0.1" port="{port}" type="clients" sslprofile="main">
<bind address="127.0.0.1" port="{plain}" type="clients">
<bind address="127.0.0.1" port="{services}" type="servers">
<sslprofile name="main" provider="gnutls" certfile="{certificate}" keyfile="{key}" hash="sha256">
<connect allow="*" threshold="100000" fakelag="no" localmax="50" globalmax="50"
 resolvehostnames="no" useident="no">
<dns server="127.0.0.1">
<log method="file" type="*" level="default" target="server.log">
<pid file="server.pid">
<module name="ssl_gnutls">
<module name="cap">
<module name="ircv3">
<module name="ircv3_accounttag">
<module name="ircv3_batch">
<module name="ircv3_echomessage">
<module name="ircv3_msgid">
<module name="ircv3_servertime">
<module name="ircv3_ctctags">
<module name="services_account">
<module name="spanningtree">
<module name="sasl">
<sasl target="services.test" requiressl="yes">
<link name="services.test" ipaddr="127.0.0.1" port="{services}" allowmask="127.0.0.1"
 sendpass="{password}" recvpass="{password}">
<uline server="services.test" silent="yes">
"""
_SERVICES = """
loadmodule "modules/protocol/inspircd";
loadmodule "modules/backend/opensex";
loadmodule "modules/crypto/posix";
loadmodule "modules/nickserv/main";
loadmodule "modules/nickserv/identify";
loadmodule "modules/nickserv/register";
loadmodule "modules/saslserv/main";
loadmodule "modules/saslserv/plain";
serverinfo {{
  name = "services.test"; desc = "Services"; numeric = "00A"; recontime = 1; restarttime = 0;
  netname = "TestNet"; hidehostsuffix = "users.test"; adminname = "Admin";
  adminemail = "admin@services.test"; registeremail = "admin@services.test"; mta = "/bin/true";
  loglevel = {{ error; info; }}; maxlogins = 5; maxusers = 5; mdlimit = 30; emaillimit = 10;
  emailtime = 300; auth = none; casemapping = rfc1459;
}};
uplink "irc.test" {{
  host = "127.0.0.1"; port = {services}; send_password = "{password}";
  receive_password = "{password}";
}};
nickserv {{ nick = "NickServ"; user = "NickServ"; host = "services.test"; real = "Services"; }};
saslserv {{ nick = "SaslServ"; user = "SaslServ"; host = "services.test"; real = "Services"; }};
general {{ helpchan = "#help"; silent; join_chans; commit_interval = 5; }};
"""


def program(name: str, package: str) -> str:
    """Where a server's program is.

    :raises Missing: it is not installed.
    """
    found = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *_SBIN)))
    if found is None:
        raise Missing(f"{name} is not installed: apt install {package}")
    return found


def network_is_there() -> None:
    """Look for both programs.

    :raises Missing: one is not there.
    """
    program("inspircd", "inspircd")
    program("atheme-services", "atheme-services")


class Network:
    """One server and its services.

    :param directory: its own; has the certificate and its key, ``server.pem`` and ``key.pem``.
    :ivar port: for TLS.
    :ivar plain_port: without.
    """

    def __init__(self, directory: Path) -> None:
        self._here = directory
        self.port, self.plain_port, self._services_port = (find_free_port() for _ in range(3))
        self.running: list[Running] = []

    async def start(self) -> None:
        """Start both; ready once services are part of the network."""
        here = self._here
        configuration = here / "server.conf"
        configuration.write_text(
            _SERVER.format(
                here=here,
                port=self.port,
                plain=self.plain_port,
                services=self._services_port,
                certificate=here / "server.pem",
                key=here / "key.pem",
                password=LINK_PASSWORD,
            )
        )
        root = ["--runasroot"] if os.getuid() == 0 else []
        server = self._run(
            program("inspircd", "inspircd"), f"--config={configuration}", "--nofork", *root
        )
        await self._until(lambda: "is now running" in server.printed, server)
        services = here / "services.conf"
        services.write_text(_SERVICES.format(services=self._services_port, password=LINK_PASSWORD))
        words = [program("atheme-services", "atheme-services"), "-c", str(services)]
        words += ["-D", str(here), "-l", str(here / "services.log"), "-p", str(here / "at.pid")]
        self._run(*words, "-n", "-b")  # Makes the database, and ends.
        await self.running[-1].ended()
        joined = self._run(*words, "-n")
        await self._until(lambda: "finished synching" in joined.printed, joined)

    def _run(self, *words: str) -> Running:
        one = run(words, dict(os.environ), self._here)
        self.running.append(one)
        return one

    async def _until(self, happened: Callable[[], object], one: Running) -> None:
        while not happened():
            if one.gone is not None:
                raise AssertionError(one.printed)
            await deferLater(reactor, 0.02)

    async def stop(self) -> None:
        """End both."""
        for one in reversed(self.running):
            await one.stop("KILL")
