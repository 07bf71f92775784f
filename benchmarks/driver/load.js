// The loads: each returns counts and wall times; what the server spends is measured from outside.
"use strict";

const crypto = require("node:crypto");
const net = require("node:net");
const { monitorEventLoopDelay } = require("node:perf_hooks");
const WebSocket = require("ws");

const { Client } = require("./client.js");
const { clientOptions, poolOf } = require("./pools.js");

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Run `count` jobs, `width` at a time, the first ones `spreadMs` apart; `start(index, done)` begins one. */
function keepBusy(count, width, start, spreadMs = 0) {
  return new Promise((resolve) => {
    let begun = 0;
    let ended = 0;
    const more = () => {
      if (begun < count) start(begun++, done);
    };
    const done = () => {
      if (++ended === count) resolve();
      else more();
    };
    for (let lane = 0; lane < Math.min(width, count); lane++) {
      if (spreadMs) setTimeout(more, lane * spreadMs);
      else more();
    }
  });
}

function percentiles(latencies) {
  const sorted = Float64Array.from(latencies).sort();
  const at = (share) => (sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] : 0);
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

async function timed(work) {
  const begun = performance.now();
  const result = await work();
  return { wallSeconds: (performance.now() - begun) / 1000, ...result };
}

/** `count` requests of one method, `inFlight` open over the whole pool. */
function requests(command) {
  const clients = poolOf(command.pool);
  const latencies = [];
  let failed = 0;
  const start = (index, done) => {
    const begun = performance.now();
    clients[index % clients.length].call(command.method, command.params ?? {}, (frame) => {
      latencies.push(performance.now() - begun);
      if (!frame.ok) failed++;
      done();
    });
  };
  return timed(async () => {
    await keepBusy(command.count, command.inFlight, start);
    return { failed, answerBytes: clients[0].lastBytes, ...percentiles(latencies) };
  });
}

/** `count` complete connections: open, hello, close. Those of kind `device` are signed, all by one device. */
function handshakes(command) {
  let failed = 0;
  const start = (_index, done) => {
    const client = new Client(clientOptions(command));
    client.open().catch(() => failed++).then(() => client.close()).then(done);
  };
  return timed(async () => {
    await keepBusy(command.count, command.inFlight, start);
    return { failed };
  });
}

/** `events` system events from one sender; resolves when deliveries to the readers have been quiet for a moment. */
function fanOut(command) {
  const [sender] = poolOf(command.sender);
  const readers = poolOf(command.readers);
  let deliveries = 0;
  let last = performance.now();
  const count = (data) => {
    if (data.indexOf('"event":"presence"') < 0) return;
    deliveries++;
    last = performance.now();
  };
  for (const reader of readers) reader.onRaw = count;
  const start = (_index, done) => {
    sender.call("system-event", { text: command.text }, done);
  };
  const begun = performance.now();
  return (async () => {
    await keepBusy(command.events, command.inFlight, start);
    const expected = command.events * readers.length;
    while (deliveries < expected && performance.now() - last < command.quietMs) await sleep(5);
    for (const reader of readers) reader.onRaw = null;
    return { deliveries, expected, wallSeconds: (last - begun) / 1000 };
  })();
}

/** Start chat runs and wait until a watcher has seen each one end; `heard` gets the payload of every `chat` event. */
function chatRuns(command, heard = () => {}) {
  const senders = poolOf(command.pool);
  const [watcher] = poolOf(command.readers);
  const waiting = new Map();
  const seen = { deltas: 0, finals: 0, errors: 0 };
  watcher.onEvent = (name, payload) => {
    if (name !== "chat") return;
    heard(payload);
    chatEvent(payload, waiting, seen);
  };
  const start = (index, done) => {
    const idempotencyKey = crypto.randomUUID();
    waiting.set(idempotencyKey, done);
    const sessionKey = `agent:main:bench-${(command.firstSession ?? 0) + (index % command.sessions)}`;
    const params = { sessionKey, message: command.message, idempotencyKey };
    senders[index % senders.length].call("chat.send", params, (frame) => {
      if (frame.ok || !waiting.delete(idempotencyKey)) return;
      seen.refusal = frame.error.message;
      seen.errors++;
      done();
    });
  };
  return timed(async () => {
    await keepBusy(command.runs, command.inFlight, start, command.spreadMs);
    watcher.onEvent = null;
    return seen;
  });
}

/**
 * Runs that stream beside each other: how long each first token was on its way, how long small requests take then.
 * Runs that begin `spreadMs` apart count once all stream; where all begin at once, all count.
 */
async function firstTokens(command) {
  const [asker] = poolOf(command.asker);
  const firsts = new Map();
  const answers = [];
  const ownDelay = monitorEventLoopDelay({ resolution: 5 });
  const from = performance.now() + command.spreadMs * command.inFlight;
  const asking = setInterval(() => {
    const begun = performance.now();
    if (begun >= from) asker.call(command.method, {}, () => answers.push(performance.now() - begun));
  }, command.askMs);
  ownDelay.enable();
  const seen = await chatRuns(command, (payload) => {
    if (performance.now() >= from) firstToken(payload, firsts);
  });
  ownDelay.disable();
  clearInterval(asking);
  const times = [...firsts.values()].filter((time) => time !== null);
  return {
    ...seen,
    firsts: times.length,
    ...named("first", percentiles(times)),
    answers: answers.length,
    ...named("answer", percentiles(answers)),
    ownP99Ms: ownDelay.percentile(99) / 1e6,
  };
}

/** The same figures under names that begin with `name`. */
function named(name, figures) {
  return Object.fromEntries(Object.entries(figures).map(([key, value]) => [name + key[0].toUpperCase() + key.slice(1), value]));
}

/** Note by how much the first delta of a run is younger than the stamp in its text. */
function firstToken(payload, firsts) {
  if (payload.state !== "delta" || firsts.has(payload.runId)) return;
  const now = process.hrtime.bigint();
  const stamp = /^@([0-9]+)@/.exec(payload.deltaText ?? "");
  // A run whose first token came before anything counted shows a later one first.
  firsts.set(payload.runId, stamp && Number(now - BigInt(stamp[1])) / 1e6);
}

function chatEvent(payload, waiting, seen) {
  if (payload.state === "delta") seen.deltas++;
  if (!["final", "error", "aborted"].includes(payload.state)) return;
  const done = waiting.get(payload.runId);
  if (!done) return;
  waiting.delete(payload.runId);
  if (payload.state === "final") seen.finals++;
  else seen.errors++;
  done();
}

/** `chat.send` for some seconds: as fast as `inFlight` allows, or `perSecond` by the clock, late answers included. */
async function sends(command) {
  const clients = poolOf(command.pool);
  const tally = { latencies: [], accepted: 0, refused: 0, unanswered: 0, sent: 0, failures: {} };
  const begun = performance.now();
  const until = begun + command.seconds * 1000;
  if (command.perSecond) await sendByClock(command, clients, tally, begun);
  else await sendByAnswers(command, clients, tally, until);
  const wallSeconds = (performance.now() - begun) / 1000;
  const { latencies, ...counts } = tally;
  return { wallSeconds, ...counts, ...percentiles(latencies) };
}

function sendOne(command, clients, tally, dueAt, done) {
  const index = tally.sent++;
  const params = {
    sessionKey: `agent:main:bench-${index % command.sessions}`,
    message: command.message,
    idempotencyKey: crypto.randomUUID(),
  };
  clients[index % clients.length].call("chat.send", params, (frame) => {
    if (frame.ok) {
      tally.accepted++;
      tally.latencies.push(performance.now() - dueAt);
    } else {
      tally.refused++;
      const words = `${frame.error.code} ${frame.error.message}`.slice(0, 80);
      tally.failures[words] = (tally.failures[words] ?? 0) + 1;
    }
    done();
  });
}

function sendByAnswers(command, clients, tally, until) {
  return new Promise((resolve) => {
    let open = command.inFlight;
    const more = () => {
      if (performance.now() < until) sendOne(command, clients, tally, performance.now(), more);
      else if (--open === 0) resolve();
    };
    for (let lane = 0; lane < command.inFlight; lane++) more();
  });
}

async function sendByClock(command, clients, tally, begun) {
  const total = Math.round(command.seconds * command.perSecond);
  const until = begun + (command.seconds + command.graceSeconds) * 1000;
  const waiting = new Map();
  while (tally.sent < total || (waiting.size > 0 && performance.now() < until)) {
    const elapsed = (performance.now() - begun) / 1000;
    const due = Math.min(total, Math.floor(elapsed * command.perSecond) + 1);
    while (tally.sent < due) {
      const dueAt = begun + (tally.sent / command.perSecond) * 1000;
      const number = tally.sent;
      waiting.set(number, dueAt);
      sendOne(command, clients, tally, dueAt, () => waiting.delete(number));
    }
    await sleep(1);
  }
  // Who was never answered waited at least until now.
  tally.unanswered = waiting.size;
  for (const dueAt of waiting.values()) tally.latencies.push(performance.now() - dueAt);
}

/** Echoes of one message through a bare server, over `ws` or plain TCP: the floor under every other figure. */
async function echoes(command) {
  const open = command.tcp ? openTcp : openWebSocket;
  const sockets = await Promise.all(Array.from({ length: command.connections }, () => open(command)));
  const message = Buffer.alloc(command.bytes, "x");
  const start = (index, done) => sockets[index % sockets.length].echo(message, done);
  const result = await timed(async () => {
    await keepBusy(command.count, command.inFlight, start);
    return {};
  });
  for (const socket of sockets) socket.end();
  return result;
}

function openWebSocket(command) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(command.url, { perMessageDeflate: false });
    const waiting = [];
    socket.on("message", () => waiting.shift()());
    socket.on("error", reject);
    socket.on("open", () =>
      resolve({ echo: (message, done) => (waiting.push(done), socket.send(message.toString())), end: () => socket.terminate() }),
    );
  });
}

function openTcp(command) {
  return new Promise((resolve, reject) => {
    const waiting = [];
    let received = 0;
    const socket = net.connect(command.port, "127.0.0.1", () =>
      resolve({ echo: (message, done) => (waiting.push(done), socket.write(message)), end: () => socket.destroy() }),
    );
    socket.setNoDelay(true);
    socket.on("error", reject);
    socket.on("data", (data) => {
      received += data.length;
      for (; received >= command.bytes; received -= command.bytes) waiting.shift()();
    });
  });
}

/** Ask for a hello until one comes; the caller reads the clock when the answer arrives. */
async function firstHello(command) {
  const until = performance.now() + command.seconds * 1000;
  for (let attempts = 1; ; attempts++) {
    const client = new Client(clientOptions(command));
    try {
      await client.open();
      await client.close();
      return { attempts };
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(20);
    }
  }
}

/** One request, its payload handed back: to look at a server, not to load it. */
async function ask(command) {
  return { payload: await poolOf(command.pool)[0].request(command.method, command.params ?? {}) };
}

module.exports = { ask, chatRuns, echoes, fanOut, firstHello, firstTokens, handshakes, requests, sends };
