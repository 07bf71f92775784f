"""Which rules of an account hold in one group; who may speak there is decided elsewhere."""

from openclaw.interfaces.messages import Inbound
from openclaw.interfaces.routing import AccessRules, GroupRules

EVERYBODY = "*"
"""The entry of a list that stands for everybody, and the group that stands for all others."""


def group_rules(message: Inbound, rules: AccessRules) -> GroupRules | None:
    """What was said about the group: about itself, what is above it, its space, all others.

    What was said there about the thread goes before it.

    :return: ``None`` if the group is not listed.
    """
    for chat_id in (message.chat_id, message.parent_id, message.space_id):
        # A platform cannot name a chat like the entry for all others.
        if chat_id and chat_id != EVERYBODY and chat_id in rules.groups:
            return _topic_rules(message.thread_id, rules.groups[chat_id])
    others = rules.groups.get(EVERYBODY)
    return None if others is None else _topic_rules(message.thread_id, others)


def _topic_rules(thread_id: str, group: GroupRules) -> GroupRules:
    if not thread_id or not group.topics:
        return group
    others = group.topics.get(EVERYBODY, group)
    return others if thread_id == EVERYBODY else group.topics.get(thread_id, others)


def needs_mention(message: Inbound, rules: AccessRules) -> bool:
    """Whether only messages that address the assistant are taken here."""
    if message.chat_type == "dm":
        return False
    group = group_rules(message, rules)
    own = group.require_mention if group else None
    return rules.require_mention if own is None else own
