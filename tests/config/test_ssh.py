"""Targets of SSH tunnels: what is read can be nothing but a user, a host and a port."""

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.ssh import SshTarget, read_ssh_target

GOOD = (
    ("host", SshTarget("host")),
    ("user@host", SshTarget("host", "user")),
    ("me@gateway.example.org:2222", SshTarget("gateway.example.org", "me", 2222)),
    ("ssh://me@10.0.0.7:22", SshTarget("10.0.0.7", "me", 22)),
    ("me@[fe80::1%eth0]:22", SshTarget("fe80::1%eth0", "me", 22)),
    ("[::1]", SshTarget("::1")),
    ("my_alias", SshTarget("my_alias")),
)
BAD = (
    "",
    "-",
    "-oProxyCommand=touch /tmp/x",
    "--",
    "-l",
    "user@-oProxyCommand=x",
    "-v@host",
    "user@",
    "@host",
    "a@b@c",
    "user@host -oProxyCommand=x",
    "host;id",
    "host|id",
    "host&id",
    "$(id)@host",
    "`id`",
    "user@host\n-oProxyCommand=x",
    "user@host\x00",
    "host:0",
    "host:65536",
    "host:-1",
    "host:",
    "::1",
    "%h",
    "user%40@host",
    "host/path",
    "ssh://-oProxyCommand=x",
    "ssh://user:password@host",
    "\uff48ost",
    "user@host:\u0662\u0662",
    "host-",
    ".host",
)
_PIECES = st.sampled_from(
    (
        *("-", "o", "ProxyCommand=", "x", "@", ":", "[", "]", "::1", "host", "user", "22", " "),
        *("$(", ")", "`", ";", "|", "&", "'", '"', "\\", "%", "/", ".", "_", "\x00", "\n"),
        *("é", "ssh://"),
    )
)
_HOSTILE = st.lists(_PIECES, max_size=12).map("".join) | st.text(max_size=40)


class TargetTests(SynchronousTestCase):
    def test_every_usual_form_is_read(self) -> None:
        for text, target in GOOD:
            self.assertEqual(read_ssh_target(text), target, text)
            self.assertEqual(read_ssh_target(str(target)), target)

    def test_what_could_be_an_option_or_a_command_is_refused(self) -> None:
        for text in BAD:
            self.assertRaises(ValueError, read_ssh_target, text)

    @settings(max_examples=3000)
    @given(_HOSTILE)
    @example("-oProxyCommand=x@host")
    def test_nothing_that_is_read_can_mean_anything_else(self, text: str) -> None:
        try:
            target = read_ssh_target(text)
        except ValueError:
            return
        for part in (target.host, target.user):
            self.assertFalse(part.startswith("-"), text)
            self.assertIsNotNone(re.fullmatch(r"[A-Za-z0-9._:%\-]*", part, re.ASCII), text)
        self.assertTrue(target.host)
        self.assertTrue(target.port is None or 0 < target.port < 65536)
