"""Where texts are cut, and what stands at both sides of a cut."""

from time import process_time

from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.text import discord, matrix, plain, slack, telegram, whatsapp
from openclaw.channels.text.chunks import chunks, fit
from openclaw.channels.text.units import length
from openclaw.interfaces.channels import TextLimit, Unit
from tests.channels.text.test_golden import text as golden


def cut(text: str, default: int, unit: Unit = "characters", lines: int = 0) -> list[str]:
    limit = TextLimit(default=default, hard=4096, unit=unit, lines=lines)
    return chunks(text, limit, plain.render)


class PlaceTests(SynchronousTestCase):
    def test_what_fits_is_not_touched(self) -> None:
        text = golden("lists.md")
        self.assertEqual(cut(text, 4000), [text])

    def test_nothing_to_say_is_no_message(self) -> None:
        self.assertEqual([cut(text, 10) for text in ("", " \n\t\n", "\x00"[:0])], [[], [], []])

    def test_paragraphs_first(self) -> None:
        self.assertEqual(
            cut("One two. Three.\n\nFour five six.\n\nSeven.", 30),
            [
                "One two. Three.",
                "Four five six.\n\nSeven.",
            ],
        )

    def test_then_lines_then_sentences_then_words(self) -> None:
        self.assertEqual(cut("one two\nthree four\nfive", 20), ["one two\nthree four", "five"])
        self.assertEqual(cut("One two. Three four five.", 20), ["One two.", "Three four five."])
        self.assertEqual(cut("one two three four five", 20), ["one two three four", "five"])
        self.assertEqual(cut("这是一个句子。这是另一个比较长的句子。", 12)[0], "这是一个句子。")

    def test_a_heading_stays_with_what_follows(self) -> None:
        text = f"{'word ' * 12}\n\n## Heading\n\n{'text ' * 8}"
        self.assertEqual(cut(text, 80)[1].split("\n")[0], "## Heading")

    def test_items_of_a_list_stay_whole_and_keep_their_numbers(self) -> None:
        text = "\n".join(f"{n}. item number {n} here" for n in range(1, 9))
        found = cut(text, 60)
        self.assertEqual("\n".join(found), text)
        self.assertEqual("\n".join(plain.render(part) for part in found), text)

    def test_nested_items_become_items(self) -> None:
        text = "- top\n" + "\n".join(f"      - deep item {n}" for n in range(8)) + "\n- last"
        for part in cut(text, 60)[1:]:
            self.assertRegex(part, r"\A- ")

    def test_links_entities_and_code_spans_are_not_cut(self) -> None:
        for whole in (
            "[a long label here](https://example.org/path)",
            "`some code with spaces`",
            "https://example.org/a/b/c",
            "**bold words in a row**",
            "&nbsp;&amp;&lt;",
        ):
            for before in range(20, 60):
                text = f"{'x ' * (before // 2)}{whole} end and more words to fill it up"
                found = cut(text, 66)
                self.assertTrue(any(whole in part for part in found), (whole, found))

    def test_what_is_one_character_stays_one(self) -> None:
        family = "👩\u200d👩\u200d👧\u200d👦"
        units: tuple[Unit, ...] = ("characters", "utf-16", "bytes")
        for unit in units:
            for part in cut(family * 50, 64, unit):
                self.assertEqual(part.replace(family, ""), "")
        for part in cut("🇩🇪" * 100, 33):
            self.assertEqual(part.replace("🇩🇪", ""), "")

    def test_no_word_becomes_a_list_or_a_heading_by_a_cut(self) -> None:
        text = "costs five - six # seven > eight 9. nine " * 20
        for part in cut(text, 50):
            self.assertNotRegex(part, r"\A(?:- |# |> |9\. )")


class CodeTests(SynchronousTestCase):
    def test_code_goes_on_in_its_language(self) -> None:
        lines = [f"line_{n} = {n}" for n in range(40)]
        found = cut("Look:\n\n```python title=x\n" + "\n".join(lines) + "\n```\n\nDone.", 200)
        self.assertGreater(len(found), 2)
        self.assertTrue(found[0].endswith("\n```"))
        for part in found[1:]:
            self.assertTrue(part.startswith("```python\n"), part)
            self.assertEqual(part.count("```"), 2)
        shown = [line for part in found for line in plain.render(part).split("\n") if "_" in line]
        self.assertEqual(shown, lines)

    def test_code_keeps_its_indentation_and_longer_fences(self) -> None:
        code = "if x:\n" + "\n".join(f"    y{n} = ```{n}```" for n in range(20))
        found = cut(f"````md\n{code}\n````", 120)
        for part in found:
            self.assertTrue(part.startswith("````md\n") and part.endswith("\n````"))
        self.assertEqual("\n".join(plain.render(part) for part in found), code)

    def test_code_in_lists_and_quotations(self) -> None:
        for first, other in (("- ", "  "), ("1. ", "   "), ("> ", "> "), ("- > ", "  > ")):
            body = "\n".join(f"{other}line {n};" for n in range(20))
            text = f"{first}```c\n{body}\n{other}```\n{first}after"
            limit = TextLimit(default=90, hard=90)
            found = chunks(text, limit, telegram.counted)
            self.assertGreater(len(found), 1)
            rendered = [telegram.render(part) for part in found]
            for part in rendered[:-1]:
                self.assertEqual(part.count('<pre><code class="language-c">'), 1, part)
            self.assertNotIn("`", "".join(rendered))
            self.assertNotRegex("".join(rendered), r"\n +line")

    def test_open_code_is_closed(self) -> None:
        self.assertEqual(cut("a\n\n```py\nx = 1", 100), ["a\n\n```py\nx = 1\n```"])

    def test_a_table_gets_its_head_again(self) -> None:
        rows = "\n".join(f"| row {n} | {n} |" for n in range(30))
        found = cut(f"| name | n |\n|---|---|\n{rows}", 200)
        for part in found:
            self.assertTrue(part.startswith("| name | n |\n|---|---|\n| row"))
        self.assertEqual(sum(part.count("| row ") for part in found), 30)


class LimitTests(SynchronousTestCase):
    def test_what_is_counted_is_what_is_sent(self) -> None:
        text = "a < b & c > d " * 100
        for part in chunks(text, TextLimit(default=100, hard=100), slack.render):
            self.assertLessEqual(len(slack.render(part)), 100)
        self.assertLess(
            len(chunks(text, TextLimit(default=100, hard=100), telegram.counted)),
            len(chunks(text, TextLimit(default=100, hard=100), telegram.render)),
        )

    def test_units(self) -> None:
        units: tuple[Unit, ...] = ("characters", "utf-16", "bytes")
        counts = [len(cut("😀" * 1000, 100, unit)) for unit in units]
        self.assertEqual(counts, sorted(counts))
        self.assertLess(counts[0], counts[2])

    def test_lines_bend_where_nothing_can_be_broken_off(self) -> None:
        table = "| a | b |\n|---|---|\n| 1 | 2 |"
        found = chunks(
            f"{table}\n\nso", TextLimit(default=2000, hard=2000, lines=3), discord.render
        )
        self.assertEqual(found[0], table)
        self.assertEqual(len(cut("a\n" * 40, 2000, lines=17)), 3)

    def test_a_limit_smaller_than_the_marks_still_ends(self) -> None:
        for default in (1, 2, 5, 12):
            found = cut("```python\nx = 1\n```\n\n[a](https://e.org) & **b**", default)
            self.assertTrue(found)

    def test_heads_of_a_growing_answer(self) -> None:
        source = golden("code.md") + "\n\n" + golden("lists.md")
        limit = TextLimit(default=300, hard=300)
        for end in range(0, len(source), 23):
            head = fit(source[:end], limit, plain.render)
            self.assertLessEqual(length(plain.render(head), "characters"), 300)
            self.assertEqual(head.count("```") % 2, 0)
            if end > 600:
                self.assertGreater(len(plain.render(head)), 230)

    def test_200_000_characters_take_less_than_a_second(self) -> None:
        answer = "\n\n".join(golden(f"{name}.md") for name in ("code", "lists", "table"))
        text = (answer + "\n\n") * (200_000 // len(answer) + 1)
        tables = (
            (TextLimit(default=4000, hard=4096, unit="utf-16"), telegram.counted),
            (TextLimit(default=2000, hard=2000, unit="utf-16", lines=17), discord.render),
            (TextLimit(default=4000, hard=40000), slack.render),
            (TextLimit(default=4000, hard=65536, unit="bytes"), matrix.counted),
            (TextLimit(default=4000, hard=4096), whatsapp.render),
            (TextLimit(default=350, hard=400, unit="bytes"), plain.render),
        )
        for limit, render in tables:
            before = process_time()
            chunks(text[:200_000], limit, render)
            spent = process_time() - before
            # A second on any machine of today; the rest is for one that is busy with other tests.
            self.assertLess(spent, 2.0, render.__module__)

    def test_hostile_texts_take_no_longer(self) -> None:
        limit = TextLimit(default=2000, hard=2000)
        for unit in ("[", "![a](", "*a", "`a``", "> ", "&amp;", "<a", "||a", "|a|b|\n", "- a\n"):
            before = process_time()
            chunks(unit * (50_000 // len(unit)), limit, plain.render)
            self.assertLess(process_time() - before, 5.0, unit)
