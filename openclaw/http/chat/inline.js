// The inside of a line of markdown as a tree: code, bold, italic, struck, links; unknown marks stay text.
// One pass per nesting level, so that no text, however hostile, takes long.

const DEEPEST = 6;
const LINK =
  /\[([^[\]\n]{1,500})\]\((https?:\/\/[^\s()<>]{1,2000}(?:\([^\s()<>]{0,200}\)[^\s()<>]{0,200}){0,4})\)/y;
const ADDRESS = /https?:\/\/[^\s<>"'`*|]{1,2000}/y;
const ESCAPED = /\\([\\`*_{}[\]()#+\-.!~|>])/y;
const TRAILING = /[.,;:!?)\]}'"、。，；：！？）】」]+$/u;
const WORD = /[\p{L}\p{N}_]/u;
const MARKS = [
  ["***", (children) => ({ type: "strong", children: [{ type: "em", children }] })],
  ["**", (children) => ({ type: "strong", children })],
  ["__", (children) => ({ type: "strong", children })],
  ["~~", (children) => ({ type: "del", children })],
  ["*", (children) => ({ type: "em", children })],
  ["_", (children) => ({ type: "em", children })],
];

/** @returns nodes `{type: "text"|"code"|"strong"|"em"|"del"|"link", text?, href?, children?}` */
export function parseInline(text, depth = 0) {
  return new Scanner(text, depth).run();
}

class Scanner {
  #text;
  #depth;
  #at = 0;
  #plain = "";
  #nodes = [];
  #unclosed = new Set();

  constructor(text, depth) {
    this.#text = text;
    this.#depth = depth;
  }

  run() {
    while (this.#at < this.#text.length) {
      const taken = this.#escaped() || this.#code() || this.#link() || this.#address() || this.#marked();
      if (!taken) this.#plain += this.#text[this.#at++];
    }
    this.#flush();
    return this.#nodes;
  }

  #escaped() {
    const match = this.#match(ESCAPED);
    if (!match) return false;
    this.#plain += match[1];
    this.#at += 2;
    return true;
  }

  #code() {
    if (this.#text[this.#at] !== "`") return false;
    const [fence] = /^`+/.exec(this.#text.slice(this.#at, this.#at + 20));
    const from = this.#at + fence.length;
    const end = this.#closing(fence, (at) => this.#text.indexOf(fence, at), from);
    if (end < 0) {
      this.#plain += fence;
      this.#at = from;
    } else {
      this.#push({ type: "code", text: trimCode(this.#text.slice(from, end)) }, end + fence.length);
    }
    return true;
  }

  #link() {
    const match = this.#text[this.#at] === "[" && this.#match(LINK);
    if (!match || !safeAddress(match[2])) return false;
    const children = this.#inside(match[1]);
    this.#push({ type: "link", href: match[2], children }, this.#at + match[0].length);
    return true;
  }

  #address() {
    if (this.#text[this.#at] !== "h" || WORD.test(this.#text[this.#at - 1] ?? "")) return false;
    const href = this.#match(ADDRESS)?.[0].replace(TRAILING, "");
    if (!href || !safeAddress(href)) return false;
    this.#push({ type: "link", href, children: [{ type: "text", text: href }] }, this.#at + href.length);
    return true;
  }

  #marked() {
    const found = MARKS.find(([mark]) => this.#text.startsWith(mark, this.#at));
    if (!found || this.#depth >= DEEPEST) return false;
    const [mark, make] = found;
    const from = this.#at + mark.length;
    const end = this.#opens(mark, from) ? this.#closing(mark, (at) => this.#closer(mark, at), from + 1) : -1;
    if (end < 0) {
      this.#plain += mark;
      this.#at = from;
    } else {
      this.#push(make(this.#inside(this.#text.slice(from, end))), end + mark.length);
    }
    return true;
  }

  #opens(mark, from) {
    const next = this.#text[from] ?? " ";
    const within = mark[0] === "_" && WORD.test(this.#text[this.#at - 1] ?? "");
    return !/\s/.test(next) && !within;
  }

  #closer(mark, from) {
    for (let at = this.#text.indexOf(mark, from); at >= 0; at = this.#text.indexOf(mark, at + 1)) {
      const after = this.#text[at + mark.length] ?? "";
      const longer = after === mark[0] && this.#text[at - 1] !== mark[0] && mark.length < 3;
      const within = mark[0] === "_" && WORD.test(after);
      if (!/\s/.test(this.#text[at - 1]) && !longer && !within) return at;
      if (longer) at += mark.length;
    }
    return -1;
  }

  /** A mark that finds no end once finds none later either: it is not looked for again. */
  #closing(mark, find, from) {
    if (this.#unclosed.has(mark)) return -1;
    const end = find(from);
    if (end < 0) this.#unclosed.add(mark);
    return end;
  }

  #inside(text) {
    return this.#depth < DEEPEST ? parseInline(text, this.#depth + 1) : [{ type: "text", text }];
  }

  #match(pattern) {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text);
  }

  #push(node, next) {
    this.#flush();
    this.#nodes.push(node);
    this.#at = next;
  }

  #flush() {
    if (this.#plain) this.#nodes.push({ type: "text", text: this.#plain });
    this.#plain = "";
  }
}

/** Only web addresses become links; everything else stays text. */
export function safeAddress(href) {
  try {
    return ["http:", "https:"].includes(new URL(href).protocol);
  } catch {
    return false;
  }
}

function trimCode(text) {
  return /^ .* $/s.test(text) && text.trim() ? text.slice(1, -1) : text;
}
