// Puts the page together: parts, events between them, and what the user's actions do.

import { Approvals } from "./approvals.js";
import { takeCode } from "./code.js";
import { Conversation } from "./conversation.js";
import { Delivery } from "./delivery.js";
import { Identity, identityIsPossible } from "./identity.js";
import { Keeper } from "./keeper.js";
import { Outbox } from "./outbox.js";
import { Sessions } from "./sessions.js";
import { openSocket } from "./socket.js";
import { PageStorage } from "./storage.js";
import { Words } from "./strings.js";
import { openVault } from "./vault.js";
import { Page } from "./views/page.js";
import { browserTimers as timers, Wire } from "./wire.js";

const CURRENT = "openclaw.webchat.session";

async function main() {
  const code = takeCode(location, history);
  const storage = new PageStorage(() => localStorage);
  const words = new Words({ storage, preferred: navigator.language });
  const page = new Page(words, storage, timers);
  if (!identityIsPossible()) {
    page.showSignin({ kind: "unable" });
    return;
  }
  const identity = await Identity.load(await openVault()).catch(() => null);
  if (!identity) {
    page.showSignin({ kind: "unable" });
    return;
  }
  const keeper = new Keeper({
    identity,
    locale: () => document.documentElement.lang,
    instanceId: crypto.randomUUID(),
  });
  await keeper.load();
  keeper.useCode(code);
  const chat = new Chat({ keeper, page, storage });
  chat.begin();
}

class Chat {
  #keeper;
  #page;
  #storage;
  #outbox;
  #wire;
  #delivery;
  #sessions;
  #conversation;
  #approvals;

  constructor({ keeper, page, storage }) {
    this.#keeper = keeper;
    this.#page = page;
    this.#storage = storage;
    this.#outbox = new Outbox({ storage, makeKey: () => crypto.randomUUID() });
    const connectParams = keeper.params;
    const wire = new Wire({ openSocket, connectParams, refused: keeper.judge, timers });
    const outbox = this.#outbox;
    this.#wire = wire;
    this.#approvals = new Approvals({ wire });
    this.#sessions = new Sessions({ wire, timers });
    const conversation = new Conversation({ wire, outbox, timers });
    const settle = (key) => conversation.settle(key);
    this.#conversation = conversation;
    this.#delivery = new Delivery({ outbox, wire, settle, timers });
    this.#joinParts();
    this.#joinBrowser();
    page.act(this.#actions());
  }

  /** With a device token the chat is there at once, even while the gateway is not. */
  begin() {
    if (this.#keeper.hasToken) {
      this.#openLast();
      this.#page.showChat();
    } else {
      this.#page.showSignin({ kind: "code", busy: this.#keeper.mayTry });
    }
    if (this.#keeper.mayTry) this.#wire.start();
  }

  #joinParts() {
    const [wire, sessions, conversation] = [this.#wire, this.#sessions, this.#conversation];
    const approvals = this.#approvals;
    const show = () => this.#page.show({ wire, sessions, conversation, approvals });
    wire.connected.listen((hello) => this.#connected(hello));
    wire.received.listen((event, payload) => this.#received(event, payload));
    wire.missed.listen(() => this.#missed());
    wire.stateChanged.listen((state) => this.#stateChanged(state, show));
    this.#keeper.refused.listen((refusal) => this.#page.showSignin(refusal));
    this.#delivery.accepted.listen((entry, answer) => {
      conversation.accepted(entry, answer);
      sessions.refreshSoon();
    });
    conversation.found.listen((keys) => keys.forEach((key) => this.#outbox.remove(key)));
    conversation.answered.listen((text) => this.#page.announce(text));
    approvals.asked.listen((row) => this.#page.announceApproval(row));
    sessions.emptied.listen((key) => conversation.forget(key));
    for (const part of [conversation, sessions, approvals, this.#outbox]) part.changed.listen(show);
  }

  #joinBrowser() {
    addEventListener("storage", ({ key, newValue }) => this.#outbox.storageChanged(key, newValue));
    addEventListener("online", () => this.#retry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#retry());
    addEventListener("hashchange", () => {
      const code = takeCode(location, history);
      if (code) this.#useCode(code);
    });
  }

  #retry() {
    if (this.#wire.state.phase === "waiting") this.#wire.start();
  }

  #useCode(code) {
    this.#keeper.useCode(code);
    this.#page.showSignin({ kind: "code", busy: true });
    this.#wire.stop();
    this.#wire.start();
  }

  #connected(hello) {
    this.#keeper.welcomed(hello);
    const methods = new Set(hello.features?.methods ?? []);
    this.#sessions.connected({ methods, defaults: hello.snapshot?.sessionDefaults });
    if (!this.#conversation.sessionKey) this.#openLast();
    this.#conversation.connected(methods);
    this.#delivery.connected();
    this.#approvals.connected(methods);
    this.#page.showChat();
  }

  #stateChanged({ phase }, show) {
    if (phase === "waiting" || phase === "stopped") {
      this.#delivery.disconnected();
      this.#approvals.disconnected();
    }
    show();
  }

  #received(event, payload) {
    if (event === "chat" || event === "session.message") this.#conversation.received(event, payload);
    else if (event === "sessions.changed") this.#sessions.received(payload);
    else if (event.startsWith("exec.approval.")) this.#approvals.received(event, payload);
  }

  #missed() {
    this.#conversation.refresh();
    this.#sessions.refreshSoon();
    this.#approvals.refresh();
  }

  #openLast() {
    this.#open(this.#storage.getItem(CURRENT) ?? this.#sessions.defaults.mainSessionKey);
  }

  #open(key) {
    this.#storage.setItem(CURRENT, key);
    this.#conversation.open(key);
  }

  #actions() {
    const [sessions, conversation, delivery] = [this.#sessions, this.#conversation, this.#delivery];
    const current = () => conversation.sessionKey;
    return {
      say: (text) => delivery.send(current(), text),
      again: (text) => delivery.send(current(), text),
      resend: (entry) => delivery.retry(entry),
      discard: (entry) => this.#outbox.remove(entry.key),
      stop: () => conversation.stop().catch(() => conversation.refresh()),
      earlier: () => conversation.earlier(),
      open: (key) => this.#open(key),
      create: () => this.#open(sessions.create(crypto.randomUUID().slice(0, 8))),
      rename: (name) => sessions.rename(current(), name),
      reset: () => sessions.reset(current()),
      delete: () => this.#delete(current()),
      decide: (id, decision) => this.#approvals.decide(id, decision),
      retry: () => this.#retry(),
      admit: (code) => this.#wire.request("pairing.approve", { code }),
      useCode: (code) => this.#useCode(code),
    };
  }

  async #delete(key) {
    await this.#sessions.delete(key);
    if (this.#conversation.sessionKey === key) this.#open(this.#sessions.defaults.mainSessionKey);
  }
}

main();
