// One client of a gateway over a plain `ws` socket: challenge, connect, requests, events. It reconnects never.
"use strict";

const crypto = require("node:crypto");
const WebSocket = require("ws");

const OPTIONS = { perMessageDeflate: false, skipUTF8Validation: true };

/** Make an Ed25519 identity as the official clients do: its id is the hash of the raw public key. */
function makeDevice() {
  const { publicKey, privateKey } = crypto.generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  return {
    id: crypto.createHash("sha256").update(raw).digest("hex"),
    publicKey: raw.toString("base64url"),
    privateKey,
  };
}

/** Sign the v3 text for one challenge. */
function signDevice(device, params, challenge) {
  const { client, role, scopes, auth } = params;
  const text = [
    "v3", device.id, client.id, client.mode, role, scopes.join(","), challenge.ts,
    auth.token, challenge.nonce, client.platform.toLowerCase(), (client.deviceFamily ?? "").toLowerCase(),
  ].join("|");
  const signature = crypto.sign(null, Buffer.from(text), device.privateKey).toString("base64url");
  return { id: device.id, publicKey: device.publicKey, signature, signedAt: challenge.ts, nonce: challenge.nonce };
}

/** Connect params for one of the roles the benchmarks play. */
function connectParams(options, challenge) {
  const params = {
    minProtocol: 4,
    maxProtocol: 4,
    client: { version: "2026.9.6", platform: "linux", deviceFamily: "Linux", ...options.client },
    role: "operator",
    scopes: options.scopes,
    caps: options.caps ?? [],
    auth: { token: options.token },
  };
  if (options.device) params.device = signDevice(options.device, params, challenge);
  return params;
}

class Client {
  /** @param options {url, token, scopes, client: {id, mode}, device?} */
  constructor(options) {
    this.options = options;
    this.pending = new Map();
    this.onEvent = null; // Gets (name, payload) of every event once set.
    this.onRaw = null; // Gets the bytes instead of everything else once set: for counting.
    this.next = 1;
  }

  /** Open the socket and shake hands; resolves with the hello, rejects with the gateway's words. */
  open() {
    return new Promise((resolve, reject) => {
      this.socket = new WebSocket(this.options.url, OPTIONS);
      this.hello = { resolve, reject };
      this.socket.on("message", (data) => this.received(data));
      this.socket.on("error", reject);
      this.socket.on("close", (code, reason) => this.closed(code, reason));
    });
  }

  received(data) {
    if (this.onRaw) return this.onRaw(data);
    this.lastBytes = data.length;
    const frame = JSON.parse(data);
    if (frame.type === "res") return this.answered(frame);
    if (frame.event === "connect.challenge") return this.challenged(frame.payload);
    if (this.onEvent) this.onEvent(frame.event, frame.payload);
  }

  challenged(challenge) {
    this.request("connect", connectParams(this.options, challenge)).then(this.hello.resolve, this.hello.reject);
  }

  answered(frame) {
    const waiting = this.pending.get(frame.id);
    if (!waiting) return;
    this.pending.delete(frame.id);
    waiting(frame);
  }

  closed(code, reason) {
    const error = new Error(`closed ${code} ${reason}`);
    this.hello.reject(error);
    for (const waiting of this.pending.values()) waiting({ ok: false, error: { code: "CLOSED", message: error.message } });
    this.pending.clear();
  }

  /** Send one request; `done` gets the response frame, whether ok or not. */
  call(method, params, done) {
    const id = String(this.next++);
    this.pending.set(id, done);
    this.socket.send(JSON.stringify({ type: "req", id, method, params }));
  }

  /** The same as a promise of the payload. */
  request(method, params) {
    return new Promise((resolve, reject) => {
      this.call(method, params, (frame) => {
        if (frame.ok) resolve(frame.payload);
        else reject(new Error(`${method}: ${frame.error.code} ${frame.error.message}`));
      });
    });
  }

  /** Close the socket; resolves when the other side has closed too. */
  close() {
    return new Promise((resolve) => {
      if (this.socket.readyState === WebSocket.CLOSED) return resolve();
      this.socket.once("close", resolve);
      this.socket.close();
    });
  }
}

module.exports = { Client, makeDevice };
