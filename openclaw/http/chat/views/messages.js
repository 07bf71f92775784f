// The list of messages: keeps one view per message and follows the newest only while the reader is there.

import { dayName, midnight } from "../format.js";
import { byId, make, setText } from "./dom.js";
import { MessageView } from "./message.js";

const NEAR_END_PX = 80;
const SUGGESTIONS = [
  ["suggest.status", "/status"],
  ["suggest.help", "/help"],
  ["suggest.sessions", "/sessions"],
];

export class MessagesView {
  #words;
  #actions;
  #list = byId("messages");
  #scroller = byId("scroller");
  #latest = byId("latest");
  #views = new Map();
  #sessionKey = null;
  #following = true;

  /** @param actions those of MessageView, and `earlier()`, `say(text)` */
  constructor(words, actions) {
    this.#words = words;
    this.#actions = actions;
    byId("earlier").onclick = () => actions.earlier();
    this.#latest.onclick = () => this.toEnd();
    this.#scroller.onscroll = () => this.#scrolled();
    new ResizeObserver(() => this.#settle()).observe(this.#scroller);
  }

  /** @param view `{sessionKey, items, loaded, hasMore, error, running}` */
  update({ sessionKey, items, loaded, hasMore, error, running }) {
    const other = sessionKey !== this.#sessionKey;
    if (other) this.#following = true;
    this.#sessionKey = sessionKey;
    const before = this.#list.scrollHeight;
    const wasFirst = this.#list.firstElementChild?.dataset.key;
    this.#place(this.#withDays(items));
    this.#list.setAttribute("aria-busy", String(running));
    byId("earlier").hidden = !hasMore;
    this.#notice({ empty: items.length === 0, loaded, error });
    const grewAbove = !other && wasFirst && this.#list.firstElementChild?.dataset.key !== wasFirst;
    if (grewAbove && !this.#following) this.#scroller.scrollTop += this.#list.scrollHeight - before;
    this.#settle();
  }

  /** Shows the newest message and follows from there on. */
  toEnd() {
    this.#following = true;
    this.#settle();
  }

  relabel() {
    const buttons = SUGGESTIONS.map(([key, text]) => {
      const onclick = () => this.#actions.say(text);
      return make("button", { className: "suggestion", type: "button", onclick }, this.#words.say(key));
    });
    byId("suggestions").replaceChildren(...buttons);
  }

  #notice({ empty, loaded, error }) {
    const { say } = this.#words;
    const words = error ? say("chat.historyError", { error }) : say("chat.loading");
    byId("notice").hidden = !error && (loaded || !empty);
    setText(byId("notice"), words);
    byId("welcome").hidden = !(empty && loaded && !error);
  }

  #withDays(items) {
    const placed = [];
    let day = null;
    for (const item of items) {
      const own = item.timestampMs ? midnight(item.timestampMs) : day;
      if (own !== day) placed.push({ key: `day:${own}:${item.key}`, day: own });
      day = own;
      placed.push(item);
    }
    return placed;
  }

  #place(items) {
    const keys = new Set(items.map((item) => item.key));
    for (const [key, view] of this.#views) {
      if (keys.has(key)) continue;
      view.element.remove();
      this.#views.delete(key);
    }
    items.forEach((item, index) => {
      const { element } = this.#show(item);
      if (this.#list.children[index] !== element) {
        this.#list.insertBefore(element, this.#list.children[index] ?? null);
      }
    });
  }

  #show(item) {
    const known = this.#views.get(item.key);
    const view = known ?? (item.day ? dayView(item) : new MessageView(this.#words, this.#actions));
    this.#views.set(item.key, view);
    if (item.day) setText(view.element, dayName(item.day, this.#words.language));
    else view.update(item);
    return view;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#following = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    this.#latest.hidden = this.#following;
  }

  #settle() {
    if (this.#following) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#latest.hidden = this.#following;
  }
}

function dayView({ key }) {
  const element = make("li", { className: "day" });
  element.dataset.key = key;
  return { element };
}
