"""Which accounts the configuration names; loads nothing of channels where it names none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from openclaw.config.load import load
from openclaw.config.settings import Settings

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
        config = load(settings.places.config_path).config
        return _read(config.channels, {**config.env.vars, **environ})[0]

    accounts, remarks = _read(settings.config.channels, {**settings.config.env.vars, **environ})
    return ChannelPlan(accounts=accounts, remarks=remarks, reread=reread)


def _read(
    sections: Mapping[str, Any], known: Mapping[str, str]
) -> tuple[tuple[ConfiguredAccount, ...], tuple[str, ...]]:
    # Loaded here, for a gateway without channels need not pay for them.
    from openclaw.channels.accounts import read_accounts
    from openclaw.channels.registry import Registry

    return read_accounts(sections, known, Registry())
