// A conversation: answers stream, can be stopped, fail with the gateway's words; sessions; reload.

import {
  ask, assert, check, clean, eventually, newPage, online, quiet, say, shown, signIn, storedMessages,
} from "./harness.mjs";

check(async (browser) => {
  const { page, context, faults } = await newPage(browser);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await signIn(page);
  await page.locator("#welcome").waitFor();

  await say(page, "[echo] hello **there** <b>you</b>");
  await quiet(page);
  assert.deepEqual(await shown(page), [
    ["u", "[echo] hello **there** <b>you</b>"],
    ["a", "hello there <b>you</b>"],
  ]);
  assert.equal(await page.locator("#messages b").count(), 0);
  await eventually(() => page.locator("#announcer").innerText(), (text) => text.includes("hello"));

  await isAChannel();
  await streams(page);
  await stops(page);
  await twoSessions(page);
  await otherClientIsSeen(page);

  const before = await shown(page);
  await page.reload();
  await online(page);
  const after = await eventually(() => shown(page), (rows) => rows.length === before.length);
  assert.deepEqual(after, before);
  clean(faults);
});

async function isAChannel() {
  const [account] = (await ask("channels.status")).channelAccounts.webchat;
  assert.deepEqual([account.state, account.clients], ["connected", 1]);
  assert.ok(account.lastInboundAt >= account.lastConnectedAt);
  assert.equal((await ask("health")).channels.webchat.connected, true);
}

async function streams(page) {
  await say(page, "[chunks=40 delay=40]");
  const text = async () => (await shown(page)).at(-1)[1];
  const early = await eventually(text, (value) => value.startsWith("w1 w2"), { what: "a beginning" });
  assert.ok(!early.includes("w40"), early);
  await page.locator(".streaming").waitFor();
  await quiet(page);
  assert.ok((await text()).endsWith("w39 w40"));
}

async function stops(page) {
  await say(page, "[chunks=400 delay=50]");
  await page.locator(".streaming").waitFor();
  await page.locator("#stop").click();
  await quiet(page);
  const [, text] = (await shown(page)).at(-1);
  assert.ok(text.startsWith("w1") && !text.includes("w400"), text);
  assert.match(await page.locator(".message").last().innerText(), /Stopped/);
}

async function fails(page) {
  await say(page, "[error=400]");
  await page.locator(".problem").waitFor();
  assert.match(await page.locator(".problem").innerText(), /mock failure 400/);
  await page.getByRole("button", { name: "Ask again" }).last().waitFor();
}

async function twoSessions(page) {
  const main = await shown(page);
  await page.locator("#new-session").click();
  await page.locator("#welcome").waitFor();
  await say(page, "[echo] in the second");
  await quiet(page);
  assert.equal((await shown(page)).length, 2);
  await page.locator("#rename").click();
  await page.locator("#dialog-input").fill("Second one");
  await page.locator("#dialog-input").press("Enter");
  await page.locator("#title", { hasText: "Second one" }).waitFor();
  await page.locator("#sessions button").filter({ hasNotText: "Second one" }).first().click();
  await eventually(() => shown(page), (rows) => rows.length === main.length, { what: "the main session" });
  await page.locator("#sessions button", { hasText: "Second one" }).click();
  await eventually(() => shown(page), (rows) => rows.length === 2);
  await fails(page);
  await page.locator("#delete").click();
  await page.locator("#dialog-ok").click();
  await page.locator("#sessions button", { hasText: "Second one" }).waitFor({ state: "detached" });
  await eventually(() => shown(page), (rows) => rows.length === main.length);
}

async function otherClientIsSeen(page) {
  const { ask } = await import("./harness.mjs");
  const sessionKey = "agent:main:main";
  await ask("chat.send", { sessionKey, message: "[echo] from elsewhere", idempotencyKey: "elsewhere-1" });
  const wanted = (rows) => rows.at(-1)?.[1] === "from elsewhere" && rows.at(-2)?.[0] === "u";
  await eventually(() => shown(page), wanted, { what: "the other client's message" });
  const stored = await storedMessages(sessionKey);
  assert.equal(stored.filter(([, text]) => text === "[echo] from elsewhere").length, 1);
}
