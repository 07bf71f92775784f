// Approvals: shown with all that is decided about, decided once, gone everywhere; so is what expires.

import {
  ask, assert, check, clean, eventually, newPage, online, quiet, say, shown, signIn,
} from "./harness.mjs";

const TOOL = "[call=session_status {}]";
const REQUEST = {
  command: "system.run",
  commandArgv: ["rm", "-r", "a b", "\u202Exe.txt"],
  nodeId: "attic",
  cwd: "/home/ada",
  twoPhase: true,
};

check(async (browser) => {
  const one = await newPage(browser);
  const other = await newPage(browser);
  for (const { page } of [one, other]) await signIn(page);

  await decided(one.page, other.page, "Allow once", /The tool said: (?!.*refused)/);
  await decided(other.page, one.page, "Deny", /a person refused it/);
  await expires(one.page);
  await fromElsewhere(one.page, other.page);
  await stopped(one.page, other.page);
  await moved(one.page);
  for (const { faults } of [one, other]) clean(faults);
});

const card = (page) => page.locator(".approval");
const gone = (page) => card(page).waitFor({ state: "detached" });
const answer = async (page) => (await shown(page)).at(-1)[1];

/** A run waits; who may decide sees it everywhere, decides in one place, and the run goes on. */
async function decided(page, elsewhere, button, wanted) {
  await say(page, TOOL);
  for (const each of [page, elsewhere]) {
    assert.equal(await card(each).locator("pre").innerText(), "session_status {}");
  }
  await page.reload();
  await online(page);
  await card(page).getByRole("button", { name: button }).click();
  for (const each of [page, elsewhere]) await gone(each);
  await eventually(() => answer(page), (text) => wanted.test(text), { what: String(wanted) });
  await quiet(page);
}

/** All of it is shown, and what cannot be seen is spelled; the gateway says when it is over. */
async function expires(page) {
  await ask("exec.approval.request", { ...REQUEST, timeoutMs: 1500 });
  const command = await card(page).locator("pre").innerText();
  assert.equal(command, 'system.run rm -r "a b" \\u{202e}xe.txt');
  const facts = await card(page).locator(".facts").innerText();
  assert.match(facts, /^on attic · in \/home\/ada · until \d\d:\d\d$/);
  await eventually(() => page.locator("#announcer").innerText(), (text) => text.includes("rm -r"));
  await gone(page);
  assert.deepEqual(await ask("exec.approval.list"), []);
  assert.ok(await page.locator("#approvals").isHidden());
}

async function fromElsewhere(...pages) {
  const { id } = await ask("exec.approval.request", REQUEST);
  for (const page of pages) await card(page).waitFor();
  await ask("exec.approval.resolve", { id, decision: "deny" });
  for (const page of pages) await gone(page);
}

/** A command reaches the run that waits, and takes its question back. */
async function stopped(page, elsewhere) {
  await say(page, TOOL);
  for (const each of [page, elsewhere]) await card(each).waitFor();
  await say(page, "/stop");
  for (const each of [page, elsewhere]) await gone(each);
  await eventually(() => answer(page), (text) => text === "Stopped.", { what: "the stop's answer" });
  await quiet(page);
}

/** What moves under the pointer takes no click at once: the second was not meant. */
async function moved(page) {
  const ids = [];
  for (let number = 0; number < 2; number += 1) {
    ids.push((await ask("exec.approval.request", REQUEST)).id);
  }
  await eventually(() => card(page).count(), (count) => count === 2);
  const taken = page.evaluate(takesClicks);
  await card(page).first().getByRole("button", { name: "Allow once" }).click();
  assert.equal(await taken, "none");
  const waiting = await ask("exec.approval.list");
  assert.deepEqual(waiting.map(({ id }) => id), [ids[1]]);
  await card(page).getByRole("button", { name: "Deny" }).click();
  await gone(page);
}

/** Runs in the page: whether the buttons that are left take clicks right when one card has gone. */
function takesClicks() {
  const box = document.getElementById("approvals");
  return new Promise((resolve) => {
    new MutationObserver(() => {
      if (box.childElementCount !== 1) return;
      resolve(getComputedStyle(box.querySelector("button")).pointerEvents);
    }).observe(box, { childList: true });
  });
}
