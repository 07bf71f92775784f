"""Which accounts the configuration names; loads nothing of channels where it names none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from openclaw.config.check import describe
from openclaw.config.load import load
from openclaw.config.schema import Config
from openclaw.config.settings import Settings
from openclaw.errors import ConfigError
from openclaw.routing.patterns import fault

if TYPE_CHECKING:
    from openclaw.channels.accounts import ConfiguredAccount


@frozen(kw_only=True)
class ChannelPlan:
    """The accounts of one configuration.

    :ivar remarks: what an operator should read once.
    :ivar reread: reads the file again; raises ConfigError if it cannot be used now.
    """

    accounts: Sequence[ConfiguredAccount] = ()
    remarks: tuple[str, ...] = ()
    reread: Callable[[], Sequence[ConfiguredAccount]] = field(default=tuple, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret of every account."""
        return tuple(secret for one in self.accounts for secret in one.secrets)


def plan_channels(settings: Settings, environ: Mapping[str, str]) -> ChannelPlan:
    """Read the accounts.

    :param environ: where ``${NAME}`` is looked up, besides ``env.vars`` of the file.
    :raises ConfigError: a value cannot be used.
    """
    if not settings.config.channels:
        return ChannelPlan()

    def reread() -> Sequence[ConfiguredAccount]:
        return _read(load(settings.places.config_path).config, environ)[0]

    accounts, remarks = _read(settings.config, environ)
    return ChannelPlan(accounts=accounts, remarks=remarks, reread=reread)


def _read(
    config: Config, environ: Mapping[str, str]
) -> tuple[tuple[ConfiguredAccount, ...], tuple[str, ...]]:
    # Loaded here, for a gateway without channels need not pay for them.
    from openclaw.channels.accounts import read_accounts
    from openclaw.channels.registry import Registry

    defaults = {**_of_groups(config), **(config.channels.get("defaults") or {})}
    sections = {**config.channels, "defaults": defaults}
    return read_accounts(sections, {**config.env.vars, **environ}, Registry())


def _of_groups(config: Config) -> Mapping[str, Any]:
    """What is said of the groups of all channels, in the keys of one."""
    said = config.messages.group_chat
    for at, pattern in enumerate(said.mention_patterns or ()):
        found = fault(pattern)
        if found:
            path = f"messages.groupChat.mentionPatterns[{at}]"
            raise ConfigError(f"expected {found}, found {describe(pattern)}", path)
    known = {"mentionPatterns": said.mention_patterns, "historyLimit": said.history_limit}
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in known.items()
        if value is not None
    }
