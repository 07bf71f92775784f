// A page in the system's Chromium, driven over pipes with playwright-core.
//
// Reports besides answers: {"pageError"}, {"console"} for errors the page logs,
// {"notLoaded", "status"} for what it could not fetch,
// {"sent"} and {"received"} for the frames of its WebSockets.

import { load, say, serve } from "./lines.mjs";

const { chromium } = load("playwright-core");

let browser;
let page;

const open = async ({ program, url, visible }) => {
  browser ??= await chromium.launch({
    executablePath: program,
    headless: !visible,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  page = await browser.newPage();
  page.on("pageerror", (error) => say({ pageError: String(error?.stack ?? error) }));
  page.on("console", (entry) => entry.type() === "error" && say({ console: entry.text() }));
  page.on("response", (response) => {
    if (response.status() >= 400) say({ notLoaded: response.url(), status: response.status() });
  });
  page.on("websocket", (socket) => {
    socket.on("framesent", ({ payload }) => say({ sent: String(payload).slice(0, 2000) }));
    socket.on("framereceived", ({ payload }) => say({ received: String(payload).slice(0, 2000) }));
  });
  await page.goto(url, { waitUntil: "load" });
};

const reload = () => page.reload({ waitUntil: "load" });

const close = async () => {
  await page?.close();
  page = undefined;
};

// Waits until the page shows the text, anywhere, open shadow roots included.
const shows = ({ text, timeout = 30000 }) =>
  page.getByText(text, { exact: false }).first().waitFor({ state: "visible", timeout });

const texts = ({ selector }) => page.locator(selector).allInnerTexts();

const fill = async ({ selector, text, press }) => {
  const field = page.locator(selector).first();
  await field.waitFor({ state: "visible", timeout: 30000 });
  await field.fill(text);
  if (press) await field.press(press);
};

const click = ({ selector }) => page.locator(selector).first().click({ timeout: 30000 });

const body = () => page.evaluate(() => document.body.innerText);

const address = () => page.url();

const evaluate = ({ script }) => page.evaluate(script);

const picture = ({ path }) => page.screenshot({ path }).then(() => path);

await serve(
  { open, reload, close, shows, texts, fill, click, body, address, evaluate, picture },
  () => browser?.close(),
);
