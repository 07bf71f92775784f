// Carries the outbox to the gateway: one message per session at a time, so that order is kept.

import { Backoff } from "./backoff.js";
import { Signal } from "./signal.js";

export class Delivery {
  /** Told the entry and the answer of `chat.send` once the gateway has stored the message. */
  accepted = new Signal();

  #outbox;
  #wire;
  #timers;
  #random;
  #settle;
  #pauses = new Map();
  #settling = new Set();

  /**
   * @param wire `{online, request(method, params)}`
   * @param settle session key → promise that the outbox has been compared with that session's history
   */
  constructor({ outbox, wire, settle, timers, random }) {
    this.#outbox = outbox;
    this.#settle = settle;
    this.#wire = wire;
    this.#timers = timers;
    this.#random = random;
  }

  /**
   * After a handshake everything unacknowledged goes out again, under the same keys. What may have
   * arrived is looked for in the history first: a gateway remembers keys for minutes, not for ever.
   */
  connected() {
    for (const sessionKey of this.#outbox.sessionKeys()) this.#resume(sessionKey);
  }

  disconnected() {
    for (const { timer } of this.#pauses.values()) this.#timers.clear(timer);
    this.#pauses.clear();
    this.#outbox.requeueAll();
  }

  send(sessionKey, text) {
    const entry = this.#outbox.add(sessionKey, text);
    this.#pump(sessionKey);
    return entry;
  }

  retry(entry) {
    this.#outbox.requeue(entry.key);
    this.#pump(entry.sessionKey);
  }

  async #resume(sessionKey) {
    if (this.#outbox.entries(sessionKey).some((entry) => entry.tried)) {
      this.#settling.add(sessionKey);
      await this.#settle(sessionKey);
      this.#settling.delete(sessionKey);
    }
    this.#pump(sessionKey);
  }

  async #pump(sessionKey) {
    const waits = this.#settling.has(sessionKey) || this.#pauses.get(sessionKey)?.timer;
    const entry = this.#wire.online && !waits ? this.#outbox.next(sessionKey) : null;
    if (!entry) return;
    this.#outbox.sending(entry.key);
    try {
      const answer = await this.#wire.request("chat.send", {
        sessionKey,
        message: entry.text,
        deliver: false,
        idempotencyKey: entry.key,
      });
      this.#pauses.delete(sessionKey);
      this.accepted.fire(entry, answer);
      this.#outbox.remove(entry.key);
    } catch (error) {
      this.#refused(entry, error);
    }
    this.#pump(sessionKey);
  }

  #refused(entry, error) {
    const final = !error.retryable && !error.unanswered;
    if (final) {
      this.#outbox.fail(entry.key, error.message);
      return;
    }
    if (this.#wire.online) this.#pause(entry.sessionKey, error.retryAfterMs);
    this.#outbox.requeue(entry.key);
  }

  #pause(sessionKey, retryAfterMs) {
    const backoff = this.#pauses.get(sessionKey)?.backoff ?? new Backoff(this.#random);
    const delay = retryAfterMs ?? backoff.next();
    const timer = this.#timers.set(() => {
      this.#pauses.set(sessionKey, { backoff, timer: null });
      this.#pump(sessionKey);
    }, delay);
    this.#pauses.set(sessionKey, { backoff, timer });
  }
}
