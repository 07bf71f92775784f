"""What a run may see of what is the owner's: sessions, memory, files. Decides; shows nothing."""

from openclaw.interfaces.messages import Target
from openclaw.interfaces.tools import Authority


def is_private(authority: Authority) -> bool:
    """Whether the owner asked, and nobody else hears the answer.

    In a group even the owner's question is answered before others, so a run there sees no more
    than the group does.
    """
    origin = authority.origin
    return authority.owner and (origin is None or origin.target.chat_type == "dm")


def is_origin(authority: Authority, target: Target) -> bool:
    """Whether a target is the very place that the run was asked from."""
    if authority.origin is None:
        return False
    here = authority.origin.target
    return (here.channel, here.account, here.chat_id, here.thread_id) == (
        target.channel,
        target.account,
        target.chat_id,
        target.thread_id,
    )
