"""Whatever is cut, every piece fits, stands by itself, and nothing is lost between them."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.text import discord, matrix, plain, slack, telegram
from openclaw.channels.text.chunks import Piece, Render, _Cutter, chunks, fit, pieces
from openclaw.channels.text.source import clean, visible
from openclaw.channels.text.units import length
from openclaw.interfaces.channels import TextLimit, Unit
from tests.channels.text import judges
from tests.channels.text.writing import answers, markdown

UNITS: tuple[Unit, ...] = ("characters", "utf-16", "bytes")
RENDERS: tuple[Render, ...] = (
    plain.render,
    slack.render,
    discord.render,
    matrix.render,
    telegram.counted,
)
limits = st.builds(
    TextLimit,
    default=st.integers(80, 400),
    hard=st.just(4096),
    unit=st.sampled_from(UNITS),
    lines=st.sampled_from((0, 0, 17)),
)
# Room for the longest thing that stays in one piece.
roomy = st.builds(
    TextLimit,
    default=st.integers(300, 900),
    hard=st.just(4096),
    unit=st.sampled_from(UNITS),
    lines=st.sampled_from((0, 17)),
)


def sent(piece: Piece) -> str:
    """What a piece holds of the source: its text without what was put around it."""
    text = piece.text.removeprefix(piece.opening)
    return visible(text.removesuffix(piece.closing) if piece.closing else text)


class AnyTextTests(SynchronousTestCase):
    @settings(max_examples=500, deadline=None, database=None)
    @given(markdown, limits, st.sampled_from(RENDERS))
    def test_every_visible_character_is_in_one_piece(
        self, text: str, limit: TextLimit, render: Render
    ) -> None:
        found = pieces(text, limit, render)
        self.assertEqual("".join(sent(piece) for piece in found), visible(clean(text)))

    @settings(max_examples=500, deadline=None, database=None)
    @given(markdown, limits, st.sampled_from(RENDERS))
    def test_every_piece_fits_and_is_worth_sending(
        self, text: str, limit: TextLimit, render: Render
    ) -> None:
        for piece in chunks(text, limit, render):
            rendered = render(piece)
            self.assertLessEqual(length(rendered, limit.unit), limit.default)
            self.assertTrue(rendered.strip())
            piece.encode("utf-8")

    @settings(max_examples=1500, deadline=None, database=None)
    @given(st.one_of(markdown, answers), roomy, st.sampled_from(RENDERS))
    def test_the_short_way_leads_where_the_long_one_does(
        self, text: str, limit: TextLimit, render: Render
    ) -> None:
        """A text that needs no cut is not read at all: what comes out must be the same."""
        with_long_way = list(_Cutter(clean(text), limit, render).pieces())
        self.assertEqual(pieces(text, limit, render), with_long_way)

    @settings(max_examples=400, deadline=None, database=None)
    @given(markdown, limits)
    def test_a_head_fits_and_is_of_the_text(self, text: str, limit: TextLimit) -> None:
        head = fit(text, limit, plain.render)
        self.assertLessEqual(length(plain.render(head), limit.unit), limit.default)
        self.assertEqual(bool(head), bool(visible(clean(text))))

    @settings(max_examples=200, deadline=None, database=None)
    @given(answers, limits)
    def test_every_code_block_is_closed_in_its_piece(self, text: str, limit: TextLimit) -> None:
        for piece in (*chunks(text, limit, plain.render), fit(text, limit, plain.render)):
            self.assertEqual(judges.open_fences(piece), [])

    @settings(max_examples=300, deadline=None, database=None)
    @given(answers, roomy, st.sampled_from((plain.render, telegram.counted)))
    def test_the_pieces_of_an_answer_read_like_the_whole(
        self, text: str, limit: TextLimit, render: Render
    ) -> None:
        """No mark shows that was none before, and no word becomes code or stops being it."""
        read = "".join(visible(render(piece)) for piece in chunks(text, limit, render))
        self.assertEqual(read, visible(render(text)))

    @settings(max_examples=100, deadline=None, database=None)
    @given(answers, st.integers(8, 17))
    def test_lines_are_counted_too(self, text: str, lines: int) -> None:
        limit = TextLimit(default=2000, hard=2000, lines=lines)
        for piece in chunks(text, limit, discord.render):
            self.assertLessEqual(discord.render(piece).count("\n") + 1, lines)
