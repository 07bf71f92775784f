// Everything without a pointer: writing, stopping, conversations, dialogs, language; focus is never lost.

import { assert, check, clean, eventually, newPage, quiet, shown, signIn } from "./harness.mjs";

check(async (browser) => {
  const { page, faults } = await newPage(browser);
  await signIn(page);
  const keys = page.keyboard;
  const focus = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.dataset.key);

  assert.equal(await focus(), "message");
  await keys.type("[echo] first");
  await keys.press("Shift+Enter");
  await keys.type("second line");
  await keys.press("Enter");
  await quiet(page);
  assert.deepEqual((await shown(page))[0], ["u", "[echo] first\nsecond line"]);
  assert.equal(await focus(), "message");

  await keys.type("[chunks=400 delay=50]");
  await keys.press("Enter");
  await page.locator(".streaming").waitFor();
  await keys.press("Escape");
  await quiet(page);
  assert.equal(await focus(), "message");

  await tabTo(page, focus, "new-session", "Shift+Tab");
  await keys.press("Enter");
  await page.locator("#welcome").waitFor();
  assert.equal(await focus(), "message");
  await keys.type("[echo] other");
  await keys.press("Enter");
  await quiet(page);

  await tabTo(page, focus, /^agent:/, "Shift+Tab");
  const from = await focus();
  await keys.press("ArrowDown");
  const to = await focus();
  assert.notEqual(to, from);
  await keys.press("Home");
  await keys.press("End");
  await keys.press("Enter");
  const isMain = (rows) => rows[0]?.[1].includes("second line");
  await eventually(() => shown(page), isMain, { what: "the main session" });
  assert.equal(await focus(), "message");

  await tabTo(page, focus, "rename", "Shift+Tab");
  await keys.press("Enter");
  await eventually(focus, (id) => id === "dialog-input");
  await keys.press("Escape");
  await eventually(focus, (id) => id === "rename", { what: "focus back on the button" });

  await tabTo(page, focus, "language", "Shift+Tab");
  await keys.press("Enter");
  assert.equal(await page.locator("html").getAttribute("lang"), "zh-CN");
  await page.getByRole("button", { name: "发送" }).waitFor();
  clean(faults);
});

async function tabTo(page, focus, wanted, key) {
  const there = (id) => (wanted instanceof RegExp ? wanted.test(id) : id === wanted);
  for (let count = 0; count < 40; count += 1) {
    if (there(await focus())) return;
    await page.keyboard.press(key);
    assert.ok(await outlined(page), `focus is visible on ${await focus()}`);
  }
  throw new Error(`${wanted} cannot be reached with ${key}`);
}

/** The browser's own controls may take the focus in between; what is focused here must show it. */
function outlined(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return true;
    const frame = element.id === "message" ? element.closest(".composer") : element;
    const style = getComputedStyle(frame);
    return style.outlineStyle !== "none" || element.id === "message";
  });
}
