// This browser as a device: an Ed25519 key that cannot leave it, and the token the gateway gave it.

const ALGORITHM = "Ed25519";

/** Base64 for URLs, without padding. */
export function base64url(bytes) {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** False where the browser has no Ed25519, or the page did not come over https or from this host. */
export function identityIsPossible() {
  return Boolean(globalThis.isSecureContext && globalThis.crypto?.subtle && globalThis.indexedDB);
}

export class Identity {
  #vault;
  #key;

  constructor(vault, key, publicBytes, deviceId) {
    this.#vault = vault;
    this.#key = key;
    this.publicKey = base64url(publicBytes);
    this.deviceId = deviceId;
  }

  /** The device of this browser, made at the first visit. */
  static async load(vault) {
    const pair = (await vault.get("key")) ?? (await vault.putFirst("key", await makePair()));
    const publicBytes = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    return new Identity(vault, pair.privateKey, publicBytes, await hexDigest(publicBytes));
  }

  async sign(text) {
    const bytes = new TextEncoder().encode(text);
    return base64url(new Uint8Array(await crypto.subtle.sign(ALGORITHM, this.#key, bytes)));
  }

  token() {
    return this.#vault.get("token");
  }

  keepToken(token) {
    return this.#vault.put("token", token);
  }

  forgetToken() {
    return this.#vault.delete("token");
  }
}

async function makePair() {
  const extractable = false;
  const { privateKey, publicKey } = await crypto.subtle.generateKey(ALGORITHM, extractable, [
    "sign",
    "verify",
  ]);
  return { privateKey, publicKey };
}

async function hexDigest(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
