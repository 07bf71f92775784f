"""S1, S38: the web chat's own modules, given hostile addresses and hostile texts."""

import itertools
import json
import random
import re
import shutil
import string
import subprocess
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from twisted.web.http import Request

import openclaw.http
from openclaw.http import pages
from openclaw.http.files import Found
from openclaw.http.pages import ChatPage
from tests.attacks.judging import AttackCase, Verdict, hostile
from tests.conformance import packages
from tests.conformance.cases import require
from tests.http.exchanges import TOKEN, Port

CHAT = Path(openclaw.http.__file__).with_name("chat")
SCRIPT = Path(__file__).with_name("scripts") / "page.mjs"
OWN_SOCKET = "ws://127.0.0.1:18789/"
OWN_PAGE = "http://127.0.0.1:18789/chat/"

NAMES: tuple[str, ...] = (
    "gatewayUrl",
    "gateway",
    "url",
    "wsUrl",
    "ws",
    "host",
    "server",
    "token",
    "password",
)
NAMES += ("endpoint", "remote", "__proto__[gatewayUrl]", "openclaw.webchat.gateway", "code", "next")
PLACES: tuple[str, ...] = (
    "ws://evil.example:18789",
    "wss://evil.example/",
    "//evil.example",
    "evil.example:80",
)
PLACES += ("https://evil.example/?", "http://127.0.0.1:18789@evil.example/", "javascript:alert(1)")
PLACES += ("ws:\\\\evil.example", "ws://127.0.0.1:18789.evil.example/", "%2f%2fevil.example")
JOINS: tuple[str, ...] = (
    "?{}",
    "#{}",
    "#code={}",
    "#x&{}",
    "?a=b&{}#{}",
    "?{}#code=Abc_1234",
    "sub/?{}",
    "#/?{}",
)

FAULTY_SOCKET = """
export function openSocket() {
  const asked = new URL(location.href);
  const hash = new URLSearchParams(asked.hash.slice(1));
  const named = asked.searchParams.get("gatewayUrl") ?? hash.get("gatewayUrl");
  return new WebSocket(named || "ws://127.0.0.1:18789/");
}
"""


def addresses() -> Iterator[str]:
    """Links that an enemy may send: every name, every place, everywhere in an address."""
    for name, place, join in itertools.product(NAMES, PLACES, JOINS):
        for text in (place, quote(place, safe="")):
            pair = f"{name}={text}"
            yield join.format(pair, pair)


SEEDS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:msgbox)",
    "[x](file:///etc/passwd)",
    "[x](blob:http://a/b)",
    "[x](//evil.example/)",
    '[x](https://evil.example" onclick="alert(1))',
    "![x](https://evil.example/pixel.png)",
    "![x](javascript:alert(1))",
    "<javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<svg/onload=alert(1)>",
    "<style>@import 'https://evil.example/x.css'</style>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "```html\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "| a | b |\n|---|---|\n| <img onerror=alert(1)> | [x](javascript:1) |",
    "> <object data=javascript:alert(1)>",
    "1. <form action=javascript:alert(1)><button>",
    "https://evil.example/<script>",
    "javascript://evil.example/%0aalert(1)",
    "[![x](javascript:1)](javascript:2)",
    "[x]: javascript:alert(1)\n[x]",
    "**[x](jav&#x61;script:alert(1))**",
    "# <details open ontoggle=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "[a](http://x\u0000javascript:1)",
    "\u202e[x](https://evil.example)",
)
TAGS = {"div", "p", "h3", "h4", "h5", "h6", "hr", "blockquote", "ol", "ul", "li", "table", "thead"}
TAGS |= {"tbody", "tr", "th", "td", "pre", "code", "span", "button", "strong", "em", "del", "a"}
SET = {"className", "tabIndex", "type", "href", "rel", "target", "start", "aria-hidden"}


def texts(count: int, seed: int) -> Iterator[str]:
    """The seeds, then mixtures of them with marks and odd characters in between."""
    yield from SEEDS
    choose = random.Random(seed)
    marks = ["**", "*", "`", "~~", "\n", "\n> ", "\n- ", "[", "](", ")", "<", ">", "|", "\\", " "]
    marks += [*string.punctuation, "\u200b", "\u2028", "\x00", "https://a.example/"]
    for _ in range(count - len(SEEDS)):
        parts = []
        for _ in range(choose.randint(1, 4)):
            one = choose.choice(SEEDS)
            at = choose.randrange(len(one))
            parts += [one[:at], choose.choice(marks), one[at:], choose.choice(marks)]
        yield "".join(parts)


def is_harmful(nodes: Sequence[Any]) -> bool:
    """The oracle for markup: a foreign element, a property nobody needs, a link that is no web one.

    It reads addresses as browsers do: blanks and control characters around and inside do not count.
    """
    for tag, set_here in nodes:
        if tag not in TAGS or (set_here.keys() - {"onclick"}) - SET:
            return True
        if "onclick" in set_here and (tag, set_here["onclick"]) != ("button", "()"):
            return True
        bare = "".join(one for one in set_here.get("href", "http:") if one > " ").lower()
        if not re.match("https?:", bare):
            return True
    return False


class PageAttacks(AttackCase):
    """The page's modules as they are served."""

    def setUp(self) -> None:
        require(packages.node)

    def run_page(self, root: Path, tried: Sequence[str], shown: Sequence[str]) -> Any:
        given = {"root": f"{root}/", "addresses": tried, "texts": shown}
        done = subprocess.run(
            [str(packages.node()), str(SCRIPT)],
            input=json.dumps(given).encode(),
            capture_output=True,
            timeout=50,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace")[-2000:])
        return json.loads(done.stdout)

    def changed(self, name: str, old: str, new: str) -> Path:
        """A copy of the page with something replaced in one module."""
        root = Path(self.mktemp()).absolute()
        shutil.copytree(CHAT, root)
        text = (root / name).read_text()
        self.assertIn(old, text)
        (root / name).write_text(new if old == text else text.replace(old, new))
        return root

    def follow_links(self, root: Path) -> Verdict:
        verdict, tried = Verdict(), list(addresses())
        done = self.run_page(root, tried, [])
        for link, sockets, code, left in zip(
            tried, done["sockets"], done["codes"], done["left"], strict=True
        ):
            own = sockets == [OWN_SOCKET]
            clean = left.split("/chat/")[0] + "/chat/" == OWN_PAGE and not set("?#") & set(left)
            plain = code is None or set(code) <= set(string.ascii_letters + string.digits + "_-")
            verdict.note(link, not (own and clean and plain))
        return verdict

    @hostile(2400)
    def test_cve_2026_25253_gateway_url_from_the_address(self) -> None:
        """A link named another gateway and the page sent its token there (8.8).

        Here no part of an address leads to a socket, and nothing of it stays in the address bar.
        """
        self.held(self.follow_links(CHAT))
        source = (CHAT / "socket.js").read_text()
        self.caught(self.follow_links(self.changed("socket.js", source, FAULTY_SOCKET)))

    def show(self, root: Path) -> Verdict:
        verdict, shown = Verdict(), list(texts(2000, seed=38))
        nodes = self.run_page(root, [], shown)["nodes"]
        for text, made in zip(shown, nodes, strict=True):
            verdict.note(text, is_harmful(made))
        return verdict

    @hostile(2000)
    def test_cve_2026_53841_unsafe_links_and_markup_in_texts(self) -> None:
        """An exported page kept ``javascript:`` links and markup of the model's text.

        Here text becomes text nodes and a handful of elements; links lead to web addresses only.
        """
        self.held(self.show(CHAT))
        root = self.changed(
            "inline.js", r"(https?:\/\/[^\s()<>]{1,2000}", r"([a-z]+:[^\s()<>]{1,2000}"
        )
        text = (root / "inline.js").read_text()
        (root / "inline.js").write_text(
            text.replace(
                'return ["http:", "https:"].includes(new URL(href).protocol);', "return true;"
            )
        )
        self.caught(self.show(root))


class PolicyAttacks(AttackCase):
    """What the page is served with."""

    def hosts(self) -> Iterator[str]:
        directives = ("; script-src *", " *", ",evil.example", ";connect-src *", " 'unsafe-inline'")
        names = ("127.0.0.1:18789", "localhost", "[::1]:18789", "127.0.0.2", "127.0.0.1")
        signs = ("", " ", "\t", "/", "@evil", ":80@evil", "#", "?", "\\", "%20", "*.")
        for name, directive, sign in itertools.product(names, directives, signs):
            yield name + sign + directive
            yield sign + directive + name

    def ask(self) -> Verdict:
        """Ask as somebody who is served under any name: with the token."""
        port, verdict = Port(self.mktemp()), Verdict()
        for host in self.hosts():
            answer = port.ask("/chat/", Host=host, Authorization=f"Bearer {TOKEN}")
            policy = answer.headers.get("content-security-policy", "")
            allowed = {source for words in policy.split(";") for source in words.split()[1:]}
            odd = {one for one in allowed if "*" in one or "evil" in one or "unsafe" in one}
            verdict.note(host, answer.status == 200 and bool(odd or "," in policy))
        return verdict

    @hostile(550)
    def test_cve_2026_25253_host_header_in_the_policy(self) -> None:
        """Where the policy repeats the Host, a Host must not add sources to it."""
        self.held(self.ask())
        self.patch(pages, "_SAFE_HOST", frozenset(map(chr, range(256))))
        self.caught(self.ask())

    def ask_with_queries(self) -> Verdict:
        port, verdict = Port(self.mktemp()), Verdict()
        plain = scripts(port.ask("/chat/").body)
        for number, link in zip(range(900), addresses(), strict=False):
            query = "?" + link.partition("?")[2].partition("#")[0].replace(" ", "+")
            page = port.ask(f"/chat/{query}&q=</title><script>{number}</script>").body
            verdict.note(query, scripts(page) != plain or f"<script>{number}".encode() in page)
        return verdict

    @hostile(900)
    def test_cve_2026_53841_nothing_of_the_address_in_the_page(self) -> None:
        """A query must not come back in the markup."""
        self.held(self.ask_with_queries())
        send = ChatPage.send

        def echo(page: ChatPage, request: Request, found: Found) -> bytes:
            content = found.content.replace(b"</title>", request.uri + b"</title>")
            return send(page, request, Found(content, found.content_type))

        self.patch(ChatPage, "send", echo)
        self.caught(self.ask_with_queries())


class _Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self.sources.append(dict(attrs).get("src") or "")


def scripts(page: bytes) -> list[str]:
    """Where each script of a page comes from; empty text for one that stands inside it."""
    parser = _Scripts()
    parser.feed(page.decode())
    return parser.sources
