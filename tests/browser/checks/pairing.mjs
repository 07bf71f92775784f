// A browser elsewhere shows a code; somebody types it in a chat that is signed in, and the other one opens.

import { assert, chatAddress, check, clean, eventually, freshCode, newPage, online, settings, signIn } from "./harness.mjs";

check(async (browser) => {
  const { page: far, faults: farFaults } = await newPage(browser);
  await far.goto(chatAddress(`#code=${await freshCode()}`, settings.far));
  await far.getByText("openclaw devices approve").waitFor();
  const words = await far.locator("#signin-after").innerText();
  const [, code] = words.match(/([A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4})/);
  assert.equal(await far.locator("#app").isVisible(), false);

  const { page: owner, faults } = await newPage(browser);
  await signIn(owner);
  await owner.locator("#admit").click();
  await typed(owner, "AAAA-AAAA");
  const failure = () => owner.locator("#dialog-error").innerText();
  await eventually(failure, (text) => text.includes("unknown pairing code"), { what: "a refusal" });
  await typed(owner, code.toLowerCase());
  await owner.locator("#dialog").waitFor({ state: "hidden" });

  await online(far, 30_000);
  await far.reload();
  await online(far);
  clean(faults);
  clean(farFaults);
});

async function typed(page, code) {
  await page.locator("#dialog-input").fill(code);
  await page.locator("#dialog-ok").click();
}
