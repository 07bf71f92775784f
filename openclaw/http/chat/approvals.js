// What waits for a person's approval: read after every handshake, kept fresh by events. Shows nothing.

import { Signal } from "./signal.js";

const NEEDED = ["exec.approval.list", "exec.approval.resolve"];

/**
 * Rows are the gateway's, with `busy` while a decision is on its way and `error` if it was refused.
 * When one expires is the gateway's to say: the clock of this machine may be wrong.
 */
export class Approvals {
  changed = new Signal();
  /** Told each row that was not there before. */
  asked = new Signal();

  #wire;
  #rows = new Map();
  #serves = false;

  /** @param wire `{online, request(method, params)}` */
  constructor({ wire }) {
    this.#wire = wire;
  }

  /** The oldest first. */
  get rows() {
    return [...this.#rows.values()].sort((a, b) => a.createdAtMs - b.createdAtMs);
  }

  connected(methods) {
    this.#serves = NEEDED.every((name) => methods.has(name));
    this.refresh();
  }

  /** Without a connection nothing can be decided, and nobody knows what still waits. */
  disconnected() {
    if (!this.#rows.size) return;
    this.#rows.clear();
    this.changed.fire();
  }

  /** Takes the events `exec.approval.requested` and `exec.approval.resolved`. */
  received(event, payload) {
    if (event === "exec.approval.resolved") this.#remove(payload.id);
    else this.#add(payload);
  }

  async refresh() {
    if (!this.#serves || !this.#wire.online) return;
    // A browser that was let in without the right to decide is refused, and shows nothing.
    const rows = await this.#wire.request(NEEDED[0]).catch(() => null);
    if (!rows) return;
    const waiting = new Set(rows.map(({ id }) => id));
    for (const id of this.#rows.keys()) if (!waiting.has(id)) this.#remove(id);
    for (const row of rows) this.#add(row);
  }

  /** @param decision `allow-once` or `deny` */
  async decide(id, decision) {
    if (this.#rows.get(id)?.busy !== false) return;
    this.#change(id, { busy: true, error: null });
    try {
      await this.#wire.request(NEEDED[1], { id, decision });
      this.#remove(id);
    } catch (error) {
      if (error.code === "APPROVAL_NOT_FOUND") this.#remove(id);
      else this.#change(id, { busy: false, error: error.message });
    }
  }

  #add(row) {
    if (this.#rows.has(row.id)) return;
    this.#rows.set(row.id, { ...row, busy: false, error: null });
    this.asked.fire(row);
    this.changed.fire();
  }

  #change(id, news) {
    const row = this.#rows.get(id);
    if (!row) return;
    this.#rows.set(id, { ...row, ...news });
    this.changed.fire();
  }

  #remove(id) {
    if (this.#rows.delete(id)) this.changed.fire();
  }
}
