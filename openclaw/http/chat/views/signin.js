// The page before the chat: asks for a one-time code, or says why it cannot be shown yet.

import { cleanCode } from "../code.js";
import { byId } from "./dom.js";

const NEXT = {
  AUTH_BOOTSTRAP_TOKEN_INVALID: "next.code",
  AUTH_DEVICE_TOKEN_MISMATCH: "next.token",
  CONTROL_UI_ORIGIN_NOT_ALLOWED: "next.origin",
  PROTOCOL_MISMATCH: "next.protocol",
};

export class SigninView {
  #words;
  #state = { kind: "code", error: null, busy: false };

  /** @param useCode called with the code that was pasted */
  constructor(words, useCode) {
    this.#words = words;
    byId("signin-form").onsubmit = (event) => {
      event.preventDefault();
      const code = cleanCode(byId("code").value);
      byId("code").value = "";
      if (code) useCode(code);
      else this.show({ kind: "code", malformed: true });
    };
  }

  /**
   * @param state `{kind, error?, malformed?, busy?}`, kind: code (asks for one), pairing (waits for an
   *   approval), unable (this browser cannot); `error` a WireError
   */
  show(state) {
    this.#state = state;
    this.relabel();
    if (state.kind === "code" && !state.busy) byId("code").focus();
  }

  relabel() {
    const { say } = this.#words;
    const { kind, error, busy } = this.#state;
    const titles = { code: "signin.title", pairing: "pairing.title", unable: "unable.title" };
    const texts = { code: "signin.intro", pairing: "pairing.text", unable: "unable.text" };
    const after = { code: "signin.then", pairing: "pairing.after", unable: null };
    byId("signin-title").textContent = say(titles[kind]);
    byId("signin-text").textContent = say(texts[kind]);
    byId("signin-after").textContent = [this.#showCode(kind, error), after[kind] && say(after[kind])]
      .filter(Boolean)
      .join(" ");
    byId("signin-form").hidden = kind !== "code";
    byId("signin-button").disabled = Boolean(busy);
    byId("signin-button").textContent = say(busy ? "signin.busy" : "signin.button");
    this.#command(kind, error);
    byId("signin-error").textContent = kind === "pairing" ? "" : this.#failure();
  }

  #showCode(kind, error) {
    const code = error?.details.pairingCode;
    if (kind !== "pairing" || !code) return "";
    return this.#words.say("pairing.code", { code: `${code.slice(0, 4)}-${code.slice(4)}` }) + ".";
  }

  #command(kind, error) {
    const element = byId("signin-command");
    element.hidden = kind === "unable";
    const request = error?.details.requestId ?? "";
    const approve = `openclaw devices approve ${request}`.trim();
    element.textContent = kind === "pairing" ? approve : "openclaw dashboard";
  }

  #failure() {
    const { say } = this.#words;
    const { error, malformed } = this.#state;
    if (malformed) return say("signin.malformed");
    if (!error) return "";
    const key = NEXT[error.reason];
    const next = key ? say(key) : (error.details.next ?? say("next.other"));
    return `${say("signin.said", { error: error.message })}\n${next}`;
  }
}
