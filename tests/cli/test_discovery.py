"""Tests of openclaw.cli.discovery: who wins, and which token goes where."""

import json
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from openclaw.cli.discovery import Target, discover
from openclaw.cli.given import Given
from openclaw.cli.problems import Problem, UsageProblem
from openclaw.config.fingerprints import fingerprint
from openclaw.config.ssh import SshTarget

ALIVE, DEAD = 4711, 4712
PIN, OTHER_PIN = fingerprint(b"one"), fingerprint(b"other")
REMOTE = {"mode": "remote", "remote": {"url": "wss://far.example.org", "token": "remote-token"}}


class DiscoveryTests(SynchronousTestCase):
    """One home directory, many ways to say where."""

    def setUp(self) -> None:
        self.home = Path(self.mktemp())
        self.state = self.home / ".openclaw"
        (self.state / "gateway").mkdir(parents=True)

    def runtime(self, pid: int = ALIVE, port: int = 3, host: str = "127.0.0.1") -> None:
        """A gateway's note."""
        note = json.dumps({"pid": pid, "port": port, "host": host})
        (self.state / "gateway/runtime.json").write_text(note)

    def config(self, **gateway: object) -> None:
        """A configuration file."""
        (self.state / "openclaw.json").write_text(json.dumps({"gateway": gateway}))

    def token_file(self, token: str = "file-token") -> None:
        """The token that a gateway made."""
        (self.state / "gateway/gateway-token").write_text(token + "\n")

    def discover(self, environ: dict[str, str] | None = None, **given: str) -> Target:
        """Look around."""
        options = Given(environ=environ or {}, home=self.home, **given)  # type: ignore[arg-type]
        return discover(options, lambda pid: pid == ALIVE)

    def test_the_address_option_beats_environment_beats_note_beats_config(self) -> None:
        """Each layer is taken away in turn; every one of them is seen to decide."""
        self.runtime()
        self.config(port=4)
        port = {"OPENCLAW_GATEWAY_PORT": "2"}
        both = {**port, "OPENCLAW_GATEWAY_URL": "ws://127.0.0.1:1"}
        url = "ws://127.0.0.1:9"
        self.assertEqual(self.discover(both, url=url).address.port, 9)
        self.assertEqual(self.discover(both).address.port, 1)
        self.assertEqual(self.discover(port).address.port, 2)
        self.assertEqual(self.discover().address.port, 3)
        (self.state / "gateway/runtime.json").unlink()
        self.assertEqual(self.discover().address.port, 4)
        (self.state / "openclaw.json").unlink()
        self.assertEqual(self.discover().address.url, "ws://127.0.0.1:18789")

    def test_the_note_of_a_dead_gateway_does_not_count(self) -> None:
        """But it is remembered, to be told."""
        self.runtime(pid=DEAD, port=3)
        self.config(port=4)
        found = self.discover()
        self.assertEqual((found.address.port, found.gone_pid), (4, DEAD))

    def test_a_broken_note_is_no_note(self) -> None:
        """Cut off, of another shape, not JSON."""
        for text in ("", "{", "[]", '{"pid": 1}', '{"pid": "x", "port": 1}', "null"):
            (self.state / "gateway/runtime.json").write_text(text)
            self.assertEqual(self.discover().address.port, 18789)

    def test_a_gateway_that_listens_everywhere_is_asked_on_loopback(self) -> None:
        """0.0.0.0 is no address to connect to."""
        for host, asked in (("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("", "127.0.0.1")):
            self.runtime(host=host)
            self.assertEqual(self.discover().address.host, asked)

    def test_a_gateway_that_encrypts_is_asked_that_way(self) -> None:
        """Its note says so."""
        note = {"pid": ALIVE, "port": 3, "host": "127.0.0.1", "url": "wss://127.0.0.1:3"}
        (self.state / "gateway/runtime.json").write_text(json.dumps(note))
        self.assertEqual(self.discover().address.url, "wss://127.0.0.1:3")

    def test_the_token_option_beats_environment_beats_config_beats_file(self) -> None:
        """Each layer is taken away in turn, and each is named."""
        self.token_file()
        self.config(auth={"token": "config-token"})
        environ = {"OPENCLAW_GATEWAY_TOKEN": "env-token"}
        cases = [
            (self.discover(environ, token="option-token"), "option-token", "option"),
            (self.discover(environ), "env-token", "environment"),
            (self.discover(), "config-token", "config"),
        ]
        (self.state / "openclaw.json").unlink()
        cases.append((self.discover(), "file-token", "file"))
        (self.state / "gateway/gateway-token").unlink()
        cases.append((self.discover(), "", "none"))
        for found, token, kind in cases:
            self.assertEqual((found.secret.token, found.secret.kind), (token, kind))

    def test_a_token_that_was_found_stays_on_this_machine(self) -> None:
        """Only what was given for the purpose is sent to another one."""
        self.token_file()
        self.config(auth={"token": "config-token"})
        far = "wss://far.example.org"
        self.assertEqual(self.discover(url=far).secret.token, "")
        self.assertEqual(self.discover({"OPENCLAW_GATEWAY_URL": far}).secret.token, "")
        self.assertEqual(self.discover(url=far, token="given").secret.token, "given")
        self.assertEqual(self.discover(url="ws://127.0.0.1:5").secret.token, "config-token")

    def test_remote_mode_means_the_remote_gateway_and_its_token(self) -> None:
        """Never this machine's own token."""
        self.token_file()
        self.runtime()
        self.config(**REMOTE, auth={"token": "config-token"})
        found = self.discover()
        self.assertEqual(found.address.url, "wss://far.example.org:443")
        self.assertEqual(found.secret.token, "remote-token")

    def test_a_password_gateway_gets_its_password(self) -> None:
        """In its own field."""
        self.config(auth={"mode": "password", "password": "open sesame"})
        found = self.discover()
        self.assertEqual((found.secret.token, found.secret.password), ("", "open sesame"))

    def test_state_directory_and_configuration_can_be_elsewhere(self) -> None:
        """By option or by environment."""
        other = Path(self.mktemp())
        (other / "gateway").mkdir(parents=True)
        (other / "gateway/gateway-token").write_text("other-token\n")
        for found in (
            self.discover(state_dir=str(other)),
            self.discover({"OPENCLAW_STATE_DIR": str(other)}),
        ):
            self.assertEqual(found.secret.token, "other-token")
        file = self.home / "mine.json"
        file.write_text("{gateway: {port: 77}} // with a comment")
        self.assertEqual(self.discover(config=str(file)).address.port, 77)
        self.assertEqual(self.discover({"OPENCLAW_CONFIG_PATH": str(file)}).address.port, 77)

    def test_a_broken_configuration_does_not_hide_a_running_gateway(self) -> None:
        """It is mentioned; one that was named on the command line ends the command."""
        self.runtime()
        (self.state / "openclaw.json").write_text("{")
        found = self.discover()
        self.assertEqual(found.address.port, 3)
        self.assertIn("openclaw.json", found.warning)
        path = str(self.state / "openclaw.json")
        self.assertRaises(Problem, self.discover, config=path)

    def test_nonsense_is_a_usage_error_that_names_its_source(self) -> None:
        """Without repeating what may be a secret."""
        for given, environ, named in (
            ({"url": "ftp://x"}, {}, "--url"),
            ({"url": "ws://me:secret@x"}, {}, "--url"),
            ({}, {"OPENCLAW_GATEWAY_URL": "x://"}, "OPENCLAW_GATEWAY_URL"),
            ({}, {"OPENCLAW_GATEWAY_PORT": "many"}, "OPENCLAW_GATEWAY_PORT"),
        ):
            with self.assertRaises(UsageProblem) as caught:
                self.discover(environ, **given)
            self.assertIn(named, str(caught.exception))
            self.assertNotIn("secret", str(caught.exception))

    def test_no_token_is_shown(self) -> None:
        """Neither what was given nor what was found."""
        self.token_file()
        shown = repr(self.discover()) + repr(Given(token="option-token"))
        self.assertNotIn("file-token", shown)
        self.assertNotIn("option-token", shown)

    def test_pins_come_from_the_option_the_remote_section_or_our_own_gateways_note(self) -> None:
        """And each only for the gateway it is about."""
        note = {"pid": ALIVE, "port": 3, "host": "127.0.0.1", "url": "wss://127.0.0.1:3"}
        note["fingerprints"] = [PIN]
        (self.state / "gateway/runtime.json").write_text(json.dumps(note))
        self.assertEqual(self.discover().pins, (PIN,))
        self.assertEqual(self.discover(tls_fingerprint=OTHER_PIN).pins, (OTHER_PIN,))
        self.assertEqual(self.discover(url="wss://localhost:3").pins, (PIN,))
        self.assertEqual(self.discover({"OPENCLAW_GATEWAY_PORT": "3"}).pins, (PIN,))
        self.assertEqual(self.discover(url="wss://far.example.org").pins, ())
        self.assertEqual(self.discover(url="wss://127.0.0.1:3", ssh="host").pins, ())
        remote = {**REMOTE["remote"], "tlsFingerprint": f"{PIN}, {OTHER_PIN.lower()}"}  # type: ignore[dict-item]
        self.config(mode="remote", remote=remote)
        self.assertEqual(self.discover().pins, (PIN, OTHER_PIN))
        self.assertEqual(self.discover(url="wss://else.example.org").pins, ())

    def test_a_pin_for_plain_text_is_a_mistake_that_is_told(self) -> None:
        """Nobody shall think that it protects."""
        for given in ({"url": "ws://127.0.0.1:3"}, {"ssh": "host"}):
            self.assertRaises(UsageProblem, self.discover, tls_fingerprint=PIN, **given)
        self.assertRaises(
            UsageProblem, self.discover, url="wss://a.example", tls_fingerprint="ab:cd"
        )

    def test_the_published_pins_hold_while_the_gateway_has_no_note(self) -> None:
        """The configuration says where it will be."""
        self.config(port=5, tls={"enabled": True})
        self.assertEqual(self.discover().address.url, "wss://127.0.0.1:5")
        (self.state / "gateway/tls").mkdir()
        said = {"fingerprint": PIN, "next": {"fingerprint": OTHER_PIN}}
        (self.state / "gateway/tls/pins.json").write_text(json.dumps(said))
        self.assertEqual(self.discover().pins, (PIN, OTHER_PIN))

    def test_a_tunnel_leads_to_another_machines_gateway_with_its_own_secrets(self) -> None:
        """Nothing of this machine decides, or is sent."""
        self.runtime()
        self.token_file()
        found = self.discover(ssh="me@far.example.org:2222")
        self.assertEqual(found.ssh, SshTarget("far.example.org", "me", 2222))
        self.assertEqual(found.address.url, "ws://127.0.0.1:18789")
        self.assertEqual((found.secret.token, found.on_this_machine), ("", False))
        self.assertEqual(self.discover(ssh="host", token="given").secret.token, "given")
        self.assertEqual(self.discover(ssh="host", url="ws://127.0.0.1:9").address.port, 9)
        self.assertRaises(UsageProblem, self.discover, ssh="-oProxyCommand=x")

    def test_the_configuration_can_name_the_tunnel(self) -> None:
        """Its token is for that gateway and no other."""
        self.config(mode="remote", remote={"ssh": "me@far", "token": "remote-token"})
        for found in (self.discover(), self.discover(ssh="me@far")):
            self.assertEqual(found.ssh, SshTarget("far", "me"))
            self.assertEqual(found.address.url, "ws://127.0.0.1:18789")
            self.assertEqual(found.secret.token, "remote-token")
        self.assertEqual(self.discover(ssh="me@else").secret.token, "")
        elsewhere = self.discover(url="wss://else.example.org")
        self.assertEqual((elsewhere.ssh, elsewhere.secret.token), (None, ""))
