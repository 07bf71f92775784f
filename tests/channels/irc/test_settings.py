"""The keys of an account: the original's spellings mean what ours mean."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.accounts import read_accounts
from openclaw.channels.platforms.irc.settings import IRCSettings
from openclaw.channels.registry import Registry
from openclaw.errors import ConfigError
from openclaw.routing.rules import access_rules


class SettingsTests(SynchronousTestCase):
    def read(self, section: Mapping[str, Any], **environ: str) -> IRCSettings:
        """Read the only account."""
        (one,), self.remarks = read_accounts({"irc": section}, environ, Registry(lambda: []))
        self.secrets = one.secrets
        settings = one.settings
        assert isinstance(settings, IRCSettings)
        return settings

    def test_services_in_the_original_spelling(self) -> None:
        known = self.read({"nickserv": {"service": "AuthServ", "password": "${PASS}"}}, PASS="x y")
        self.assertEqual((known.nickserv_service, known.nickserv_password), ("AuthServ", "x y"))
        self.assertEqual((self.secrets, self.remarks), (("x y",), ()))
        known = self.read({"nickserv": {"enabled": False, "password": "x"}})
        self.assertEqual(known.nickserv_password, "")
        known = self.read({"nickserv": {"enabled": True}, "nickservPassword": "x"})
        self.assertEqual((known.nickserv_service, known.nickserv_password), ("NickServ", "x"))

    def test_passwords_in_files(self) -> None:
        file = Path(self.mktemp())
        file.write_text("from the file\n")
        known = self.read({"passwordFile": str(file), "nickserv": {"passwordFile": str(file)}})
        self.assertEqual(known.password, "from the file")
        self.assertEqual(known.nickserv_password, "from the file")
        known = self.read({"passwordFile": str(file), "password": "mine"})
        self.assertEqual(known.password, "mine")

    def test_the_environment_says_what_the_file_does_not(self) -> None:
        environ = {
            "IRC_HOST": "irc.example.org",
            "IRC_PORT": "7000",
            "IRC_TLS": "false",
            "IRC_NICK": "tia",
            "IRC_USERNAME": "tia-user",
            "IRC_REALNAME": "Tia, the assistant",
            "IRC_PASSWORD": "server-pass",
            "IRC_CHANNELS": "#a, #b",
            "IRC_NICKSERV_PASSWORD": "nick-pass",
        }
        known = self.read({}, **environ)
        self.assertEqual((known.host, known.port, known.tls), ("irc.example.org", 7000, False))
        self.assertEqual((known.nick, known.username), ("tia", "tia-user"))
        self.assertEqual((known.realname, known.channels), ("Tia, the assistant", ("#a", "#b")))
        self.assertEqual((known.password, known.nickserv_password), ("server-pass", "nick-pass"))
        self.assertEqual(self.secrets, ("server-pass", "nick-pass"))
        known = self.read({"host": "h", "port": 1, "tls": False}, **{**environ, "IRC_TLS": "true"})
        self.assertEqual((known.host, known.port, known.tls), ("h", 1, False))
        wrong = self.assertRaises(ConfigError, self.read, {}, IRC_PORT="many")
        self.assertEqual(wrong.path, "channels.irc.port")

    def test_people_as_the_original_lists_them(self) -> None:
        known = self.read(
            {
                "allowFrom": ["Ada!~Ada@Home.example"],
                "groups": {"#Room": {"allowFrom": ["account:Bob"]}},
            }
        )
        rules = access_rules(known, "irc", "channels.irc", ())
        self.assertEqual(rules.allow_from, {"ada!~ada@home.example"})
        self.assertEqual(rules.groups["#room"].allow_from, {"account:bob"})
        self.assertEqual(known.people(), {"ada!~ada@home.example", "account:bob"})
