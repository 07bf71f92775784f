// Runs the web chat's own modules in Node as a browser would load them, and tells what they did.
// Standard input: {root, addresses, texts}. Standard output: {sockets, codes, left, nodes}.

import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

const PAGE = "http://127.0.0.1:18789/chat/";
const { root, addresses, texts } = JSON.parse(readFileSync(0, "utf8"));

registerHooks({
  resolve(specifier, context, next) {
    const from = context.parentURL?.startsWith(PAGE) ? context.parentURL : PAGE;
    if (!specifier.startsWith(PAGE) && from === PAGE && context.parentURL) return next(specifier, context);
    return { url: new URL(specifier, from).href, shortCircuit: true };
  },
  load(url, context, next) {
    if (!url.startsWith(PAGE)) return next(url, context);
    const source = readFileSync(root + url.slice(PAGE.length), "utf8");
    return { format: "module", source, shortCircuit: true };
  },
});

// A document that keeps what is made: name, and every property that was set.
class Made {
  constructor(tag) {
    this.tagName = tag;
    this.children = [];
  }
  append(...children) {
    this.children.push(...children);
  }
  setAttribute(name, value) {
    this[name] = value;
  }
  replaceWith() {}
  remove() {}
}
globalThis.document = {
  createElement: (tag) => new Made(tag),
  createTextNode: (text) => ({ text }),
};

let opened = [];
globalThis.WebSocket = class {
  constructor(address) {
    opened.push(String(address));
  }
};

const answer = { sockets: [], codes: [], left: [], nodes: [] };
const { takeCode } = await import(PAGE + "code.js");
const { openSocket } = await import(PAGE + "socket.js");
for (const address of addresses) {
  const url = new URL(address, PAGE);
  let shown = url.href;
  opened = [];
  globalThis.location = url;
  globalThis.localStorage = { getItem: (name) => url.searchParams.get(name) };
  const history = { replaceState: (_state, _title, path) => (shown = new URL(path, url).href) };
  answer.codes.push(takeCode(url, history));
  openSocket();
  answer.sockets.push(opened);
  answer.left.push(shown);
}

const { showMarkdown } = await import(PAGE + "views/markdown.js");
for (const text of texts) {
  const element = new Made("div");
  showMarkdown(element, text, (name) => name);
  answer.nodes.push(flat(element));
}
process.stdout.write(JSON.stringify(answer));

function flat(node) {
  if (!(node instanceof Made)) return [];
  const { tagName, children, ...set } = node;
  const plain = Object.entries(set).map(([name, value]) => [name, typeof value === "function" ? "()" : value]);
  return [[tagName, Object.fromEntries(plain)], ...children.flatMap(flat)];
}
