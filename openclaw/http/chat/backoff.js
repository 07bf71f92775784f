// How long to wait before the next attempt: doubling with jitter, in milliseconds; it sets no timers.

const FIRST_MS = 250;
const LONGEST_MS = 15_000;
const LONGEST_WHILE_RESTARTING_MS = 1_000;

export class Backoff {
  #attempts = 0;
  #random;

  constructor(random = Math.random) {
    this.#random = random;
  }

  reset() {
    this.#attempts = 0;
  }

  /** The next delay; a gateway that said it restarts is asked again at least every second. */
  next({ restarting = false } = {}) {
    const longest = restarting ? LONGEST_WHILE_RESTARTING_MS : LONGEST_MS;
    const delay = Math.min(longest, FIRST_MS * 2 ** Math.min(this.#attempts, 16));
    this.#attempts += 1;
    return Math.round(delay * (0.5 + this.#random() * 0.5));
  }
}
