// The page's parts together against a gateway that keeps its promises and a network that keeps none:
// frames are lost in both directions, connections break anywhere, the page is reloaded in between.

import assert from "node:assert/strict";
import test from "node:test";

import { Conversation } from "../../../openclaw/http/chat/conversation.js";
import { Delivery } from "../../../openclaw/http/chat/delivery.js";
import { Outbox } from "../../../openclaw/http/chat/outbox.js";
import { Wire } from "../../../openclaw/http/chat/wire.js";
import { Clock, Socket, Storage, randomFrom } from "./doubles.mjs";

const KEY = "agent:main:main";
const METHODS = new Set(["chat.startup", "sessions.messages.subscribe"]);

/** Stores a message before it answers and runs one after the other, like the gateway. */
class Gateway {
  messages = [];
  sockets = new Set();
  #queue = [];
  #clock;
  #random;

  /** @param remembers whether it knows a key again: a real one does, but not for ever */
  constructor(clock, random, remembers) {
    this.remembers = remembers;
    this.#clock = clock;
    this.#random = random;
  }

  open() {
    const socket = new Socket();
    const link = { socket, alive: true, seq: 0, hello: false };
    socket.send = (text) => this.#later(link, () => this.#asked(link, JSON.parse(text)));
    socket.close = () => this.cut(link);
    this.sockets.add(link);
    this.#tell(link, { type: "event", event: "connect.challenge", payload: { nonce: "n", ts: 1 } });
    return socket;
  }

  /** What is on its way in either direction is gone; the page hears of it a little later. */
  cut(link = [...this.sockets][0]) {
    if (!link?.alive) return;
    link.alive = false;
    this.sockets.delete(link);
    this.#clock.set(() => link.socket.breaks(), 5);
  }

  #later(link, action) {
    const at = Math.max(this.#clock.now() + 1 + this.#random() * 20, link.last ?? 0);
    link.last = at;
    this.#clock.set(() => link.alive && action(), at - this.#clock.now());
  }

  #tell(link, frame) {
    this.#later(link, () => link.socket.says(frame));
  }

  #publish(event, payload) {
    for (const link of this.sockets) {
      if (!link.hello) continue;
      link.seq += 1;
      // A slow connection loses an event now and then; the number is used up all the same.
      if (this.#random() > 0.05) this.#tell(link, { type: "event", event, payload, seq: link.seq });
    }
  }

  #asked(link, { id, method, params }) {
    const answer = (payload) => this.#tell(link, { type: "res", id, ok: true, payload });
    if (method === "connect") {
      link.hello = true;
      answer({ policy: { tickIntervalMs: 30_000 } });
    } else if (method === "chat.startup") answer(this.#history());
    else if (method === "chat.send") answer(this.#send(params));
    else answer({});
  }

  #history() {
    const sessionInfo = { activeRunIds: this.#queue.map(({ runId }) => runId) };
    return { messages: structuredClone(this.messages), sessionInfo };
  }

  #send({ message, idempotencyKey: runId }) {
    const known = this.remembers && this.messages.find((stored) => stored.__openclaw.runId === runId);
    if (known) {
      const running = this.#queue.some((run) => run.runId === runId);
      return { runId, status: running ? "in_flight" : "ok", messageSeq: known.__openclaw.seq };
    }
    const { seq: messageSeq } = this.#store("user", message, runId).__openclaw;
    this.#queue.push({ runId, message });
    if (this.#queue.length === 1) this.#run();
    return { runId, status: "started", messageSeq };
  }

  #run() {
    const { runId, message } = this.#queue[0];
    const words = `answer to ${message}`.split(" ");
    words.forEach((_, index) => {
      const content = [{ type: "text", text: words.slice(0, index + 1).join(" ") }];
      const payload = { runId, sessionKey: KEY, seq: index + 1, state: "delta", message: { content } };
      this.#clock.set(() => this.#publish("chat", payload), 15 * (index + 1));
    });
    this.#clock.set(() => this.#finish(runId, words), 15 * (words.length + 1));
  }

  #finish(runId, words) {
    const message = this.#store("assistant", words.join(" "), runId);
    this.#queue.shift();
    const payload = { runId, sessionKey: KEY, seq: words.length + 1, state: "final", message };
    this.#publish("chat", payload);
    if (this.#queue.length) this.#run();
  }

  #store(role, text, runId) {
    const seq = this.messages.length + 1;
    const message = { role, content: [{ type: "text", text }], __openclaw: { id: `m${seq}`, seq, runId } };
    this.messages.push(message);
    this.#publish("session.message", { sessionKey: KEY, message });
    return message;
  }
}

/** The parts as main.js joins them. */
class Page {
  constructor({ gateway, clock, random, storage, makeKey }) {
    this.outbox = new Outbox({ storage, makeKey, now: clock.now });
    this.wire = new Wire({
      openSocket: () => gateway.open(), connectParams: async () => ({}), refused: () => undefined,
      timers: clock, random,
    });
    const { wire, outbox } = this;
    this.conversation = new Conversation({ wire, outbox, timers: clock });
    const settle = (key) => this.conversation.settle(key);
    this.delivery = new Delivery({ outbox, wire, settle, timers: clock, random });
    const { delivery, conversation } = this;
    wire.stateChanged.listen(({ phase }) => phase === "waiting" && delivery.disconnected());
    wire.connected.listen(() => {
      conversation.connected(METHODS);
      delivery.connected();
    });
    wire.received.listen((event, payload) => conversation.received(event, payload));
    wire.missed.listen(() => conversation.refresh());
    delivery.accepted.listen((entry, answer) => conversation.accepted(entry, answer));
    conversation.found.listen((keys) => keys.forEach((key) => outbox.remove(key)));
    conversation.open(KEY);
    wire.start();
  }

  get shown() {
    return this.conversation.items.map(({ role, text }) => `${role[0]} ${text}`);
  }
}

async function story(seed, remembers) {
  const [clock, random, storage] = [new Clock(), randomFrom(seed), new Storage()];
  const gateway = new Gateway(clock, random, remembers);
  let keys = 0;
  const makeKey = () => `key${(keys += 1)}`;
  const open = () => new Page({ gateway, clock, random, storage: new Storage(storage.map), makeKey });
  let page = open();
  const sent = [];
  for (let step = 0; step < 40; step += 1) {
    if (random() < 0.4) {
      sent.push(`message ${sent.length + 1}`);
      page.delivery.send(KEY, sent.at(-1));
    }
    if (random() < 0.35) gateway.cut();
    if (random() < 0.05) {
      page.wire.stop();
      page = open();
    }
    await clock.advance(random() * 150);
    const users = page.shown.filter((line) => line.startsWith("u "));
    assert.equal(new Set(page.shown).size, page.shown.length, `seed ${seed}: shown twice: ${page.shown}`);
    if (page.conversation.transcript.loaded) assert.deepEqual(users, sent.map((text) => `u ${text}`));
  }
  await clock.advance(60_000);
  const wanted = sent.flatMap((text) => [`u ${text}`, `a answer to ${text}`]);
  assert.deepEqual(page.shown, wanted, `seed ${seed}`);
  const stored = gateway.messages.filter(({ role }) => role === "user").map(({ content }) => content[0].text);
  assert.deepEqual(stored, sent, `seed ${seed}: stored`);
  assert.deepEqual(page.outbox.entries(KEY), []);
  assert.equal(page.conversation.running, false);
  return sent.length;
}

for (const remembers of [true, false]) {
  const name = remembers ? "a gateway that knows its keys" : "a gateway that has forgotten its keys";
  test(`${name}: every message is stored and shown once, in order, with its answer`, async () => {
    let messages = 0;
    for (let seed = 1; seed <= 60; seed += 1) messages += await story(seed, remembers);
    assert.ok(messages > 500, String(messages));
  });
}
