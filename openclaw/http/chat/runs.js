// The answers being written in one session, from `chat` events; finished ones stay until history has them.

import { textOf } from "./messages.js";

const ENDED = new Set(["final", "aborted", "error"]);

export class Runs {
  #runs = new Map();
  #clock;

  /** @param clock gives rising numbers, so that a run's last change can be compared with a reading */
  constructor(clock) {
    this.#clock = clock;
  }

  all() {
    return [...this.#runs.values()];
  }

  get(runId) {
    return this.#runs.get(runId);
  }

  /** The runs that have not ended, oldest first. */
  active() {
    return this.all().filter((run) => run.state === "running");
  }

  /** The gateway works on this run, of which nothing has been seen yet. */
  begin(runId) {
    if (!this.#runs.has(runId)) this.#change(runId, {});
  }

  /** Takes a `chat` event; true when it ended the run. */
  apply({ runId, state, seq = 0, deltaText, replace, message, errorMessage }) {
    const run = this.#runs.get(runId);
    if (run && (run.state !== "running" || seq < run.seq)) return false;
    const whole = message ? textOf(message.content) : undefined;
    if (ENDED.has(state)) {
      this.#change(runId, { seq, state, text: whole ?? run?.text ?? "", error: errorMessage });
      return true;
    }
    const before = replace ? "" : (run?.text ?? "");
    const text = state === "delta" ? (whole ?? before + (deltaText ?? "")) : before;
    const timestampMs = message?.timestamp ?? run?.timestampMs;
    this.#change(runId, { seq, text, timestampMs, quiet: false });
    return false;
  }

  /**
   * Drops what a history reading has made superfluous.
   * @param answers the latest answers in the history, by run id
   * @param activeIds run ids the gateway says are running, or null where it did not say
   * @param asOf the clock's number when the reading was asked for
   */
  settle({ answers, activeIds, asOf }) {
    for (const run of this.all()) {
      const known = run.changed <= asOf && !activeIds?.has(run.runId);
      if (answers.has(run.runId)) {
        if (known) this.#answer(run, answers.get(run.runId));
        else this.stored(run.runId, answers.get(run.runId));
      } else if (known && activeIds && run.state === "running") {
        this.#lose(run);
      }
    }
    for (const runId of activeIds ?? []) if (!answers.has(runId)) this.begin(runId);
  }

  /** The history got an answer of this run: it is not to be shown a second time from here. */
  stored(runId, answer) {
    const run = this.#runs.get(runId);
    if (!run) return;
    if (run.state !== "running") this.#answer(run, answer);
    else if (answer.text.startsWith(run.text)) this.#change(runId, { text: "", quiet: true });
  }

  /** The history holds the answer; an error's words may still be ours alone to show. */
  #answer(run, { error }) {
    if (run.error && !error) run.text = "";
    else this.#runs.delete(run.runId);
  }

  /** Over without an answer in the history: what had been shown stays, marked. */
  #lose(run) {
    if (run.text) run.state = "lost";
    else this.#runs.delete(run.runId);
  }

  #change(runId, change) {
    const run = this.#runs.get(runId) ?? { runId, state: "running", text: "", seq: 0 };
    this.#runs.set(runId, { ...run, ...change, changed: this.#clock() });
  }
}
