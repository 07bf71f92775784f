"""What is absent is left out: no wire type says ``null`` where nothing was meant."""

import json
from typing import Any

from msgspec import UNSET, inspect
from twisted.trial.unittest import SynchronousTestCase

from openclaw.protocol.base import encode, to_plain
from openclaw.protocol.connect import ClientInfo
from tests.protocol.wire_types import fields, options, sample, wire_types

# As in the original, ``agent`` takes nothing that it does not know.
STRICT = {"AgentParams"}
# Fields that the original sends as ``null``, so ours do too.
NULLS = {
    "ApprovalAnswer.decision",
    "ApprovalResolved.decision",
    "ApprovalRequestParams.agentId",
    "ApprovalRequestParams.ask",
    "ApprovalRequestParams.cwd",
    "ApprovalRequestParams.host",
    "ApprovalRequestParams.nodeId",
    "ApprovalRequestParams.resolvedPath",
    "ApprovalRequestParams.security",
    "ApprovalRequestParams.sessionKey",
    "ConfigSnapshot.raw",
    "CronPage.nextOffset",
    "CronStatus.nextWakeAtMs",
    "Described.session",
    "DevicePairList.pending",
    "PatchParams.inheritedToolAllow",
    "PatchParams.inheritedToolDeny",
    "PatchParams.label",
    "PatchParams.model",
    "PatchParams.toolOverrides",
    "ReplyPayload.mediaUrl",
    "SessionRow.activeLeafEntryId",
    "SessionRow.updatedAt",
    "SessionDefaults.contextTokens",
    "SessionDefaults.model",
    "SessionDefaults.modelProvider",
    "SessionsList.nextOffset",
    "StatusDefaults.contextTokens",
    "StatusDefaults.model",
}


def nulls(value: Any, path: str = "") -> list[str]:
    """Where a JSON value says ``null``."""
    if value is None:
        return [path]
    if isinstance(value, dict):
        return [one for key, part in value.items() for one in nulls(part, f"{path}/{key}")]
    if isinstance(value, list):
        return [one for at, part in enumerate(value) for one in nulls(part, f"{path}/{at}")]
    return []


class AbsentTests(SynchronousTestCase):
    def test_there_are_types(self) -> None:
        self.assertGreater(len(wire_types()), 80)

    def test_null_may_only_be_where_it_is_meant(self) -> None:
        found = {
            f"{one.__name__}.{field.encode_name}"
            for one in wire_types()
            for field in fields(one)
            if any(isinstance(kind, inspect.NoneType) for kind in options(field.type))
        }
        self.assertEqual(found - NULLS, set())

    def test_what_may_be_absent_is_absent_unless_given(self) -> None:
        for one in wire_types():
            for field in fields(one):
                if field.default is UNSET:
                    self.assertNotIn(field.encode_name, to_plain(sample(one)), one)

    def test_the_plainest_of_everything_has_no_null(self) -> None:
        for one in wire_types():
            found = [
                path
                for path in nulls(to_plain(sample(one)))
                if path.rpartition("/")[2] not in {name.partition(".")[2] for name in NULLS}
            ]
            self.assertEqual(found, [], one)

    def test_the_check_sees_a_null(self) -> None:
        self.assertEqual(nulls({"a": [1, {"b": None}]}), ["/a/1/b"])

    def test_names_are_camel_case(self) -> None:
        info = ClientInfo(id="cli", version="1", platform="x", mode="cli", display_name="n")
        self.assertEqual(json.loads(encode(info))["displayName"], "n")
        for one in wire_types():
            for field in fields(one):
                name = field.encode_name.lstrip("_")
                self.assertNotIn("_", name, one)
                self.assertEqual(name[:1], name[:1].lower(), one)

    def test_nobody_can_change_one(self) -> None:
        for one in wire_types():
            self.assertTrue(one.__struct_config__.frozen, one)

    def test_params_tolerate_newer_properties(self) -> None:
        for one in wire_types():
            strict = one.__struct_config__.forbid_unknown_fields
            self.assertEqual(strict, one.__name__ in STRICT, one)
