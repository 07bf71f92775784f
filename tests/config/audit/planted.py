"""Installations in which one thing is wrong, and the finding that must come of it."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from openclaw.config.audit.facts import Facts, Live
from openclaw.config.settings import Options, read_settings

NOW_MS = 1_795_160_000_000
GOOD = "Q5OoPBfMI6PXqpOtiMfHZRUvHWr1iHHuB54oMZYwBBI"
OTHER = "zP0m1cW8uYb3n5r7t9x2v4q6s8d0f1g3h5j7k9l2Ab"
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
UID = os.getuid() or 1000

Tree = dict[str, Any]

# As good as it gets for a gateway that others can reach.
EXPOSED: Tree = {
    "gateway": {
        "host": "192.0.2.7",
        "tls": {"enabled": True},
        "dialects": ["native"],
        "pairing": {"policies": {"wan": {"tokenLifetime": "90d"}}},
    },
    "access": {
        "authentication": {"mfa": {"requiredFor": ["admin"]}},
        "rateLimiting": {"perIp": "500rpm"},
    },
}


@frozen
class Planted:
    """One fault.

    :ivar changes: put into the configuration, deeply; a value of ``None`` takes a key out.
    :ivar files: by name in the gateway's directory: their rights.
    :ivar more: changes the facts.
    :ivar prepare: changes the directory.
    """

    id: str
    changes: Tree = field(factory=dict)
    exposed: bool = False
    environ: Mapping[str, str] = field(factory=dict)
    files: Mapping[str, int] = field(factory=dict)
    more: Mapping[str, Any] = field(factory=dict)
    prepare: Callable[[Path], object] = lambda own: None


def merged(tree: Tree, changes: Tree) -> Tree:
    """Put changes into a tree."""
    result = dict(tree)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def install(home: Path, planted: Planted) -> Facts:
    """Make an installation on disk and gather the facts."""
    state = home / ".openclaw"
    own = state / "gateway"
    for folder in (state, own, own / "logs", own / "tls"):
        folder.mkdir(mode=0o700, parents=True)
    ours = ("gateway-token", "device-secret", "journal.sqlite", "journal.sqlite-wal")
    for name in (*ours, "logs/gateway.log", "tls/key.pem", "encryption-keys"):
        (own / name).write_text("x")
        (own / name).chmod(0o600)
    tree = merged(EXPOSED if planted.exposed else {}, planted.changes)
    config = state / "openclaw.json"
    config.write_text(json.dumps(tree).replace("HOME", str(home)))
    config.chmod(0o600)
    planted.prepare(own)
    for name, mode in planted.files.items():
        (own / name).chmod(mode)
    environ = {"HOME": str(home), "PATH": "/bin", **planted.environ}
    settings = read_settings(Options(), environ, home)
    for path in (state, *state.rglob("*")):
        os.chown(path, UID, -1, follow_symlinks=False)
    facts = Facts(settings=settings, environ=environ, now_ms=NOW_MS, uid=UID, live=Live())
    return evolve(facts, **planted.more)


def device(**more: Any) -> dict[str, Any]:
    """A row of ``device.pair.list``."""
    token = {"role": "operator"}
    return {"deviceId": "d1", "lastSeenAtMs": NOW_MS, "connected": False, "tokens": [token], **more}


def link_away(own: Path) -> None:
    """Put a link in the token's place."""
    (own / "gateway-token").rename(own / "elsewhere")
    (own / "gateway-token").symlink_to(own / "elsewhere")


def secret_file(own: Path) -> None:
    """Make the file that a reference names, for everybody to read."""
    (own.parent / "a-secret").write_text(GOOD)
    (own.parent / "a-secret").chmod(0o644)


def runs_otherwise(own: Path) -> None:
    """Say that a gateway runs with another configuration."""
    info = {"pid": os.getpid(), "configHash": "sha256:another"}
    (own / "runtime.json").write_text(json.dumps(info))
    (own / "runtime.json").chmod(0o600)


def certificate(days: int) -> Callable[[Path], None]:
    """Make a certificate that ends so many days from now."""

    def make(own: Path) -> None:
        from datetime import UTC, datetime, timedelta

        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import Encoding

        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        ends = datetime.fromtimestamp(NOW_MS / 1000, UTC) + timedelta(days=days)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(ends - timedelta(days=90))
            .not_valid_after(ends)
            .sign(key, SHA256())
        )
        (own / "tls/cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
        (own / "tls/cert.pem").chmod(0o600)

    return make


def configured_tls(**more: Any) -> Tree:
    """TLS with a certificate of the operator's."""
    own = "HOME/.openclaw/gateway/tls"
    return {"gateway": {"tls": {"cert": f"{own}/cert.pem", "key": f"{own}/key.pem"}, **more}}


def gateway(**keys: Any) -> Tree:
    """A section."""
    return {"gateway": keys}


def policy(place: str, **keys: Any) -> Tree:
    """One pairing policy."""
    return gateway(pairing={"policies": {place: keys}})


def tls(**keys: Any) -> Tree:
    """What TLS must be at least."""
    return {"security": {"transport": {"tls": keys}}}


SEALED: Tree = {"security": {"encryption": {"storage": "aes-256-gcm"}}}
PROXY = "gateway.trustedProxies"

PLANTED: tuple[Planted, ...] = (
    Planted("files.state-writable", files={"logs": 0o720}),
    Planted("files.state-readable", files={".": 0o750}),
    Planted("files.token-readable", files={"gateway-token": 0o640}),
    Planted("files.device-secret-readable", files={"device-secret": 0o604}),
    Planted("files.journal-readable", files={"journal.sqlite-wal": 0o644}),
    Planted("files.keys-readable", files={"encryption-keys": 0o640}),
    Planted("files.tls-key-readable", files={"tls/key.pem": 0o644}),
    Planted("files.logs-readable", files={"logs/gateway.log": 0o644}),
    Planted("files.config-writable", files={"../openclaw.json": 0o620}),
    Planted(
        "files.config-readable",
        {"env": {"vars": {"UNUSED": "${HOME}x"}}, "gateway": {"remote": {"token": GOOD}}},
        files={"../openclaw.json": 0o644},
    ),
    Planted(
        "files.secret-readable",
        gateway(auth={"token": {"source": "file", "path": "HOME/.openclaw/a-secret"}}),
        prepare=secret_file,
    ),
    Planted("files.foreign-owner", more={"uid": UID + 1}),
    Planted("files.link", prepare=link_away),
    Planted("files.key-beside-journal", SEALED),
    Planted("files.root", exposed=True, more={"uid": 0}),
    Planted("listen.no-auth", gateway(auth={"mode": "none"}), exposed=True),
    Planted("listen.no-auth-here", gateway(auth={"mode": "none"})),
    Planted("listen.plaintext", gateway(tls=None), exposed=True),
    Planted("listen.plaintext-allowed", gateway(tls=None, allowPlaintext=True), exposed=True),
    Planted("listen.everywhere", gateway(host="0.0.0.0"), exposed=True),
    Planted("listen.proxies-wide", gateway(trustedProxies=["10.0.0.0/8"]), exposed=True),
    Planted("listen.proxies-broad", gateway(trustedProxies=["10.1.0.0/20"]), exposed=True),
    Planted("listen.proxy-here", gateway(trustedProxies=["127.0.0.1"]), exposed=True),
    Planted("listen.real-ip", gateway(allowRealIpFallback=True)),
    Planted("listen.origins-any", gateway(allowedOrigins=["https://*.example"])),
    Planted("listen.origins-http", gateway(allowedOrigins=["http://page.example"])),
    Planted("listen.origins-odd", gateway(allowedOrigins=["page.example"])),
    Planted("listen.dialects", gateway(dialects=["native", "seed-data"]), exposed=True),
    Planted("listen.funnel", gateway(tailscale={"mode": "funnel"}), exposed=True),
    Planted("listen.whitelist-any", {"access": {"ipWhitelist": ["0.0.0.0/0"]}}),
    Planted("tls.old-versions", tls(minVersion="TLSv1.2")),
    Planted("tls.weak-ciphers", tls(ciphers=["TLS_RSA_WITH_AES_128_CBC_SHA"])),
    Planted("tls.no-rotation", tls(certificateRotation={"enabled": False}), exposed=True),
    Planted("tls.expired", configured_tls(), prepare=certificate(-1)),
    Planted("tls.expires", configured_tls(), prepare=certificate(13)),
    Planted("remote.plaintext", gateway(remote={"url": "ws://far.example:18789"})),
    Planted("remote.unpinned", gateway(remote={"url": "wss://far.example:18789"})),
    Planted(
        "providers.plaintext",
        {"models": {"providers": {"x": {"baseUrl": "http://far.example", "apiKey": "${KEY}"}}}},
        environ={"KEY": GOOD},
    ),
    Planted("auth.weak-token", gateway(auth={"token": "${T}"}), environ={"T": "openclaw-token-1"}),
    Planted(
        "auth.weak-password",
        gateway(auth={"mode": "password", "password": "${P}"}),
        environ={"P": "hunter2"},
    ),
    Planted("auth.plain-secret", gateway(remote={"token": OTHER})),
    Planted("auth.token-in-environment", environ={"OPENCLAW_GATEWAY_TOKEN": GOOD}),
    Planted("auth.token-in-arguments", more={"arguments": ["openclaw", "--token", GOOD]}),
    Planted(
        "auth.hooks-token-shared",
        {"hooks": {"token": "${T}"}, "gateway": {"auth": {"token": "${T}"}}},
        environ={"T": GOOD},
    ),
    Planted(
        "auth.remote-token-shared",
        gateway(auth={"token": "${T}"}, remote={"token": "${T}"}),
        environ={"T": GOOD},
    ),
    Planted("auth.no-second-factor", {"access": {"authentication": {"mfa": None}}}, exposed=True),
    Planted(
        "auth.any-proxy-user",
        gateway(
            auth={"mode": "trusted-proxy", "trustedProxy": {"userHeader": "x-user"}},
            trustedProxies=["192.0.2.9"],
        ),
        exposed=True,
    ),
    Planted("pairing.disabled", gateway(pairing={"mode": "disabled"})),
    Planted("pairing.wan-auto", policy("wan", autoApprove=True)),
    Planted("pairing.lan-auto", policy("lan", autoApprove=True)),
    Planted("pairing.endless-tokens", policy("wan", tokenLifetime=None), exposed=True),
    Planted("limits.work", gateway(rate_limit={"requests_per_minute": 100_000})),
    Planted("limits.traffic", {"access": {"rateLimiting": None}}, exposed=True),
    Planted("limits.handshake", gateway(handshakeTimeout="5m")),
    Planted("limits.payload", gateway(policy={"maxPayload": 1 << 30})),
    Planted("log.verbose", {"logging": {"level": "debug"}}),
    Planted("log.silent", {"logging": {"level": "silent"}}),
    Planted("audit.short", {"audit": {"maxAge": "1d"}}),
    Planted("config.unknown", {"gatway": {"port": 1}}),
    Planted("config.not-served", gateway(publicOrigin="https://me.example")),
    Planted("config.odd-variable", environ={"OPENCLAW_GATWAY_TOKEN": "x"}),
    Planted("config.other-than-running", prepare=runs_otherwise),
    Planted("live.refusals", more={"live": Live(refused={"198.51.100.1": 20, "other": 19})}),
    Planted("live.audit-broken", more={"live": Live(audit_broken_at=7)}),
    Planted(
        "live.revoked-connected",
        more={
            "live": Live(
                devices=[
                    device(connected=True),
                    device(connected=True, tokens=[{"role": "node", "revokedAtMs": 5}]),
                ]
            )
        },
    ),
    Planted(
        "live.stale-request",
        more={
            "live": Live(
                pending=[
                    {"requestId": "r1", "ts": NOW_MS - HOUR_MS - 1},
                    {"requestId": "r2", "ts": NOW_MS - HOUR_MS},
                ]
            )
        },
    ),
    Planted(
        "live.forgotten-device",
        more={
            "live": Live(
                devices=[
                    device(lastSeenAtMs=NOW_MS - 91 * DAY_MS),
                    device(lastSeenAtMs=NOW_MS - 89 * DAY_MS),
                    device(lastSeenAtMs=NOW_MS - 91 * DAY_MS, connected=True),
                ]
            )
        },
    ),
    Planted("live.not-asked", more={"live": None}),
)
