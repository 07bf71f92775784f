// What waits for a decision, above the composer: all of it in full, and only then the two buttons.

import { clockTime } from "../format.js";
import { byId, make, setText } from "./dom.js";

const STEADY_MS = 500;

export class ApprovalsView {
  #words;
  #actions;
  #timers;
  #box = byId("approvals");
  #views = new Map();
  #timer = null;

  /** @param actions `{decide(id, decision)}` */
  constructor(words, actions, timers) {
    this.#words = words;
    this.#actions = actions;
    this.#timers = timers;
  }

  /** @param titleOf session key → what that conversation is called here, empty for the one in front */
  update(rows, titleOf) {
    const keys = rows.map(({ id }) => id).join();
    if (keys !== this.#box.dataset.keys) this.#moved(keys);
    const wanted = new Set(rows.map(({ id }) => id));
    for (const [id, view] of this.#views) {
      if (wanted.has(id)) continue;
      view.element.remove();
      this.#views.delete(id);
    }
    for (const row of rows) this.#show(row, titleOf);
    this.#box.hidden = rows.length === 0;
  }

  /** Buttons that have just appeared, or moved under the pointer, take no click for a moment. */
  #moved(keys) {
    this.#box.dataset.keys = keys;
    this.#box.classList.add("moving");
    this.#timers.clear(this.#timer);
    this.#timer = this.#timers.set(() => this.#box.classList.remove("moving"), STEADY_MS);
  }

  #show(row, titleOf) {
    const view = this.#views.get(row.id) ?? this.#made(row);
    const { say, language } = this.#words;
    const { command, nodeId, cwd, sessionKey } = row.request;
    setText(view.title, say("approval.title"));
    setText(view.command, command);
    const title = sessionKey ? titleOf(sessionKey) : "";
    const facts = [
      nodeId && say("approval.node", { node: nodeId }),
      cwd && say("approval.cwd", { cwd }),
      title && say("approval.session", { title }),
      say("approval.until", { time: clockTime(row.expiresAtMs, language) }),
    ];
    setText(view.facts, facts.filter(Boolean).join(" · "));
    setText(view.allow, say("approval.allow"));
    setText(view.deny, say("approval.deny"));
    setText(view.error, row.error ? say("approval.failed", { error: row.error }) : "");
    for (const button of [view.allow, view.deny]) button.disabled = row.busy;
  }

  #made({ id }) {
    const decide = (decision) => () => this.#actions.decide(id, decision);
    const view = {
      title: make("h2", { id: `approval-${id}` }),
      command: make("pre", { className: "command" }),
      facts: make("p", { className: "facts" }),
      error: make("p", { className: "failure", role: "alert" }),
      deny: make("button", { className: "quiet-button", type: "button", onclick: decide("deny") }),
      allow: make("button", { className: "primary", type: "button", onclick: decide("allow-once") }),
    };
    const buttons = make("div", { className: "approval-buttons" }, view.deny, view.allow);
    const parts = [view.title, view.command, view.facts, view.error, buttons];
    view.element = make("article", { className: "approval", "aria-labelledby": `approval-${id}` }, ...parts);
    this.#views.set(id, view);
    this.#box.append(view.element);
    return view;
  }
}
