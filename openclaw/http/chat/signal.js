// A list of listeners that are told in turn; it keeps no value of its own.

export class Signal {
  #listeners = new Set();

  /** Adds a listener and returns the function that takes it away again. */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  fire(...values) {
    for (const listener of [...this.#listeners]) listener(...values);
  }
}
