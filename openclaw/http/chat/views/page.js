// The whole page: which part of it is shown, and one redraw per frame however much changed.

import { byId, label, setText } from "./dom.js";
import { ApprovalsView } from "./approvals.js";
import { ComposerView } from "./composer.js";
import { DialogView } from "./dialog.js";
import { MessagesView } from "./messages.js";
import { SessionsView, sessionTitle } from "./sessions.js";
import { SigninView } from "./signin.js";

export class Page {
  #words;
  #storage;
  #timers;
  #model = null;
  #scheduled = false;
  #signin = null;
  #dialog;
  #sessions;
  #messages;
  #approvals;
  #composer;
  #useCode = () => undefined;

  constructor(words, storage, timers) {
    this.#words = words;
    this.#storage = storage;
    this.#timers = timers;
    this.#dialog = new DialogView(words);
    this.#signin = new SigninView(words, (code) => this.#useCode(code));
    label(document, words);
    for (const id of ["language", "signin-language"]) byId(id).onclick = () => this.#toggleLanguage();
  }

  /** Takes what the user's actions do; until then only the sign-in page can be shown. */
  act(actions) {
    this.#useCode = actions.useCode;
    const say = (text) => this.#say(actions, text);
    this.#composer = new ComposerView({ say, stop: actions.stop }, this.#storage);
    this.#messages = new MessagesView(this.#words, { ...actions, say });
    this.#approvals = new ApprovalsView(this.#words, actions, this.#timers);
    this.#sessions = new SessionsView(this.#words, {
      open: (key) => this.#afterwardsWrite(() => actions.open(key)),
      create: () => this.#afterwardsWrite(() => actions.create()),
    });
    this.#messages.relabel();
    this.#joinButtons(actions);
    this.#joinKeys(actions);
  }

  showSignin(state) {
    byId("app").hidden = true;
    byId("signin").hidden = false;
    this.#signin.show(state);
  }

  showChat() {
    const first = byId("app").hidden;
    byId("signin").hidden = true;
    byId("app").hidden = false;
    if (first) this.#composer.focus();
  }

  /** Shows the state of the parts at the next frame. */
  show(model) {
    this.#model = model;
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  /** Tells screen readers an answer when it is complete, instead of every piece of it. */
  announce(text) {
    setText(byId("announcer"), `${this.#words.say("chat.assistant")}: ${text}`);
  }

  announceApproval({ request: { command } }) {
    setText(byId("announcer"), this.#words.say("approval.asked", { command }));
  }

  #draw() {
    const { wire, sessions, conversation, approvals } = this.#model;
    this.#drawState(wire.state);
    if (!conversation.sessionKey) return;
    const { sessionKey, items, error, running } = conversation;
    const { loaded, hasMore } = conversation.transcript;
    this.#sessions.update(sessions.rows, sessionKey);
    this.#messages.update({ sessionKey, items, loaded, hasMore, error, running });
    this.#composer.update({ sessionKey, running });
    const { say } = this.#words;
    const titleOf = (key) => (key === sessionKey ? "" : sessionTitle(sessions.row(key), say));
    this.#approvals.update(approvals.rows, titleOf);
    this.#drawTitle(sessions);
  }

  #drawState({ phase, restarting }) {
    const shown = restarting && phase !== "online" ? "restarting" : phase;
    byId("state").dataset.phase = shown;
    setText(byId("state-words"), this.#words.say(`state.${shown}`));
    byId("retry").hidden = phase !== "waiting";
    setText(byId("signin-state"), phase === "waiting" ? this.#words.say(`state.${shown}`) : "");
  }

  #drawTitle(sessions) {
    const { sessionKey } = this.#model.conversation;
    const row = sessions.row(sessionKey);
    setText(byId("title"), sessionTitle(row, this.#words.say));
    byId("rename").hidden = !sessions.can("sessions.patch");
    byId("reset").hidden = !sessions.can("sessions.reset");
    const isMain = sessionKey === sessions.defaults.mainSessionKey;
    byId("delete").hidden = isMain || !sessions.can("sessions.delete");
    byId("admit").hidden = !sessions.can("pairing.approve");
  }

  #joinButtons({ rename, reset, delete: remove, retry, admit }) {
    byId("rename").onclick = () => this.#dialog.ask("rename", rename, byId("title").textContent);
    byId("reset").onclick = () => this.#dialog.ask("reset", reset);
    byId("delete").onclick = () => this.#dialog.ask("delete", remove);
    byId("retry").onclick = retry;
    byId("admit").onclick = () => this.#dialog.ask("admit", admit, "");
    byId("skip").onclick = () => this.#composer.focus();
  }

  #joinKeys({ stop }) {
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing || byId("dialog").open) return;
      if (!byId("stop").hidden) stop();
    });
  }

  #say(actions, text) {
    actions.say(text);
    this.#messages.toEnd();
  }

  #afterwardsWrite(action) {
    action();
    this.#composer.focus();
  }

  #toggleLanguage() {
    this.#words.toggle();
    label(document, this.#words);
    this.#signin.relabel();
    this.#messages?.relabel();
    if (this.#model) this.#draw();
  }
}
