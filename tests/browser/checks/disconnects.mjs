// The connection breaks again and again while somebody writes: every message is stored and shown
// once, in order.

import {
  assert, check, clean, eventually, newPage, online, quiet, say, settings, shown, signIn,
  storedMessages,
} from "./harness.mjs";
import { Line } from "./proxy.mjs";

const RELOAD_EVERY = 20;
const random = randomFrom(settings.seed);

check(async (browser) => {
  const line = new Line(new URL(settings.http).port);
  const base = await line.open();
  const { page, faults } = await newPage(browser);
  await signIn(page, base);
  const sent = [];
  let reloads = 0;
  while (line.cuts < settings.disconnects) {
    if (random() < 0.6) {
      sent.push(`message ${sent.length + 1}`);
      await say(page, `[echo] ${sent.at(-1)}`);
    }
    await pause(random() * 300);
    line.cut(random() < 0.3 ? random() * 400 : 0);
    if (line.cuts >= (reloads + 1) * RELOAD_EVERY) {
      reloads += 1;
      await page.reload();
    }
  }
  await online(page, 60_000);
  await quiet(page, 120_000);
  await everything(page, sent.length);
  const wanted = sent.flatMap((text) => [["u", `[echo] ${text}`], ["a", text]]);
  assert.deepEqual(await shown(page), wanted);
  const stored = (await storedMessages("agent:main:main")).filter(([role]) => role === "user");
  assert.deepEqual(stored.map(([, text]) => text), sent.map((text) => `[echo] ${text}`));
  assert.ok(sent.length >= settings.disconnects / 4, `${sent.length} messages`);
  clean(faults);
  line.close();
  console.error(`${line.cuts} disconnects, ${reloads} reloads, ${sent.length} messages`);
});

/** Asks for earlier messages until the first one is there. */
async function everything(page, count) {
  const users = () => page.locator(".user").count();
  while ((await users()) < count) {
    const before = await users();
    await page.locator("#earlier").click();
    await eventually(users, (now) => now > before, { what: "earlier messages" });
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The same numbers in every run with the same seed (mulberry32). */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
