import assert from "node:assert/strict";
import test from "node:test";

import { parseInline, safeAddress } from "../../../openclaw/http/chat/inline.js";
import { parseMarkdown } from "../../../openclaw/http/chat/markdown.js";

/** The tree as short text: <b>…</b> for strong and so on. */
function flat(nodes) {
  const names = { strong: "b", em: "i", del: "s" };
  return nodes
    .map(({ type, text, href, children }) => {
      if (type === "text") return text;
      if (type === "code") return `<code>${text}</code>`;
      if (type === "link") return `<${href}>${flat(children)}</>`;
      return `<${names[type]}>${flat(children)}</${names[type]}>`;
    })
    .join("");
}

const inline = (text) => flat(parseInline(text));
const types = (text) => parseMarkdown(text).map(({ type }) => type);

for (const [text, wanted] of [
  ["plain", "plain"],
  ["**bold** and *it*", "<b>bold</b> and <i>it</i>"],
  ["***both***", "<b><i>both</i></b>"],
  ["**bold *in* side**", "<b>bold <i>in</i> side</b>"],
  ["*a **b** c*", "<i>a <b>b</b> c</i>"],
  ["~~gone~~ __also bold__ _it_", "<s>gone</s> <b>also bold</b> <i>it</i>"],
  ["2 * 3 * 4", "2 * 3 * 4"],
  ["snake_case_name", "snake_case_name"],
  ["**open", "**open"],
  ["a `b * c` d", "a <code>b * c</code> d"],
  ["``a ` b``", "<code>a ` b</code>"],
  ["`open", "`open"],
  ["\\*not\\*", "*not*"],
  ["[x](https://a.example/b_c)", "<https://a.example/b_c>x</>"],
  ["[**x**](http://a.example)", "<http://a.example><b>x</b></>"],
  ["(see https://a.example/x?y=1).", "(see <https://a.example/x?y=1>https://a.example/x?y=1</>)."],
  ["看 https://a.example/x。", "看 <https://a.example/x>https://a.example/x</>。"],
  ["[x](javascript:alert(1))", "[x](javascript:alert(1))"],
  ["[x](data:text/html,x)", "[x](data:text/html,x)"],
  ["[x](//a.example)", "[x](//a.example)"],
  ["![x](https://a.example/i.png)", "!<https://a.example/i.png>x</>"],
  ["<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"],
]) {
  test(`inline: ${text}`, () => assert.equal(inline(text), wanted));
}

test("only web addresses are safe", () => {
  for (const href of ["javascript:1", "data:,x", "vbscript:x", "file:///x", "blob:x", "x", ""]) {
    assert.equal(safeAddress(href), false, href);
  }
  assert.equal(safeAddress("https://a.example"), true);
});

test("blocks are told apart", () => {
  const text = "# T\n\npara\nmore\n\n- a\n- b\n\n1. c\n\n> q\n\n```js\nx\n```\n\n---\n\n|a|b|\n|-|-|\n|1|2|";
  assert.deepEqual(types(text), [
    "heading", "paragraph", "list", "list", "quote", "code", "rule", "table",
  ]);
});

test("a block begins without a blank line before it, a paragraph keeps its line breaks", () => {
  assert.deepEqual(types("intro:\n- a\n```\nx\n```"), ["paragraph", "list", "code"]);
  assert.equal(flat(parseMarkdown("a\nb")[0].inline), "a\nb");
});

test("code is taken literally, also while its end has not arrived", () => {
  const [block] = parseMarkdown("```py\nx = **1**\n<b>");
  assert.deepEqual([block.language, block.text], ["py", "x = **1**\n<b>"]);
  assert.equal(parseMarkdown("~~~\n```\n~~~")[0].text, "```");
});

test("lists nest and hold code", () => {
  const [list] = parseMarkdown("- a\n  - b\n    - c\n- d\n\n  ```\n  code\n  ```");
  assert.equal(list.items.length, 2);
  assert.deepEqual(list.items[0].map(({ type }) => type), ["paragraph", "list"]);
  assert.deepEqual(list.items[1].map(({ type }) => type), ["paragraph", "code"]);
  assert.equal(parseMarkdown("3. a\n4. b")[0].start, 3);
});

test("each block knows its own lines, so that unchanged ones stay on the page", () => {
  const before = parseMarkdown("one\n\ntwo");
  const after = parseMarkdown("one\n\ntwo and more\n\nthree");
  assert.equal(before[0].source, after[0].source);
  assert.notEqual(before[1].source, after[1].source);
});

test("hostile texts end, whatever their depth", () => {
  const pieces = [
    "*", "**a ", "[", "`", "_a ", "> ", "- ", "  - ", "`a``", "[a](", "~~", "|", "1. ", "http://", "***",
    "\\", "# ", "[a](http://", "**_", "\n>", "\n-\n  ", "((", "\t",
  ];
  for (const piece of pieces) assert.ok(parseMarkdown(piece.repeat(60_000)), piece);
});
