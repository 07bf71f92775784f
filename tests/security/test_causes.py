"""Each cause of a refusal, for each kind of client: a code of its own and one next step."""

from collections.abc import Callable
from typing import Any

import msgspec
from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.access import AccessSettings, CertificateRule
from openclaw.errors import ConnectRefused
from openclaw.interfaces.security import Admitted, ClientCertificate, NamedUser, Peer
from tests.security.clients import LOCAL, NONCE, NOW_MS, Door, KeyedDevice, params
from tests.security.identities.provider import settings, token

AWAY = Peer("203.0.113.9", loopback=False, host="203.0.113.1:18789")
PAGE_AWAY = evolve(AWAY, origin="http://203.0.113.1:18789")
PAGE_HERE = evolve(LOCAL, origin=f"http://{LOCAL.host}")
D1 = KeyedDevice(1)
ACCESS = AccessSettings(
    oidc=settings(),
    certificates={"AA": CertificateRule("gone", ())},
    identity_scopes={"alice": ("operator.read",)},
)
_SENT: dict[str, dict[str, Any]] = {
    "CLI": {"client": "cli/cli"},
    "webchat": {"client": "webchat-ui/webchat"},
    "node": {"client": "node-host/node", "role": "node", "scopes": []},
}


class Client:
    """One kind of client at one door."""

    def __init__(self, kind: str, access: AccessSettings = ACCESS) -> None:
        self.kind = kind
        self.door = Door(access=access)
        self.away = PAGE_AWAY if kind == "webchat" else AWAY
        self.here = PAGE_HERE if kind == "webchat" else LOCAL

    def come(self, peer: Peer | None = None, **sent: Any) -> Admitted:
        """Knock."""
        given: dict[str, Any] = {"device": D1, **_SENT[self.kind], **sent}
        return self.decide(params(given.pop("client"), **given), peer)

    def decide(self, connect: Any, peer: Peer | None = None) -> Admitted:
        """Hear the answer."""
        result = self.door.admission.admit(connect, peer or self.away, NONCE)
        if isinstance(result, Admitted):
            return result
        found: list[Any] = []
        result.addBoth(found.append)
        if isinstance(found[0], Admitted):
            return found[0]
        raise found[0].value

    def pair(self) -> str:
        """Be paired on the gateway's machine; the device's token."""
        return self.come(self.here).device_token or ""


def _guess(client: Client) -> None:
    for _ in range(10):
        try:
            client.come(auth={"token": "wrong"})
        except ConnectRefused:
            continue
    client.come(auth={"token": "wrong"})


def _tampered(client: Client) -> None:
    given = {**_SENT[client.kind]}
    connect = params(given.pop("client"), device=D1, **given)
    client.decide(
        msgspec.structs.replace(connect, caps=["x"], auth=params(auth={"token": "other"}).auth)
    )


def _foreign_key(client: Client) -> None:
    given = {**_SENT[client.kind]}
    connect = params(given.pop("client"), device=D1, **given)
    assert not isinstance(connect.device, msgspec.UnsetType)
    device = msgspec.structs.replace(connect.device, id="0" * 64)
    client.decide(msgspec.structs.replace(connect, device=device))


def _metadata(client: Client) -> None:
    client.come(client.away, auth={"token": client.pair()}, platform="windows")


def _wider(client: Client) -> None:
    own = client.come(client.here, scopes=["operator.read"]).device_token or ""
    client.come(auth={"token": own}, scopes=["operator.admin"])


def _revoked(client: Client) -> None:
    own, role = client.pair(), _SENT[client.kind].get("role", "operator")
    client.door.devices.remove(D1.id)
    assert client.door.devices.get(D1.id) is None, role
    client.come(auth={"deviceToken": own})


def _named(user: str) -> Callable[[Client], object]:
    source: Any = "tailscale"
    return lambda client: client.come(
        evolve(client.away, forwarded=True, user=NamedUser(source, user)), auth={}
    )


BOTH, ALL = ("CLI", "webchat"), ("CLI", "webchat", "node")
CAUSES: list[tuple[str, tuple[str, ...], str, Callable[[Client], object]]] = [
    ("no credential", ALL, "AUTH_TOKEN_MISSING", lambda c: c.come(auth={})),
    ("wrong token", ALL, "AUTH_TOKEN_MISMATCH", lambda c: c.come(auth={"token": "wrong"})),
    (
        "wrong device token",
        ALL,
        "AUTH_DEVICE_TOKEN_MISMATCH",
        lambda c: c.come(auth={"deviceToken": "wrong"}),
    ),
    ("revoked device", ALL, "AUTH_DEVICE_TOKEN_MISMATCH", _revoked),
    ("unknown device", ALL, "PAIRING_REQUIRED not-paired", lambda c: c.come()),
    ("wider scopes", BOTH, "PAIRING_REQUIRED scope-upgrade", _wider),
    ("another platform", ALL, "PAIRING_REQUIRED metadata-upgrade", _metadata),
    ("too many guesses", ALL, "AUTH_RATE_LIMITED", _guess),
    (
        "wrong clock",
        ALL,
        "DEVICE_AUTH_SIGNATURE_EXPIRED",
        lambda c: c.come(at_ms=NOW_MS - 120_001),
    ),
    ("old nonce", ALL, "DEVICE_AUTH_NONCE_MISMATCH", lambda c: c.come(nonce="another")),
    ("changed params", ALL, "DEVICE_AUTH_SIGNATURE_INVALID", _tampered),
    ("another's id", ALL, "DEVICE_AUTH_DEVICE_ID_MISMATCH", _foreign_key),
    (
        "no device",
        ("CLI", "node"),
        "DEVICE_IDENTITY_REQUIRED",
        lambda c: c.come(device=None, auth={}),
    ),
    (
        "no device",
        ("webchat",),
        "CONTROL_UI_DEVICE_IDENTITY_REQUIRED",
        lambda c: c.come(device=None, auth={}),
    ),
    (
        "foreign page",
        ALL,
        "CONTROL_UI_ORIGIN_NOT_ALLOWED",
        lambda c: c.come(evolve(AWAY, origin="https://evil.example")),
    ),
    ("another protocol", ALL, "PROTOCOL_MISMATCH", lambda c: c.come(protocols=(9, 9))),
    (
        "wrong code",
        ALL,
        "AUTH_BOOTSTRAP_TOKEN_INVALID",
        lambda c: c.come(auth={"bootstrapToken": "wrong"}),
    ),
    ("stale ID token", BOTH, "AUTH_OIDC_EXPIRED", lambda c: c.come(auth={"token": token(exp=1)})),
    (
        "early ID token",
        BOTH,
        "AUTH_OIDC_NOT_YET",
        lambda c: c.come(auth={"token": token(nbf=9e11)}),
    ),
    (
        "forged ID token",
        BOTH,
        "AUTH_OIDC_SIGNATURE",
        lambda c: c.come(auth={"token": token()[:-9] + "AAAAAAAAA"}),
    ),
    ("other issuer", BOTH, "AUTH_OIDC_ISSUER", lambda c: c.come(auth={"token": token(iss="x")})),
    (
        "other audience",
        BOTH,
        "AUTH_OIDC_AUDIENCE",
        lambda c: c.come(auth={"token": token(aud="x")}),
    ),
    ("unknown user", BOTH, "AUTH_OIDC_SUBJECT", lambda c: c.come(auth={"token": token(sub="x")})),
    (
        "unknown key",
        BOTH,
        "AUTH_OIDC_KEY",
        lambda c: c.come(auth={"token": token(header={"kid": "x"})}),
    ),
    (
        "other algorithm",
        BOTH,
        "AUTH_OIDC_ALGORITHM",
        lambda c: c.come(auth={"token": token(header={"alg": "none"})}),
    ),
    (
        "no ID token",
        BOTH,
        "AUTH_OIDC_MALFORMED",
        lambda c: c.come(auth={"token": token(header={"typ": "at+jwt"})}),
    ),
    ("a user as node", ("node",), "AUTH_OIDC_ROLE", lambda c: c.come(auth={"token": token()})),
    (
        "unknown certificate",
        ALL,
        "AUTH_CERTIFICATE_UNKNOWN",
        lambda c: c.come(evolve(c.away, certificate=ClientCertificate(("BB",), 1 << 60)), auth={}),
    ),
    ("unknown tailnet user", ALL, "AUTH_TAILSCALE_USER_NOT_ALLOWED", _named("mallory")),
]


class CauseTests(SynchronousTestCase):
    def refusal(self, kind: str, knock: Callable[[Client], object]) -> ConnectRefused:
        """How a client is refused."""
        error: ConnectRefused = self.assertRaises(ConnectRefused, knock, Client(kind))
        return error

    def test_each_cause_has_its_code_and_next_step_for_every_client(self) -> None:
        for name, kinds, expected, knock in CAUSES:
            for kind in kinds:
                error = self.refusal(kind, knock)
                details = error.details or {}
                found = str(details["code"])
                if found == "PAIRING_REQUIRED":
                    found = f"{found} {details['reason']}"
                self.assertEqual(found, expected, f"{name}, {kind}")
                step = str(details["next"])
                self.assertTrue(step.endswith(".") and len(step) < 200, step)
                self.assertEqual(error.retry, expected == "AUTH_RATE_LIMITED", name)

    def test_no_two_causes_share_code_or_next_step(self) -> None:
        """But a wrong device token and a revoked one: the wire gives those the same."""
        for kind in ALL:
            steps: dict[str, str] = {}
            for name, kinds, expected, knock in CAUSES:
                if kind in kinds and name != "revoked device":
                    step = str((self.refusal(kind, knock).details or {})["next"])
                    self.assertNotIn(expected, steps, name)
                    self.assertNotIn(step, steps.values(), name)
                    steps[expected] = step
            self.assertGreaterEqual(len(steps), 15, kind)

    def test_the_words_of_the_protocol_are_unchanged(self) -> None:
        """Official clients match on them."""
        words = {
            "wrong token": "unauthorized: gateway token mismatch (",
            "no credential": "unauthorized: gateway token missing (",
            "wrong device token": "unauthorized: device token mismatch "
            "(rotate/reissue device token)",
            "too many guesses": "unauthorized: too many failed authentication attempts "
            "(retry later)",
            "unknown device": "pairing required: device is not approved yet",
            "wrong clock": "device signature expired",
            "old nonce": "device nonce mismatch",
            "changed params": "device signature invalid",
            "another's id": "device identity mismatch",
            "another protocol": "protocol mismatch",
        }
        for name, kinds, _, knock in CAUSES:
            for kind in kinds:
                if name in words:
                    self.assertTrue(self.refusal(kind, knock).message.startswith(words[name]), name)

    def test_every_client_still_gets_in_with_what_is_right(self) -> None:
        for kind in ALL:
            client = Client(kind)
            self.assertEqual(client.come(auth={"token": client.pair()}).method, "device-token")
