"""The paired devices and their tokens, in memory and in the journal. Decides nothing."""

import hmac
from collections.abc import Callable, Sequence

import msgspec
from attrs import evolve
from twisted.internet.defer import DeferredLock
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.errors import StoreError
from openclaw.interfaces.security import Device, DeviceToken, IDevices
from openclaw.interfaces.storage import IStore
from openclaw.security.bearers import Bearers
from openclaw.security.device_rows import decode_rows, read_rows, remove_device, save_devices
from openclaw.security.grants import issued_at_ms, live_token
from openclaw.security.secrets import same_secret, text_of

Clock = Callable[[], int]
Change = Callable[[Device | None], Device | None]


@implementer(IDevices)
class Devices:
    """Every paired device.

    A token is not stored: it is computed from the server's secret, the device, the role and the
    token's generation. So the same one can be handed out on every connect, nothing on disk but the
    secret can be used to connect, and a new generation makes the old token void.

    :param secret: the server's own secret, at least 32 bytes; a new one makes every token void.
    :param clock: Unix milliseconds.
    """

    def __init__(self, store: IStore, secret: bytes, clock: Clock) -> None:
        if len(secret) < 32:
            raise ValueError("the device secret must have at least 32 bytes")
        self._store = store
        self._secret = secret
        self._clock = clock
        self._devices: dict[str, Device] = {}
        self._dirty: set[str] = set()
        self._changing: dict[str, DeferredLock] = {}
        self._bearers: Bearers | None = None

    @deferred
    async def load(self) -> None:
        """Read the journal; fires when admission can work.

        :raises StoreError: through the Deferred, if it cannot be read.
        """
        devices, tokens = await self._store.read(read_rows)
        try:
            self._devices = decode_rows(devices, tokens)
        except msgspec.MsgspecError as error:
            raise StoreError(f"a paired device in the journal is damaged: {error}") from None
        self._bearers = None

    def paired(self) -> Sequence[Device]:
        """Every paired device, oldest first."""
        return sorted(self._devices.values(), key=lambda device: device.approved_at_ms)

    def get(self, device_id: str) -> Device | None:
        """One device."""
        return self._devices.get(device_id)

    def token(self, device_id: str, token: DeviceToken) -> str:
        """The token's value: 43 characters, the same until its generation changes."""
        parts = device_id, token.role, str(token.generation), str(issued_at_ms(token))
        return text_of(hmac.digest(self._secret, "|".join(parts).encode(), "sha256"))

    def is_token(self, device_id: str, role: str, presented: str) -> bool:
        """Whether this is the device's present token for this role."""
        token = live_token(self._devices.get(device_id), role)
        return token is not None and same_secret(presented, self.token(device_id, token))

    def why_not(self, device_id: str, role: str, presented: str) -> str:
        """Why a text is not the device's present token: for the log, never for the client."""
        token = self.token_of(device_id, role)
        if token is None:
            return "unknown device or role"
        if token.revoked_at_ms is not None and same_secret(presented, self.token(device_id, token)):
            return "revoked"
        return "revoked, and another token" if token.revoked_at_ms is not None else "mismatch"

    def token_of(self, device_id: str, role: str) -> DeviceToken | None:
        """The device's token for a role, also a revoked one."""
        device = self._devices.get(device_id)
        return device.tokens.get(role) if device else None

    def bearer_of(self, presented: str) -> tuple[Device, DeviceToken] | None:
        """The device and role a token belongs to that comes without saying whose it is."""
        if self._bearers is None:  # Few gateways are ever asked by a device over HTTP.
            self._bearers = Bearers()
            for device_id in self._devices:
                self._index(device_id)
        owner = self._bearers.owner(presented)
        device = self._devices.get(owner[0]) if owner else None
        if owner is None or device is None or not self.is_token(*owner, presented):
            return None
        return device, device.tokens[owner[1]]

    def seen(self, device_id: str, reason: str) -> None:
        """Note that a device came (``connect``) or went (``disconnect``); written by ``flush``."""
        if device := self._devices.get(device_id):
            now_ms = self._clock()
            self._note(evolve(device, last_seen_at_ms=now_ms, last_seen_reason=reason))

    def used(self, device_id: str, role: str) -> None:
        """Note that a device's token let it in; written by ``flush``."""
        device = self._devices.get(device_id)
        if device and (token := device.tokens.get(role)):
            token = evolve(token, last_used_at_ms=self._clock())
            self._note(evolve(device, tokens={**device.tokens, role: token}))

    @deferred
    async def flush(self) -> None:
        """Write what ``seen`` and ``used`` noted; fires when it is durable.

        A device that is being changed is left for the next time: its rows are about to be written,
        and ours would put the old grant back.
        """
        now = [name for name in self._dirty if name in self._devices and name not in self._changing]
        self._dirty.difference_update(now)
        if not now:
            return
        try:
            await self._store.run(save_devices, devices=[self._devices[name] for name in now])
        except StoreError:
            self._dirty.update(now)
            raise

    @deferred
    async def change(
        self, device_id: str, decide: Change, settled: Sequence[str] = ()
    ) -> Device | None:
        """Change one device; its changes happen one after the other.

        :param decide: given the device as it is now, returns what it shall be, or ``None`` to leave
            it alone; may raise to refuse.
        :param settled: pairing requests that the change settles, in the same transaction.
        :return: fires with the device once it is durable.
        """
        lock = self._changing.setdefault(device_id, DeferredLock())
        await lock.acquire()
        try:
            wanted = decide(self._devices.get(device_id))
            if wanted is not None:
                await self._store.run(save_devices, devices=[wanted], settled=tuple(settled))
                self._devices[device_id] = self._with_last_seen(wanted)
                self._index(device_id)
            return self._devices.get(device_id)
        finally:
            self._release(device_id, lock)

    @deferred
    async def remove(self, device_id: str, settled: Sequence[str] = ()) -> bool:
        """Forget one device and its tokens.

        :param settled: pairing requests that go with it.
        :return: fires with whether there was one, once it is gone for good.
        """
        lock = self._changing.setdefault(device_id, DeferredLock())
        await lock.acquire()
        try:
            if device_id not in self._devices:
                return False
            await self._store.run(remove_device, device_id=device_id, settled=tuple(settled))
            del self._devices[device_id]
            self._index(device_id)
            self._dirty.discard(device_id)
            return True
        finally:
            self._release(device_id, lock)

    def _release(self, device_id: str, lock: DeferredLock) -> None:
        lock.release()
        if not lock.locked and self._changing.get(device_id) is lock:
            del self._changing[device_id]

    def _index(self, device_id: str) -> None:
        """Note the tokens of a device that has changed."""
        if self._bearers is None:
            return
        device = self._devices.get(device_id)
        live = [live_token(device, role) for role in device.tokens] if device else []
        tokens = {one.role: self.token(device_id, one) for one in live if one is not None}
        self._bearers.put(device_id, tokens)

    def _note(self, device: Device) -> None:
        self._devices[device.device_id] = device
        self._dirty.add(device.device_id)

    def _with_last_seen(self, device: Device) -> Device:
        """Keep what ``seen`` noted while the change was being written."""
        now = self._devices.get(device.device_id)
        if now is None:
            return device
        at_ms, reason = now.last_seen_at_ms, now.last_seen_reason
        return evolve(device, last_seen_at_ms=at_ms, last_seen_reason=reason)
