// What every check stands on: the browser, a watched page, a raw client, a way to ask for the gateway.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(join(process.env.OPENCLAW_NODE_MODULES, "anchor.cjs"));
const { chromium } = require("playwright-core");

export const settings = JSON.parse(process.env.OPENCLAW_TEST_SETTINGS);

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
];

/** Runs the check with a browser; its failure is the script's. */
export async function check(story) {
  const browser = await chromium.launch({ executablePath: settings.browser, args: FLAGS });
  try {
    await story(browser);
    process.exitCode = 0;
  } catch (error) {
    console.error(error.stack ?? error);
    process.exitCode = 1;
  }
  await browser.close();
  process.exit();
}

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Asks for the gateway to be stopped, killed or started, and waits until it is. */
export async function gateway(deed) {
  process.stdout.write(`${JSON.stringify({ do: deed })}\n`);
  const { value } = await answers.next();
  assert.deepEqual(JSON.parse(value), { done: deed });
}

/** One request of a local client with the gateway's token and every scope. */
export async function ask(method, params = {}) {
  const socket = new WebSocket(settings.http.replace("http", "ws"));
  const frames = listen(socket);
  await frames((frame) => frame.event === "connect.challenge");
  const send = (id, name, values) =>
    socket.send(JSON.stringify({ type: "req", id, method: name, params: values }));
  send("1", "connect", {
    minProtocol: 4,
    maxProtocol: 4,
    client: { id: "cli", version: "1", platform: "test", mode: "cli" },
    role: "operator",
    scopes: ["operator.admin", "operator.read", "operator.write"],
    auth: { token: settings.token },
  });
  await frames((frame) => frame.id === "1");
  send("2", method, params);
  const { ok, payload, error } = await frames((frame) => frame.id === "2");
  socket.close();
  assert.ok(ok, `${method}: ${JSON.stringify(error)}`);
  return payload;
}

function listen(socket) {
  const seen = [];
  const waiting = [];
  const match = () => {
    for (const wait of [...waiting]) {
      const found = seen.find(wait.wanted);
      if (found) wait.resolve(found);
    }
  };
  socket.onmessage = ({ data }) => {
    seen.push(JSON.parse(data));
    match();
  };
  socket.onclose = ({ code, reason }) => {
    for (const { reject } of waiting) reject(new Error(`closed ${code} ${reason}`));
  };
  return (wanted) =>
    new Promise((resolve, reject) => {
      waiting.push({ wanted, resolve, reject });
      match();
    });
}

/** A fresh one-time code. */
export async function freshCode() {
  const { code, url } = await ask("dashboard.link");
  assert.ok(new URL(url).hash.includes(code), url);
  return code;
}

/** What the gateway has stored of a session, as `[role, text]`. */
export async function storedMessages(sessionKey) {
  const { messages } = await ask("chat.history", { sessionKey, limit: 10_000 });
  return messages.map(({ role, content }) => {
    const parts = typeof content === "string" ? [{ text: content }] : content;
    return [role, parts.map(({ text }) => text).join("")];
  });
}

/** A page in a profile of its own, and a record of everything it must not do. */
export async function newPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const faults = [];
  const contacts = [];
  page.on("pageerror", (error) => faults.push(`page error: ${error.stack ?? error}`));
  page.on("console", (entry) => {
    const offline = /net::ERR_|WebSocket connection/.test(entry.text());
    if (entry.type() === "error" && !offline) faults.push(`console: ${entry.text()}`);
  });
  page.on("request", (request) => contacts.push(request.url()));
  page.on("websocket", (socket) => contacts.push(socket.url()));
  return { page, context, faults, contacts };
}

export const chatAddress = (rest = "", base = settings.http) => `${base}/chat/${rest}`;

/** Opens the chat signed in. */
export async function signIn(page, base = settings.http) {
  await page.goto(chatAddress(`#code=${await freshCode()}`, base));
  await online(page);
}

export async function online(page, timeout = 15_000) {
  await page.locator('#state[data-phase="online"]').waitFor({ timeout });
}

/** Types a message, sends it with Enter and sees it among the messages. */
export async function say(page, text) {
  await page.locator("#message").fill(text);
  await page.locator("#message").press("Enter");
  await page.locator(".user", { hasText: text }).last().waitFor();
}

/** The texts on the page, `["u", text]` or `["a", text]`, in order. */
export function shown(page) {
  return page.locator("#messages > .message").evaluateAll((rows) =>
    rows.map((row) => {
      const role = row.classList.contains("user") ? "u" : "a";
      return [role, row.querySelector(".body").innerText.trim()];
    }),
  );
}

/** Waits until the page satisfies the condition; the failure shows what it has instead. */
export async function eventually(probe, wanted, { timeout = 20_000, what = "" } = {}) {
  const end = Date.now() + timeout;
  let value = await probe();
  while (!wanted(value)) {
    if (Date.now() > end) throw new Error(`${what} not seen, but ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    value = await probe();
  }
  return value;
}

/** Waits until nothing is being written, sent or waited for. */
export async function quiet(page, timeout = 30_000) {
  const busy = ".thinking, .streaming, .unsent, #stop:not([hidden])";
  await eventually(() => page.locator(busy).count(), (count) => count === 0, { timeout, what: "quiet" });
}

export function clean(faults) {
  assert.deepEqual(faults, []);
}

export { assert };
