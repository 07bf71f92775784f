"""S12: credentials that were taken back, and go on asking."""

from typing import Any

from openclaw.gateway.revocation import Revocation
from openclaw.interfaces.security import Approver
from openclaw.protocol.scopes import expand
from openclaw.security.devices import Devices
from tests.attacks.judging import Verdict, hostile
from tests.attacks.live import TOKEN, PagedCase
from tests.security.clients import KeyedDevice

OWNER = Approver("the owner", expand(["operator.admin"]))
SOCKETS = 8
ENDS = ("revoke", "rotate", "remove")


class RevocationAttacks(PagedCase):
    """Devices with many sockets and bearers; the owner takes their token while they ask."""

    async def end(self, how: str, device: KeyedDevice) -> None:
        """Take its token."""
        approvals = self.gateway._parts.access.approvals
        if how == "revoke":
            await approvals.revoke(device.id, "operator", OWNER)
        elif how == "rotate":
            await approvals.rotate(device.id, "operator", None, OWNER)
        else:
            await approvals.remove(device.id, OWNER)

    async def take_back(self) -> Verdict:
        verdict = Verdict()
        for number, how in enumerate(ENDS * 3):
            device = KeyedDevice(120 + number + self.generation * 50)
            _, hello = await self.arrive(device, {"token": TOKEN})
            token = hello["payload"]["auth"]["deviceToken"]
            callers = [
                (await self.arrive(device, {"deviceToken": token}))[0] for _ in range(SOCKETS)
            ]
            for caller in callers:
                answer = await caller.ask(_ask("before"))
                verdict.note((how, "before"), bool(answer and answer["ok"]), may=True)
            status, _, _ = await self.http("/control-ui-config.json", **_bearer(token))
            verdict.note((how, "bearer before"), status == 200, may=True)
            await self.end(how, device)
            for caller in callers:
                answer = await caller.ask(_ask("after"))
                verdict.note((how, "socket after"), bool(answer and answer["ok"]))
                await caller._talk.until(lambda _, one=caller: one.closed)  # type: ignore[misc]
                verdict.note((how, "code"), caller.seen[-1].code != 4001)
                await caller.leave()
            status, _, _ = await self.http("/control-ui-config.json", **_bearer(token))
            verdict.note((how, "bearer after"), status != 401)
            again, answer = await self.arrive(device, {"deviceToken": token})
            verdict.note((how, "new socket after"), bool(answer and answer["ok"]))
            await again.leave()
        self.generation += 1
        return verdict

    generation = 0

    @hostile(162)
    async def test_ghsa_xmxx_7p24_h892_revoked_sessions_live_on(self) -> None:
        """Tokens that were rotated or revoked worked on, on sockets and over HTTP.

        GHSA-m8wm-r5vq-qjpg, GHSA-275c-xpvc-jgfw, CVE-2026-53843. Here the next call is refused.
        """
        self.held(await self.take_back())

    async def ask_with_old(self) -> Verdict:
        """Only what comes anew: a gateway that forgets to close would never end the above."""
        verdict = Verdict()
        for number, how in enumerate(ENDS):
            device = KeyedDevice(20 + number + self.generation * 50)
            caller, hello = await self.arrive(device, {"token": TOKEN})
            token = hello["payload"]["auth"]["deviceToken"]
            first, _ = await self.arrive(device, {"deviceToken": token})
            await first.leave()
            await self.end(how, device)
            answer = await caller.ask(_ask("after"))
            verdict.note((how, "socket"), bool(answer and answer["ok"]))
            again, answer = await self.arrive(device, {"deviceToken": token})
            verdict.note((how, "anew"), bool(answer and answer["ok"]))
            status, _, _ = await self.http("/control-ui-config.json", **_bearer(token))
            verdict.note((how, "bearer"), status != 401)
            await again.leave()
            await caller.leave()
        self.generation += 1
        return verdict

    @hostile(9)
    async def test_cve_2026_53843_old_tokens_come_again(self) -> None:
        """The same with both faults: sockets that stay open, tokens that stay good."""
        self.held(await self.ask_with_old())
        cut, is_token = Revocation._cut, Devices.is_token
        self.patch(Revocation, "_cut", lambda *_: None)
        self.caught(await self.ask_with_old())
        self.patch(Revocation, "_cut", cut)
        kept: set[str] = set()

        def remembering(devices: Devices, device_id: str, role: str, presented: str) -> bool:
            good = is_token(devices, device_id, role, presented)
            kept.update([presented] if good else [])
            return good or presented in kept

        self.patch(Devices, "is_token", remembering)
        self.caught(await self.ask_with_old())


def _ask(name: str) -> Any:
    return {"type": "req", "id": name, "method": "status"}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
