"""What all forms share: blocks, lists and styles put together. Each fills in its marks."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from openclaw.channels.text.reading import read
from openclaw.channels.text.runs import Run, runs
from openclaw.channels.text.tables import grid, lines
from openclaw.channels.text.tree import (
    Block,
    Fence,
    Heading,
    Inline,
    Listing,
    Paragraph,
    Quote,
    Rule,
    Style,
    Styled,
    Table,
)

# Between a mark and a letter: without it Slack and WhatsApp show the mark, and where a language
# has no spaces there is always a letter.
ZERO_WIDTH_SPACE = "\u200b"


class Form:
    """Plain text: a form that marks nothing. Others override what they do otherwise."""

    #: What stands before and after a styled run.
    marks: ClassVar[Mapping[Style, tuple[str, str]]] = {}
    #: Styles do not reach across the end of a line.
    line_by_line = False
    #: Code stands outside of any style.
    code_alone = False
    #: Tables become code blocks, for their letters have one width.
    code_tables = False
    #: Marks count as marks only beside white space or punctuation.
    spaced_marks = False
    #: A quotation is one only at the very start of a line.
    quotes_at_margin = False
    bullet = "- "

    def render(self, markdown: str) -> str:
        """Write a Markdown text down in this form; any text at all has one."""
        return self.blocks(read(markdown), "").strip("\n")

    def blocks(self, blocks: Iterable[Block], indent: str, tight: bool = False) -> str:
        """Blocks one below the other, each line indented."""
        written = (self.block(block, indent) for block in blocks)
        return ("\n" if tight else "\n\n").join(text for text in written if text)

    def block(self, block: Block, indent: str) -> str:
        """One block; its lines are indented unless that would change code."""
        match block:
            case Paragraph():
                return _indented(self.paragraph(block.children), indent)
            case Heading():
                return _indented(self.heading(block), indent)
            case Fence():
                return self.fence(block)
            case Quote():
                return self.quote(block, indent)
            case Listing():
                return self.listing(block, indent)
            case Table():
                return self.table(block, indent)
            case Rule():
                return self.rule()

    def paragraph(self, children: Iterable[Inline]) -> str:
        """The lines of a paragraph."""
        return self.inline(children)

    def heading(self, heading: Heading) -> str:
        """A heading, as bold text where there is such a thing."""
        return self.inline([Styled("strong", heading.children)])

    def fence(self, fence: Fence) -> str:
        """A code block."""
        return fence.text

    def quote(self, quote: Quote, indent: str) -> str:
        """A quotation: each line behind an angle bracket."""
        inner = self.blocks(quote.blocks, "")
        indent = "" if self.quotes_at_margin else indent
        return "\n".join(f"{indent}> {line}" for line in inner.split("\n"))

    def listing(self, listing: Listing, indent: str) -> str:
        """A list, its items under each other."""
        items = []
        for place, blocks in enumerate(listing.items):
            marker = self.bullet if listing.start is None else f"{listing.start + place}. "
            items.append(self.item(marker, blocks, indent, listing.tight))
        return ("\n" if listing.tight else "\n\n").join(items)

    def item(self, marker: str, blocks: tuple[Block, ...], indent: str, tight: bool) -> str:
        """One item: its mark, and its blocks indented below."""
        below = indent + " " * len(marker)
        inner = self.blocks(blocks, below, tight)
        if not blocks or not isinstance(blocks[0], Paragraph | Heading | Rule):
            return f"{indent}{marker}".rstrip() + (f"\n{inner}" if inner else "")
        return f"{indent}{marker}{inner.removeprefix(below)}"

    def table(self, table: Table, indent: str) -> str:
        """A table: a code block, or a bullet for each row."""
        if self.code_tables:
            return self.fence(Fence("", grid(table)))
        rows = [self.text(line) for line in lines(table)]
        return "\n".join(f"{indent}{self.bullet}{row}" for row in rows)

    def rule(self) -> str:
        """A line between parts."""
        return "———"

    def text(self, text: str) -> str:
        """Words, with what would mean something else escaped."""
        return text

    def code(self, text: str) -> str:
        """An inline code span."""
        return self.text(text)

    def link(self, label: str, href: str, bare: bool) -> str:
        """A link; ``bare`` if its label is the address itself."""
        if bare or label in (href, href.removeprefix("mailto:")):
            return self.text(label)
        return self.text(f"{label} ({href})")

    def inline(self, children: Iterable[Inline]) -> str:
        """Inline content; every mark that is opened is closed again, in the right order."""
        writer = _Writer(self)
        for run in runs(children):
            writer.write(run)
        return writer.end()

    def run(self, run: Run) -> str:
        """One run without its styles."""
        if run.kind == "code":
            return self.code(run.text)
        return (
            self.link(run.text, run.href, run.bare) if run.kind == "link" else self.text(run.text)
        )


class _Writer:
    """Writes runs one after the other, opening and closing marks in between."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._open: list[Style] = []
        self._parts: list[str] = []
        self._closed_just_now = False

    def write(self, run: Run) -> None:
        form = self._form
        alone = form.code_alone if run.kind == "code" else form.line_by_line
        styles = run.styles if run.kind in ("text", "link") or not alone else ()
        wanted = [style for style in styles if style in form.marks]
        shared = 0
        while self._open[shared : shared + 1] == wanted[shared : shared + 1] != []:
            shared += 1
        self._close(shared)
        for style in wanted[shared:]:
            self._add(form.marks[style][0], joins=False)
            self._open.append(style)
        text = "\n" if run.kind == "break" else form.run(run)
        is_marked = run.kind == "code" and text != form.text(run.text)
        self._add(text, joins=not is_marked)
        self._closed_just_now = is_marked

    def end(self) -> str:
        self._close(0)
        return "".join(self._parts)

    def _close(self, keep: int) -> None:
        while len(self._open) > keep:
            self._parts.append(self._form.marks[self._open.pop()][1])
            self._closed_just_now = True

    def _add(self, text: str, joins: bool) -> None:
        """Add text, or a mark if it does not join what stands before it."""
        if self._form.spaced_marks and self._touches(text, joins):
            self._parts.append(ZERO_WIDTH_SPACE)
        self._parts.append(text)
        self._closed_just_now = False

    def _touches(self, text: str, joins: bool) -> bool:
        if joins:
            return self._closed_just_now and text[:1].isalnum()
        before = self._parts[-1][-1:] if self._parts else ""
        return self._closed_just_now or before.isalnum()


def _indented(text: str, indent: str) -> str:
    return "\n".join(indent + line for line in text.split("\n")) if indent else text
