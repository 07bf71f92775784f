// Links made by an enemy, opened in a browser that is signed in: the page talks to its own gateway only.

import {
  assert, chatAddress, check, clean, newPage, online, settings, signIn,
} from "./harness.mjs";

const EVIL = "ws://evil.example:18789";
const LINKS = [
  `?gatewayUrl=${EVIL}`,
  `?gatewayUrl=${encodeURIComponent(EVIL)}&token=x`,
  `?gateway=${EVIL}`,
  `?url=${EVIL}`,
  `?wsUrl=wss://evil.example/`,
  `?host=evil.example&port=80`,
  `?session=agent:main:main&gatewayUrl=//evil.example`,
  `?token=stolen&password=stolen`,
  `?next=https://evil.example/`,
  `?code=AAAA1111`,
  `?__proto__[gatewayUrl]=${EVIL}`,
  `#gatewayUrl=${EVIL}`,
  `#token=stolen&gatewayUrl=${EVIL}`,
  `#code=${EVIL}`,
  `#code=AAAA1111&gatewayUrl=${EVIL}`,
  `#code=<img src=https://evil.example/x onerror=fetch('https://evil.example/')>`,
  `#code=%3Cscript%3Efetch('https://evil.example')%3C/script%3E`,
  `#//evil.example/`,
  `#@evil.example:80/`,
  `?#?gatewayUrl=${EVIL}#code=AAAA1111`,
  `?x=<base href=https://evil.example/>`,
  `#javascript:location='https://evil.example/'`,
];

check(async (browser) => {
  const { page, contacts, faults } = await newPage(browser);
  await signIn(page);
  contacts.length = 0;
  for (const link of LINKS) {
    await page.goto("about:blank");
    await page.goto(chatAddress(link));
    await online(page);
    assert.equal(page.url(), chatAddress(), link);
  }
  await page.evaluate((hash) => (location.hash = hash), `gatewayUrl=${EVIL}`);
  await page.waitForTimeout(300);
  const { host } = new URL(settings.http);
  const foreign = contacts.filter((address) => address !== "about:blank" && new URL(address).host !== host);
  assert.deepEqual(foreign, []);
  const sockets = contacts.filter((address) => address.startsWith("ws"));
  assert.ok(sockets.length >= LINKS.length, `${sockets.length} sockets`);
  assert.deepEqual([...new Set(sockets)], [`ws://${host}/`]);
  clean(faults);
});
