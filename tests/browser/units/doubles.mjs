// Stand-ins for what a browser gives the page: a clock, a storage, a socket. They decide nothing.

/** Timers that run when the test says so. */
export class Clock {
  #now = 1_000_000;
  #timers = new Set();

  now = () => this.#now;

  set = (callback, ms) => {
    const timer = { callback, at: this.#now + ms };
    this.#timers.add(timer);
    return timer;
  };

  clear = (timer) => this.#timers.delete(timer);

  get waiting() {
    return this.#timers.size;
  }

  /** Lets time pass, running what falls due in order, with the promises it settles. */
  async advance(ms) {
    const end = this.#now + ms;
    await settled();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#now = next.at;
      next.callback();
      await settled();
    }
    this.#now = end;
  }

  #next(end) {
    const due = [...this.#timers].filter((timer) => timer.at <= end);
    return due.sort((a, b) => a.at - b.at)[0];
  }
}

/** Lets every promise that can settle do so. */
export async function settled() {
  await new Promise((resolve) => setImmediate(resolve));
}

/** What PageStorage offers, over a map that outlives a "page". */
export class Storage {
  constructor(map = new Map()) {
    this.map = map;
  }

  names() {
    return [...this.map.keys()];
  }

  getItem(name) {
    return this.map.get(name) ?? null;
  }

  setItem(name, text) {
    this.map.set(name, text);
  }

  removeItem(name) {
    this.map.delete(name);
  }
}

/** One connection as the page sees it; the test plays the other end. */
export class Socket {
  sent = [];
  closedWith = null;

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code, reason) {
    this.closedWith = { code, reason };
  }

  /** The other end says something. */
  says(frame) {
    this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }

  answers(payload, request = this.sent.at(-1)) {
    this.says({ type: "res", id: request.id, ok: true, payload });
  }

  refuses(error, request = this.sent.at(-1)) {
    this.says({ type: "res", id: request.id, ok: false, error });
  }

  /** The connection breaks. */
  breaks(code = 1006) {
    this.onclose?.({ code, reason: "" });
  }
}

/** The same numbers in every run with the same seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
