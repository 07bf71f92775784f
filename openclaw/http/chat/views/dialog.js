// The dialog that asks for a name or a confirmation; it stays open with the gateway's words if that fails.

import { byId } from "./dom.js";

export class DialogView {
  #words;
  #dialog = byId("dialog");
  #input = byId("dialog-input");
  #ok = byId("dialog-ok");
  #perform = null;

  constructor(words) {
    this.#words = words;
    byId("dialog-cancel").onclick = () => this.#dialog.close();
    byId("dialog-form").onsubmit = (event) => {
      event.preventDefault();
      this.#confirm();
    };
  }

  /**
   * @param name which of the `dialog.…` words
   * @param perform called with the typed text; what it throws is shown
   * @param value the text to begin with, or undefined for a plain confirmation
   */
  ask(name, perform, value) {
    const { say } = this.#words;
    const typing = value !== undefined;
    this.#perform = perform;
    byId("dialog-title").textContent = say(`dialog.${name}.title`);
    byId("dialog-text").textContent = typing ? "" : say(`dialog.${name}.text`);
    byId("dialog-label").textContent = typing ? say(`dialog.${name}.label`) : "";
    byId("dialog-error").textContent = "";
    this.#input.hidden = !typing;
    this.#input.value = value ?? "";
    this.#ok.textContent = say(`dialog.${name}.ok`);
    this.#dialog.showModal();
    if (typing) this.#input.select();
    else byId("dialog-cancel").focus();
  }

  async #confirm() {
    this.#ok.disabled = true;
    try {
      await this.#perform(this.#input.value.trim());
      this.#dialog.close();
    } catch (error) {
      const words = this.#words.say("dialog.failed", { error: error.message });
      byId("dialog-error").textContent = words;
    } finally {
      this.#ok.disabled = false;
    }
  }
}
