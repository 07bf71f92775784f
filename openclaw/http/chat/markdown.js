// A safe part of markdown as a tree of blocks; it makes no document nodes and knows no HTML.

import { parseInline } from "./inline.js";

const DEEPEST = 6;
const FENCE = /^ {0,3}(`{3,}|~{3,})[ \t]*([\w+#.-]{0,40})/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*)$/;
const RULE = /^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const ITEM = /^( {0,9})([-*+]|\d{1,9}[.)])(?:[ \t]+(.*)|$)/;
const DIVIDER = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

/**
 * @returns blocks `{type, source, …}`: paragraph and heading have `inline`, code `text` and
 *   `language`, quote `blocks`, list `ordered`, `start` and `items` (of blocks), table `head` and `rows`
 */
export function parseMarkdown(text, depth = 0) {
  const lines = text.replaceAll("\r\n", "\n").replaceAll("\t", "    ").split("\n");
  const blocks = [];
  for (let at = 0; at < lines.length; ) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    const [block, next] = readBlock(lines, at, depth);
    blocks.push({ ...block, source: lines.slice(at, next).join("\n") });
    at = next;
  }
  return blocks;
}

function readBlock(lines, at, depth) {
  const line = lines[at];
  if (FENCE.test(line)) return readCode(lines, at);
  const heading = HEADING.exec(line);
  if (heading) return [headingBlock(heading), at + 1];
  if (RULE.test(line)) return [{ type: "rule" }, at + 1];
  if (isTable(lines, at)) return readTable(lines, at);
  if (depth < DEEPEST && QUOTE.test(line)) return readQuote(lines, at, depth);
  if (depth < DEEPEST && ITEM.test(line)) return readList(lines, at, depth);
  return readParagraph(lines, at, depth);
}

function headingBlock([, marks, words]) {
  const inline = parseInline(words.replace(/\s#+\s*$/, ""));
  return { type: "heading", level: marks.length, inline };
}

function readCode(lines, at) {
  const [, fence, language] = FENCE.exec(lines[at]);
  let end = at + 1;
  while (end < lines.length && !closesFence(lines[end], fence)) end += 1;
  const text = lines.slice(at + 1, end).join("\n");
  return [{ type: "code", language, text }, Math.min(end + 1, lines.length)];
}

function closesFence(line, fence) {
  const bare = line.trim();
  return bare.length >= fence.length && bare === fence[0].repeat(bare.length);
}

function readQuote(lines, at, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const inner = lines.slice(at, end).map((line) => QUOTE.exec(line)[1]);
  return [{ type: "quote", blocks: parseMarkdown(inner.join("\n"), depth + 1) }, end];
}

function readList(lines, at, depth) {
  const [, indent, mark] = ITEM.exec(lines[at]);
  const ordered = /\d/.test(mark);
  const items = [];
  let end = at;
  while (end < lines.length && continuesList(lines[end], indent.length, ordered)) {
    const [item, next] = readItem(lines, end, indent.length);
    items.push(parseMarkdown(item, depth + 1));
    end = next;
  }
  return [{ type: "list", ordered, start: ordered ? parseInt(mark, 10) : 1, items }, end];
}

function continuesList(line, indent, ordered) {
  const match = ITEM.exec(line);
  if (!match || RULE.test(line)) return false;
  return /\d/.test(match[2]) === ordered && match[1].length <= indent + 1;
}

/** The lines of one item: its own, those indented under it, and blank ones between such lines. */
function readItem(lines, at, indent) {
  const own = [ITEM.exec(lines[at])[3] ?? ""];
  let end = at + 1;
  while (end < lines.length && belongs(lines, end, indent)) {
    own.push(outdented(lines[end], indent));
    end += 1;
  }
  while (end < lines.length && !lines[end].trim() && ITEM.test(lines[end + 1] ?? "")) end += 1;
  return [own.join("\n"), end];
}

function belongs(lines, at, indent) {
  const line = lines[at].trim() ? lines[at] : (lines[at + 1] ?? "");
  if (line.trim() && line.search(/\S/) >= indent + 2) return true;
  return Boolean(lines[at].trim()) && Boolean(lines[at - 1].trim()) && !startsBlock(lines, at);
}

function outdented(line, indent) {
  const margin = Math.min(Math.max(line.search(/\S/), 0), indent + 3);
  return line.slice(ITEM.test(line) ? Math.min(margin, indent + 2) : margin);
}

function isTable(lines, at) {
  const divider = lines[at + 1] ?? "";
  return lines[at].includes("|") && divider.includes("|") && DIVIDER.test(divider);
}

function readTable(lines, at) {
  const head = cells(lines[at]);
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) end += 1;
  const rows = lines.slice(at + 2, end).map((line) => cells(line).slice(0, head.length));
  return [{ type: "table", head, rows }, end];
}

function cells(line) {
  const bare = line.trim().replace(/^\||\|$/g, "");
  return bare.split("|").map((cell) => parseInline(cell.trim()));
}

function readParagraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() && !startsBlock(lines, end)) end += 1;
  const text = lines.slice(at, end).map((line) => line.trim());
  return [{ type: "paragraph", inline: parseInline(text.join("\n")) }, end];
}

function startsBlock(lines, at) {
  const line = lines[at];
  return [FENCE, HEADING, RULE, QUOTE, ITEM].some((start) => start.test(line)) || isTable(lines, at);
}
