"""Keeps the port's certificate fresh: renews our own, notices new files; changes no connection."""

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from openclaw.config.tls import TlsSettings
from openclaw.errors import ConfigError
from openclaw.periodic import Periodic
from openclaw.protocol.base import UNSET, encode
from openclaw.protocol.schema.system import NextCertificate, TlsStatus
from openclaw.security.tls.contexts import ServerContexts
from openclaw.security.tls.pairs import Pair, read_configured_pair
from openclaw.security.tls.rotation import OwnPairs, Plan

LOOK_SECONDS = 30.0

Stamp = tuple[tuple[int, int, int, int], ...]


class CertificateKeeper(Periodic):
    """Owns the port's certificate.

    :param directory: where certificates of our own, and ``pins.json``, are kept.
    :param names: what they are for.
    :param now: the time, with its zone.
    :ivar contexts: what connections are made with.
    :raises openclaw.errors.StartError: there is no usable certificate.
    """

    _log = Logger()
    name = "certificate"

    def __init__(
        self,
        settings: TlsSettings,
        directory: Path,
        names: Sequence[str],
        clock: IReactorTime,
        now: Callable[[], datetime],
    ) -> None:
        seconds = min(LOOK_SECONDS, settings.overlap_seconds / 10 or LOOK_SECONDS)
        super().__init__(self.look, clock, seconds, at_once=True)
        self._settings = settings
        self._directory = directory
        self._now = now
        self._own = None if settings.certificate else self._open_own(names)
        self._stamp = self._files_stamp()
        self._pair = self._own.current if self._own else self._read_files()
        self.contexts = ServerContexts(settings, self._pair)
        self._on_change: list[Callable[[], object]] = []
        self._published = False

    def startService(self) -> None:
        """Tell the fingerprint, then look from time to time."""
        self._log.info(
            "TLS certificate sha256 {fingerprint}, valid until {until}",
            fingerprint=self._pair.fingerprint,
            until=self._pair.expires_at.isoformat(),
        )
        super().startService()

    def on_change(self, call: Callable[[], object]) -> None:
        """Call whenever :meth:`status` has something new to tell."""
        self._on_change.append(call)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The certificates a client may meet: the one in use, and the next if there is one."""
        following = self._own.following if self._own else None
        return tuple(pair.fingerprint for pair in (self._pair, following) if pair is not None)

    def status(self) -> TlsStatus:
        """What clients and people are told."""
        return TlsStatus(
            fingerprint=self._pair.fingerprint,
            key_pin=self._pair.key_pin,
            expires_at=_milliseconds(self._pair.expires_at),
            self_signed=self._own is not None,
            next=self._next() or UNSET,
        )

    def look(self) -> None:
        """Do what is due now."""
        try:
            changed = self._advance() if self._own else self._read_again()
            if changed or not self._published:
                self._publish()
        except (OSError, ConfigError) as error:
            # A full disk, or files that are just being written: what is served goes on.
            self._log.warn("the TLS certificate stays as it is: {error}", error=str(error))
            return
        if changed:
            for call in self._on_change:
                call()

    def _advance(self) -> bool:
        assert self._own is not None
        if not self._own.advance(self._now()):
            return False
        self._use(self._own.current)
        following = self._next()
        if following is not None:
            self._log.info(
                "next TLS certificate sha256 {fingerprint}, in use from {moment}: "
                "tell every client that pins this one",
                fingerprint=following.fingerprint,
                moment=_iso(following.starts_at),
            )
        return True

    def _read_again(self) -> bool:
        stamp = self._files_stamp()
        if stamp == self._stamp:
            return False
        self._stamp = stamp  # Also if they are useless: that is worth saying once.
        self._use(self._read_files())
        return True

    def _use(self, pair: Pair) -> None:
        if pair.fingerprint == self._pair.fingerprint:
            return
        self.contexts.use(pair)
        self._log.info(
            "TLS certificate sha256 {fingerprint} replaces {old}, valid until {until}",
            fingerprint=pair.fingerprint,
            old=self._pair.fingerprint,
            until=pair.expires_at.isoformat(),
        )
        self._pair = pair

    def _next(self) -> NextCertificate | None:
        following, moment = (
            (self._own.following, self._own.switches_at()) if self._own else (None, None)
        )
        if following is None or moment is None:
            return None
        return NextCertificate(
            fingerprint=following.fingerprint,
            key_pin=following.key_pin,
            starts_at=_milliseconds(moment),
        )

    def _publish(self) -> None:
        """Write ``pins.json`` for scripts that hand fingerprints to clients."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._directory / f".pins.{os.getpid()}"
        fresh.write_bytes(encode(self.status()) + b"\n")
        fresh.chmod(0o600)
        fresh.replace(self._directory / "pins.json")
        self._published = True

    def _open_own(self, names: Sequence[str]) -> OwnPairs:
        seconds = self._settings.rotation_seconds
        plan = Plan(
            names=names,
            interval=None if seconds is None else timedelta(seconds=seconds),
            overlap=timedelta(seconds=self._settings.overlap_seconds),
        )
        return OwnPairs.open(self._directory, plan, self._now())

    def _files(self) -> tuple[Path, Path]:
        assert self._settings.certificate is not None and self._settings.key is not None
        return self._settings.certificate, self._settings.key

    def _read_files(self) -> Pair:
        return read_configured_pair(*self._files())

    def _files_stamp(self) -> Stamp:
        if self._own is not None:
            return ()
        # A file that is not there is told by whoever reads it.
        facts = [path.stat() for path in self._files() if path.exists()]
        return tuple((f.st_mtime_ns, f.st_ctime_ns, f.st_size, f.st_ino) for f in facts)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000).astimezone().isoformat()
