// Names, landmarks, contrast and layout in every dress of the page; pictures where they are asked for.

import { join } from "node:path";

import {
  ask, assert, chatAddress, check, clean, newPage, quiet, say, settings, signIn,
} from "./harness.mjs";

const NARROW = { viewport: { width: 390, height: 780 }, deviceScaleFactor: 2 };
const DRESSES = {
  light: {},
  dark: { colorScheme: "dark" },
  zh: { locale: "zh-CN" },
  "phone-light": { ...NARROW },
  "phone-dark-zh": { ...NARROW, colorScheme: "dark", locale: "zh-CN" },
};
const SAID = [
  "/status",
  "[echo] A list: see [the page](https://example.org/a), `code`, **bold** and *slanted* words.",
  "[echo] Thanks! 谢谢！",
];

check(async (browser) => {
  for (const [name, options] of Object.entries(DRESSES)) {
    const { page, context, faults } = await newPage(browser, options);
    await page.goto(chatAddress());
    await page.locator("#signin-title").waitFor();
    await inspect(page, `${name} sign-in`);
    await picture(page, `signin-${name}`);
    await signIn(page);
    for (const text of name === "light" ? SAID : SAID.slice(1, 2)) {
      await say(page, text);
      await quiet(page);
    }
    await inspect(page, name);
    await picture(page, name);
    await approval(page, name);
    clean(faults);
    await context.close();
  }
});

async function approval(page, name) {
  const { id } = await ask("exec.approval.request", {
    command: "system.run",
    commandArgv: ["git", "push", "--force", "origin", "main"],
    nodeId: "laptop",
    cwd: "/home/ada/notes",
    twoPhase: true,
  });
  await page.locator(".approval").waitFor();
  await inspect(page, `${name} approval`);
  await picture(page, `approval-${name}`);
  await ask("exec.approval.resolve", { id, decision: "deny" });
  await page.locator(".approval").waitFor({ state: "detached" });
}

async function inspect(page, name) {
  const report = await page.evaluate(lookOver);
  assert.deepEqual(report, [], name);
}

function picture(page, name) {
  return settings.pictures && page.screenshot({ path: join(settings.pictures, `webchat-${name}.png`) });
}

/** Runs in the page: what is wrong with it, in words. */
function lookOver() {
  const visible = (element) => element.checkVisibility({ visibilityProperty: true });
  const all = (selector) => [...document.querySelectorAll(selector)].filter(visible);
  const nameOf = (element) =>
    element.getAttribute("aria-label") || element.labels?.[0]?.textContent || element.textContent;
  const wrong = [];
  for (const element of all("button, a, input, textarea, [role]:not([role=status], [role=alert])")) {
    if (!nameOf(element)?.trim()) wrong.push(`no name: ${element.outerHTML}`);
  }
  if (all("main").length !== 1) wrong.push("not one main landmark");
  if (all("h1").length !== 1) wrong.push("not one h1");
  if (!/^(en|zh-CN)$/.test(document.documentElement.lang)) wrong.push("no language");
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  if (new Set(ids).size !== ids.length) wrong.push("an id occurs twice");
  if (!document.querySelector("[aria-live=polite]")) wrong.push("no live region");
  if (document.documentElement.scrollWidth > innerWidth) wrong.push("wider than the window");
  for (const element of all("button")) {
    const { width, height } = element.getBoundingClientRect();
    const hidden = element.classList.contains("skip");
    if (!hidden && Math.min(width, height) < 24) wrong.push(`small: ${nameOf(element)} ${width}x${height}`);
  }
  return [...wrong, ...contrasts()];

  function contrasts() {
    const low = [];
    for (const element of all("p, span, time, h1, h2, button, label, code, a, li, pre, textarea")) {
      const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
      if (!own || element.classList.contains("unseen") || element.disabled) continue;
      const [ink, paper] = [rgb(getComputedStyle(element).color), background(element)];
      const ratio = contrast(ink, paper);
      if (ratio < 4.5) low.push(`contrast ${ratio.toFixed(2)}: ${element.className} ${element.textContent}`);
    }
    return low;
  }

  function rgb(text) {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  }

  function background(element) {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a] = rgb(getComputedStyle(at).backgroundColor);
      if (a > 128) return [r, g, b];
    }
    return [255, 255, 255];
  }

  function contrast(one, other) {
    const [bright, dim] = [luminance(one), luminance(other)].sort((x, y) => y - x);
    return (bright + 0.05) / (dim + 0.05);
  }

  function luminance(channels) {
    const [r, g, b] = channels.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
}
