import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.fingerprints import fingerprint
from openclaw.config.tls import TlsSettings
from openclaw.errors import ConfigError
from openclaw.protocol.base import UNSET
from openclaw.protocol.schema.system import NextCertificate
from openclaw.security.tls.keeper import LOOK_SECONDS, CertificateKeeper
from openclaw.security.tls.pairs import make_pair, write_pair
from tests.security.tls.wire import Shaken

START = datetime(2026, 11, 20, tzinfo=UTC)
DAY = 86_400.0


class KeeperCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.directory = Path(self.mktemp())
        self.changes = 0

    def keeper(self, **more: object) -> CertificateKeeper:
        settings = TlsSettings(
            enabled=True,
            rotation_seconds=90 * DAY,
            overlap_seconds=7 * DAY,
            **more,  # type: ignore[arg-type]  # the fields of settings
        )
        keeper = CertificateKeeper(
            settings,
            self.directory,
            ["localhost"],
            self.clock,
            lambda: START + timedelta(seconds=self.clock.seconds()),
        )
        keeper.on_change(self.changed)
        keeper.startService()
        self.addCleanup(keeper.stopService)
        return keeper

    def changed(self) -> None:
        self.changes += 1

    def pass_days(self, days: float) -> None:
        """Let time pass, and the keeper look at least once."""
        self.clock.advance(days * DAY)
        self.clock.advance(LOOK_SECONDS)

    def shown(self, keeper: CertificateKeeper) -> str:
        """The fingerprint a new connection is shown."""
        der = Shaken(keeper.contexts).client.getpeercert(binary_form=True)
        return fingerprint(der or b"")

    def published(self) -> dict[str, object]:
        """What ``pins.json`` says."""
        path = self.directory / "pins.json"
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        found: dict[str, object] = json.loads(path.read_bytes())
        return found


class OwnCertificateTests(KeeperCase):
    def test_the_fingerprint_is_logged_published_and_shown(self) -> None:
        with capturedLogs() as events:
            keeper = self.keeper()
        status = keeper.status()
        self.assertEqual(self.shown(keeper), status.fingerprint)
        self.assertEqual(self.published()["fingerprint"], status.fingerprint)
        self.assertIn(status.fingerprint, [event.get("fingerprint") for event in events])
        self.assertEqual((status.self_signed, status.next), (True, UNSET))
        self.assertEqual(keeper.fingerprints, (status.fingerprint,))

    def test_the_next_one_is_told_everywhere_before_it_is_used(self) -> None:
        keeper = self.keeper()
        first = keeper.status().fingerprint
        with capturedLogs() as events:
            self.pass_days(83)
        following = keeper.status().next
        assert isinstance(following, NextCertificate)
        self.assertEqual(keeper.fingerprints, (first, following.fingerprint))
        self.assertEqual(self.shown(keeper), first)
        self.assertEqual(
            self.published()["next"],
            {
                "fingerprint": following.fingerprint,
                "keyPin": following.key_pin,
                "startsAt": following.starts_at,
            },
        )
        self.assertIn(following.fingerprint, [event.get("fingerprint") for event in events])
        self.assertEqual(self.changes, 1)
        moment = (START + timedelta(days=90)).timestamp() * 1000
        self.assertLess(abs(following.starts_at - moment), 2 * 3600 * 1000)

    def test_the_switch_leaves_open_connections_alone(self) -> None:
        keeper = self.keeper()
        old = Shaken(keeper.contexts)
        self.pass_days(83)
        following = keeper.status().next
        assert isinstance(following, NextCertificate)
        self.pass_days(7)
        self.assertEqual(self.shown(keeper), following.fingerprint)
        self.assertEqual((keeper.status().next, self.changes), (UNSET, 2))
        self.assertNotIn("next", self.published())
        self.assertEqual(old.echo(b"still here"), b"still here")

    def test_it_is_the_same_after_a_restart(self) -> None:
        first = self.keeper()
        self.assertEqual(self.keeper().fingerprints, first.fingerprints)

    def test_a_disk_that_fails_is_told_and_changes_nothing(self) -> None:
        keeper = self.keeper()
        first = keeper.status().fingerprint
        shutil.rmtree(self.directory)
        self.directory.write_text("in the way")
        with capturedLogs() as events:
            self.pass_days(84)
        self.assertIn(LogLevel.warn, [event["log_level"] for event in events])
        self.assertEqual(self.shown(keeper), first)
        self.directory.unlink()
        self.pass_days(0)
        self.assertEqual(len(keeper.fingerprints), 2)

    def test_nothing_is_left_behind(self) -> None:
        keeper = self.keeper()
        keeper.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class ConfiguredCertificateTests(KeeperCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = Path(self.mktemp())
        self.write()

    def write(self) -> str:
        pair = make_pair(["localhost"], START, timedelta(days=90))
        write_pair(self.path, pair)
        return pair.fingerprint

    def configured(self) -> CertificateKeeper:
        return self.keeper(certificate=self.path, key=self.path)

    def test_new_files_are_picked_up_without_dropping_connections(self) -> None:
        keeper = self.configured()
        old = Shaken(keeper.contexts)
        renewed = self.write()
        self.pass_days(0)
        self.assertEqual((self.shown(keeper), self.changes), (renewed, 1))
        self.assertEqual(self.published()["fingerprint"], renewed)
        self.assertEqual(old.echo(b"still here"), b"still here")

    def test_files_that_are_half_written_change_nothing_and_are_told_once(self) -> None:
        keeper = self.configured()
        before = self.shown(keeper)
        self.path.write_text("-----BEGIN")
        with capturedLogs() as events:
            for _ in range(3):
                self.pass_days(0)
        warnings = [event for event in events if event["log_level"] == LogLevel.warn]
        self.assertEqual((len(warnings), self.shown(keeper)), (1, before))
        renewed = self.write()
        self.pass_days(0)
        self.assertEqual(self.shown(keeper), renewed)

    def test_it_is_not_rotated_by_us(self) -> None:
        keeper = self.configured()
        self.pass_days(400)
        self.assertEqual((keeper.status().self_signed, self.changes), (False, 0))
        self.assertEqual([one.name for one in self.directory.iterdir()], ["pins.json"])

    def test_files_that_cannot_be_used_end_the_start(self) -> None:
        self.path.write_text("nothing")
        self.assertRaises(ConfigError, self.configured)
