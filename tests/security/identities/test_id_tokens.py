"""ID tokens: what is good, what each fault is called, and a storm of hostile ones."""

import json
import os
import random
from pathlib import Path
from typing import Any

from attrs import evolve
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import ConfigError
from openclaw.protocol.scopes import ADMIN, READ, WRITE
from openclaw.security.identities.id_tokens import IdTokens
from openclaw.security.identities.identity import IdentityRefused
from openclaw.security.identities.keys import ProviderKey
from tests.security.clients import NOW_MS
from tests.security.identities.provider import (
    ALICE,
    BOB,
    CLIENT,
    EC_KEY,
    ED_KEY,
    ISSUER,
    KEYS,
    NOW,
    RSA_KEY,
    STRANGE,
    STRANGE_RSA,
    b64,
    claims,
    compact,
    jwk,
    key_set,
    settings,
    token,
)


class TokenCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.now_ms = NOW_MS
        self.tokens = self.make()

    def make(self, **changes: Any) -> IdTokens:
        return IdTokens(settings(**changes), lambda: self.now_ms)

    def cause(self, text: str, tokens: IdTokens | None = None) -> str:
        """Why a token is refused; empty if it is not."""
        try:
            (tokens or self.tokens).identify(text)
        except IdentityRefused as refused:
            return refused.cause
        return ""


class GoodTokenTests(TokenCase):
    def test_each_algorithm_signs_in(self) -> None:
        for kid in KEYS:
            found = self.tokens.identify(token(kid))
            self.assertEqual((found.method, found.subject), ("oidc", ALICE))
            self.assertEqual(found.scopes, (READ, WRITE))
            self.assertEqual(found.expires_at_ms, (NOW + 660) * 1000)

    def test_scopes_are_those_of_the_user(self) -> None:
        self.assertEqual(self.tokens.identify(token(sub=BOB)).scopes, (READ,))

    def test_a_key_need_not_be_named_where_there_is_no_doubt(self) -> None:
        bare = token(header={"kid": None})
        self.assertEqual(self.cause(bare), "")
        two = {"keys": [*key_set()["keys"], jwk(STRANGE_RSA, kid="rsa-2", alg="RS256")]}
        self.assertEqual(self.cause(bare, self.make(jwks=two)), "key")
        self.assertEqual(self.cause(token(), self.make(jwks=two)), "")

    def test_unknown_headers_that_need_not_be_understood_are_ignored(self) -> None:
        self.assertEqual(self.cause(token(header={"x-own": 1, "x5t": "abc"})), "")
        self.assertEqual(self.cause(token(header={"typ": None})), "")
        self.assertEqual(self.cause(token(header={"x5c": ["A" * 3000]})), "")

    def test_several_audiences(self) -> None:
        both = [CLIENT, "another"]
        self.assertEqual(self.cause(token(aud=[CLIENT])), "")
        self.assertEqual(self.cause(token(aud=both, azp=CLIENT)), "")
        self.assertEqual(self.cause(token(aud=both)), "audience")
        self.assertEqual(self.cause(token(aud=both, azp="another")), "audience")
        self.assertEqual(self.cause(token(azp="another")), "audience")
        ours = self.make(audience=(CLIENT, "app"))
        self.assertEqual(self.cause(token(aud="app"), ours), "")

    def test_groups_add_up(self) -> None:
        groups = self.make(claim="groups", scopes={"staff": (READ,), "root": (ADMIN,)})
        found = groups.identify(token(groups=["x", "staff", "root", 5, None]))
        self.assertEqual(found.scopes, (READ, ADMIN))
        for value in ([], ["x"], "", None, {"staff": 1}, [["staff"]], True):
            self.assertEqual(self.cause(token(groups=value), groups), "subject")

    def test_an_address_counts_only_if_the_provider_has_checked_it(self) -> None:
        mail = self.make(claim="email", scopes={"a@b.example": (READ,)})
        self.assertEqual(self.cause(token(email="a@b.example", email_verified=True), mail), "")
        for verified in (False, None, "true", 1):
            text = token(email="a@b.example", email_verified=verified)
            self.assertEqual(self.cause(text, mail), "subject")

    def test_clocks_may_differ_by_the_leeway(self) -> None:
        for changes, cause in (
            ({"exp": NOW - 59}, ""),
            ({"exp": NOW - 60}, "expired"),
            ({"iat": NOW + 60}, ""),
            ({"iat": NOW + 61}, "not-yet"),
            ({"nbf": NOW + 60}, ""),
            ({"nbf": NOW + 61}, "not-yet"),
            ({"exp": NOW + 0.5}, ""),
        ):
            self.assertEqual(self.cause(token(**changes)), cause, changes)

    def test_it_ends_when_it_says(self) -> None:
        text = token()
        self.now_ms = (NOW + 660) * 1000 - 1
        self.assertEqual(self.cause(text), "")
        self.now_ms += 1
        self.assertEqual(self.cause(text), "expired")


class CauseTests(TokenCase):
    def test_each_fault_has_its_cause(self) -> None:
        for changes, cause in (
            ({"iss": ISSUER + "/"}, "issuer"),
            ({"iss": None}, "issuer"),
            ({"iss": [ISSUER]}, "issuer"),
            ({"aud": "another"}, "audience"),
            ({"aud": None}, "audience"),
            ({"aud": []}, "audience"),
            ({"aud": {CLIENT: 1}}, "audience"),
            ({"aud": [CLIENT, 5]}, "audience"),
            ({"exp": None}, "malformed"),
            ({"exp": True}, "malformed"),
            ({"exp": str(NOW + 600)}, "malformed"),
            ({"exp": -1}, "malformed"),
            ({"iat": None}, "malformed"),
            ({"nbf": "now"}, "malformed"),
            ({"sub": None}, "malformed"),
            ({"sub": ""}, "malformed"),
            ({"sub": "x" * 256}, "malformed"),
            ({"sub": "mallory"}, "subject"),
            ({"sub": ALICE.upper()}, "subject"),
        ):
            self.assertEqual(self.cause(token(**changes)), cause, changes)

    def test_tokens_for_other_things_are_none(self) -> None:
        for kind in ("at+jwt", "logout+jwt", "application/logout+jwt", "JOSE", "", 5):
            self.assertEqual(self.cause(token(header={"typ": kind})), "malformed", kind)

    def test_what_must_be_understood_and_is_not(self) -> None:
        odd: tuple[dict[str, Any], ...] = ({"crit": ["exp"], "exp": 1}, {"crit": []})
        for header in (*odd, {"b64": False}, {"kid": 5}):
            self.assertEqual(self.cause(token(header=header)), "malformed", header)

    def test_nothing_is_told_of_an_unsigned_claim(self) -> None:
        """Whoever forges learns that the signature is wrong, not who would be let in."""
        forged = compact(
            {"alg": "RS256", "kid": "rsa-1"}, claims(sub="mallory", exp=1), "RS256", STRANGE_RSA
        )
        self.assertEqual(self.cause(forged), "signature")

    def test_only_guesses_count_as_guesses(self) -> None:
        for text, guess in (
            (token(exp=1), False),
            (token(sub="mallory"), False),
            (token(iss="x"), False),
            (token()[:-4] + "AAAA", True),
            ("eyJ.x.y", True),
        ):
            with self.assertRaises(IdentityRefused) as caught:
                self.tokens.identify(text)
            self.assertIs(caught.exception.is_guess, guess)


def _public_pem(key: Any) -> bytes:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


def _confused() -> list[tuple[str, str]]:
    """Signed with what is public: every key as a secret of HS256, in the shapes readers have."""
    made = []
    for kid, (algorithm, key) in KEYS.items():
        public = jwk(key, kid=kid, alg=algorithm, use="sig")
        raw = key.public_key()
        der = raw.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for secret in (
            _public_pem(key),
            _public_pem(key).strip(),
            der,
            json.dumps(public).encode(),
        ):
            for named in (kid, None):
                for told in ("HS256", algorithm):
                    header = {"alg": told, **({"kid": named} if named else {})}
                    made.append((f"confusion {kid}", compact(header, claims(), "HS256", secret)))
    return made


def _none() -> list[tuple[str, str]]:
    made = []
    for name in ("none", "None", "NONE", "nOnE", "", "null", "HS256", "RS384", "PS256", "ES384"):
        for kid in (*KEYS, None):
            header = {"alg": name, **({"kid": kid} if kid else {})}
            start = ".".join(b64(json.dumps(part).encode()) for part in (header, claims()))
            made += [("none", f"{start}."), ("none", start), ("none", f"{start}.AA")]
    return made


def _mixed() -> list[tuple[str, str]]:
    """Right keys under wrong names, strange keys under right names and with keys of their own."""
    made = []
    for kid, (algorithm, key) in KEYS.items():
        for other, (told, _) in KEYS.items():
            if other != kid:
                made.append(
                    ("mixed", compact({"alg": algorithm, "kid": other}, claims(), algorithm, key))
                )
                made.append(("mixed", compact({"alg": told, "kid": kid}, claims(), algorithm, key)))
                made.append(("mixed", compact({"alg": told}, claims(), algorithm, key)))
        strange = STRANGE[algorithm]
        for extra in (
            {"kid": kid},
            {},
            {"kid": kid, "jwk": jwk(strange)},
            {"jku": "https://evil.example/keys", "kid": kid},
            {"kid": "../../etc/passwd"},
            {"kid": kid, "x5u": "https://evil.example/cert"},
            {"kid": f"{kid}\x00"},
            {"kid": [kid]},
            {"kid": {"kid": kid}},
        ):
            made.append(
                ("strange", compact({"alg": algorithm, **extra}, claims(), algorithm, strange))
            )
    return made


def _twice() -> list[tuple[str, str]]:
    """Objects that say two things; readers differ in which they believe."""
    made = []
    good = json.dumps(claims())[1:-1]
    for name, value in (("sub", ALICE), ("iss", ISSUER), ("aud", CLIENT), ("exp", NOW + 600)):
        for other in ("x", 1, None, value):
            for text in (
                f"{{{json.dumps(name)}:{json.dumps(other)},{good}}}",
                f"{{{good},{json.dumps(name)}:{json.dumps(other)}}}",
            ):
                for kid, (algorithm, key) in KEYS.items():
                    header = {"alg": algorithm, "kid": kid}
                    made.append(("twice", compact(header, text.encode(), algorithm, key)))
    for head in (b'{"alg":"none","alg":"RS256"}', b'{"alg":"RS256","alg":"none"}'):
        made.append(("twice", compact(head, claims(), "RS256", RSA_KEY)))
    return made


def _shapes() -> list[tuple[str, str]]:
    """Signed by the right key, and no claims at all, or not in JSON."""
    payloads = (
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"5",
        b"{",
        b"\xff",
        b"{}",
        b"[" * 9000,
        b'{"exp":NaN}',
        b'{"exp":1e999}',
        json.dumps([claims()]).encode(),
        json.dumps(claims()).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(claims()).encode(),
    )
    made = []
    for payload in payloads:
        for kid, (algorithm, key) in KEYS.items():
            made.append(("shape", compact({"alg": algorithm, "kid": kid}, payload, algorithm, key)))
            made.append(("shape", compact(payload, claims(), algorithm, key)))
    return made


def _weak() -> list[tuple[str, str]]:
    """Signatures that broken verifiers take: zeros, the wrong length, another curve."""
    made = []
    for kid, (algorithm, _) in KEYS.items():
        start = ".".join(
            b64(json.dumps(part).encode()) for part in ({"alg": algorithm, "kid": kid}, claims())
        )
        for length in (0, 1, 32, 63, 64, 65, 96, 128, 255, 256, 257, 512):
            for filler in (b"\x00", b"\xff", b"\x01"):
                made.append(("weak", f"{start}.{b64(filler * length)}"))
    other = ec.derive_private_key(5, ec.SECP384R1())
    made.append(("curve", compact({"alg": "ES256", "kid": "ec-1"}, claims(), "ES384", other)))
    return made


FIXED = [*_confused(), *_none(), *_mixed(), *_twice(), *_shapes(), *_weak()]


class HostileTests(TokenCase):
    """Nothing but what the provider has signed for us is accepted; every text gets an answer."""

    def test_every_known_trick(self) -> None:
        for trick, text in FIXED:
            self.assertNotEqual(self.cause(text), "", f"{trick}: {text}")
        self.assertGreater(len(FIXED), 500)

    def test_every_cut_and_every_flipped_character(self) -> None:
        """One token of each kind, cut off anywhere, and changed in one place."""
        chance, count = random.Random(5), 0
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n"
        for kid in KEYS:
            good = token(kid)
            for at in range(len(good)):
                other = chance.choice([one for one in letters if one != good[at]])
                for text in (good[:at], good[:at] + other + good[at + 1 :]):
                    self.assertNotEqual(self.cause(text), "", text)
                    count += 1
        self.assertGreater(count, 2000)

    def test_parts_of_two_good_tokens_are_no_token(self) -> None:
        good = [token(kid, sub=sub).split(".") for kid in KEYS for sub in (ALICE, BOB)]
        for one in good:
            for two in good:
                for mixed in ((one[0], two[1], one[2]), (one[0], one[1], two[2])):
                    if list(mixed) not in good:
                        self.assertEqual(self.cause(".".join(mixed)), "signature")

    @limits(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(sorted(KEYS)),
        st.dictionaries(
            st.sampled_from(["iss", "aud", "exp", "iat", "nbf", "sub", "azp"]),
            st.none()
            | st.booleans()
            | st.integers(-(10**12), 10**12)
            | st.floats()
            | st.text(max_size=8)
            | st.lists(st.sampled_from([CLIENT, "other"]) | st.integers(), max_size=3)
            | st.sampled_from([ISSUER, CLIENT, ALICE, NOW - 61, NOW + 61, NOW]),
            min_size=1,
        ),
    )
    def test_changed_claims_against_an_oracle(self, kid: str, changes: dict[str, Any]) -> None:
        """Rightly signed: accepted exactly where each claim alone is good."""
        said = claims(**changes)
        text = compact({"alg": KEYS[kid][0], "kid": kid}, said, *KEYS[kid])
        self.assertEqual(self.cause(text) == "", _oracle(json.loads(json.dumps(said))), said)

    @limits(max_examples=500, deadline=None)
    @given(st.text(max_size=300) | st.from_regex(r"eyJ[\w.-]{0,200}", fullmatch=True))
    def test_any_text_at_all(self, text: str) -> None:
        self.assertNotEqual(self.cause(text), "")

    def test_a_reader_that_believes_would_be_caught(self) -> None:
        """The tricks are real: with the check of signatures left out, hundreds come through."""
        self.patch(ProviderKey, "signed", lambda key, text: True)
        through = [trick for trick, text in FIXED if self.cause(text) == ""]
        self.assertGreater(len(through), 100)
        self.assertLessEqual({"strange", "weak", "mixed"}, set(through))


def _oracle(said: dict[str, Any]) -> bool:
    def number(name: str) -> float | None:
        value = said.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return value if 0 <= value < 1e12 else None

    exp, iat = number("exp"), number("iat")
    nbf = number("nbf") if "nbf" in said else 0
    if exp is None or iat is None or nbf is None or said.get("iss") != ISSUER:
        return False
    audience = said.get("aud")
    if audience == CLIENT or audience == [CLIENT]:
        party = said.get("azp", CLIENT)
    elif isinstance(audience, list) and CLIENT in audience and set(audience) <= {CLIENT, "other"}:
        party = said.get("azp")
    else:
        return False
    if party != CLIENT or said.get("sub") != ALICE:
        return False
    return exp + 60 > NOW and iat <= NOW + 60 and nbf <= NOW + 60


class KeyTests(TokenCase):
    def path(self, content: object) -> Path:
        path = Path(self.mktemp())
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def replace(self, path: Path, content: object) -> None:
        """Change a file as tools do, at another time."""
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        changed = path.stat().st_mtime_ns + 1_000_000_000
        os.utime(path, ns=(changed, changed))

    def test_keys_from_a_file(self) -> None:
        self.assertEqual(self.cause(token(), self.make(jwks=self.path(key_set()))), "")

    def test_a_changed_file_is_read_again(self) -> None:
        """The provider's new key is good, the old one no more, and no restart was needed."""
        path = self.path({"keys": [jwk(RSA_KEY, kid="rsa-1")]})
        tokens = self.make(jwks=path)
        self.assertEqual(self.cause(token("ec-1"), tokens), "key")
        self.replace(path, {"keys": [jwk(EC_KEY, kid="ec-1")]})
        self.assertEqual(self.cause(token("ec-1"), tokens), "")
        self.assertEqual(self.cause(token("rsa-1"), tokens), "key")

    def test_a_spoiled_file_changes_nothing(self) -> None:
        path = self.path(key_set())
        tokens = self.make(jwks=path)
        spoiled: tuple[Any, ...] = ("{", "{}", {"keys": []}, {"keys": [{"kty": "oct", "k": "AA"}]})
        for content in spoiled:
            self.replace(path, content)
            self.assertEqual(self.cause(token(), tokens), "")
        path.unlink()
        self.assertEqual(self.cause(token(), tokens), "")

    def test_what_cannot_be_used_refuses_the_start(self) -> None:
        small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
        secret = {**jwk(ED_KEY, kid="ed-1"), "d": b64(b"e" * 32)}
        for found, path in (
            ({}, ""),
            ({"keys": 5}, ""),
            ({"keys": []}, ""),
            ({"keys": ["x"]}, ".keys[0]"),
            ({"keys": [secret]}, ".keys[0]"),
            ({"keys": [jwk(RSA_KEY), {"kty": "oct", "k": "AAAA"}]}, ".keys[1]"),
            ({"keys": [jwk(small)]}, ""),
            ({"keys": [jwk(RSA_KEY, use="enc")]}, ""),
            ({"keys": [jwk(RSA_KEY, key_ops=["encrypt"])]}, ""),
            ({"keys": [jwk(RSA_KEY, alg="RS512")]}, ""),
            ({"keys": [{"kty": "RSA", "n": "!", "e": "AQAB"}]}, ""),
            ({"keys": [{"kty": "new"}]}, ""),
        ):
            error: ConfigError = self.assertRaises(ConfigError, self.make, jwks=found)
            self.assertEqual(error.path, f"access.authentication.oidc.jwks{path}", found)
        self.assertRaises(ConfigError, self.make, jwks=Path("/nowhere/keys.json"))

    def test_a_key_is_used_with_one_algorithm_only(self) -> None:
        tokens = IdTokens(evolve(settings(), algorithms=("ES256",)), lambda: self.now_ms)
        self.assertEqual(self.cause(token("rsa-1"), tokens), "algorithm")
        self.assertEqual(self.cause(token("ec-1"), tokens), "")
