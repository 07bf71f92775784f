"""The configuration's bindings, as the table takes them; they were checked when it was read."""

from collections.abc import Iterable

from openclaw.config.schema.bindings import BindingRow
from openclaw.interfaces.routing import Binding


def configured(rows: Iterable[BindingRow]) -> tuple[Binding, ...]:
    """Every binding that routes messages, in the file's order."""
    return tuple(_binding(row) for row in rows if row.type == "route")


def _binding(row: BindingRow) -> Binding:
    match, peer = row.match, row.match.peer
    return Binding(
        agent_id=row.agent_id,
        channel=match.channel.strip(),
        account=match.account_id or "",
        peer_kind="" if peer is None else "direct" if peer.kind == "dm" else peer.kind,
        peer_id="" if peer is None else str(peer.id).strip(),
        guild_id=_text(match.guild_id),
        team_id=_text(match.team_id),
        roles=frozenset(map(str, match.roles)),
    )


def _text(given: str | int | None) -> str:
    return "" if given is None else str(given)
