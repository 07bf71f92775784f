// What can go wrong on the wire, in one shape; the words for people are in strings.js.

export class WireError extends Error {
  /**
   * @param {string} code the gateway's error code, or one of ours: CONNECTION_LOST, TIMEOUT
   * @param {string} message the gateway's own words
   */
  constructor(code, message, { details = {}, retryable = false, retryAfterMs } = {}) {
    super(message);
    this.name = "WireError";
    this.code = code;
    this.details = details ?? {};
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
  }

  static fromFrame(error) {
    const { code = "UNAVAILABLE", message = "the gateway gave no reason" } = error ?? {};
    return new WireError(code, message, error ?? {});
  }

  /** The finer code in the details where there is one. */
  get reason() {
    return this.details.code ?? this.code;
  }

  /** Nobody knows whether the request was carried out: the same request may be repeated. */
  get unanswered() {
    return this.code === "CONNECTION_LOST" || this.code === "TIMEOUT";
  }
}

const FORGET_TOKEN = new Set([
  "AUTH_DEVICE_TOKEN_MISMATCH",
  "DEVICE_AUTH_DEVICE_ID_MISMATCH",
  "DEVICE_AUTH_SIGNATURE_INVALID",
]);
const NEEDS_CODE = new Set([
  "AUTH_BOOTSTRAP_TOKEN_INVALID",
  "AUTH_SCOPE_MISMATCH",
  "AUTH_TOKEN_MISMATCH",
  "AUTH_TOKEN_MISSING",
  "AUTH_PASSWORD_MISMATCH",
  "AUTH_PASSWORD_MISSING",
]);
const TRANSIENT = new Set(["DEVICE_AUTH_NONCE_MISMATCH", "UNAVAILABLE"]);

/**
 * What a refused `connect` means for this page.
 * @returns {"forget"|"sign-in"|"pairing"|"wait"|"final"} forget: the kept token is void; sign-in: a
 *   fresh code is needed; pairing: somebody has to approve; wait: the same again later may do
 */
export function refusalKind(error) {
  const { code, reason, retryable } = error;
  if (FORGET_TOKEN.has(reason)) return "forget";
  if (NEEDS_CODE.has(reason)) return "sign-in";
  if (reason === "PAIRING_REQUIRED") return "pairing";
  return retryable || TRANSIENT.has(reason) || TRANSIENT.has(code) ? "wait" : "final";
}
