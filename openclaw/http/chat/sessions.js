// The list of conversations: read from the gateway, kept fresh by its events; it holds no messages.

import { Signal } from "./signal.js";

const LIMIT = 100;
const SOON_MS = 250;

export class Sessions {
  changed = new Signal();
  /** Told the key of a session whose messages are gone. */
  emptied = new Signal();

  defaults = { defaultAgentId: "main", mainSessionKey: "agent:main:main" };

  #wire;
  #timers;
  #rows = [];
  #drafts = new Map();
  #methods = new Set();
  #soon = null;

  constructor({ wire, timers }) {
    this.#wire = wire;
    this.#timers = timers;
  }

  /** Rows as the gateway gives them, the main one always there, new ones on top. */
  get rows() {
    const { mainSessionKey } = this.defaults;
    const known = new Set(this.#rows.map((row) => row.key));
    const drafts = [...this.#drafts.values()].filter((row) => !known.has(row.key));
    const rows = [...drafts, ...this.#rows];
    if (rows.some((row) => row.key === mainSessionKey)) return rows;
    return [...rows, { key: mainSessionKey, isMain: true }];
  }

  row(key) {
    return this.rows.find((row) => row.key === key) ?? { key };
  }

  can(method) {
    return this.#methods.has(method);
  }

  connected({ methods, defaults }) {
    this.#methods = methods;
    this.defaults = { ...this.defaults, ...defaults };
    if (this.can("sessions.subscribe")) this.#quietly("sessions.subscribe", {});
    this.refresh();
  }

  /** A session that exists here until its first message makes it exist there. */
  create(randomName) {
    const key = `agent:${this.defaults.defaultAgentId}:webchat:${randomName}`;
    this.#drafts.set(key, { key, isNew: true });
    this.changed.fire();
    return key;
  }

  /** Takes the event `sessions.changed`. */
  received({ sessionKey, reason }) {
    if (sessionKey && (reason === "reset" || reason === "delete")) this.emptied.fire(sessionKey);
    this.refreshSoon();
  }

  refreshSoon() {
    if (this.#soon) return;
    this.#soon = this.#timers.set(() => {
      this.#soon = null;
      this.refresh();
    }, SOON_MS);
  }

  async refresh() {
    const params = { limit: LIMIT, includeDerivedTitles: true, includeLastMessage: true };
    const answer = await this.#quietly("sessions.list", params);
    if (!answer) return;
    this.#rows = answer.sessions ?? [];
    this.changed.fire();
  }

  async rename(key, label) {
    await this.#wire.request("sessions.patch", { key, label });
    await this.refresh();
  }

  async reset(key) {
    await this.#wire.request("sessions.reset", { key });
    this.emptied.fire(key);
    await this.refresh();
  }

  async delete(key) {
    const isDraft = this.#drafts.delete(key) && !this.#rows.some((row) => row.key === key);
    if (!isDraft) await this.#wire.request("sessions.delete", { key, deleteTranscript: true });
    this.emptied.fire(key);
    await this.refresh();
    this.changed.fire();
  }

  /** A failure leaves the list as it was: the next event or connection reads it again. */
  #quietly(method, params) {
    return this.#wire.request(method, params).catch(() => null);
  }
}
