// One session as it is shown: stored history, messages on their way and answers being written, each
// exactly once whatever was missed or repeated. It asks nothing of the gateway itself.

import { readMessage } from "./messages.js";
import { Runs } from "./runs.js";

export class Transcript {
  hasMore = false;
  loaded = false;

  #ticks = 0;
  #history = [];
  #accepted = new Map();
  #stopped = new Set();
  #runs = new Runs(() => this.stamp());

  /** A rising number; one taken before asking for history goes with the answer into `applyHistory`. */
  stamp() {
    return (this.#ticks += 1);
  }

  get activeRuns() {
    return this.#runs.active();
  }

  /** Takes an answer of `chat.startup` or `chat.history` that was asked for at `asOf`. */
  applyHistory(payload, asOf) {
    const newer = this.#history.filter((message) => message.arrived > asOf);
    this.#history = (payload.messages ?? []).map(readMessage);
    for (const message of newer) this.#insert(message);
    this.hasMore = Boolean(payload.hasMore);
    this.loaded = true;
    for (const [key, entry] of this.#accepted) {
      if (entry.stamp < asOf || this.holds(key)) this.#accepted.delete(key);
    }
    for (const input of payload.pendingInputs?.items ?? []) this.#keepWaiting(input);
    this.#runs.settle({ answers: this.#answers(), activeIds: activeRunIds(payload), asOf });
  }

  /** Takes a `session.message` event: one message that has just been stored. */
  applyMessage({ message, messageId, messageSeq }) {
    const read = readMessage(message);
    read.id ??= messageId;
    read.seq ??= messageSeq;
    read.arrived = this.stamp();
    this.#insert(read);
    if (read.role === "user") this.#accepted.delete(read.runId);
    else if (read.role === "assistant" && saysSomething(read)) this.#runs.stored(read.runId, read);
  }

  /** Takes a `chat` event; true when the run has ended. */
  applyChat(event) {
    const ended = this.#runs.apply(event);
    if (event.state === "aborted") this.#stopped.add(event.runId);
    const answer = ended && this.#answers().get(event.runId);
    if (answer) this.#runs.stored(event.runId, answer);
    return ended;
  }

  /**
   * The gateway has stored this message of the outbox.
   * @param running its answer is to come
   * @param seq its place in the history, where the gateway said so
   */
  accept(entry, running, seq) {
    if (!this.holds(entry.key)) this.#accepted.set(entry.key, { ...entry, seq, stamp: this.stamp() });
    if (running) this.#runs.begin(entry.key);
  }

  /** True when the history has the message sent under this key. */
  holds(key) {
    return this.#history.some((message) => message.role === "user" && message.runId === key);
  }

  /** True when the history has an answer of this run. */
  answers(runId) {
    return this.#answers().has(runId);
  }

  forget() {
    this.#history = [];
    this.#accepted.clear();
    this.#runs = new Runs(() => this.stamp());
    this.loaded = false;
  }

  /**
   * What to show, in order: every message with the answers to it behind it.
   * @param waiting the outbox's entries of this session
   */
  items(waiting = []) {
    const groups = new Groups();
    const early = [...this.#accepted.values()];
    for (const message of this.#history) {
      while (early[0]?.seq < message.seq) groups.sent(early.shift(), "sent");
      groups.stored(message);
    }
    for (const entry of early) groups.sent(entry, "sent");
    for (const entry of waiting) groups.sent(entry, entry.state, entry.error);
    let thinking = true;
    for (const run of this.#runs.all()) {
      if (run.quiet) continue; // all of it so far is in the history
      const silent = run.state === "running" && !run.text;
      if (silent && !thinking) continue; // it waits for the one before it
      if (silent) thinking = false;
      groups.written(run);
    }
    const items = groups.items();
    for (const item of items) if (item.role === "assistant") item.stopped ||= this.#stopped.has(item.runId);
    return items;
  }

  /** The gateway has this input, but not in the history yet. */
  #keepWaiting({ runId, text, acceptedAt }) {
    if (typeof text !== "string" || this.holds(runId) || this.#accepted.has(runId)) return;
    const stamp = this.stamp();
    this.#accepted.set(runId, { key: runId, text, createdAtMs: acceptedAt, stamp });
  }

  /** The latest answer of every run in the history. */
  #answers() {
    const isAnswer = (message) => message.role === "assistant" && saysSomething(message);
    const answers = this.#history.filter(isAnswer);
    return new Map(answers.map((message) => [message.runId, message]));
  }

  #insert(message) {
    const same = this.#history.findIndex((other) => message.id && other.id === message.id);
    if (same >= 0) this.#history.splice(same, 1);
    const after = this.#history.findLastIndex((other) => !(other.seq > message.seq));
    this.#history.splice(after + 1, 0, message);
  }
}

function activeRunIds({ sessionInfo }) {
  if (Array.isArray(sessionInfo?.activeRunIds)) return new Set(sessionInfo.activeRunIds);
  return sessionInfo?.hasActiveRun === false ? new Set() : null;
}

function saysSomething({ text, error, stopped }) {
  return Boolean(text || error || stopped);
}

/** Puts answers behind the messages they answer; items without a partner keep their place. */
class Groups {
  #ordered = [];
  #byRun = new Map();

  stored(message) {
    if (!saysSomething(message) && !message.tools.length) return;
    if (message.role === "user") this.#open(message.runId, [userItem(message, "stored")]);
    else if (message.role === "assistant") this.#attach(message.runId, message, answerItem(message));
  }

  sent(entry, state, error) {
    if (this.#byRun.has(entry.key)) return;
    const message = { text: entry.text, runId: entry.key, timestampMs: entry.createdAtMs };
    this.#open(entry.key, [{ ...userItem(message, state), error, entry }]);
  }

  written(run) {
    const answer = answerItem(run);
    const blank = !run.text && run.state !== "running" && !run.error && run.state !== "aborted";
    if (blank) return;
    answer.streaming = run.state === "running";
    answer.stopped = run.state === "aborted";
    answer.lost = run.state === "lost";
    this.#attach(run.runId, run, answer);
  }

  items() {
    return this.#ordered.flat();
  }

  #open(runId, group) {
    this.#ordered.push(group);
    if (runId) this.#byRun.set(runId, group);
  }

  #attach(runId, { id }, item) {
    const group = this.#byRun.get(runId) ?? [];
    if (!group.length) this.#open(runId, group);
    item.prompt = group[0]?.role === "user" ? group[0].text : undefined;
    item.key = runId ? `a:${runId}:${group.length}` : `m:${id}`;
    group.push(item);
  }
}

function userItem({ id, runId, text, timestampMs }, state) {
  return { key: runId ? `u:${runId}` : `m:${id}`, role: "user", text, timestampMs, state };
}

function answerItem({ runId, text, tools = [], timestampMs, error, stopped }) {
  return { role: "assistant", runId, text, tools, timestampMs, error, stopped };
}
