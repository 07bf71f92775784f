"""What Slack's refusals mean: for a message in the outbox, for the account. No I/O.

The codes are those of https://docs.slack.dev/reference/methods.
"""

from typing import Literal

from openclaw.interfaces.channels import ChannelDown, ChannelFailed
from openclaw.interfaces.queue import Undelivered

Kind = Literal["refused", "limited", "undone", "lost"]

FATAL = frozenset(
    (
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "app_uninstalled",
        "team_access_not_granted",
    )
)
"""The token is no good, whatever is asked."""

CONFIG = frozenset(
    (
        "missing_scope",
        "not_allowed_token_type",
        "no_permission",
        "ekm_access_denied",
        "org_login_required",
        "access_denied",
        "invalid_app",
        "forbidden_team",
        "socket_mode_disabled",
    )
)
"""The app is not set up for what is asked."""

_UNDONE = frozenset(("service_unavailable", "request_timeout", "team_added_to_org"))
# Slack says of these that "some aspect of the operation" may have succeeded.
_LOST = frozenset(("internal_error", "fatal_error"))
_LIMITED = frozenset(("ratelimited", "rate_limited"))

ONCE = frozenset(("chat.postMessage", "files.completeUploadExternal"))
"""Every other call does the same however often it is made."""

UNTHREADED = frozenset(("thread_not_found", "message_not_found", "cannot_reply_to_message"))
"""Without a thread the message could still be said."""

UNCHANGEABLE = frozenset(
    ("message_not_found", "cant_update_message", "edit_window_closed", "is_inactive")
)
"""The message cannot be changed; a new one can be sent."""


class SlackError(Exception):
    """A call that did not succeed.

    :ivar kind: ``refused``: answered, and not done; ``limited``: too many calls; ``undone``: it
        certainly had no effect; ``lost``: it may have been done.
    :ivar code: Slack's word, empty if there was no answer of its kind.
    :ivar needed: the scope that ``missing_scope`` is about.
    :ivar after_ms: when Slack will listen again, for ``limited``.
    :ivar answered: an answer came, whatever it says; one that was cut off may have been a success.
    """

    def __init__(
        self,
        method: str,
        message: str,
        kind: Kind,
        *,
        code: str = "",
        needed: str = "",
        after_ms: int = 0,
        answered: bool = True,
    ) -> None:
        super().__init__(f"{method}: {message}")
        self.method = method
        self.kind = kind
        self.code = code
        self.needed = needed
        self.after_ms = after_ms
        self.answered = answered

    @property
    def fatal(self) -> bool:
        """Whether nothing will work until the account is mended."""
        return self.code in FATAL


def kind_of(code: str) -> Kind:
    """How far a call got that was answered with an error."""
    if code in _LIMITED:
        return "limited"
    if code in _UNDONE:
        return "undone"
    return "lost" if code in _LOST else "refused"


def undelivered(error: SlackError) -> Undelivered:
    """Say what the outbox may do."""
    message = _explained(error)
    if error.kind == "limited":
        return Undelivered(message, "retry", error.after_ms)
    if error.kind == "undone" or (error.kind == "lost" and error.method not in ONCE):
        return Undelivered(message, "retry")
    if error.kind == "lost":
        return Undelivered(message, "unknown")
    # The account fails with it, and what waits is for when it has been mended.
    return Undelivered(message, "later" if error.fatal else "never")


def unusable(error: SlackError, secret: str) -> ChannelDown | ChannelFailed:
    """Say what becomes of the account when it cannot begin.

    :param secret: the configuration's key of the token that was used.
    """
    if error.fatal:
        return ChannelFailed(
            f"Slack does not accept {secret} ({error.code}); copy it again from the app's pages "
            "at api.slack.com/apps and reload the account"
        )
    if error.code in CONFIG:
        return ChannelFailed(_explained(error))
    return ChannelDown(str(error), error.after_ms / 1000)


def _explained(error: SlackError) -> str:
    said = str(error)
    if error.code == "missing_scope" and error.needed:
        return (
            f"{said}: the app lacks the scope {error.needed}; add it under OAuth & Permissions and "
            "install the app again"
        )
    if error.code in ("not_in_channel", "channel_not_found"):
        return f"{said}: invite the app to the channel with /invite"
    if error.code == "not_allowed_token_type":
        return f"{said}: botToken is the xoxb- token, appToken the xapp- token"
    return said
