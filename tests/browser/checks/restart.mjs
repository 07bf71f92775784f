// The gateway goes away in between, politely and not: what was typed meanwhile arrives once, in order.

import {
  assert, check, clean, eventually, gateway, newPage, online, quiet, say, shown, signIn,
  storedMessages,
} from "./harness.mjs";

check(async (browser) => {
  const { page, faults } = await newPage(browser);
  await signIn(page);
  const sent = [];
  const send = async (text) => {
    sent.push(text);
    await say(page, `[echo] ${text}`);
  };
  await send("before");
  await quiet(page);

  for (const [deed, phase] of [["stop", /restarting|waiting|connecting/], ["kill", /waiting|connecting/]]) {
    await gateway(deed);
    await eventually(() => page.locator("#state").getAttribute("data-phase"), (now) => phase.test(now));
    for (const number of [1, 2, 3]) await send(`${deed} ${number}`);
    assert.equal(await page.locator(".unsent").count(), 3);
    await gateway("start");
    await online(page, 30_000);
    await quiet(page);
    await everythingOnce(page, sent);
  }

  await offlineReload(page, send);
  await quiet(page);
  await everythingOnce(page, sent);
  clean(faults);
});

/** The page is closed while its messages wait; opened again they go out, in order. */
async function offlineReload(page, send) {
  await gateway("stop");
  for (const number of [1, 2]) await send(`reload ${number}`);
  await page.goto("about:blank");
  await gateway("start");
  await page.goBack();
  await online(page, 30_000);
  await eventually(() => page.locator(".user").count(), (count) => count >= 9, { what: "all messages" });
}

async function everythingOnce(page, sent) {
  const wanted = sent.flatMap((text) => [["u", `[echo] ${text}`], ["a", text]]);
  assert.deepEqual(await shown(page), wanted);
  const stored = (await storedMessages("agent:main:main")).filter(([role]) => role === "user");
  assert.deepEqual(stored.map(([, text]) => text), sent.map((text) => `[echo] ${text}`));
}
