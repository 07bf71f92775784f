import assert from "node:assert/strict";
import test from "node:test";

import { Delivery } from "../../../openclaw/http/chat/delivery.js";
import { WireError } from "../../../openclaw/http/chat/errors.js";
import { Outbox } from "../../../openclaw/http/chat/outbox.js";
import { Clock, Storage, settled } from "./doubles.mjs";

const MAIN = "agent:main:main";
const OTHER = "agent:main:other";

function makeOutbox(storage = new Storage()) {
  let count = storage.map.size;
  return new Outbox({ storage, makeKey: () => `key${(count += 1)}`, now: () => 5 });
}

/** A wire whose answers the test gives one by one. */
class Wire {
  online = true;
  asked = [];

  request(method, params) {
    return new Promise((resolve, reject) => this.asked.push({ method, params, resolve, reject }));
  }

  get keys() {
    return this.asked.map(({ params }) => params.idempotencyKey);
  }
}

function makeDelivery(storage) {
  const [outbox, wire, timers] = [makeOutbox(storage), new Wire(), new Clock()];
  const settled = [];
  const settle = async (sessionKey) => settled.push(sessionKey);
  const delivery = new Delivery({ outbox, wire, settle, timers, random: () => 1 });
  const accepted = [];
  delivery.accepted.listen((entry, answer) => accepted.push([entry.text, answer.status]));
  return { outbox, wire, timers, delivery, accepted, settled };
}

const lost = () => new WireError("CONNECTION_LOST", "lost", { retryable: true });
const texts = (entries) => entries.map(({ text, state }) => `${text}:${state}`);

test("entries keep their order and their session", () => {
  const outbox = makeOutbox();
  for (const text of ["a", "b"]) outbox.add(MAIN, text);
  outbox.add(OTHER, "c");
  assert.deepEqual(texts(outbox.entries(MAIN)), ["a:queued", "b:queued"]);
  assert.deepEqual(outbox.sessionKeys(), [MAIN, OTHER]);
});

test("a reload finds what was not acknowledged, in order, under the same keys", () => {
  const storage = new Storage();
  const before = makeOutbox(storage);
  const [first] = ["a", "b", "c"].map((text) => before.add(MAIN, text));
  before.sending(first.key);
  before.remove(before.entries(MAIN)[1].key);
  const after = makeOutbox(new Storage(storage.map));
  assert.deepEqual(texts(after.entries(MAIN)), ["a:queued", "c:queued"]);
  assert.equal(after.entries(MAIN)[0].key, first.key);
});

test("what a refused message said survives a reload and does not go out by itself", () => {
  const storage = new Storage();
  const before = makeOutbox(storage);
  before.fail(before.add(MAIN, "a").key, "too long");
  const after = makeOutbox(new Storage(storage.map));
  assert.equal(after.entries(MAIN)[0].error, "too long");
  assert.equal(after.next(MAIN), null);
});

test("broken and foreign records are left alone", () => {
  const map = new Map([
    ["openclaw.webchat.outbox.x", "{"],
    ["openclaw.webchat.outbox.y", "null"],
    ["openclaw.webchat.outbox.z", '{"key":"z","order":1}'],
    ["another", "thing"],
  ]);
  assert.deepEqual(makeOutbox(new Storage(map)).sessionKeys(), []);
});

test("another tab's acknowledgement ends the wait here", () => {
  const outbox = makeOutbox();
  const entry = outbox.add(MAIN, "a");
  outbox.storageChanged(`openclaw.webchat.outbox.${entry.key}`, null);
  assert.deepEqual(outbox.entries(MAIN), []);
});

test("one message per session is on its way at a time, sessions do not wait for each other", async () => {
  const { delivery, wire, accepted } = makeDelivery();
  for (const text of ["a", "b"]) delivery.send(MAIN, text);
  delivery.send(OTHER, "c");
  assert.deepEqual(wire.keys, ["key1", "key3"]);
  wire.asked[0].resolve({ runId: "key1", status: "started" });
  await settled();
  assert.deepEqual(wire.keys, ["key1", "key3", "key2"]);
  assert.deepEqual(accepted, [["a", "started"]]);
  assert.equal(wire.asked[0].params.deliver, false);
});

test("after a lost connection the same keys go out again in order", async () => {
  const { delivery, wire, outbox, settled: compared } = makeDelivery();
  for (const text of ["a", "b"]) delivery.send(MAIN, text);
  wire.online = false;
  wire.asked[0].reject(lost());
  delivery.disconnected();
  await settled();
  assert.deepEqual(texts(outbox.entries(MAIN)), ["a:queued", "b:queued"]);
  wire.online = true;
  outbox.add(OTHER, "never tried");
  delivery.connected();
  await settled();
  assert.deepEqual(compared, [MAIN]);
  wire.asked[2].resolve({ status: "in_flight" });
  await settled();
  assert.deepEqual(wire.keys, ["key1", "key3", "key1", "key2"]);
});

test("a retryable refusal waits as long as the gateway asks and keeps the order", async () => {
  const { delivery, wire, timers } = makeDelivery();
  for (const text of ["a", "b"]) delivery.send(MAIN, text);
  wire.asked[0].reject(new WireError("UNAVAILABLE", "busy", { retryable: true, retryAfterMs: 700 }));
  await timers.advance(699);
  assert.deepEqual(wire.keys, ["key1"]);
  await timers.advance(1);
  assert.deepEqual(wire.keys, ["key1", "key1"]);
});

test("repeated refusals back off until one is accepted", async () => {
  const { delivery, wire, timers } = makeDelivery();
  delivery.send(MAIN, "a");
  for (const wait of [250, 500, 1000]) {
    wire.asked.at(-1).reject(new WireError("UNAVAILABLE", "busy", { retryable: true }));
    const asked = wire.asked.length;
    await timers.advance(wait - 1);
    assert.equal(wire.asked.length, asked);
    await timers.advance(1);
    assert.equal(wire.asked.length, asked + 1);
  }
});

test("a final refusal stays visible, lets the next one go, and can be sent again", async () => {
  const { delivery, wire, outbox } = makeDelivery();
  for (const text of ["a", "b"]) delivery.send(MAIN, text);
  wire.asked[0].reject(new WireError("INVALID_REQUEST", "no"));
  await settled();
  assert.deepEqual(texts(outbox.entries(MAIN)), ["a:failed", "b:sending"]);
  wire.asked[1].resolve({ status: "started" });
  await settled();
  delivery.retry(outbox.entries(MAIN)[0]);
  assert.equal(wire.keys.at(-1), "key1");
});
