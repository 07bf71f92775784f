"""S33: SSH targets that want to be options, commands or other hosts."""

import itertools
import random
import re
import string
from collections.abc import Iterator

from openclaw.cli import tunnel
from openclaw.cli.problems import Problem
from openclaw.cli.tunnel import Tunnel
from openclaw.client.address import GatewayAddress
from openclaw.config import ssh
from openclaw.config.ssh import SshTarget, read_ssh_target
from tests.attacks.judging import AttackCase, Verdict, hostile

_OPTIONS = ("-oProxyCommand=touch x", "-F/tmp/x", "-E", "--", "-w", "-oLocalCommand=x", "-i/x")
_SIGNS: tuple[str, ...] = (
    ";",
    "|",
    "&",
    "`id`",
    "$(id)",
    "\n",
    "\r",
    "\t",
    " ",
    "'",
    '"',
    "\\",
    "%",
    "*",
    "\x00",
)
_SIGNS += ("<", ">", "(", "{", "#", "!", "~", "=", ",", "?", "^", "\u202e", "\uff0d", "@@", "//")
HARMLESS = set(string.ascii_letters + string.digits + "._-")


def targets(count: int) -> Iterator[str]:
    """Targets of which none is one."""
    for option, user, port in itertools.product(_OPTIONS, ("", "user@", "-lroot@"), ("", ":22")):
        yield f"{user}{option}{port}"
        yield f"{option}@host{port}"
    choose = random.Random(33)
    for number in range(count):
        name = "".join(choose.choice("abcxyz0189.-_") for _ in range(choose.randrange(1, 20)))
        sign = choose.choice(_SIGNS)
        at = choose.randrange(len(name) + 1)
        odd = name[:at] + sign + name[at:]
        yield (f"me@{odd}", odd, f"{odd}@host", f"ssh://{odd}", f"host:{number}{sign}")[number % 5]


def is_harmless(arguments: list[str], target: str) -> bool:
    """The oracle for an argument vector: what came from outside stands where it was put.

    It knows only how ssh reads its arguments: options first, ``--``, then one host.
    """
    host = arguments[-1]
    if arguments[-2] != "--" or host.startswith("-") or not host:
        return False
    if set(host) - HARMLESS - set(":%"):
        return False
    named = [arguments[at + 1] for at, one in enumerate(arguments) if one in ("-l", "-p")]
    return all(not one.startswith("-") and not set(one) - HARMLESS for one in named)


class SshAttacks(AttackCase):
    """From the text a user has, or was given, to the argument vector."""

    def run_all(self) -> Verdict:
        verdict = Verdict()
        for text in targets(1000):
            verdict.note(text, not self.is_refused_or_harmless(text))
        for text in ("me@host", "host", "me@host:2222", "ssh://me@host:22", "me@[::1]:22"):
            verdict.note(text, self.reads(text), may=True)
        return verdict

    def is_refused_or_harmless(self, text: str) -> bool:
        try:
            target = ssh.read_ssh_target(text)
        except ValueError:
            return True
        arguments = Tunnel(target, GatewayAddress("127.0.0.1"), {}).arguments("ssh", 1, False)
        return is_harmless(arguments, text)

    def reads(self, text: str) -> bool:
        return bool(read_ssh_target(text))

    @hostile(1084)
    def test_cve_2026_25157_ssh_target_is_an_option(self) -> None:
        """``-oProxyCommand=...`` as a host ran a program on the owner's machine."""
        self.held(self.run_all())
        anything = re.compile(r"(?:(?P<user>[^@]+)@)?(?P<host>[^:]*)(?::(?P<port>[0-9]+))?.*", re.S)
        self.patch(ssh, "_TARGET", anything)
        self.caught(self.run_all())

    def forward_all(self) -> Verdict:
        verdict = Verdict()
        for text in targets(500):
            there = Tunnel(SshTarget("host"), GatewayAddress(text), {})
            try:
                arguments = there.arguments("ssh", 1, False)
            except Problem:
                verdict.note(text, False)
                continue
            forward = arguments[arguments.index("-L") + 1]
            inside = forward.removeprefix("127.0.0.1:1:").removesuffix(":18789")
            verdict.note(text, bool(set(inside.strip("[]")) - HARMLESS - set(":%")))
        return verdict

    @hostile(584)
    def test_cve_2026_27002_forwarded_host_adds_arguments(self) -> None:
        """What was put into a list of mounts or forwards added others to it."""
        self.held(self.forward_all())
        self.patch(tunnel, "read_ssh_target", lambda text: SshTarget("x"))
        self.caught(self.forward_all())
