"""Texts for hypothesis to write: Markdown, near-Markdown, and plain nonsense."""

from hypothesis import strategies as st

LETTERS = "ab Z9.,!?\n\t_*~`|<>&[](){}#+-=:/\\\"'@$%^;"
OTHERS = (
    "éßñ漢字かな한글العربيةעברית😀👍🏽👩🇩🇪🇫\U0001d518"
    "\u200f\u202e\u200d\ufe0f\u0301\u2028\u0000\u0002\u0007\ud83d\ude00"
)
MARKS = (
    *("**", "*", "_", "__", "~~", "||", "`", "``", "```", "~~~", "```py\n", "\n```\n", "\n\n"),
    *("> ", "> > ", "- ", "  - ", "    - ", "1. ", "3) ", "# ", "###### ", "---", "===", "\n"),
    *("[a](http://e.org)", "[a](javascript:x)", "![i](x.png)", "<http://e.org>", "\n> ```\n"),
    *("[", "](", ")", "<!channel>", "<@U1>", "<b>", "</b>", "<script>", "&amp;", "&lt;", "&#60;"),
    *("| a | b |\n|---|--:|\n| 1 | 2 |\n", "|", "|--|\n", "word ", "Two words. ", "漢字。", "\\"),
    *("[**x**](http://a.b/c(d))", "![[x](y)](z)", '[a](http://x "t")', "https://e.org/_a_?b=c&d"),
    *("- ```sh\n  x\n  ```\n", "\r\n", "👩\u200d👩\u200d👧", "🇩🇪"),
)

anything = st.text(alphabet=LETTERS + OTHERS, max_size=400)
wild = st.text(st.characters(exclude_categories=()), max_size=60)
marked = st.lists(st.sampled_from(MARKS) | st.text(LETTERS + OTHERS, max_size=8), max_size=60).map(
    "".join
)
markdown = st.one_of(marked, anything, wild)

# Answers as models write them: every mark has its partner and no word could be a mark.
_word = st.text("abcdefgh漢字é😀", min_size=1, max_size=9)
_words = st.lists(_word, min_size=1, max_size=12).map(" ".join)
_few = st.lists(_word, min_size=1, max_size=4).map(" ".join)
_phrase = st.one_of(
    _words,
    _few.map("**{}**".format),
    _few.map("*{}*".format),
    _few.map("`{}`".format),
    _word.map("[{0}](https://e.org/{0})".format),
)
_sentence = st.lists(_phrase, min_size=1, max_size=4).map(" ".join).map("{}.".format)
_paragraph = st.lists(_sentence, min_size=1, max_size=6).map(" ".join)
_items = st.lists(_sentence, min_size=1, max_size=8)
_code = st.lists(_words.map("    {}".format) | _words | st.just(""), max_size=25).map("\n".join)
_block = st.one_of(
    _paragraph,
    _words.map("## {}".format),
    _items.map(lambda items: "\n".join(f"- {item}" for item in items)),
    _items.map(lambda items: "\n".join(f"{n}. {item}" for n, item in enumerate(items, 1))),
    _items.map(lambda items: "\n".join(f"- a\n  - {item}" for item in items)),
    _items.map(lambda items: "\n".join(f"> {item}" for item in items)),
    _code.map("```python\nx\n{}\nx\n```".format),
    _code.map(lambda code: "- c\n  ```\n  x\n  {}\n  x\n  ```".format(code.replace("\n", "\n  "))),
)
# Words between blocks: two lists in a row are one list, with other numbers.
answers = st.lists(st.tuples(_sentence, _block).map("\n\n".join), min_size=1, max_size=8).map(
    "\n\n".join
)
