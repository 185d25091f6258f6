"""Lines of pages to paragraphs, headings, lists and tables of figures.

A PDF says where letters stand, not what they are. What is said here follows from size, place
and repetition, and only where that is sure; all else is a paragraph.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import groupby, pairwise
from statistics import median

from answerable.adapters.parsers.compose import LEVEL_MAX, Composer, Item, plain
from answerable.adapters.parsers.pdf_pages import Line, Page
from answerable.domain.documents import Landmark, LandmarkKind

MARGIN = 0.12
"""Share of the page, above and below, where what runs along every page stands."""
RUNNING_PAGES_MIN = 3
RUNNING_LINES_MAX = 6
APART = 1.6
"""Heights of letters, between what runs along the pages and the page."""
HEADING_SIZE = 1.12
HEADING_CHARS_MAX = 200
HEADING_LINES_MAX = 3
BOLD_CHARS_MAX = 100
GAP = 1.3
"""A wider gap than this many usual ones begins a paragraph."""
GAP_MIN = 0.3
"""Heights of letters; what stands closer stands beside or above: elsewhere."""
LEVEL = 0.35
SAME_SIZE = 0.08
SHORT = 0.15
INDENT = (0.8, 4.0)
LABEL_CHARS_MAX = 80
LABEL_GAP = 2.5
HEAD_LINES_MAX = 6
CARRIES_CHARS_MIN = 30
"""A line that goes on elsewhere is a whole one, not a label."""

_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"(?i)^[-\u2013\u2014|\s]*(?:page\s*)?(?:#|[ivxl]{1,6})(?:\s*(?:of|/)\s*#)?[-\u2013\u2014|\s]*$"
)
_BULLET = re.compile(
    r"^([\u2022\u25cf\u25aa\u25e6\u2023\u2043\u00b7\u25a0\u25cb\uf0b7o\u2013-])\s+(?=\S)"
)
_NUMBERED = re.compile(r"^\(?(\d{1,3})[.)]\s+(?=\S)")
_FIGURE = re.compile(
    r"^(?:[$\u20ac\u00a3]?\(?-?\d[\d,.]*%?\)?%?|[-\u2013\u2014]+|\$|%|\)|[$\u20ac\u00a3]\()$"
)
_YEAR = re.compile(r"^(?:19|20)\d\d$")
_DATE = re.compile(
    r"\b(?:jan|feb|mar|apr|may|june?|july?|aug|sep|oct|nov|dec)[a-z]*\.?\s+\d{1,2},?"
    r"(?:\s+(?:19|20)\d\d)?\b",
    re.IGNORECASE,
)
_IN_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_ENDS = re.compile(r"[.!?:;]['\")\]\u201d\u2019]*$")
_BROKEN_WORD = re.compile(r"(\w+)[\x02\ufffe]\s*(\w+)")
_WORD = re.compile(r"[^\W\d_]+")
FIGURES_MIN = 2
FIGURES_SHARE = 0.35


class Kind(Enum):
    """What a piece of a page is."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    ITEM = "item"
    HEAD = "head"
    ROW = "row"


_IN_TABLE = (Kind.HEAD, Kind.ROW)


@dataclass(slots=True)
class Piece:
    """Lines that belong together, on one page or over the end of one."""

    page: int
    lines: list[Line]
    kind: Kind = Kind.PARAGRAPH
    level: int = 0
    onto: list[tuple[int, Line]] = field(default_factory=list)
    """Lines that go on with it on later pages, each with the number of its page."""

    @property
    def words(self) -> str:
        """The lines it has on its page, on one."""
        return " ".join(line.text.strip() for line in self.lines)


def key(words: str) -> str:
    """Return words as they are compared: no case, no spaces, no punctuation."""
    return "".join(char for char in plain(words).casefold() if char.isalnum())


def write(
    pages: Sequence[Page], outline: Mapping[tuple[int, str], int], composer: Composer
) -> None:
    """Write the pages as blocks, each page beginning with its landmark.

    Args:
        pages: In order.
        outline: Levels of headings by page, from 0, and `key` of their words.
        composer: What they are written to.
    """
    _drop_running(pages)
    measure = _Measure(pages)
    pieces = [piece for page in pages for piece in _pieces(page, measure)]
    _find_headings(pieces, outline, measure)
    pieces = list(_continued(_tabled(pieces, measure)))
    _Writer(composer, _vocabulary(pages)).write(pieces)


def _drop_running(pages: Sequence[Page]) -> None:
    """Leave what runs along the pages where it stands first; drop page numbers."""
    seen: Counter[str] = Counter()
    for page in pages:
        seen.update({_running_key(line) for line in _margins(page)})
    kept: set[str] = set()
    for page in pages:
        margins = {id(line) for line in _margins(page)}
        lines = []
        for line in page.lines:
            name = _running_key(line)
            runs = id(line) in margins and seen[name] >= (
                2 if _PAGE_NUMBER.match(name) else RUNNING_PAGES_MIN
            )
            if not runs or (name not in kept and not _PAGE_NUMBER.match(name)):
                lines.append(line)
            kept.update({name} if runs else ())
        page.lines = lines


def _margins(page: Page) -> Iterator[Line]:
    """Give what stands at the upper and lower edge of a page, apart from the rest."""
    lines = sorted(page.lines, key=lambda line: line.base)
    yield from _apart(lines, page.height)
    yield from _apart(lines[::-1], page.height)


def _apart(lines: Sequence[Line], height: float) -> Iterator[Line]:
    """Give the first lines up to the last wide gap within the margin; none when there is none."""
    last = 0
    for place, (line, following) in enumerate(pairwise(lines), start=1):
        if abs(line.base - lines[0].base) > MARGIN * height or place > RUNNING_LINES_MAX:
            break
        if abs(following.base - line.base) > APART * max(line.size, following.size):
            last = place
    yield from lines[:last]


def _running_key(line: Line) -> str:
    return _DIGITS.sub("#", plain(line.text).casefold())


class _Measure:
    """What is usual in a document: the size of its letters and the gap between its lines."""

    def __init__(self, pages: Sequence[Page]) -> None:
        sizes: Counter[float] = Counter()
        bold = total = 0
        gaps: list[float] = []
        for page in pages:
            for above, line in zip([None, *page.lines], page.lines, strict=False):
                sizes[line.size] += len(line.text)
                total += len(line.text)
                bold += len(line.text) if line.is_bold else 0
                gap = _gap(above, line) if above else 0.0
                if 0.8 < gap < 2.5:  # noqa: PLR2004 -- lines of one paragraph
                    gaps.append(gap)
        self.size = sizes.most_common(1)[0][0] if sizes else 0.0
        self.gap = median(gaps) if gaps else 1.2
        self.is_bold = bold * 2 > total


def _gap(above: Line, line: Line) -> float:
    """Return how far below another a line stands, in heights of its letters."""
    return (above.end - line.base) / max(line.size, above.size, 1.0)


def _pieces(page: Page, measure: _Measure) -> list[Piece]:
    """Return the lines of a page in pieces, in the order they are read."""
    pieces: list[Piece] = []
    for line in page.lines:
        if not plain(line.text):
            continue
        last = pieces[-1] if pieces else None
        if last and _is_beside(last.lines[-1], line):
            last.lines[-1] = _beside(last.lines[-1], line)
            last.kind = _kind(last.lines[-1]) if len(last.lines) == 1 else last.kind
        elif last and _goes_on(last, line, measure):
            last.lines.append(line)
        else:
            pieces.append(Piece(page=page.number, lines=[line], kind=_kind(line)))
    return pieces


def _kind(line: Line) -> Kind:
    words = line.text.strip()
    if _is_row(words):
        return Kind.ROW
    return Kind.ITEM if _BULLET.match(words) or _NUMBERED.match(words) else Kind.PARAGRAPH


def _is_row(words: str) -> bool:
    """Return whether a line is figures in columns, with or without words in front."""
    parts = _DATE.sub("date", words).split()
    figures = sum(1 for part in parts if _FIGURE.match(part))
    return figures >= FIGURES_MIN and figures >= FIGURES_SHARE * len(parts)


def _is_beside(left: Line, right: Line) -> bool:
    """Return whether two lines are one, taken apart by a wide space."""
    height = max(left.size, right.size, 1.0)
    is_level = abs(left.end - right.base) < LEVEL * height
    return is_level and right.left >= left.right - height


def _beside(left: Line, right: Line) -> Line:
    return replace(
        left,
        text=f"{left.text.rstrip()} {right.text.lstrip()}",
        right=right.right,
        end=right.end,
        is_bold=left.is_bold and right.is_bold,
    )


def _goes_on(piece: Piece, line: Line, measure: _Measure) -> bool:
    """Return whether a line belongs to the piece above it."""
    above = piece.lines[-1]
    if piece.kind is Kind.ROW or _kind(line) is not Kind.PARAGRAPH:
        return False
    if abs(above.size - line.size) > SAME_SIZE * max(above.size, line.size):
        return False
    if above.is_bold and not line.is_bold and len(piece.lines) == 1:
        return False
    if not GAP_MIN < _gap(above, line) < measure.gap * GAP:
        return False
    if piece.kind is Kind.ITEM:
        return line.left > piece.lines[0].left - 1.0
    return not _begins_anew(piece, line)


def _begins_anew(piece: Piece, line: Line) -> bool:
    """Return whether a line begins a paragraph, though no gap says so.

    The one above ended its sentence well before the edge, or this one is indented.
    """
    above = piece.lines[-1]
    if len(piece.lines) == 1 or not _ENDS.search(above.text.strip()):
        return False
    wide = max(one.right for one in piece.lines) - min(one.left for one in piece.lines)
    is_short = above.left + wide - above.right > SHORT * wide
    return is_short or INDENT[0] * line.size < line.left - above.left < INDENT[1] * line.size


def _find_headings(
    pieces: Sequence[Piece], outline: Mapping[tuple[int, str], int], measure: _Measure
) -> None:
    large = [piece for piece in pieces if _is_large(piece, measure)]
    ranks = sorted({round(piece.lines[0].size) for piece in large}, reverse=True)
    for piece in pieces:
        size = round(piece.lines[0].size)
        if level := _outlined(piece, outline):
            piece.kind, piece.level = Kind.HEADING, level
        elif _is_large(piece, measure):
            piece.kind, piece.level = Kind.HEADING, min(ranks.index(size) + 1, LEVEL_MAX)
        elif _is_bold(piece, measure):
            piece.kind, piece.level = Kind.HEADING, min(len(ranks) + 1, LEVEL_MAX)


def _outlined(piece: Piece, outline: Mapping[tuple[int, str], int]) -> int:
    if len(piece.lines) > HEADING_LINES_MAX or not outline:
        return 0
    name = key(piece.words)
    return outline.get((piece.page - 1, name)) or outline.get((piece.page - 2, name)) or 0


def _is_large(piece: Piece, measure: _Measure) -> bool:
    is_large = all(line.size >= HEADING_SIZE * measure.size for line in piece.lines)
    is_brief = len(piece.lines) <= HEADING_LINES_MAX and len(piece.words) <= HEADING_CHARS_MAX
    return is_large and is_brief and piece.kind is not Kind.ROW and bool(_WORD.search(piece.words))


def _is_bold(piece: Piece, measure: _Measure) -> bool:
    words = piece.words.strip()
    return (
        not measure.is_bold
        and piece.kind is not Kind.ROW
        and len(piece.lines) <= 2  # noqa: PLR2004 -- more is a paragraph in bold
        and len(words) <= BOLD_CHARS_MAX
        and all(line.is_bold for line in piece.lines)
        and piece.lines[0].size >= measure.size - 0.5
        and not _ENDS.search(words.rstrip(":"))
        and words[:1].isupper() | words[:1].isdigit()
        and len(_WORD.findall(words)) > 0
    )


def _tabled(pieces: Sequence[Piece], measure: _Measure) -> list[Piece]:
    """Return the pieces with the labels among rows of figures as rows, and heads above them."""
    found: list[Piece] = []
    for place, piece in enumerate(pieces):
        above = found[-1] if found else piece
        below = pieces[place + 1] if place + 1 < len(pieces) else piece
        if above.kind in _IN_TABLE and below.kind is Kind.ROW and piece.kind is not Kind.ROW:
            if _is_label(piece, above, below, measure):
                piece.kind = Kind.ROW
        elif piece.kind is Kind.ROW and above.kind not in _IN_TABLE:
            _take_head(found, piece, measure)
        found.append(piece)
    return found


def _is_label(piece: Piece, above: Piece, below: Piece, measure: _Measure) -> bool:
    """Return whether a line between two rows names those below it: ``Operating expenses:``."""
    is_one = above.page == piece.page == below.page and len(piece.lines) == 1
    reach = LABEL_GAP * measure.gap
    return (
        is_one
        and _is_brief(piece, measure)
        and _gap(above.lines[-1], piece.lines[0]) < reach
        and _gap(piece.lines[0], below.lines[0]) < reach
    )


def _is_brief(piece: Piece, measure: _Measure) -> bool:
    words = piece.words.strip()
    is_plain = piece.kind in (Kind.PARAGRAPH, Kind.HEADING) and not _is_large(piece, measure)
    return is_plain and len(words) <= LABEL_CHARS_MAX and words[-1:] not in ".;!?"


def _take_head(found: list[Piece], row: Piece, measure: _Measure) -> None:
    """Make one head of the lines above a first row that name years; what is below are labels."""
    first = len(found)
    while (
        first
        and len(found) - first < HEAD_LINES_MAX
        and found[first - 1].page == row.page
        and _is_brief(found[first - 1], measure)
    ):
        first -= 1
    above = found[first:]
    years = [at for at, piece in enumerate(above) if _names_year(piece.words)]
    if _names_columns(row.words):
        row.kind = Kind.HEAD
        years = years[-1:] if years and years[-1] == len(above) - 1 else []
    if not years:
        return
    head, labels = above[years[0] : years[-1] + 1], above[years[-1] + 1 :]
    found[first:] = above[: years[0]]
    lines = [line for piece in head for line in piece.lines]
    if row.kind is Kind.HEAD:
        row.lines[:0] = lines
        return
    found.append(Piece(page=row.page, lines=lines, kind=Kind.HEAD))
    for piece in labels:
        piece.kind = Kind.ROW
        found.append(piece)


def _continued(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join a paragraph that goes on in the next column or on the next page."""
    last: Piece | None = None
    for piece in pieces:
        if last and _carries_on(last, piece):
            last.onto += ((piece.page, line) for line in piece.lines)
            continue
        if last:
            yield last
        last = piece
    if last:
        yield last


def _carries_on(last: Piece, piece: Piece) -> bool:
    below = last.onto[-1][1] if last.onto else last.lines[-1]
    words = piece.words.strip()
    return (
        piece.kind is Kind.PARAGRAPH
        and last.kind in (Kind.PARAGRAPH, Kind.ITEM)
        and abs(below.size - piece.lines[0].size) <= SAME_SIZE * below.size
        and len(below.text) > CARRIES_CHARS_MIN
        and not _ENDS.search(below.text.strip())
        and (words[:1].islower() or below.text.rstrip()[-1:] in "\x02\ufffe,")
        and (piece.page != _page_of(last) or piece.lines[0].base > below.end)
    )


def _page_of(piece: Piece) -> int:
    return piece.onto[-1][0] if piece.onto else piece.page


def _vocabulary(pages: Sequence[Page]) -> Counter[str]:
    words: Counter[str] = Counter()
    for page in pages:
        for line in page.lines:
            whole = _BROKEN_WORD.sub(" ", line.text)
            words.update(word.casefold() for word in _WORD.findall(whole))
    return words


@dataclass(slots=True)
class _Writer:
    """Writes pieces, runs of items and rows together."""

    composer: Composer
    vocabulary: Counter[str]
    page: int = 0
    items: list[Piece] = field(default_factory=list)
    rows: list[Piece] = field(default_factory=list)

    def write(self, pieces: Iterable[Piece]) -> None:
        """Write all pieces."""
        for piece in pieces:
            if piece.kind is not Kind.ITEM or piece.page != self.page:
                self._flush_items()
            if piece.kind is not Kind.ROW or piece.page != self.page:
                self._flush_rows()
            self._turn_to(piece.page)
            match piece.kind:
                case Kind.ITEM:
                    self.items.append(piece)
                    if piece.onto:
                        self._flush_items()
                case Kind.ROW | Kind.HEAD:
                    self.rows.append(piece)
                case Kind.HEADING:
                    self.composer.heading(self._words(piece.lines), piece.level)
                case Kind.PARAGRAPH:
                    self._paragraph(piece)
        self._flush_items()
        self._flush_rows()

    def _turn_to(self, page: int) -> None:
        if page > self.page:
            self.composer.mark(LandmarkKind.PAGE, page)
            self.page = page

    def _paragraph(self, piece: Piece) -> None:
        lines = [*((piece.page, line) for line in piece.lines), *piece.onto]
        parts: list[tuple[str, Landmark | None]] = []
        for number, group in groupby(lines, key=lambda one: one[0]):
            mark = Landmark(0, LandmarkKind.PAGE, number) if number > self.page else None
            self.page = max(self.page, number)
            parts.append((self._words([line for _, line in group]), mark))
        self.composer.run(parts)

    def _flush_items(self) -> None:
        items, self.items = self.items, []
        if len(items) == 1:
            self._paragraph(items[0])
        elif items:
            self.composer.items([self._item(piece) for piece in items])

    def _item(self, piece: Piece) -> Item:
        words = self._words([*piece.lines, *(line for _, line in piece.onto)])
        if bullet := _BULLET.match(words):
            return Item(words[bullet.end() :])
        numbered = _NUMBERED.match(words)
        assert numbered is not None  # noqa: S101 -- that makes it an item
        return Item(
            words[numbered.end() :], number=int(numbered[1]) or 1, marker=numbered[0].strip()
        )

    def _flush_rows(self) -> None:
        rows, self.rows = self.rows, []
        lines = [[self._words(piece.lines)] for piece in rows]
        if len(rows) > 1 and rows[0].kind is Kind.HEAD:
            self.composer.table(lines, pipes=False)
        else:
            for line in lines:
                self.composer.paragraph(line[0])

    def _words(self, lines: Sequence[Line]) -> str:
        """Return lines as one, words that were broken at their ends made whole where sure."""
        return _BROKEN_WORD.sub(self._whole, " ".join(line.text.strip() for line in lines))

    def _whole(self, match: re.Match[str]) -> str:
        """Return a broken word: whole, unless it is a compound of two words of this document."""
        first, second = match[1], match[2]
        known = self.vocabulary
        if known[(first + second).casefold()]:
            return first + second
        is_compound = known[first.casefold()] and known[second.casefold()]
        return f"{first}-{second}" if is_compound or not second[0].islower() else first + second


def _names_year(words: str) -> bool:
    """Return whether a line heads columns by a year; what ends in a colon leads up to a table."""
    return bool(_IN_YEAR.search(words)) and not words.rstrip().endswith(":")


def _names_columns(words: str) -> bool:
    """Return whether the figures of a row are years, the heads of its columns."""
    figures = [part for part in words.split() if _FIGURE.match(part)]
    return all(_YEAR.match(part.strip("()$,")) for part in figures)
