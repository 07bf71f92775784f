// Messages the gateway has not acknowledged yet, in order, kept across reloads; it sends nothing.

import { Signal } from "./signal.js";

const PREFIX = "openclaw.webchat.outbox.";

/**
 * Entries are `{key, sessionKey, text, order, createdAtMs, state, tried?, error?}`;
 * state: queued, sending, failed.
 */
export class Outbox {
  changed = new Signal();

  #storage;
  #makeKey;
  #now;
  #entries = new Map();

  /** @param storage a PageStorage: one record per message, so that two tabs never overwrite each other */
  constructor({ storage, makeKey, now = Date.now }) {
    this.#storage = storage;
    this.#makeKey = makeKey;
    this.#now = now;
    for (const name of storage.names()) if (name.startsWith(PREFIX)) this.#restore(name);
  }

  add(sessionKey, text) {
    const orders = [...this.#entries.values()].map((entry) => entry.order);
    const entry = {
      key: this.#makeKey(),
      sessionKey,
      text,
      order: Math.max(0, ...orders) + 1,
      createdAtMs: this.#now(),
      state: "queued",
    };
    this.#entries.set(entry.key, entry);
    this.#store(entry);
    this.changed.fire(sessionKey);
    return entry;
  }

  entries(sessionKey) {
    const mine = [...this.#entries.values()].filter((entry) => entry.sessionKey === sessionKey);
    return mine.sort((a, b) => a.order - b.order || a.createdAtMs - b.createdAtMs);
  }

  sessionKeys() {
    return [...new Set([...this.#entries.values()].map((entry) => entry.sessionKey))];
  }

  /** The next message to send, or null while one of its session is on its way. */
  next(sessionKey) {
    const entries = this.entries(sessionKey);
    if (entries.some((entry) => entry.state === "sending")) return null;
    return entries.find((entry) => entry.state === "queued") ?? null;
  }

  sending(key) {
    this.#update(key, { state: "sending", tried: true });
  }

  /** Nobody knows whether it arrived: it waits and goes out again under the same key. */
  requeue(key) {
    this.#update(key, { state: "queued", error: undefined });
  }

  /** Refused for good; it stays visible until it is sent again or discarded. */
  fail(key, error) {
    this.#update(key, { state: "failed", error });
  }

  requeueAll() {
    for (const entry of this.#entries.values()) {
      if (entry.state === "sending") this.requeue(entry.key);
    }
  }

  /** The gateway has it, or the user discarded it. */
  remove(key) {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#storage.removeItem(PREFIX + key);
    this.changed.fire(entry.sessionKey);
  }

  /** Another tab changed the storage: what it acknowledged there needs no sending here. */
  storageChanged(name, value) {
    if (!name?.startsWith(PREFIX)) return;
    const key = name.slice(PREFIX.length);
    if (value === null) this.remove(key);
    else if (!this.#entries.has(key)) {
      const entry = this.#restore(name);
      if (entry) this.changed.fire(entry.sessionKey);
    }
  }

  #update(key, change) {
    const entry = this.#entries.get(key);
    if (!entry) return;
    Object.assign(entry, change);
    this.#store(entry);
    this.changed.fire(entry.sessionKey);
  }

  #store(entry) {
    this.#storage.setItem(PREFIX + entry.key, JSON.stringify(entry));
  }

  #restore(name) {
    const entry = parse(this.#storage.getItem(name));
    if (!entry) return null;
    if (entry.state !== "failed") entry.state = "queued";
    this.#entries.set(entry.key, entry);
    return entry;
  }
}

function parse(text) {
  try {
    const entry = JSON.parse(text);
    const whole = [entry.key, entry.sessionKey, entry.text].every((v) => typeof v === "string");
    return whole && Number.isFinite(entry.order) ? entry : null;
  } catch {
    return null;
  }
}
