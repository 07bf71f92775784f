import assert from "node:assert/strict";
import test from "node:test";

import { Backoff } from "../../../openclaw/http/chat/backoff.js";
import { WireError, refusalKind } from "../../../openclaw/http/chat/errors.js";
import { SequenceWatch } from "../../../openclaw/http/chat/sequence.js";
import { Wire } from "../../../openclaw/http/chat/wire.js";
import { Clock, Socket, settled } from "./doubles.mjs";

function makeWire(refused = () => undefined) {
  const [timers, sockets, seen] = [new Clock(), [], []];
  const openSocket = () => {
    sockets.push(new Socket());
    return sockets.at(-1);
  };
  const connectParams = async ({ nonce }) => ({ nonce });
  const wire = new Wire({ openSocket, connectParams, refused, timers, random: () => 1 });
  wire.received.listen((event, payload) => seen.push([event, payload]));
  wire.missed.listen(() => seen.push(["missed"]));
  return { wire, timers, sockets, seen };
}

const challenge = { type: "event", event: "connect.challenge", payload: { nonce: "n", ts: 1 } };

async function greet(socket, policy = { tickIntervalMs: 1000 }) {
  socket.says(challenge);
  await settled();
  socket.answers({ policy });
  await settled();
}

async function online(options) {
  const all = makeWire(options);
  all.wire.start();
  await greet(all.sockets[0]);
  return all;
}

test("the challenge is answered with connect, then requests go out", async () => {
  const { wire, sockets } = await online();
  assert.equal(sockets[0].sent[0].method, "connect");
  assert.deepEqual(sockets[0].sent[0].params, { nonce: "n" });
  const answer = wire.request("health");
  sockets[0].answers({ ok: true });
  assert.deepEqual(await answer, { ok: true });
});

test("answers find their requests in any order, an error carries the gateway's words", async () => {
  const { wire, sockets } = await online();
  const [first, second] = [wire.request("a"), wire.request("b")];
  const [, a, b] = sockets[0].sent;
  sockets[0].answers({ n: 2 }, b);
  sockets[0].refuses({ code: "FORBIDDEN", message: "no", details: { code: "X" } }, a);
  assert.deepEqual(await second, { n: 2 });
  await assert.rejects(first, (error) => error.reason === "X" && error.message === "no");
});

test("nothing goes out before the hello", async () => {
  const { wire, sockets } = makeWire();
  wire.start();
  await assert.rejects(wire.request("health"), { code: "CONNECTION_LOST" });
  assert.deepEqual(sockets[0].sent, []);
});

test("a broken connection fails its requests and comes back by itself, slower each time", async () => {
  const { wire, timers, sockets } = await online();
  const answer = wire.request("health");
  sockets[0].breaks();
  await assert.rejects(answer, { code: "CONNECTION_LOST" });
  for (const wait of [250, 500, 1000]) {
    const count = sockets.length;
    await timers.advance(wait - 1);
    assert.equal(sockets.length, count);
    await timers.advance(1);
    assert.equal(sockets.length, count + 1);
    sockets.at(-1).breaks();
  }
});

test("two silent ticks close the connection with 4000, any frame keeps it", async () => {
  const { wire, timers, sockets } = await online();
  await timers.advance(1900);
  sockets[0].says({ type: "event", event: "tick", payload: {}, seq: 1 });
  await timers.advance(1900);
  assert.equal(wire.online, true);
  await timers.advance(200);
  assert.deepEqual(sockets[0].closedWith, { code: 4000, reason: "tick timeout" });
  assert.equal(wire.state.phase, "waiting");
});

test("a gateway that never challenges is left after fifteen seconds", async () => {
  const { wire, timers, sockets } = makeWire();
  wire.start();
  await timers.advance(15_000);
  assert.equal(sockets[0].closedWith.code, 4000);
  await timers.advance(250);
  assert.equal(sockets.length, 2);
});

test("a request without an answer fails after thirty seconds as unanswered", async () => {
  const { wire, timers, sockets } = await online();
  let failure = null;
  wire.request("health").catch((error) => (failure = error));
  for (let second = 0; second < 31; second += 1) {
    sockets[0].says({ type: "event", event: "tick", payload: {} });
    await timers.advance(1000);
  }
  assert.equal(failure.unanswered, true);
});

test("a hole in the numbers is told once, targeted events do not count", async () => {
  const { sockets, seen } = await online();
  const says = (seq) => sockets[0].says({ type: "event", event: "chat", payload: {}, seq });
  for (const seq of [7, 8, undefined, 9, 11, 12]) says(seq);
  assert.deepEqual(seen.map(([name]) => name), ["chat", "chat", "chat", "chat", "missed", "chat", "chat"]);
});

test("a new connection counts anew", async () => {
  const { timers, sockets, seen } = await online();
  sockets[0].says({ type: "event", event: "chat", payload: {}, seq: 3 });
  sockets[0].breaks();
  await timers.advance(250);
  await greet(sockets[1]);
  sockets[1].says({ type: "event", event: "chat", payload: {}, seq: 9 });
  assert.equal(seen.some(([name]) => name === "missed"), false);
});

test("what is no frame is ignored", async () => {
  const { wire, sockets, seen } = await online();
  for (const text of ["", "{", "null", "[]", '"x"', "{}", '{"type":"res","id":"99","ok":true}']) {
    sockets[0].says(text);
  }
  assert.equal(wire.online, true);
  assert.deepEqual(seen, []);
});

test("a restarting gateway is asked again at least every second", async () => {
  const { wire, timers, sockets } = await online();
  sockets[0].says({ type: "event", event: "shutdown", payload: { reason: "restart" }, seq: 1 });
  sockets[0].breaks(1012);
  assert.equal(wire.state.restarting, true);
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const count = sockets.length;
    await timers.advance(1000);
    assert.ok(sockets.length > count);
    sockets.at(-1).breaks();
  }
  assert.equal(wire.state.restarting, true);
});

test("a refusal is judged: stop, wait as told, or back off", async () => {
  for (const [verdict, phase] of [[null, "stopped"], [3000, "waiting"], [undefined, "waiting"]]) {
    const { wire, sockets, timers } = makeWire(() => verdict);
    wire.start();
    sockets[0].says(challenge);
    await settled();
    sockets[0].refuses({ code: "INVALID_REQUEST", message: "no" });
    await settled();
    assert.equal(wire.state.phase, phase);
    assert.equal(wire.state.retryAtMs, verdict === null ? null : timers.now() + (verdict ?? 250));
    sockets[0].breaks(1008);
    assert.equal(wire.state.phase, phase);
  }
});

test("a removed device is judged like a void token", async () => {
  const judged = [];
  const { wire, sockets } = await online((error) => {
    judged.push(refusalKind(error));
    return null;
  });
  sockets[0].breaks(4001);
  assert.deepEqual(judged, ["forget"]);
  assert.equal(wire.state.phase, "stopped");
});

test("stopping leaves no timer behind", async () => {
  const { wire, timers, sockets } = await online();
  wire.request("health").catch(() => undefined);
  wire.stop();
  assert.equal(sockets[0].closedWith.code, 1000);
  assert.equal(timers.waiting, 0);
});

test("back-off doubles from 250 ms to 15 s, with jitter below", () => {
  const most = new Backoff(() => 1);
  const delays = Array.from({ length: 9 }, () => most.next());
  assert.deepEqual(delays, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  const least = new Backoff(() => 0);
  assert.equal(least.next(), 125);
  most.reset();
  assert.equal(most.next(), 250);
});

test("the first number of a connection is its baseline", () => {
  const watch = new SequenceWatch();
  assert.deepEqual([5, 6, 8, 8, 7, 9].map((seq) => watch.missed(seq)), [
    false, false, true, false, false, false,
  ]);
});

test("refusals are told apart by their finer code", () => {
  const kind = (code, details, more) => refusalKind(new WireError(code, "", { details, ...more }));
  assert.equal(kind("INVALID_REQUEST", { code: "AUTH_DEVICE_TOKEN_MISMATCH" }), "forget");
  assert.equal(kind("INVALID_REQUEST", { code: "AUTH_BOOTSTRAP_TOKEN_INVALID" }), "sign-in");
  assert.equal(kind("NOT_PAIRED", { code: "PAIRING_REQUIRED" }), "pairing");
  assert.equal(kind("INVALID_REQUEST", { code: "CONTROL_UI_ORIGIN_NOT_ALLOWED" }), "final");
  assert.equal(kind("INVALID_REQUEST", { code: "AUTH_RATE_LIMITED" }, { retryable: true }), "wait");
  assert.equal(kind("UNAVAILABLE", { reason: "startup-sidecars" }), "wait");
});
