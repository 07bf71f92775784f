"""S29: secrets in answers, logs and files, where somebody else reads them."""

import json
import os
import random
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from openclaw.config import redact
from openclaw.protocol.methods import METHODS
from tests.attacks.judging import AttackCase, Verdict, hostile
from tests.attacks.live import TOKEN, LiveCase, connect

# The oracle for names: what secrets are called in configurations of the original.
_WORDS = """
token botToken bot_token app-token accessToken refresh_token authToken sessionToken
verificationToken bearerToken password appPassword db_password PASSWD passphrase secret
signingSecret client_secret webhookSecret appSecret secretAccessKey apiKey api_key API-KEY
openaiApiKey accessKey privateKey PRIVATE_KEY encryptKey encryptionKey signing_key masterKey
credential credentials googleCredentials Authorization cookie connectionString serviceAccount
"""
NAMES = _WORDS.split()
CONTAINERS = ("headers", "env", "vars")
PLAIN = ("name", "baseUrl", "port", "enabled", "model", "id", "notes", "list", "description")
_WRAPS = ("{}", "it is {} as agreed", "redis://user:{}@host/0", '"{}"', "{}\n", "\\{}", "a={}&b=c")


def trees(count: int) -> Iterator[tuple[dict[str, Any], str]]:
    """Configurations with one secret somewhere, which is repeated where nothing gives it away."""
    choose = random.Random(29)
    for number in range(count):
        canary = f"canary-{choose.getrandbits(96):024x}"
        value: Any = canary
        if number % 5 == 0:
            value = [canary, {"deep": canary}]
        if number % 7 == 0:
            name: str = choose.choice(CONTAINERS)
            value = {choose.choice(PLAIN): canary}
        else:
            name = choose.choice(NAMES)
        tree: dict[str, Any] = {name: value, choose.choice(PLAIN): number}
        for _ in range(choose.randrange(4)):
            outer = choose.choice(PLAIN)
            tree = {outer: tree if choose.random() < 0.7 else [tree], "other": [1, None]}
        if number % 3 == 0:
            tree["remark"] = choose.choice(_WRAPS).format(canary)
        yield tree, canary


class RedactorAttacks(AttackCase):
    """Configurations as they are shown: as values, as text, as text of somebody careless."""

    def show(self) -> Verdict:
        verdict = Verdict()
        for tree, canary in trees(1000):
            text = json.dumps(tree, indent=1)
            twice = text.replace("{", '{"token": "' + canary + '-before", "token": "x", ', 1)
            shown = json.dumps(redact.redact_tree(tree))
            verdict.note((tree, "values"), canary in shown)
            verdict.note((tree, "text"), canary in redact.redact_text(text, tree))
            hidden = redact.redact_text(twice, json.loads(twice))
            verdict.note((tree, "a key given twice"), canary in hidden)
        return verdict

    @hostile(3000)
    def test_ghsa_8mh7_phf8_xgfm_secrets_in_answers(self) -> None:
        """``config.get`` and status showed what ``${VAR}`` stood for (CVE-2026-41335)."""
        self.held(self.show())
        self.patch(redact, "SECRET_ENDINGS", ("token", "password"))
        self.caught(self.show())


class LiveSecretAttacks(LiveCase):
    """A gateway full of canaries, asked everything, under a careless umask."""

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        await super().setUp()

    def configure(self) -> Mapping[str, Any]:
        self.canaries = [f"canary-{number:02d}-0123456789abcdef" for number in range(12)]
        one = iter(self.canaries)
        provider = {
            "baseUrl": "http://127.0.0.1:9/v1",
            "apiKey": next(one),
            "headers": {"X-Extra": next(one)},
            "models": [{"id": "m"}],
        }
        return {
            "gateway": {"remote": {"token": next(one), "password": next(one)}},
            "models": {"providers": {"p": provider}},
            "channels": {
                "telegram": {"botToken": next(one), "webhookSecret": next(one)},
                "slack": {"appToken": next(one), "signingSecret": next(one)},
                "discord": {"accounts": {"main": {"token": next(one)}}},
            },
            "hooks": {"token": next(one)},
            "env": {"vars": {"SOME_NAME": next(one)}},
            "plugins": {"entries": {"x": {"config": {"apiKey": next(one)}}}},
            "logging": {"level": "debug"},
        }

    async def ask_all(self) -> Verdict:
        verdict = Verdict()
        caller = await self.dial(**{"X-Extra": "x"})
        assert caller is not None
        await caller.ask(connect("cli/cli"))
        for name in sorted(METHODS):
            if name.startswith(("encryption.rotate", "mfa", "agent", "wake")):
                continue
            await caller.ask({"type": "req", "id": name, "method": name, "params": {}})
        said = caller._talk.heard
        await caller.leave()
        wrong = await self.dial()
        assert wrong is not None
        await wrong.ask(connect("cli/cli", token="canary-wrong-0123456789"))
        said += wrong._talk.heard
        await wrong.leave()
        for path in ("/health", "/readyz", "/startupz", "/control-ui-config.json", "/chat/"):
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            said += (await self.http(f"{path}?token={TOKEN}", **bearer))[2]
        log = Path(self.gateway._settings.log_file).read_bytes()
        shown = {"sockets and HTTP": said, "log": log}
        for where, text in shown.items():
            for canary in (*self.canaries, TOKEN, "canary-wrong-0123456789"):
                verdict.note((where, canary), canary.encode() in text)
        verdict.note("it was asked", b"__OPENCLAW_REDACTED__" in said, may=True)
        return verdict

    @hostile(28)
    async def test_ghsa_47q7_97xp_m272_secrets_from_a_running_gateway(self) -> None:
        """Resolved secrets were in status, in the page's bootstrap and in logs (CVE-2026-53856)."""
        self.held(await self.ask_all())
        self.patch(redact, "SECRET_ENDINGS", ())
        self.patch(redact, "SECRET_CONTAINERS", frozenset())
        await self.gateway.stopService()
        await LiveCase.setUp(self)
        self.caught(await self.ask_all())

    @hostile(0)
    async def test_ghsa_47q7_97xp_m272_files_of_the_owner_alone(self) -> None:
        """What was written or recovered could be read by everybody on the machine."""
        await self.ask_all()
        own = self.state / "gateway"
        modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in (own, *own.rglob("*"))}
        open_to_others = {str(path): oct(mode) for path, mode in modes.items() if mode & 0o077}
        self.assertEqual(open_to_others, {})
        self.assertGreater(len(modes), 4)
        (own / "planted").touch(0o644)
        self.assertNotEqual((own / "planted").lstat().st_mode & 0o077, 0)
