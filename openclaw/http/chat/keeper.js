// Who may come in: takes the one-time code or the kept device token to the handshake and judges refusals.

import { cleanCode } from "./code.js";
import { refusalKind } from "./errors.js";
import { connectParams } from "./handshake.js";
import { Signal } from "./signal.js";

const PAIRING_POLL_MS = 3_000;

export class Keeper {
  /** Told `{kind, error}` for the sign-in page whenever the gateway did not let this browser in. */
  refused = new Signal();

  #identity;
  #code = null;
  #token = null;
  #locale;
  #instanceId;

  constructor({ identity, locale, instanceId }) {
    this.#identity = identity;
    this.#locale = locale;
    this.#instanceId = instanceId;
  }

  async load() {
    this.#token = (await this.#identity.token()) ?? null;
  }

  get hasToken() {
    return Boolean(this.#token);
  }

  get mayTry() {
    return Boolean(this.#code || this.#token);
  }

  useCode(code) {
    this.#code = code && cleanCode(code);
  }

  /** The parameters of `connect`; a fresh code goes before a kept token. */
  params = (challenge) => {
    const auth = this.#code ? { bootstrapToken: this.#code } : { deviceToken: this.#token };
    return connectParams({
      challenge,
      identity: this.#identity,
      auth,
      locale: this.#locale(),
      instanceId: this.#instanceId,
    });
  };

  /** Takes the hello: from now on the device token is enough. */
  welcomed({ auth }) {
    this.#code = null;
    if (!auth?.deviceToken || auth.deviceToken === this.#token) return;
    this.#token = auth.deviceToken;
    this.#identity.keepToken(auth.deviceToken);
  }

  /** How long the wire waits after this refusal, undefined for its own back-off, null to stop. */
  judge = (error) => {
    const kind = refusalKind(error);
    const asks = kind === "sign-in" || kind === "forget";
    if (asks && this.#code && this.#token) {
      this.#code = null; // a used link was opened again: what this browser has may still do
      return 0;
    }
    if (kind === "wait") {
      if (error.reason === "AUTH_RATE_LIMITED") this.refused.fire({ kind: "code", error });
      return error.retryAfterMs;
    }
    if (asks) this.#signOut(kind);
    this.refused.fire({ kind: kind === "pairing" ? "pairing" : "code", error });
    return kind === "pairing" ? PAIRING_POLL_MS : null;
  };

  #signOut(kind) {
    this.#code = null;
    if (kind !== "forget") return;
    this.#token = null;
    this.#identity.forgetToken();
  }
}
