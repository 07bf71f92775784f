// The socket to the gateway that served this page: handshake, requests, events, reconnecting.
// It knows nothing of chats.

import { Backoff } from "./backoff.js";
import { WireError } from "./errors.js";
import { SequenceWatch } from "./sequence.js";
import { Signal } from "./signal.js";

const HANDSHAKE_MS = 15_000;
const REQUEST_MS = 30_000;
const LOST = () => new WireError("CONNECTION_LOST", "the connection was lost", { retryable: true });

/** The timers of the browser; tests pass their own. */
export const browserTimers = {
  set: (callback, ms) => setTimeout(callback, ms),
  clear: (timer) => clearTimeout(timer),
  now: () => Date.now(),
};

export class Wire {
  /** Told `{phase, restarting, retryAtMs}`; phase: stopped, connecting, online, waiting. */
  stateChanged = new Signal();
  /** Told the hello payload after every handshake. */
  connected = new Signal();
  /** Told an event's name and payload. */
  received = new Signal();
  /** Told when the numbers show that events are missing. */
  missed = new Signal();

  state = { phase: "stopped", restarting: false, retryAtMs: null };

  #openSocket;
  #connectParams;
  #refused;
  #timers;
  #backoff;
  #sequence = new SequenceWatch();
  #pending = new Map();
  #lastRequest = 0;
  #socket = null;
  #refusal = null;
  #timer = null;
  #watchdog = null;
  #silenceMs = 60_000;
  #heardAtMs = 0;

  /**
   * @param openSocket makes a WebSocket
   * @param connectParams challenge payload → promise of the `connect` parameters
   * @param refused WireError of a refused `connect` → milliseconds to wait, undefined for the
   *   usual back-off, or null to stop
   */
  constructor({ openSocket, connectParams, refused, timers = browserTimers, random }) {
    this.#openSocket = openSocket;
    this.#connectParams = connectParams;
    this.#refused = refused;
    this.#timers = timers;
    this.#backoff = new Backoff(random);
  }

  get online() {
    return this.state.phase === "online";
  }

  /** Connects now, whether stopped or waiting; does nothing while a connection is there or coming. */
  start() {
    if (this.#socket) return;
    this.#timers.clear(this.#timer);
    this.#open();
  }

  /** Ends the connection and stays away until `start`. */
  stop() {
    this.#timers.clear(this.#timer);
    const socket = this.#socket;
    this.#forgetSocket();
    socket?.close(1000);
    this.#become({ phase: "stopped", restarting: false, retryAtMs: null });
  }

  /** Sends a request; the promise gives the payload or fails with WireError. */
  request(method, params = {}) {
    if (!this.online) return Promise.reject(LOST());
    return this.#send(method, params);
  }

  #send(method, params) {
    const id = `${(this.#lastRequest += 1)}`;
    return new Promise((resolve, reject) => {
      const timer = this.#timers.set(() => {
        this.#pending.delete(id);
        reject(new WireError("TIMEOUT", `no answer to ${method}`, { retryable: true }));
      }, REQUEST_MS);
      this.#pending.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ type: "req", id, method, params }));
    });
  }

  #open() {
    this.#become({ phase: "connecting", restarting: this.state.restarting, retryAtMs: null });
    const socket = this.#openSocket();
    this.#socket = socket;
    this.#refusal = null;
    this.#sequence.reset();
    this.#timer = this.#timers.set(() => this.#drop("connect timeout"), HANDSHAKE_MS);
    socket.onmessage = (message) => {
      if (socket === this.#socket) this.#heard(message.data);
    };
    socket.onclose = (closed) => {
      if (socket === this.#socket) this.#closed(closed);
    };
  }

  /** A dead network reports no close for minutes, so it is treated as closed at once. */
  #drop(reason) {
    const socket = this.#socket;
    this.#closed({ code: 4000, reason });
    socket.close(4000, reason);
  }

  #heard(data) {
    this.#heardAtMs = this.#timers.now();
    const frame = parse(data);
    if (frame?.type === "res") this.#answered(frame);
    else if (frame?.type === "event") this.#event(frame);
  }

  #answered({ id, ok, payload, error }) {
    const waiting = this.#pending.get(id);
    if (!waiting) return;
    this.#pending.delete(id);
    this.#timers.clear(waiting.timer);
    if (ok) waiting.resolve(payload ?? {});
    else waiting.reject(WireError.fromFrame(error));
  }

  #event({ event, payload = {}, seq }) {
    if (event === "connect.challenge") {
      this.#shakeHands(this.#socket, payload);
      return;
    }
    if (this.#sequence.missed(seq)) this.missed.fire();
    if (event === "shutdown") this.#become({ ...this.state, restarting: true });
    this.received.fire(event, payload);
  }

  async #shakeHands(socket, challenge) {
    try {
      const params = await this.#connectParams(challenge);
      if (socket !== this.#socket) return;
      const hello = await this.#send("connect", params);
      if (socket === this.#socket) this.#welcome(hello);
    } catch (error) {
      if (socket !== this.#socket) return;
      this.#refusal = error instanceof WireError ? error : new WireError("CLIENT", String(error));
      this.#drop("connect refused");
    }
  }

  #welcome(hello) {
    this.#timers.clear(this.#timer);
    this.#backoff.reset();
    this.#silenceMs = 2 * (hello.policy?.tickIntervalMs ?? 30_000);
    this.#watch();
    this.#become({ phase: "online", restarting: false, retryAtMs: null });
    this.connected.fire(hello);
  }

  /** Closes a connection on which nothing was heard for two ticks. */
  #watch() {
    const left = this.#heardAtMs + this.#silenceMs - this.#timers.now();
    if (left <= 0) this.#drop("tick timeout");
    else this.#watchdog = this.#timers.set(() => this.#watch(), left);
  }

  #closed({ code }) {
    const refusal = this.#refusal;
    this.#forgetSocket();
    const restarting = this.state.restarting || code === 1012 || code === 1013;
    const verdict = refusal || code === 4001 ? this.#refused(refusal ?? deviceRemoved()) : undefined;
    if (verdict === null) {
      this.#become({ phase: "stopped", restarting: false, retryAtMs: null });
      return;
    }
    const delay = verdict ?? refusal?.retryAfterMs ?? this.#backoff.next({ restarting });
    this.#become({ phase: "waiting", restarting, retryAtMs: this.#timers.now() + delay });
    this.#timer = this.#timers.set(() => this.#open(), delay);
  }

  #forgetSocket() {
    this.#socket = null;
    this.#timers.clear(this.#timer);
    this.#timers.clear(this.#watchdog);
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject, timer } of waiting) {
      this.#timers.clear(timer);
      reject(LOST());
    }
  }

  #become(state) {
    this.state = state;
    this.stateChanged.fire(state);
  }
}

/** The gateway closed with 4001: this device was removed or its token replaced. */
function deviceRemoved() {
  return new WireError("NOT_PAIRED", "device removed", {
    details: { code: "AUTH_DEVICE_TOKEN_MISMATCH" },
  });
}

function parse(data) {
  if (typeof data !== "string") return null;
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
