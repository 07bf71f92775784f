// The list of conversations at the side, walked with the arrow keys; on narrow screens a drawer.

import { shortTime } from "../format.js";
import { byId, make } from "./dom.js";

const STEPS = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

export class SessionsView {
  #words;
  #list = byId("sessions");
  #actions;

  /** @param actions `{open(key), create()}` */
  constructor(words, actions) {
    this.#words = words;
    this.#actions = actions;
    this.#list.onkeydown = (event) => this.#walk(event);
    byId("new-session").onclick = () => this.#chosen(() => actions.create());
    byId("open-sessions").onclick = () => this.#drawer(true);
    byId("close-sessions").onclick = () => this.#drawer(false);
    byId("veil").onclick = () => this.#drawer(false);
    byId("sidebar").onkeydown = (event) => {
      if (event.key === "Escape" && this.#open) {
        event.stopPropagation();
        this.#drawer(false);
      }
    };
  }

  update(rows, currentKey) {
    const focused = document.activeElement?.closest?.("#sessions [data-key]")?.dataset.key;
    this.#list.replaceChildren(...rows.map((row) => this.#row(row, row.key === currentKey)));
    if (!rows.some((row) => row.key === currentKey)) this.#buttons()[0].tabIndex = 0;
    if (focused) this.#buttons().find((button) => button.dataset.key === focused)?.focus();
  }

  #row(row, current) {
    const { say, language } = this.#words;
    const running = row.hasActiveRun || row.status === "running";
    const when = row.updatedAt ? shortTime(row.updatedAt, language) : "";
    const button = make(
      "button",
      { className: "session", type: "button", tabIndex: current ? 0 : -1 },
      make("span", { className: "session-name" }, sessionTitle(row, say)),
      make("span", { className: "session-time" }, when),
      make("span", { className: "session-last" }, plain(row.lastMessagePreview) || say("sessions.empty")),
      running ? make("span", { className: "session-running", title: say("sessions.running") }) : null,
    );
    button.dataset.key = row.key;
    if (current) button.setAttribute("aria-current", "true");
    button.onclick = () => this.#chosen(() => this.#actions.open(row.key));
    return make("li", {}, button);
  }

  #buttons() {
    return [...this.#list.querySelectorAll("button")];
  }

  #walk(event) {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = this.#buttons();
    const at = buttons.indexOf(document.activeElement);
    const next = Math.max(0, Math.min(buttons.length - 1, at + step));
    for (const button of buttons) button.tabIndex = -1;
    buttons[next].tabIndex = 0;
    buttons[next].focus();
  }

  #chosen(action) {
    this.#drawer(false);
    action();
  }

  get #open() {
    return byId("app").classList.contains("drawer");
  }

  #drawer(open) {
    const was = this.#open;
    byId("app").classList.toggle("drawer", open);
    byId("open-sessions").setAttribute("aria-expanded", String(open));
    if (open) this.#buttons().find((button) => button.tabIndex === 0)?.focus();
    else if (was) byId("open-sessions").focus();
  }
}

export function sessionTitle(row, say) {
  if (row.label) return row.label;
  if (row.isMain) return say("sessions.main");
  const given = row.derivedTitle || row.displayName;
  if (given) return given;
  return row.key.includes(":webchat:") ? say("sessions.untitled") : row.key.replace(/^agent:/, "");
}

/** A preview without the marks of markdown. */
function plain(text) {
  return text?.replace(/[*_`#>|~]+/g, "").replace(/^[\s-]+/, "");
}
