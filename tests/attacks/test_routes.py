"""S14: every route over HTTP, with every set of rights."""

import itertools

from openclaw.http.gate import ROUTES, Gate
from tests.attacks.judging import Verdict, hostile
from tests.attacks.live import TOKEN, PagedCase
from tests.attacks.test_scopes import SCOPES, means, subsets
from tests.security.clients import KeyedDevice

# The oracle for routes: what a caller must hold to get more than anybody does.
NEEDS = {
    "/control-ui-config.json": "operator.read",
    "/openapi.json": "operator.read",
    "/v1/models": "operator.read",
    "/v1/models/{model}": "operator.read",
    "/v1/chat/completions": "operator.write",
    "/v1/responses": "operator.write",
    "/v1/embeddings": "operator.write",
    "/tools/invoke": "operator.write",
}
POSTED = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/tools/invoke")
PUBLIC = ("/health", "/healthz", "/ready", "/readyz", "/startupz")


class RouteAttacks(PagedCase):
    """Devices that were let in with some rights, asking over HTTP with their own tokens."""

    async def token(self, device: KeyedDevice, scopes: tuple[str, ...], role: str) -> str:
        """Pair on this machine with exactly these rights."""
        client = "node-host/node" if role == "node" else "openclaw-tui/ui"
        rights = {"scopes": list(scopes), "role": role}
        caller, answer = await self.arrive(device, {"token": TOKEN}, client, **rights)
        await caller.leave()
        return str(answer["payload"]["auth"]["deviceToken"])

    async def ask_all(self, sets: list[tuple[str, ...]]) -> Verdict:
        verdict = Verdict()
        for number, held in enumerate(sets):
            role = "node" if number % 8 == 7 else "operator"
            token = await self.token(KeyedDevice(self.first + number), held, role)
            for path, needed in NEEDS.items():
                for kind, method in itertools.product(("Bearer", "Basic"), ("GET", "HEAD", "POST")):
                    headers = {"Authorization": f"{kind} {token}"}
                    status, _, _ = await self.http(path.format(model="openclaw"), method, **headers)
                    may = role == "operator" and needed in means(held) and kind == "Bearer"
                    # Who is let in to where a body is wanted learns that there is none.
                    may = may and (method == "POST") == (path in POSTED)
                    verdict.note((held, role, path, kind, method), status in (200, 400), may)
        status, _, _ = await self.http("/control-ui-config.json", Authorization=f"Bearer {TOKEN}")
        verdict.note("the owner", status == 200, may=True)
        self.first += len(sets)
        return verdict

    first = 600

    @hostile(2524)
    async def test_cve_2026_34512_routes_and_scopes(self) -> None:
        """A route did what its caller might not do over the socket (GHSA-943q-mwmv-hhvh)."""
        self.assertEqual(ROUTES.keys(), {*NEEDS, *PUBLIC})
        self.held(await self.ask_all(list(subsets(SCOPES[:6]))))
        self.patch(Gate, "refusal", lambda gate, request, path: None)
        self.caught(await self.ask_all([("operator.talk",)]))
