// The session in front of the user: reads its history when needed and feeds its transcript. Shows nothing.

import { Signal } from "./signal.js";
import { Transcript } from "./transcript.js";

const PAGE = 200;
const MOST_BYTES = 1_000_000;
const LONGEST_LIMIT = 10_000;
const SOON_MS = 400;
const QUIET_MS = 10_000;

export class Conversation {
  changed = new Signal();
  /** Told an answer's text when it is complete, for those who listen instead of look. */
  answered = new Signal();
  /** Told the keys of messages the history was found to hold. */
  found = new Signal();

  sessionKey = null;
  error = null;

  #wire;
  #timers;
  #outbox;
  #transcripts = new Map();
  #methods = new Set();
  #reading = null;
  #underWay = null;
  #again = false;
  #limit = PAGE;
  #soon = null;
  #quiet = null;

  constructor({ wire, outbox, timers }) {
    this.#wire = wire;
    this.#outbox = outbox;
    this.#timers = timers;
  }

  get transcript() {
    return this.#of(this.sessionKey);
  }

  get items() {
    return this.sessionKey ? this.transcript.items(this.#outbox.entries(this.sessionKey)) : [];
  }

  get running() {
    return this.sessionKey ? this.transcript.activeRuns.length > 0 : false;
  }

  /** Shows another session; what is known of it is there at once, the rest is read. */
  open(sessionKey) {
    if (sessionKey === this.sessionKey) return;
    this.sessionKey = sessionKey;
    this.#limit = PAGE;
    this.error = null;
    this.changed.fire();
    this.#attend();
  }

  connected(methods) {
    this.#methods = methods;
    if (this.sessionKey) this.#attend();
  }

  /** Reads the history again, once more if one reading is already under way. */
  refresh() {
    this.#timers.clear(this.#soon);
    this.#soon = null;
    if (!this.#wire.online || !this.sessionKey) return;
    if (this.#reading === this.sessionKey) this.#again = true;
    else this.#underWay = this.#read(this.sessionKey);
  }

  /** The history of a session, read since the last handshake, and the outbox compared with it. */
  settle(sessionKey) {
    return this.#reading === sessionKey ? this.#underWay : this.#read(sessionKey);
  }

  earlier() {
    this.#limit = Math.min(LONGEST_LIMIT, this.#limit + PAGE);
    this.refresh();
  }

  /** Stops the answer being written. */
  async stop() {
    const [run] = this.transcript.activeRuns;
    if (!run) return;
    const { sessionKey } = this;
    await this.#wire.request("chat.abort", { sessionKey, runId: run.runId });
  }

  /** The gateway has stored a message of the outbox. */
  accepted(entry, { status, messageSeq }) {
    const transcript = this.#of(entry.sessionKey);
    transcript.accept(entry, status === "started" || status === "in_flight", messageSeq);
    if (entry.sessionKey !== this.sessionKey) return;
    if (status === "started") this.#expectNews();
    else this.#refreshSoon();
    this.changed.fire();
  }

  /** Takes the events `chat` and `session.message`. */
  received(event, payload) {
    const transcript = this.#transcripts.get(payload.sessionKey);
    if (!transcript) return;
    if (event === "session.message") transcript.applyMessage(payload);
    else if (transcript.applyChat(payload)) this.#ended(transcript, payload);
    if (payload.sessionKey !== this.sessionKey) return;
    this.#expectNews();
    this.changed.fire();
  }

  /** The session was emptied or deleted, here or elsewhere. */
  forget(sessionKey) {
    this.#transcripts.get(sessionKey)?.forget();
    if (sessionKey !== this.sessionKey) return;
    this.changed.fire();
    this.refresh();
  }

  #ended(transcript, { runId, sessionKey, state }) {
    if (sessionKey !== this.sessionKey) return;
    const item = transcript.items().findLast((each) => each.runId === runId);
    if (state === "final" && item?.text) this.answered.fire(item.text);
    this.#refreshSoon(() => !transcript.answers(runId));
  }

  #of(sessionKey) {
    const known = this.#transcripts.get(sessionKey);
    if (known) return known;
    const transcript = new Transcript();
    this.#transcripts.set(sessionKey, transcript);
    return transcript;
  }

  #attend() {
    if (!this.#wire.online) return;
    const { sessionKey } = this;
    if (this.#methods.has("sessions.messages.subscribe")) {
      // Without it messages of other clients are found by the next reading only.
      this.#wire.request("sessions.messages.subscribe", { key: sessionKey }).catch(() => undefined);
    }
    this.refresh();
  }

  #refreshSoon(needed = () => true) {
    this.#timers.clear(this.#soon);
    this.#soon = this.#timers.set(() => needed() && this.refresh(), SOON_MS);
  }

  /** While an answer is expected, silence means that something was missed. */
  #expectNews() {
    this.#timers.clear(this.#quiet);
    this.#quiet = this.running ? this.#timers.set(() => this.refresh(), QUIET_MS) : null;
  }

  async #read(sessionKey) {
    if (sessionKey === this.sessionKey) {
      this.#reading = sessionKey;
      this.#again = false;
    }
    const transcript = this.#of(sessionKey);
    const asOf = transcript.stamp();
    const method = this.#methods.has("chat.startup") ? "chat.startup" : "chat.history";
    const params = { sessionKey, limit: this.#limit, maxBytes: MOST_BYTES };
    try {
      transcript.applyHistory(await this.#wire.request(method, params), asOf);
      if (sessionKey === this.sessionKey) this.error = null;
      this.#settleOutbox(sessionKey, transcript);
    } catch (error) {
      if (sessionKey === this.sessionKey && !error.unanswered) this.error = error.message;
    }
    if (this.#reading === sessionKey) this.#reading = null;
    this.#afterReading(sessionKey);
  }

  #afterReading(sessionKey) {
    if (sessionKey !== this.sessionKey) return;
    this.changed.fire();
    this.#expectNews();
    if (this.#again) this.refresh();
  }

  #settleOutbox(sessionKey, transcript) {
    const waiting = this.#outbox.entries(sessionKey);
    const keys = waiting.filter(({ key }) => transcript.holds(key)).map(({ key }) => key);
    if (keys.length) this.found.fire(keys);
  }
}
