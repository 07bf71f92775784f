// Notices events that never arrived, by the number each event of a connection carries.

export class SequenceWatch {
  #last = null;

  /** A new connection counts from its own first event. */
  reset() {
    this.#last = null;
  }

  /** Takes an event's `seq` (absent for targeted events); true when events before it are missing. */
  missed(seq) {
    if (!Number.isInteger(seq)) return false;
    const gap = this.#last !== null && seq > this.#last + 1;
    if (this.#last === null || seq > this.#last) this.#last = seq;
    return gap;
  }
}
