"""At the door with another's word: what it grants, what it never grants, how it is refused."""

from itertools import combinations
from typing import Any

from attrs import evolve

from openclaw.config.access import AccessSettings, CertificateRule, ProxyUsers
from openclaw.interfaces.security import Admitted, ClientCertificate, NamedUser, Peer
from openclaw.protocol.connect import ConnectAuth
from openclaw.protocol.scopes import ADMIN, READ, SCOPES, WRITE, expand
from openclaw.security.identities.identity import USUAL
from tests.security.clients import LOCAL, NOW_MS, TOKEN, Door, KeyedDevice
from tests.security.door import DoorCase
from tests.security.identities.provider import ALICE, BOB, settings, token

AWAY = Peer("203.0.113.9", loopback=False, host="gateway.example")
SHOWN = "AA:" * 31 + "AA"
OTHER = "BB:" * 31 + "BB"
PROXIED = evolve(AWAY, loopback=True, forwarded=True)
D1, D2 = KeyedDevice(1), KeyedDevice(2)


def certificate(*names: str, expires_at_ms: int = NOW_MS + 1000) -> ClientCertificate:
    """One that a client shows."""
    return ClientCertificate(names, expires_at_ms)


def named(source: Any, name: str) -> Peer:
    """Somebody whom a listener has signed in."""
    return evolve(PROXIED, user=NamedUser(source, name))


class VouchingCase(DoorCase):
    access = AccessSettings()
    usual = AWAY

    def setUp(self) -> None:
        self.door = Door(access=self.access)

    def bearer(self, text: str = "", peer: Peer = AWAY) -> Admitted | None:
        """Ask over HTTP."""
        return self.door.admission.bearer(text, peer)


class ProviderTests(VouchingCase):
    """ID tokens in ``auth.token``, ``auth.password`` and as bearers."""

    access = AccessSettings(oidc=settings())

    def test_a_user_signs_in_from_anywhere(self) -> None:
        for peer in (AWAY, LOCAL):
            for auth in ({"token": token()}, {"password": token()}):
                admitted = self.come(peer=peer, auth=auth, scopes=[READ, WRITE])
                self.assertEqual((admitted.method, admitted.scopes), ("oidc", (READ, WRITE)))

    def test_with_a_device_too_and_nothing_is_paired(self) -> None:
        admitted = self.come(auth={"token": token()}, device=D1, scopes=[READ])
        self.assertEqual((admitted.device_id, admitted.device_token), (D1.id, None))
        self.assertEqual(self.door.devices.paired(), [])
        self.assertEqual(self.door.requests.pending(), [])

    def test_what_is_granted_is_what_was_asked_and_no_more_than_the_grant(self) -> None:
        """All sets of two scopes, for two users: never wider, never a silent admin."""
        for sub, grant in ((ALICE, (READ, WRITE)), (BOB, (READ,))):
            for asked in [(), *combinations(sorted(SCOPES), 2), tuple(sorted(SCOPES))]:
                admitted = self.come(auth={"token": token(sub=sub)}, scopes=asked)
                allowed = expand(grant)
                self.assertEqual(set(admitted.scopes), set(asked) & allowed)
                self.assertNotIn(ADMIN, admitted.scopes)

    def test_on_this_machine_it_gets_no_more(self) -> None:
        """Whoever brings his own name is nobody else, wherever he sits."""
        admitted = self.come(
            peer=LOCAL, auth={"token": token(sub=BOB)}, scopes=[READ, WRITE, ADMIN]
        )
        self.assertEqual(admitted.scopes, (READ,))

    def test_the_seed_dialects_get_the_same(self) -> None:
        auth = ConnectAuth(token=token(sub=BOB))
        admitted = self.door.admission.admit_seed(auth, "operator", None, AWAY)
        self.assertEqual((admitted.method, admitted.scopes), ("oidc", (READ,)))

    def test_each_fault_has_its_own_code(self) -> None:
        codes = {
            self.code(auth={"token": text})
            for text in (
                token()[:-4] + "AAAA",
                token(exp=1),
                token(iat=9e11),
                token(iss="x"),
                token(aud="x"),
                token(sub="mallory"),
                token(header={"kid": "gone"}),
                token(header={"alg": "RS512"}),
                token(header={"crit": []}),
            )
        }
        tails = ("SIGNATURE", "EXPIRED", "NOT_YET", "ISSUER", "AUDIENCE", "SUBJECT", "KEY")
        expected = {f"AUTH_OIDC_{tail}" for tail in (*tails, "ALGORITHM", "MALFORMED")}
        self.assertEqual(codes, expected)

    def test_a_node_is_no_user(self) -> None:
        sent: dict[str, Any] = {"role": "node", "scopes": [], "device": D1}
        self.assertEqual(
            self.code(client="node-host/node", auth={"token": token()}, **sent), "AUTH_OIDC_ROLE"
        )

    def test_forgers_are_locked_out_accidents_are_not(self) -> None:
        forged, stale = token()[:-4] + "AAAA", token(exp=1)
        self.assertEqual(
            {self.code(auth={"token": stale}) for _ in range(50)}, {"AUTH_OIDC_EXPIRED"}
        )
        codes = [self.code(auth={"token": forged}) for _ in range(1000)]
        self.assertEqual(codes, ["AUTH_OIDC_SIGNATURE"] * 10 + ["AUTH_RATE_LIMITED"] * 990)
        self.assertEqual(self.code(auth={"token": token()}), "AUTH_RATE_LIMITED")
        self.assertIsNone(self.bearer(token()))
        self.assertEqual(
            self.come(peer=evolve(AWAY, address="203.0.113.10"), auth={"token": token()}).method,
            "oidc",
        )

    def test_a_forged_one_spends_nothing_of_the_secrets_budget(self) -> None:
        for _ in range(20):
            self.assertIsNone(self.bearer(token()[:-4] + "AAAA"))
        self.assertIsNotNone(self.bearer(TOKEN))

    def test_over_http(self) -> None:
        admitted = self.bearer(token())
        assert admitted is not None
        self.assertEqual((admitted.method, admitted.scopes), ("oidc", (READ, WRITE)))
        for bad in (token(exp=1), token(sub="mallory"), token() + "x", ""):
            self.assertIsNone(self.bearer(bad))

    def test_the_shared_token_is_as_good_as_before(self) -> None:
        self.assertEqual(self.come(peer=LOCAL).method, "token")
        self.assertEqual(self.code(auth={"token": "wrong"}, device=D1), "AUTH_TOKEN_MISMATCH")

    def test_without_a_provider_a_token_is_only_a_wrong_secret(self) -> None:
        self.door = Door(access=AccessSettings())
        self.assertEqual(self.code(auth={"token": token()}, device=D1), "AUTH_TOKEN_MISMATCH")


class CertificateTests(VouchingCase):
    """A certificate that TLS has verified stands for scopes, or for a paired device."""

    access = AccessSettings(
        certificates={
            SHOWN: CertificateRule(None, (READ, WRITE)),
            OTHER: CertificateRule(D1.id, ()),
        }
    )
    shown = evolve(AWAY, certificate=certificate(SHOWN))
    device = evolve(AWAY, certificate=certificate(OTHER))

    def pair(self, **sent: Any) -> None:
        """Pair the device that a certificate stands for."""
        self.come(peer=LOCAL, device=D1, **sent)

    def test_it_stands_for_scopes(self) -> None:
        admitted = self.come(peer=self.shown, auth={}, scopes=[READ, ADMIN])
        self.assertEqual((admitted.method, admitted.scopes), ("certificate", (READ,)))
        over_http = self.bearer("", self.shown)
        assert over_http is not None
        self.assertEqual(over_http.scopes, (READ, WRITE))

    def test_it_stands_for_a_device_and_no_more_than_that_holds(self) -> None:
        self.pair(scopes=[READ])
        admitted = self.come(peer=self.device, auth={}, scopes=[READ, WRITE, ADMIN])
        self.assertEqual(admitted.scopes, (READ,))
        self.assertEqual((admitted.method, admitted.device_id), ("certificate", D1.id))
        self.assertEqual((self.bearer("", self.device) or admitted).scopes, (READ,))

    def test_the_most_exact_name_decides(self) -> None:
        subject, name = "dn:CN=alice,O=Example", "cn:alice"
        rules = {SHOWN: (READ,), subject: (WRITE,), name: (ADMIN,)}
        known = {one: CertificateRule(None, scopes) for one, scopes in rules.items()}
        asked = [READ, WRITE, ADMIN]
        for gone, scopes in (((), (READ,)), ((SHOWN,), (READ, WRITE)), ((SHOWN, subject), None)):
            left = {one: rule for one, rule in known.items() if one not in gone}
            self.door = Door(access=AccessSettings(certificates=left))
            peer = evolve(AWAY, certificate=certificate(SHOWN, subject, name))
            admitted = self.come(peer=peer, auth={}, scopes=asked)
            self.assertEqual(admitted.scopes, tuple(asked) if scopes is None else scopes)
            self.assertEqual(admitted.subject, next(iter(left)))
        other = evolve(AWAY, certificate=certificate(OTHER, "dn:CN=mallory", "cn:mallory"))
        self.assertEqual(self.code(peer=other, auth={}), "AUTH_CERTIFICATE_UNKNOWN")

    def test_it_ends_with_the_certificate(self) -> None:
        """Also for a connection that was opened before, and asks again over HTTP."""
        admitted = self.come(peer=self.shown, auth={})
        self.assertEqual(admitted.expires_at_ms, NOW_MS + 1000)
        self.door.clock.advance(1)
        self.assertEqual(self.code(peer=self.shown, auth={}), "AUTH_CERTIFICATE_UNKNOWN")
        self.assertIsNone(self.bearer("", self.shown))

    def test_a_device_that_is_gone_stands_for_nothing(self) -> None:
        self.assertEqual(self.code(peer=self.device, auth={}), "AUTH_CERTIFICATE_DEVICE_GONE")
        self.assertIsNone(self.bearer("", self.device))
        self.pair(scopes=[READ])
        self.successResultOf(self.door.devices.remove(D1.id))
        self.assertEqual(self.code(peer=self.device, auth={}), "AUTH_CERTIFICATE_DEVICE_GONE")

    def test_it_is_not_another_device(self) -> None:
        """A proven key of another device is asked for what it needs itself."""
        self.pair(scopes=[READ])
        self.assertEqual(self.code(peer=self.device, auth={}, device=D2), "AUTH_TOKEN_MISSING")
        self.assertEqual(self.come(peer=self.device, auth={}, device=D1).method, "certificate")

    def test_a_role_it_has_not_got(self) -> None:
        self.pair(scopes=[READ])
        sent: dict[str, Any] = {"client": "node-host/node", "role": "node", "scopes": []}
        self.assertEqual(
            self.code(peer=self.device, auth={}, **sent), "AUTH_CERTIFICATE_DEVICE_GONE"
        )

    def test_a_stranger_is_told_so(self) -> None:
        stranger = evolve(AWAY, certificate=certificate("CC:" * 31 + "CC"))
        self.assertEqual(self.code(peer=stranger, auth={}), "AUTH_CERTIFICATE_UNKNOWN")
        self.assertIsNone(self.bearer("", stranger))

    def test_a_credential_of_our_own_comes_first(self) -> None:
        stranger = evolve(LOCAL, certificate=certificate("CC:" * 31 + "CC"))
        self.assertEqual(self.come(peer=stranger).method, "token")
        self.assertEqual(
            self.come(peer=evolve(LOCAL, certificate=certificate(SHOWN))).method, "token"
        )

    def test_nothing_configured_means_nothing(self) -> None:
        self.door = Door(access=AccessSettings())
        self.assertEqual(self.code(peer=self.shown, auth={}), "DEVICE_IDENTITY_REQUIRED")


class ProxyTests(VouchingCase):
    """``gateway.auth.mode: "trusted-proxy"``."""

    access = AccessSettings(
        kinds=frozenset({"trusted-proxy", "device"}),
        proxy_users=ProxyUsers("x-user", frozenset({"alice", "root"}), ()),
        identity_scopes={"root": (ADMIN,)},
    )

    def test_users_get_what_is_usual_or_configured(self) -> None:
        asked = [READ, WRITE, ADMIN]
        admitted = self.come(peer=named("trusted-proxy", "alice"), auth={}, scopes=asked)
        self.assertEqual((admitted.method, admitted.scopes), ("trusted-proxy", (READ, WRITE)))
        self.assertNotIn(ADMIN, expand(USUAL))
        root = self.come(peer=named("trusted-proxy", "root"), auth={}, scopes=asked)
        self.assertEqual(root.scopes, (READ, WRITE, ADMIN))

    def test_an_old_token_of_a_page_does_not_matter(self) -> None:
        alice = named("trusted-proxy", "alice")
        admitted = self.come(peer=alice, auth={"token": "old"}, device=D1, scopes=[READ])
        self.assertEqual(admitted.method, "trusted-proxy")

    def test_strangers_and_nobody(self) -> None:
        self.assertEqual(
            self.code(peer=named("trusted-proxy", "mallory"), auth={}),
            "AUTH_PROXY_USER_NOT_ALLOWED",
        )
        self.assertEqual(self.code(peer=PROXIED, auth={}), "AUTH_PROXY_USER_MISSING")
        self.assertIsNone(self.bearer("", PROXIED))

    def test_the_token_counts_on_this_machine_only(self) -> None:
        self.assertEqual(self.come(peer=LOCAL).method, "token")
        self.assertEqual(self.code(peer=PROXIED, device=D1), "AUTH_METHOD_NOT_ACCEPTED")
        self.assertEqual(self.code(peer=AWAY), "AUTH_METHOD_NOT_ACCEPTED")
        self.assertIsNone(self.bearer(TOKEN, AWAY))

    def test_tokens_of_devices_count_and_guesses_at_them_are_counted(self) -> None:
        own = self.come(peer=LOCAL, device=D1, scopes=[READ]).device_token or ""
        self.assertEqual(
            self.come(peer=PROXIED, auth={"token": own}, device=D1, scopes=[READ]).method,
            "device-token",
        )
        codes = [self.code(peer=PROXIED, auth={"token": "x"}, device=D1) for _ in range(20)]
        self.assertEqual(codes, ["AUTH_METHOD_NOT_ACCEPTED"] * 10 + ["AUTH_RATE_LIMITED"] * 10)

    def test_refused_kinds_are_no_oracle(self) -> None:
        """The right token and a wrong one get the same answer, as often as anybody likes."""
        for text in (TOKEN, "wrong"):
            codes = {self.code(peer=AWAY, auth={"token": text}) for _ in range(30)}
            self.assertEqual(codes, {"AUTH_METHOD_NOT_ACCEPTED"})

    def test_tailscale_is_another_matter(self) -> None:
        code = self.code(peer=named("tailscale", "alice"), auth={})
        self.assertEqual(code, "DEVICE_IDENTITY_REQUIRED")


class TailscaleTests(VouchingCase):
    access = AccessSettings(identity_scopes={"alice@b.example": (READ,)}, tailscale_port=18788)

    def test_only_named_users_come_in(self) -> None:
        admitted = self.come(
            peer=named("tailscale", "alice@b.example"), auth={}, scopes=[READ, ADMIN]
        )
        self.assertEqual((admitted.method, admitted.scopes), ("tailscale", (READ,)))
        self.assertEqual(
            self.code(peer=named("tailscale", "bob@b.example"), auth={}),
            "AUTH_TAILSCALE_USER_NOT_ALLOWED",
        )

    def test_a_stranger_may_still_bring_the_token(self) -> None:
        peer = named("tailscale", "bob@b.example")
        self.assertEqual(self.come(peer=peer).method, "token")
        self.assertEqual(self.come(peer=peer).scopes, ())
