"""Checks of files and directories: who may read and change them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from openclaw.config.audit.facts import Facts, mode_of, owner_of
from openclaw.config.audit.findings import Found, check
from openclaw.config.redact import secrets_in
from openclaw.config.sealing import KeySettings

_READ, _WRITE = 0o044, 0o022
_CLOSE = "Take the rights from others: chmod go= {where}"


def _journal(facts: Facts) -> list[Path]:
    return [facts.own / f"journal.sqlite{end}" for end in ("", "-wal", "-shm", ".lock")]


def _keys(facts: Facts) -> list[Path]:
    keys = facts.settings.sealing.keys
    usual = KeySettings(file=facts.own / "encryption-keys")
    return list(dict.fromkeys((usual.file, usual.session_file, keys.file, keys.session_file)))


def _secrets(facts: Facts) -> list[Path]:
    return [facts.own / "gateway-token", facts.own / "device-secret", *_keys(facts)]


def _open(files: Iterable[Path], rights: int, what: str) -> Iterator[Found]:
    for path in files:
        if mode_of(path) & rights:
            yield Found(str(path), what)


@check("files.state-writable", "critical", "Take the right from others: chmod go-w {where}")
def state_writable(facts: Facts) -> Iterator[Found]:
    """Whoever may write there can replace any file in it."""
    folders = (facts.settings.places.state_dir, facts.own, facts.own / "logs")
    yield from _open(folders, _WRITE, "Others may put files into the state directory.")


@check("files.state-readable", "warn", _CLOSE)
def state_readable(facts: Facts) -> Iterator[Found]:
    """The names of files tell, and their rights are the only thing that is left."""
    if not mode_of(facts.own) & _WRITE:
        yield from _open((facts.own,), 0o055, "Others may look into the gateway's directory.")


@check("files.token-readable", "critical", _CLOSE)
def token_readable(facts: Facts) -> Iterator[Found]:
    """The token is the key to everything."""
    words = "Others can read the gateway's token, and with it they are the owner."
    yield from _open((facts.own / "gateway-token",), _READ | _WRITE, words)


@check("files.device-secret-readable", "critical", _CLOSE)
def device_secret_readable(facts: Facts) -> Iterator[Found]:
    """Device tokens are derived from it."""
    words = "Others can read the secret that every device's token is made from."
    yield from _open((facts.own / "device-secret",), _READ | _WRITE, words)


@check("files.journal-readable", "critical", _CLOSE)
def journal_readable(facts: Facts) -> Iterator[Found]:
    """Conversations."""
    yield from _open(_journal(facts), _READ | _WRITE, "Others can read or change the journal.")


@check("files.keys-readable", "critical", _CLOSE)
def keys_readable(facts: Facts) -> Iterator[Found]:
    """What opens the journal."""
    words = "Others can read the keys that the journal is sealed with."
    yield from _open(_keys(facts), _READ | _WRITE, words)


@check("files.tls-key-readable", "critical", _CLOSE)
def tls_key_readable(facts: Facts) -> Iterator[Found]:
    """Whoever has it is the gateway to its clients."""
    named = facts.settings.tls.key
    files = [named] if named else sorted((facts.own / "tls").glob("*key*"))
    yield from _open(files, _READ | _WRITE, "Others can read the private key of the certificate.")


@check("files.logs-readable", "warn", _CLOSE)
def logs_readable(facts: Facts) -> Iterator[Found]:
    """Who talks with whom, from where."""
    log = facts.settings.log_file
    yield from _open(sorted(log.parent.glob(f"{log.stem}*.log")), _READ, "Others can read the log.")


@check("files.config-writable", "critical", "Take the right from others: chmod go-w {where}")
def config_writable(facts: Facts) -> Iterator[Found]:
    """Whoever may write it decides who may connect."""
    words = "Others may change the configuration."
    yield from _open((facts.settings.loaded.path,), _WRITE, words)


@check("files.config-readable", "warn", _CLOSE)
def config_readable(facts: Facts) -> Iterator[Found]:
    """Only matters if there is something in it."""
    if secrets_in(facts.settings.loaded.tree):
        words = "Others can read the configuration, and there are secrets in it."
        yield from _open((facts.settings.loaded.path,), _READ, words)


@check("files.secret-readable", "warn", _CLOSE)
def secret_readable(facts: Facts) -> Iterator[Found]:
    """Files that references name."""
    for path, reference in facts.references():
        if reference.source == "file" and reference.path:
            home = Path(facts.environ.get("HOME", "/"))
            name = reference.path
            file = home / name[2:] if name.startswith("~/") else Path(name)
            yield from _open((file,), _READ | _WRITE, f"Others can read the secret of {path}.")


@check(
    "files.foreign-owner", "critical", "Give it to the user that runs the gateway: chown {where}"
)
def foreign_owner(facts: Facts) -> Iterator[Found]:
    """An owner can always change rights back; root is above that anyway."""
    trusted = {facts.uid, 0, None}
    for path in (facts.own, *_secrets(facts), *_journal(facts), facts.settings.loaded.path):
        if (owner := owner_of(path)) not in trusted:
            yield Found(str(path), f"It belongs to another user, {owner}.")


@check("files.link", "warn", "Put the file itself in place of the link {where}")
def link(facts: Facts) -> Iterator[Found]:
    """What it leads to can be swapped by whoever may write there."""
    for path in (*_secrets(facts), *_journal(facts)):
        if path.is_symlink():
            yield Found(str(path), "It is a link to a file elsewhere.")


@check("files.key-beside-journal", "info", "Keep the key elsewhere: security.encryption.keyFile")
def key_beside_journal(facts: Facts) -> Iterator[Found]:
    """Sealing then protects a lost copy of the journal, not of the directory."""
    sealing = facts.settings.sealing
    if sealing.storage and sealing.keys.given is None and sealing.keys.file.parent == facts.own:
        yield Found(
            str(sealing.keys.file),
            "The key lies beside the journal; a copy of the folder has both.",
        )


@check("files.root", "warn", "Run the gateway as a user of its own")
def root(facts: Facts) -> Iterator[Found]:
    """A flaw in anything it runs is then a flaw of the machine."""
    if facts.uid == 0 and facts.reachable:
        yield Found(str(facts.own), "The gateway runs as root and can be reached from elsewhere.")


CHECKS = (
    state_writable,
    state_readable,
    token_readable,
    device_secret_readable,
    journal_readable,
    keys_readable,
    tls_key_readable,
    logs_readable,
    config_writable,
    config_readable,
    secret_readable,
    foreign_owner,
    link,
    key_beside_journal,
    root,
)
