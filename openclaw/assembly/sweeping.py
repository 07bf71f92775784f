"""Makes what removes sessions that nobody uses, with the rules that the configuration gives."""

from collections.abc import Callable

from openclaw.config.schema.root import SessionMaintenance
from openclaw.config.settings import Settings
from openclaw.gateway.broadcast import Broadcaster
from openclaw.interfaces.storage import IStore
from openclaw.sessions.index import SessionIndex
from openclaw.sessions.keys import SessionKeys
from openclaw.sessions.sweeping import SessionSweep, SweepRules
from openclaw.sessions.telling import Telling


def make_sweep(
    settings: Settings,
    store: IStore,
    broadcaster: Broadcaster,
    index: SessionIndex,
    keys: SessionKeys,
    now_ms: Callable[[], int],
) -> SessionSweep:
    """Make it; nothing is removed yet."""
    rules = sweep_rules(settings.config.session.maintenance)
    return SessionSweep(store, index, keys, Telling(broadcaster, index, now_ms), rules, now_ms)


def sweep_rules(config: SessionMaintenance) -> SweepRules:
    """Which sessions are removed, as configured."""
    most = config.max_disk_bytes
    water = config.high_water_bytes
    return SweepRules(
        enforce=config.mode == "enforce",
        idle_ms=round(config.prune_after * 1000),
        one_off_ms=round(config.prune_one_off_after * 1000),
        most=config.max_entries,
        most_bytes=most,
        high_water_bytes=most * 4 // 5 if water is None else min(water, most),
    )
