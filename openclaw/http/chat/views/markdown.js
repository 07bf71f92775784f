// Markdown trees as document nodes, reusing the nodes of blocks that did not change while text streams in.

import { parseMarkdown } from "../markdown.js";
import { icon, make } from "./dom.js";

const shown = new WeakMap();
const COPIED_MS = 1500;

/** Shows the text inside the element; called again with more text it touches only what changed. */
export function showMarkdown(element, text, say) {
  const before = shown.get(element) ?? [];
  const blocks = parseMarkdown(text);
  const after = blocks.map((block, index) => {
    const old = before[index];
    const same = old?.source === block.source && old.language === say("language.name");
    if (same) return old;
    const node = blockNode(block, say);
    if (old) old.node.replaceWith(node);
    else element.append(node);
    return { source: block.source, language: say("language.name"), node };
  });
  for (const { node } of before.slice(after.length)) node.remove();
  shown.set(element, after);
}

const BLOCKS = {
  paragraph: ({ inline }) => make("p", {}, ...inline.map(inlineNode)),
  heading: ({ level, inline }) => make(`h${Math.min(6, level + 2)}`, {}, ...inline.map(inlineNode)),
  rule: () => make("hr"),
  quote: ({ blocks }, say) => make("blockquote", {}, ...blocks.map((block) => blockNode(block, say))),
  list: listNode,
  table: tableNode,
  code: codeNode,
};

function blockNode(block, say) {
  return BLOCKS[block.type](block, say);
}

function listNode({ ordered, start, items }, say) {
  const list = make(ordered ? "ol" : "ul", ordered ? { start } : {});
  for (const blocks of items) {
    list.append(make("li", {}, ...blocks.map((block) => blockNode(block, say))));
  }
  return list;
}

function tableNode({ head, rows }) {
  const cellsOf = (tag, cells) => cells.map((cell) => make(tag, {}, ...cell.map(inlineNode)));
  const body = rows.map((cells) => make("tr", {}, ...cellsOf("td", cells)));
  const table = make(
    "table",
    {},
    make("thead", {}, make("tr", {}, ...cellsOf("th", head))),
    make("tbody", {}, ...body),
  );
  return make("div", { className: "table", tabIndex: 0 }, table);
}

function codeNode({ language, text }, say) {
  const copied = make("span", {}, say("chat.copy"));
  const copy = make("button", { className: "copy", type: "button" }, icon("copy"), copied);
  copy.onclick = async () => {
    await navigator.clipboard.writeText(text);
    copied.textContent = say("chat.copied");
    setTimeout(() => (copied.textContent = say("chat.copy")), COPIED_MS);
  };
  return make(
    "div",
    { className: "code" },
    make("div", { className: "code-bar" }, make("span", {}, language || ""), copy),
    make("pre", { tabIndex: 0 }, make("code", {}, text)),
  );
}

function inlineNode({ type, text, href, children = [] }) {
  if (type === "text") return document.createTextNode(text);
  if (type === "code") return make("code", {}, text);
  const inner = children.map(inlineNode);
  if (type !== "link") return make(type, {}, ...inner);
  return make("a", { href, rel: "noopener noreferrer", target: "_blank" }, ...inner);
}
