"""Signing in: a token as it is, or a password once; what it got is kept, so devices do not pile up.

https://spec.matrix.org/latest/client-server-api/#login
"""

from typing import Any

import msgspec
from attrs import frozen
from twisted.logger import Logger

from openclaw.channels.platforms.matrix.api import Homeserver, Refused, Unanswered, broken, path
from openclaw.channels.platforms.matrix.settings import MatrixSettings
from openclaw.interfaces.channels import ChannelDown, ChannelFailed, ILink

KEPT = "login"
DEVICE = "device"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@frozen(kw_only=True)
class Me:
    """Who we are at the homeserver.

    :ivar name: what people see.
    """

    user_id: str
    device_id: str = ""
    name: str = ""

    @property
    def server(self) -> str:
        """The name of our homeserver, behind the colon."""
        return self.user_id.partition(":")[2]


class _Kept(msgspec.Struct, kw_only=True):
    """What a sign-in by password got; for whom and where, for both can be configured anew."""

    root: str
    user: str
    token: str


class Login:
    """Signs one account in.

    :param server: is given the token.
    """

    _log = Logger()

    def __init__(self, link: ILink, server: Homeserver) -> None:
        self._link = link
        self._settings: MatrixSettings = link.settings
        self._server = server

    async def sign_in(self) -> Me:
        """Find a token that works.

        :raises ChannelFailed: there is none; says what to do.
        :raises ChannelDown: the homeserver cannot be asked now.
        """
        self._server.token = str(self._settings.access_token or "") or self._kept_token()
        if self._server.token:
            try:
                return await self._who_am_i()
            except Refused as error:
                if not error.signed_out:
                    raise broken(error) from None
                await self.signed_out(error)
        await self._with_password()
        try:
            return await self._who_am_i()
        except Refused as error:
            raise broken(error) from None

    async def signed_out(self, error: Refused) -> None:
        """The token is refused: forget it, if the password can get another.

        :raises ChannelFailed: it cannot, or somebody signed the device out on purpose.
        """
        can_sign_in = bool(self._settings.password)
        if self._settings.access_token and not (error.soft and can_sign_in):
            raise ChannelFailed(
                f"Matrix refuses the access token ({error}): get a new one (in Element: Settings, "
                "Help & About, Access Token) and set channels.matrix.accessToken"
            )
        self._server.token = ""
        await self._link.state.put(KEPT, "")
        if not error.soft:
            raise ChannelFailed(
                "the gateway's device was signed out at the homeserver; to sign in again with "
                "channels.matrix.password: openclaw channels reload matrix"
            )

    async def _who_am_i(self) -> Me:
        try:
            answer = await self._server.call("GET", path("account", "whoami"))
        except Unanswered as error:
            raise broken(error) from None
        user_id = answer.get("user_id")
        if not isinstance(user_id, str) or not user_id.startswith("@"):
            raise ChannelDown("Matrix: whoami did not say who the account is")
        wanted = self._settings.user_id
        if wanted.startswith("@") and wanted != user_id:
            raise ChannelFailed(
                f"the Matrix token belongs to {user_id}, and channels.matrix.userId says {wanted}: "
                "set one of the two"
            )
        return Me(
            user_id=user_id,
            device_id=str(answer.get("device_id") or ""),
            name=await self._name(user_id),
        )

    async def _name(self, user_id: str) -> str:
        """What people call us, to know when they do; the name in the id if none is set."""
        try:
            answer = await self._server.call("GET", path("profile", user_id, "displayname"))
        except (Refused, Unanswered) as error:
            self._log.debug("the Matrix display name was not told: {why}", why=str(error))
            answer = {}
        name = answer.get("displayname")
        return name if isinstance(name, str) and name else user_id[1:].partition(":")[0]

    async def _with_password(self) -> None:
        settings = self._settings
        if not settings.password or not settings.user_id:
            raise ChannelFailed(
                "Matrix has nothing to sign in with: set channels.matrix.accessToken, or "
                "channels.matrix.userId and channels.matrix.password"
            )
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": settings.user_id},
            "password": str(settings.password),
            "device_id": await self._device(),
            "initial_device_display_name": settings.device_name,
        }
        try:
            answer = await self._server.call("POST", path("login"), body)
        except Unanswered as error:
            raise broken(error) from None
        except Refused as error:
            raise _not_let_in(error) from None
        await self._keep(answer)

    async def _device(self) -> str:
        """The device's id, on disk before it is used: a sign-in that is cut off makes no second."""
        device = self._settings.device_id or self._link.state.get(DEVICE)
        if not device:
            device = "OPENCLAW" + "".join(self._link.random.choices(_LETTERS, k=8))
            await self._link.state.put(DEVICE, device)
        return device

    async def _keep(self, answer: dict[str, Any]) -> None:
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise ChannelDown("Matrix: the sign-in was answered without a token")
        kept = _Kept(root=self._server.root, user=self._settings.user_id, token=token)
        await self._link.state.put(KEPT, msgspec.json.encode(kept).decode())
        self._server.token = token

    def _kept_token(self) -> str:
        try:
            kept = msgspec.json.decode(self._link.state.get(KEPT), type=_Kept)
        except msgspec.MsgspecError:
            return ""
        same = (kept.root, kept.user) == (self._server.root, self._settings.user_id)
        return kept.token if same else ""


def _not_let_in(error: Refused) -> ChannelDown | ChannelFailed:
    if error.errcode in ("M_FORBIDDEN", "M_INVALID_USERNAME") or error.status == 403:
        return ChannelFailed(
            f"Matrix refuses user or password ({error}): check channels.matrix.userId and "
            "channels.matrix.password"
        )
    if error.status == 400:
        return ChannelFailed(
            f"the homeserver signs nobody in by password ({error}): set "
            "channels.matrix.accessToken instead"
        )
    return broken(error)
