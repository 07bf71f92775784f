// What must be true of the page's source: nothing but the code comes from the address, nothing is loaded
// from elsewhere, text never becomes markup, both languages say everything.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { cleanCode, takeCode } from "../../../openclaw/http/chat/code.js";
import { connectParams, signatureText } from "../../../openclaw/http/chat/handshake.js";
import { STRINGS, Words } from "../../../openclaw/http/chat/strings.js";
import { Storage } from "./doubles.mjs";

const ROOT = fileURLToPath(new URL("../../../openclaw/http/chat/", import.meta.url));
const names = readdirSync(ROOT, { recursive: true }).filter((name) => /\.\w+$/.test(name));
const sources = new Map(names.map((name) => [name, readFileSync(ROOT + name, "utf8")]));
const scripts = [...sources].filter(([name]) => name.endsWith(".js"));

function usersOf(pattern) {
  return scripts.filter(([, text]) => pattern.test(text)).map(([name]) => name);
}

test("only main reads the address, only to take the code", () => {
  assert.deepEqual(usersOf(/\bdocument\.(URL|referrer|baseURI)|\bdocumentURI\b|window\.name\b/), []);
  const uses = new Set();
  for (const [name, text] of scripts) {
    if (name === "code.js") continue;
    for (const line of text.match(/.*\blocation\b.*/g) ?? []) uses.add(`${name}: ${line.trim()}`);
  }
  assert.deepEqual([...uses], ["main.js: const code = takeCode(location, history);"]);
});

test("one module opens a socket, no other way out exists", () => {
  assert.deepEqual(usersOf(/new WebSocket/), ["socket.js"]);
  assert.doesNotMatch(sources.get("socket.js"), /location|search|hash|storage/i);
  assert.deepEqual(usersOf(/\bfetch\(|XMLHttpRequest|sendBeacon|EventSource|importScripts|\bimport\(/), []);
});

test("text never becomes markup or code", () => {
  const markup = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc/;
  assert.deepEqual(usersOf(markup), []);
  assert.deepEqual(usersOf(/\beval\(|new Function|createContextualFragment|setAttribute\("on/), []);
});

test("the page loads nothing from elsewhere and has nothing inline", () => {
  const html = sources.get("index.html");
  assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:/i);
  const loads = [...html.matchAll(/(?:src|href|action)="([^"]*)"/g)].map(([, address]) => address);
  for (const address of loads) assert.ok(sources.has(address), address);
  for (const [name, text] of sources) {
    if (name.endsWith(".css")) assert.doesNotMatch(text, /@import|url\((?!"icons\/)/, name);
  }
});

test("the code is taken once and the address is clean at once", () => {
  const cases = [
    ["#code=Abc_-123", "", "Abc_-123"],
    ["#code=", "", null],
    ["#code=<script>", "", null],
    ["#token=Abc123", "", null],
    ["", "?code=Abc123", null],
    ["#x=1&code=Abc123", "?gatewayUrl=ws://evil.example", null],
    ["", "", null],
  ];
  for (const [hash, search, wanted] of cases) {
    const erased = [];
    const history = { replaceState: (...values) => erased.push(values[2]) };
    assert.equal(takeCode({ hash, search, pathname: "/chat/" }, history), wanted);
    assert.deepEqual(erased, hash || search ? ["/chat/"] : []);
  }
  assert.equal(cleanCode(" http://127.0.0.1:1/chat/#code=Abc123 "), "Abc123");
});

test("the device signs the third version of the text", async () => {
  const texts = [];
  const sign = async (text) => texts.push(text) && "signature";
  const identity = { deviceId: "d", publicKey: "p", sign };
  const params = await connectParams({
    challenge: { nonce: "n", ts: 7 }, identity, auth: { bootstrapToken: "c" }, locale: "en", instanceId: "i",
  });
  const scopes = "operator.read,operator.write,operator.approvals,operator.pairing";
  assert.deepEqual(texts, [`v3|d|webchat-ui|webchat|operator|${scopes}|7|c|n|web|`]);
  assert.deepEqual(params.device, { id: "d", publicKey: "p", signature: "signature", signedAt: 7, nonce: "n" });
  assert.deepEqual(params.auth, { bootstrapToken: "c" });
  assert.match(signatureText({ deviceId: "d", signedAt: 1, token: "t", nonce: "n" }), /\|1\|t\|n\|web\|$/);
});

test("both languages have the same words with the same gaps", () => {
  const gaps = (text) => [...text.matchAll(/\{\w+\}/g)].map(([gap]) => gap).sort();
  assert.deepEqual(Object.keys(STRINGS.zh), Object.keys(STRINGS.en));
  for (const [key, text] of Object.entries(STRINGS.en)) {
    assert.ok(text && STRINGS.zh[key], key);
    assert.deepEqual(gaps(STRINGS.zh[key]), gaps(text), key);
  }
});

test("every word that is asked for exists, every word that exists is asked for", () => {
  const all = [...sources].filter(([name]) => name !== "strings.js").map(([, text]) => text).join("\n");
  const asking = /(?:say\(|data-say(?:-\w+)?=|#button\()"([^"]+)"/g;
  const asked = [...all.matchAll(asking)].map(([, key]) => key);
  for (const key of asked) assert.ok(key in STRINGS.en, key);
  const families = /^(state|chat|dialog)\./;
  const unused = Object.keys(STRINGS.en).filter((key) => !all.includes(`"${key}"`) && !families.test(key));
  assert.deepEqual(unused, []);
});

test("the browser's language is the default, a choice is kept", () => {
  const storage = new Storage();
  const words = new Words({ storage, preferred: "zh-TW" });
  assert.equal(words.say("composer.send"), "发送");
  words.toggle();
  assert.equal(new Words({ storage, preferred: "zh-TW" }).language, "en");
  assert.equal(new Words({ storage: new Storage(), preferred: "de" }).language, "en");
  assert.equal(words.say("chat.tool", { name: "$&" }), "Used $&");
});
