// Approvals as the page keeps them: what waits, as far as the gateway has told, and nothing else.

import assert from "node:assert/strict";
import test from "node:test";

import { Approvals } from "../../../openclaw/http/chat/approvals.js";
import { WireError } from "../../../openclaw/http/chat/errors.js";
import { settled } from "./doubles.mjs";

const METHODS = new Set(["exec.approval.list", "exec.approval.resolve"]);
const row = (id, createdAtMs = 1) => ({ id, createdAtMs, request: { command: `do ${id}` } });

/** A wire whose answers the test gives. */
class Wire {
  online = true;
  asked = [];

  request(method, params) {
    return new Promise((resolve, reject) => this.asked.push({ method, params, resolve, reject }));
  }
}

async function connected(rows) {
  const wire = new Wire();
  const approvals = new Approvals({ wire });
  const announced = [];
  approvals.asked.listen(({ id }) => announced.push(id));
  approvals.connected(METHODS);
  wire.asked.shift().resolve(rows);
  await settled();
  return { wire, approvals, announced };
}

const ids = (approvals) => approvals.rows.map(({ id }) => id);
const asked = (approvals, one) => approvals.received("exec.approval.requested", one);
const resolved = (approvals, id) => approvals.received("exec.approval.resolved", { id });

test("what waits is there after the handshake, the oldest first, each announced once", async () => {
  const { approvals, announced } = await connected([row("b", 2), row("a", 1)]);
  asked(approvals, row("c", 3));
  asked(approvals, row("c", 3));
  assert.deepEqual(ids(approvals), ["a", "b", "c"]);
  assert.deepEqual(announced, ["b", "a", "c"]);
});

test("what was decided or has expired is gone, also if only a later list tells", async () => {
  const { wire, approvals } = await connected([row("a"), row("b"), row("c")]);
  resolved(approvals, "a");
  resolved(approvals, "never there");
  assert.deepEqual(ids(approvals), ["b", "c"]);
  approvals.refresh();
  wire.asked.shift().resolve([row("c"), row("d", 2)]);
  await settled();
  assert.deepEqual(ids(approvals), ["c", "d"]);
});

test("a decision is sent once, however often it is clicked", async () => {
  const { wire, approvals } = await connected([row("a")]);
  approvals.decide("a", "allow-once");
  approvals.decide("a", "allow-once");
  approvals.decide("a", "deny");
  assert.deepEqual(wire.asked.map(({ params }) => params), [{ id: "a", decision: "allow-once" }]);
  assert.equal(approvals.rows[0].busy, true);
  wire.asked[0].resolve({ ok: true });
  await settled();
  assert.deepEqual(ids(approvals), []);
});

test("one that comes too late goes; any other refusal is shown and may be tried again", async () => {
  const { wire, approvals } = await connected([row("a"), row("b")]);
  approvals.decide("a", "deny");
  wire.asked.shift().reject(new WireError("APPROVAL_NOT_FOUND", "unknown or expired"));
  await settled();
  assert.deepEqual(ids(approvals), ["b"]);
  approvals.decide("b", "deny");
  wire.asked.shift().reject(new WireError("FORBIDDEN", "second factor required"));
  await settled();
  assert.deepEqual([approvals.rows[0].busy, approvals.rows[0].error], [false, "second factor required"]);
  approvals.decide("b", "deny");
  assert.equal(approvals.rows[0].error, null);
  assert.equal(wire.asked.length, 1);
});

test("an answer for what has gone meanwhile brings nothing back", async () => {
  const { wire, approvals } = await connected([row("a")]);
  approvals.decide("a", "deny");
  resolved(approvals, "a");
  wire.asked.shift().reject(new WireError("UNAVAILABLE", "later"));
  await settled();
  assert.deepEqual(ids(approvals), []);
});

test("without a connection, the methods or the right nothing is shown", async () => {
  const { wire, approvals } = await connected([row("a")]);
  approvals.disconnected();
  assert.deepEqual(ids(approvals), []);
  approvals.connected(new Set(["exec.approval.list"]));
  assert.deepEqual(wire.asked, []);
  approvals.connected(METHODS);
  wire.asked.shift().reject(new WireError("FORBIDDEN", "missing scope: operator.approvals"));
  await settled();
  assert.deepEqual(ids(approvals), []);
});
