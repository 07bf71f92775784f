"""The accounts of the configuration, each in its channel's own type, with its secrets found."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args
from urllib.parse import unquote, urlsplit

import msgspec
import msgspec.structs
from attrs import evolve, frozen

from openclaw.channels.registry import Registry, load
from openclaw.config.check import Findings, unwrapped
from openclaw.config.environment import typed, variable
from openclaw.config.references import resolve
from openclaw.config.schema.channels import ChannelSettings
from openclaw.config.schema.fields import SecretRef
from openclaw.config.units import decode_unit
from openclaw.errors import ConfigError
from openclaw.interfaces.channels import Manifest, TextLimit

DEFAULT = "default"
_ACCOUNTS, _DEFAULT_ACCOUNT = "accounts", "defaultAccount"
_DEFAULTS = "defaults"
_NOTHING: tuple[Any, ...] = (None, "", [])
_NO_CHANNELS = (_DEFAULTS, "modelByChannel")


@frozen(kw_only=True)
class ConfiguredAccount:
    """One account as it is configured.

    :ivar settings: of the type that the manifest names, secrets in plain text.
    :ivar secrets: every secret in it, to be kept out of logs.
    :ivar is_default: whether it is meant where a channel is named and no account.
    """

    manifest: Manifest
    account: str
    settings: ChannelSettings
    is_default: bool
    secrets: tuple[str, ...] = ()

    @property
    def channel(self) -> str:
        """The channel's id."""
        return self.manifest.id

    @property
    def text_limit(self) -> TextLimit:
        """How much text fits into one message; no configured value passes the platform's own."""
        limit, chosen = self.manifest.text, self.settings.text_chunk_limit
        return limit if chosen is None else evolve(limit, default=min(chosen, limit.hard))

    @property
    def streaming(self) -> bool:
        """Whether an answer is shown while it grows."""
        chosen = self.settings.shows_growth()
        wanted = self.manifest.streaming == "partial" if chosen is None else chosen
        return wanted and self.manifest.abilities.edit

    @property
    def media_bytes(self) -> int:
        """Most that one file may be."""
        chosen = self.settings.media_max_mb
        return self.manifest.media_bytes if chosen is None else chosen << 20

    @property
    def webhook_path(self) -> str:
        """Where its webhook is served."""
        pattern = self.settings.webhook_path or self.manifest.webhook_path
        return pattern.format(channel=self.channel, account=self.account).rstrip("/")

    @property
    def public_path(self) -> str:
        """The path of the address that the platform is given; empty if there is none in it."""
        return unquote(urlsplit(self.settings.webhook_url or "").path).rstrip("/")

    def edit_seconds(self, in_group: bool) -> float:
        """Least time between two edits of one message."""
        chosen = self.settings.edit_min_ms
        return (self.manifest.edit_ms[in_group] if chosen is None else chosen) / 1000

    def __repr__(self) -> str:
        return f"ConfiguredAccount({self.channel}/{self.account})"


def read_accounts(
    sections: Mapping[str, Any], environ: Mapping[str, str], registry: Registry
) -> tuple[tuple[ConfiguredAccount, ...], tuple[str, ...]]:
    """Read every account.

    :param sections: ``channels`` of the configuration.
    :param environ: where ``${NAME}`` is looked up, and what the default account's keys are
        taken from where the configuration has none.
    :return: the accounts in the file's order, and remarks for the operator.
    :raises ConfigError: for the first value that cannot be used.
    """
    accounts: list[ConfiguredAccount] = []
    remarks: list[str] = []
    defaults = sections.get(_DEFAULTS) or {}
    for channel, section in sections.items():
        path = f"channels.{channel}"
        if channel in _NO_CHANNELS:
            continue
        if not isinstance(section, Mapping):
            raise ConfigError("expected an object", path)
        try:
            manifest = registry.find(channel)
        except ConfigError as error:
            # The file may be the original's, which has other channels; and a stranger's package
            # that is broken is no reason to stop all others.
            remarks.append(f"{error}; the channel is left out")
            continue
        accounts += _of_channel(manifest, {**defaults, **section}, environ, path, remarks)
    return tuple(accounts), tuple(remarks)


def _of_channel(
    manifest: Manifest,
    section: Mapping[str, Any],
    environ: Mapping[str, str],
    path: str,
    remarks: list[str],
) -> list[ConfiguredAccount]:
    shared = {
        key: value for key, value in section.items() if key not in (_ACCOUNTS, _DEFAULT_ACCOUNT)
    }
    listed = section.get(_ACCOUNTS) or {DEFAULT: {}}
    if not isinstance(listed, Mapping):
        raise ConfigError("expected an object of accounts by their ids", f"{path}.{_ACCOUNTS}")
    chosen = section.get(_DEFAULT_ACCOUNT) or (DEFAULT if DEFAULT in listed else next(iter(listed)))
    if chosen not in listed:
        raise ConfigError(
            f"there is no account {chosen!r}: expected one of {', '.join(listed)}",
            f"{path}.{_DEFAULT_ACCOUNT}",
        )
    kind = _settings_type(manifest, path)
    found = []
    for account, own in listed.items():
        where = f"{path}.{_ACCOUNTS}.{account}" if _ACCOUNTS in section else path
        if not isinstance(own, Mapping):
            raise ConfigError("expected an object", where)
        tree = {**shared, **own}
        if account == chosen:
            tree.update(_from_environment(tree, manifest, environ))
        settings = _checked(tree, kind, where, remarks)
        settings, secrets = _resolved(settings, environ, where)
        found.append(
            ConfiguredAccount(
                manifest=manifest,
                account=account,
                settings=settings,
                is_default=account == chosen,
                secrets=secrets,
            )
        )
    return found


def _from_environment(
    tree: Mapping[str, Any], manifest: Manifest, environ: Mapping[str, str]
) -> Mapping[str, Any]:
    """What variables say of which the account says nothing; for a secret a reference to it."""
    found: dict[str, Any] = {}
    for one in manifest.variables:
        value = variable(environ, one.name)
        said = any(tree.get(key) not in _NOTHING for key in (one.key, *one.unless))
        if value is not None and not said:
            found[one.key] = f"${{{one.name}}}" if one.kind == "secret" else typed(value, one.kind)
    return found


def _settings_type(manifest: Manifest, path: str) -> type[ChannelSettings]:
    try:
        kind = load(manifest.settings)
    except Exception as error:  # A stranger's package may fail in any way.
        raise ConfigError(f"{manifest.settings} cannot be loaded: {error}", path) from error
    if not (isinstance(kind, type) and issubclass(kind, ChannelSettings)):
        raise ConfigError(f"{manifest.settings} is no ChannelSettings", path)
    return kind


def _checked(
    tree: Mapping[str, Any], kind: type[ChannelSettings], path: str, remarks: list[str]
) -> ChannelSettings:
    findings = Findings()
    findings.walk(tree, kind, path)
    if findings.problems:
        first = findings.problems[0]
        raise ConfigError(f"expected {first.expected}, found {first.found}", first.path)
    remarks += [f"{unknown}: unknown key, ignored" for unknown in findings.unknown]
    remarks += [f"{key}: understood, not yet served" for key in findings.not_served]
    return msgspec.convert(tree, kind, dec_hook=decode_unit)


def _resolved(
    settings: ChannelSettings, environ: Mapping[str, str], path: str
) -> tuple[ChannelSettings, tuple[str, ...]]:
    """Put every secret's value where it is referred to; a disabled account may lack them."""
    values: dict[str, str | None] = {}
    for field in msgspec.structs.fields(settings):
        value = getattr(settings, field.name)
        if value is None or value == field.default or not _is_secret(field.type):
            continue
        try:
            values[field.name] = resolve(value, environ, f"{path}.{field.encode_name}")
        except ConfigError:
            if settings.enabled:
                raise
            values[field.name] = None
    found: Sequence[str] = [value for value in values.values() if value]
    return msgspec.structs.replace(settings, **values), tuple(found)


def _is_secret(kind: Any) -> bool:
    return SecretRef in get_args(unwrapped(kind)[0])
