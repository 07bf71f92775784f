// The browser's storage for this page's small texts; where it is full or switched off, memory does.

export class PageStorage {
  #inner;
  #memory = new Map();

  /** @param open gives the browser's storage, or throws */
  constructor(open) {
    try {
      this.#inner = open();
    } catch {
      this.#inner = null;
    }
  }

  names() {
    const stored = Array.from({ length: this.#inner?.length ?? 0 }, (_, i) => this.#inner.key(i));
    return [...new Set([...stored, ...this.#memory.keys()])];
  }

  getItem(name) {
    return this.#memory.get(name) ?? this.#inner?.getItem(name) ?? null;
  }

  setItem(name, text) {
    try {
      this.#inner.setItem(name, text);
      this.#memory.delete(name);
    } catch {
      this.#memory.set(name, text);
    }
  }

  removeItem(name) {
    this.#memory.delete(name);
    this.#inner?.removeItem(name);
  }
}
