"""Who may speak at all: the gates that a message passes before anything else is asked of it.

Only immutable ids are compared. What is missing, empty or unknown counts as a refusal.
"""

from collections.abc import Callable, Collection
from typing import get_args

from openclaw.interfaces.messages import ChatType, Inbound
from openclaw.interfaces.routing import AccessRules, Refusal
from openclaw.routing.groups import EVERYBODY, group_rules

Approved = Callable[[], bool]
_CHAT_TYPES = get_args(ChatType)


def refusal_of(message: Inbound, rules: AccessRules, approved: Approved) -> Refusal | None:
    """Why an event is not let in, whatever it says; ``None`` if its sender may speak here.

    :param approved: whether the sender's pairing code was approved for this account.
    """
    if not _is_complete(message):
        return "not_allowed"
    if message.sender.is_own:
        return "own"
    if message.sender.is_bot and not rules.allow_bots:
        return "bot"
    if message.chat_type == "dm":
        return _in_person(message, rules, approved)
    return _in_group(message, rules)


def is_named(message: Inbound, rules: AccessRules) -> bool:
    """Whether a list names this very sender, for direct messages or for this group.

    Being let in by ``*``, or because nobody was listed, is not being named.
    """
    group = group_rules(message, rules)
    lists: tuple[Collection[str] | None, ...] = (
        rules.allow_from,
        rules.group_allow_from,
        group.allow_from if group else None,
    )
    return any(message.sender.id in one for one in lists if one is not None)


def _is_complete(message: Inbound) -> bool:
    sender_id = message.sender.id
    ids = (message.channel, message.account, message.chat_id, message.dedupe_id, sender_id)
    known = all(isinstance(one, str) and one.strip() for one in ids)
    return known and sender_id != EVERYBODY and message.chat_type in _CHAT_TYPES


def _in_person(message: Inbound, rules: AccessRules, approved: Approved) -> Refusal | None:
    if rules.dm not in ("pairing", "allowlist", "open"):
        return "disabled"
    if _lists(rules.allow_from, message.sender.id):
        return None
    if rules.dm != "pairing":
        return "not_allowed"
    if message.sender.is_bot:  # It would answer the pairing code.
        return "not_allowed"
    return None if approved() else "pairing"


def _in_group(message: Inbound, rules: AccessRules) -> Refusal | None:
    if rules.group not in ("allowlist", "open"):
        return "disabled"
    group = group_rules(message, rules)
    if group is None and rules.groups:
        return "group_not_allowed"
    if group is not None and not group.enabled:
        return "disabled"
    senders = rules.group_allow_from
    if group is not None and group.allow_from is not None:
        senders = group.allow_from
    if senders is not None:
        sender = message.sender
        roles = (f"role:{one}" for one in sender.roles)
        named = any(_lists(senders, one) for one in (sender.id, *roles))
        return None if named else "not_allowed"
    if group is None and rules.group == "allowlist":
        return "group_not_allowed"
    return None


def _lists(allowed: Collection[str], sender_id: str) -> bool:
    return sender_id in allowed or EVERYBODY in allowed
