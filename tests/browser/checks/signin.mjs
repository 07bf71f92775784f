// Signing in: the code leaves the address at once and works once; afterwards the device token is enough.

import {
  assert, chatAddress, check, clean, eventually, freshCode, newPage, online, settings,
} from "./harness.mjs";

check(async (browser) => {
  await headersAreStrict();
  const { page, context, faults } = await newPage(browser);
  await page.goto(chatAddress());
  await page.getByText("openclaw dashboard").first().waitFor();
  assert.equal(await page.locator("#app").isVisible(), false);

  const code = await freshCode();
  await page.goto(chatAddress(`?a=1#code=${code}`));
  await online(page);
  assert.equal(page.url(), chatAddress());
  assert.equal(await page.evaluate(() => history.length > 0 && location.hash), "");
  await keepsOnlyTheDeviceToken(page, code);

  await page.reload();
  await online(page);
  const second = await context.newPage();
  await second.goto(chatAddress(`#code=${code}`));
  await online(second); // a used link in a browser that is known already still opens the chat
  await second.close();

  await usedCodeIsRefused(browser, code);
  await pastedCodeWorks(browser);
  clean(faults);
});

async function headersAreStrict() {
  const answer = await fetch(chatAddress());
  const policy = answer.headers.get("content-security-policy");
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe|\*/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.match(answer.headers.get("content-type"), /^text\/html/);
  const root = await fetch(settings.http, { redirect: "manual" });
  assert.match(root.headers.get("location"), /\/chat\/$/);
}

async function keepsOnlyTheDeviceToken(page, code) {
  const kept = await page.evaluate(async () => {
    const opening = indexedDB.open("openclaw-webchat");
    await new Promise((resolve) => (opening.onsuccess = resolve));
    const store = opening.result.transaction("identity").objectStore("identity");
    const get = (name) =>
      new Promise((resolve) => {
        const request = store.get(name);
        request.onsuccess = () => resolve(request.result);
      });
    const pair = await get("key");
    const token = await get("token");
    return { token, extractable: pair.privateKey.extractable, local: JSON.stringify(localStorage) };
  });
  assert.match(kept.token, /^[\w-]{20,}$/);
  assert.equal(kept.extractable, false);
  for (const secret of [code, settings.token, kept.token]) assert.ok(!kept.local.includes(secret));
}

async function usedCodeIsRefused(browser, code) {
  const { page, context } = await newPage(browser);
  await page.goto(chatAddress(`#code=${code}`));
  const words = () => page.locator("#signin-error").innerText();
  await eventually(words, (text) => text.includes("openclaw dashboard"), { what: "a refusal" });
  assert.equal(page.url(), chatAddress());
  await context.close();
}

async function pastedCodeWorks(browser) {
  const { page, context, faults } = await newPage(browser);
  await page.goto(chatAddress());
  await page.locator("#code").fill("not a code!");
  await page.locator("#code").press("Enter");
  assert.match(await page.locator("#signin-error").innerText(), /one-time code/);
  await page.locator("#code").fill(chatAddress(`#code=${await freshCode()}`));
  await page.locator("#code").press("Enter");
  await online(page);
  clean(faults);
  await context.close();
}
