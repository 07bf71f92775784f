// One message on the page, from an item of the transcript; what its buttons do is decided outside.

import { clockTime } from "../format.js";
import { icon, make } from "./dom.js";
import { showMarkdown } from "./markdown.js";

const SENDING_STATES = new Set(["queued", "sending"]);

export class MessageView {
  #words;
  #actions;
  #seen = "";
  #who = make("span", { className: "unseen" });
  #body = make("div", { className: "body" });
  #meta = make("div", { className: "meta" });

  /** @param actions `{resend(entry), discard(entry), again(text)}` */
  constructor(words, actions) {
    this.#words = words;
    this.#actions = actions;
    this.element = make("li", { className: "message" });
  }

  update(item) {
    const { entry, ...plain } = item;
    const seen = JSON.stringify([plain, this.#words.language]);
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#frame(item);
    if (item.role === "user") this.#body.textContent = item.text;
    else this.#answer(item);
    this.#meta.replaceChildren(...this.#remarks(item, entry));
  }

  #frame({ role, state, streaming, text, key }) {
    const { element } = this;
    element.className = `message ${role}`;
    element.dataset.key = key;
    element.classList.toggle("streaming", Boolean(streaming && text));
    element.classList.toggle("unsent", SENDING_STATES.has(state));
    element.classList.toggle("failed", state === "failed");
    this.#who.textContent = this.#words.say(role === "user" ? "chat.you" : "chat.assistant");
    if (element.childElementCount) return;
    const parts = [this.#who, this.#body, this.#meta];
    if (role === "assistant") parts.unshift(make("span", { className: "mark", "aria-hidden": "true" }));
    element.append(...parts);
  }

  #answer({ text, tools, streaming, error }) {
    const { say } = this.#words;
    for (const extra of this.#body.querySelectorAll(":scope > :is(.thinking, .tools, .problem)")) {
      extra.remove();
    }
    showMarkdown(this.#body, text, say);
    if (tools?.length) {
      const used = tools.map((name) => make("span", { className: "tool" }, say("chat.tool", { name })));
      this.#body.append(make("div", { className: "tools" }, ...used));
    }
    if (error) this.#body.append(make("p", { className: "problem" }, say("chat.error", { error })));
    if (streaming && !text) {
      const dots = [0, 1, 2].map(() => make("i"));
      const words = make("span", { className: "unseen" }, say("chat.thinking"));
      this.#body.append(make("p", { className: "thinking" }, ...dots, words));
    }
  }

  #remarks(item, entry) {
    const { say } = this.#words;
    const parts = [];
    if (item.state === "failed") {
      parts.push(make("span", { className: "failure" }, say("chat.failed", { error: item.error })));
      parts.push(this.#button("chat.resend", "retry", () => this.#actions.resend(entry)));
      parts.push(this.#button("chat.discard", "close", () => this.#actions.discard(entry)));
    } else if (SENDING_STATES.has(item.state)) {
      parts.push(make("span", {}, say(`chat.${item.state}`)));
    } else if (item.role === "assistant") {
      parts.push(...this.#outcome(item));
    }
    if (item.timestampMs && !item.streaming) parts.push(this.#time(item.timestampMs));
    return parts;
  }

  #outcome({ error, stopped, lost, prompt }) {
    const { say } = this.#words;
    const parts = [];
    if (stopped) parts.push(make("span", {}, say("chat.stopped")));
    else if (lost) parts.push(make("span", {}, say("chat.lost")));
    const again = prompt && (error || stopped || lost);
    if (again) parts.push(this.#button("chat.again", "retry", () => this.#actions.again(prompt)));
    return parts;
  }

  #time(ms) {
    const words = clockTime(ms, this.#words.language);
    return make("time", { dateTime: new Date(ms).toISOString() }, words);
  }

  #button(key, name, onclick) {
    const properties = { className: "quiet-button small", type: "button", onclick };
    return make("button", properties, icon(name), this.#words.say(key));
  }
}
