"""An account's settings made into the rules of admission, all of their faults named at once."""

from collections.abc import Collection, Iterator, Sequence
from re import Pattern

from attrs import Factory, evolve, frozen

from openclaw.config.check import Problem, describe, join
from openclaw.config.schema.channels import ChannelSettings, GroupSettings, TopicSettings
from openclaw.errors import ConfigError
from openclaw.interfaces.routing import AccessRules, GroupRules
from openclaw.routing.groups import EVERYBODY
from openclaw.routing.identifiers import IdForm, form_of
from openclaw.routing.patterns import MOST_PATTERNS, fault


def access_rules(
    settings: ChannelSettings, channel: str, path: str, agents: Collection[str]
) -> AccessRules:
    """Check one account's settings and say who may speak to it.

    :param path: where the account stands in the file, ``channels.telegram.accounts.work``.
    :param agents: ids of all configured agents.
    :raises ConfigError: a value cannot be used; names every one.
    """
    reading = _Reading(channel, frozenset(agents))
    rules = reading.rules(settings, path)
    if reading.problems:
        first, *others = reading.problems
        lines = [f"expected {first.expected}, found {first.found}", *map(str, others)]
        raise ConfigError("\n".join(lines), first.path)
    return rules


def warnings_of(rules: AccessRules, path: str) -> Sequence[str]:
    """What an operator should know about rules that let in more than they name."""
    return tuple(_warnings(rules, path))


def _warnings(rules: AccessRules, path: str) -> Iterator[str]:
    if rules.dm != "disabled" and EVERYBODY in rules.allow_from:
        yield f'{path}.allowFrom: "*" lets everybody on the platform write to the assistant'
    if rules.group == "open" and not rules.groups and rules.group_allow_from is None:
        yield f"{path}.groupPolicy: everybody in every group that takes it in may use the assistant"
    elif rules.group != "disabled" and EVERYBODY in (rules.group_allow_from or ()):
        yield f'{path}.groupAllowFrom: "*" lets everybody in its groups use the assistant'


@frozen
class _Reading:
    channel: str
    agents: frozenset[str]
    problems: list[Problem] = Factory(list)

    def rules(self, settings: ChannelSettings, path: str) -> AccessRules:
        allow_from = self._people(settings.allow_from, f"{path}.allowFrom")
        if settings.dm_policy == "open" and EVERYBODY not in allow_from:
            self._wrong(
                f"{path}.dmPolicy",
                '"*" in allowFrom beside "open", or another policy',
                settings.dm_policy,
            )
        senders = settings.group_senders()
        return AccessRules(
            dm=settings.dm_policy,
            allow_from=allow_from,
            group=settings.group_policy,
            groups={
                self._chat(key, join(f"{path}.groups", key)): self._group(
                    group, join(f"{path}.groups", key)
                )
                for key, group in settings.access().items()
            },
            group_allow_from=self._optional(senders, f"{path}.groupAllowFrom"),
            require_mention=settings.require_mention,
            mention_patterns=self._patterns(settings.mention_patterns, f"{path}.mentionPatterns"),
            allow_bots=settings.allow_bots,
        )

    def _group(self, group: GroupSettings, path: str) -> GroupRules:
        own = self._place(group, path, GroupRules())
        topics = {
            key: self._place(topic, join(f"{path}.topics", key), own)
            for key, topic in group.topics.items()
        }
        return evolve(own, topics=topics)

    def _place(self, said: TopicSettings, path: str, above: GroupRules) -> GroupRules:
        """What holds in a group, or in a thread of one."""
        agent = said.agent if said.agent is not None else said.agent_id
        if agent is not None and agent not in self.agents:
            key = "agent" if said.agent is not None else "agentId"
            self._wrong(f"{path}.{key}", _one_of(self.agents), agent)
        allowed = self._optional(said.allow_from, f"{path}.allowFrom")
        if allowed is None:
            allowed = above.allow_from
        if allowed is None and said.group_policy == "open":
            allowed = frozenset((EVERYBODY,))
        asked = said.require_mention
        return GroupRules(
            enabled=above.enabled and said.enabled and said.group_policy != "disabled",
            require_mention=above.require_mention if asked is None else asked,
            allow_from=allowed,
            agent=agent or above.agent,
        )

    def _optional(self, entries: Sequence[str | int] | None, path: str) -> frozenset[str] | None:
        return None if entries is None else self._people(entries, path)

    def _people(self, entries: Sequence[str | int], path: str) -> frozenset[str]:
        form = form_of(self.channel)
        words = f"{form.person_words} (`openclaw pairing list` shows the ids of those who wrote)"
        return frozenset(
            self._id(entry, form, form.person, words, f"{path}[{at}]")
            for at, entry in enumerate(entries)
        )

    def _chat(self, key: str, path: str) -> str:
        form = form_of(self.channel)
        return self._id(key, form, form.chat, form.chat_words, path)

    def _id(self, entry: str | int, form: IdForm, kind: Pattern[str], words: str, path: str) -> str:
        text = str(entry).strip()
        prefix, _, rest = text.partition(":")
        if prefix.lower() in (self.channel, *form.prefixes):
            text = rest
        wrapped = form.wrapped.fullmatch(text) if form.wrapped else None
        if wrapped:
            text = wrapped[1]
        if text != EVERYBODY and not kind.fullmatch(text):
            self._wrong(path, words, entry)
        return text

    def _patterns(self, patterns: tuple[str, ...], path: str) -> tuple[str, ...]:
        if len(patterns) > MOST_PATTERNS:
            self._wrong(path, f"at most {MOST_PATTERNS} patterns", len(patterns))
        for at, pattern in enumerate(patterns):
            found = fault(pattern)
            if found:
                self._wrong(f"{path}[{at}]", found, pattern)
        return patterns

    def _wrong(self, path: str, expected: str, found: object) -> None:
        self.problems.append(Problem(path, expected, describe(found)))


def _one_of(agents: Collection[str]) -> str:
    return "a configured agent: " + ", ".join(sorted(agents))
