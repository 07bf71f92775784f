// The field messages are written in, with its buttons and keys; what was typed survives a reload.

import { byId } from "./dom.js";

const TALLEST_PX = 220;
const DRAFT = "openclaw.webchat.draft.";

export class ComposerView {
  #field = byId("message");
  #send = byId("send");
  #stop = byId("stop");
  #actions;
  #storage;
  #sessionKey = null;

  /** @param actions `{say(text), stop()}` */
  constructor(actions, storage) {
    this.#actions = actions;
    this.#storage = storage;
    byId("composer").onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    this.#field.onkeydown = (event) => this.#key(event);
    this.#field.oninput = () => this.#typed();
    this.#stop.onclick = () => {
      actions.stop();
      this.focus();
    };
  }

  focus() {
    this.#field.focus();
  }

  update({ sessionKey, running }) {
    if (sessionKey !== this.#sessionKey) {
      this.#sessionKey = sessionKey;
      this.#field.value = this.#storage.getItem(DRAFT + sessionKey) ?? "";
      this.#fit();
    }
    this.#stop.hidden = !running;
  }

  /** Enter sends, but not the Enter that ends the composing of a Chinese or Japanese word. */
  #key(event) {
    const composing = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || composing) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = this.#field.value.trim();
    if (!text) return;
    this.#actions.say(text);
    this.#field.value = "";
    this.#typed();
    this.focus();
  }

  #typed() {
    this.#fit();
    if (this.#field.value) this.#storage.setItem(DRAFT + this.#sessionKey, this.#field.value);
    else this.#storage.removeItem(DRAFT + this.#sessionKey);
  }

  #fit() {
    this.#field.style.height = "auto";
    this.#field.style.height = `${Math.min(this.#field.scrollHeight, TALLEST_PX)}px`;
    this.#send.disabled = !this.#field.value.trim();
  }
}
