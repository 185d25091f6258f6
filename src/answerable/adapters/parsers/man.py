"""Manual pages written in man(7) to text; those written in mdoc(7) are given to `mdoc`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import takewhile

from answerable.adapters.parsers import mdoc, tbl
from answerable.adapters.parsers.manual import Manual
from answerable.adapters.parsers.roff import Request, arguments, plain, requests
from answerable.domain.documents import Text

_ALTERNATE = frozenset({"BR", "RB", "BI", "IB", "IR", "RI"})
_FONTS = frozenset({"B", "I", "SM", "SB", "R", "CW", "C", "U"})
_PARTS = frozenset({"PP", "P", "LP", "sp", "Sp", "HP"})
# They set type, or say something about the page that is not for who reads it.
_SILENT = frozenset(
    """
    PD UC DT AT IX UN ad ne nh hy in ll ps ss ta ti tr nr ds ds1 as rm rr it ft fam als mk ev cp lg
    hw bp na ns rs ce pl po vs lt pc tm ab ul cu uf fp fc lc tc hc mso nx warn do char hcode return
    break continue rn di da box boxa chop lf kern ex wh dt em nop shc spreadwarn while sy pso pi
    open opena close write trf psbb cf blm lsm evc ptr lnr color defcolor gcolor mc nm nn sv os rd
    rj bd cs eo ec
    """.split()
)


def read(source: str) -> Text:
    """Return a manual page as text: sections, items, code and tables, without fonts.

    Args:
        source: Canonical text in man(7) or mdoc(7).

    Raises:
        Refused: ``empty``.
    """
    lines = list(requests(source))
    if any(line.name == "Dd" for line in lines[:200]):
        return mdoc.read(lines)
    return _Page().read(iter(lines))


class _Page:
    """Takes the requests of one page in their order."""

    def __init__(self) -> None:
        self.title = ""
        self._out = Manual()
        self._next: Callable[[str], None] | None = None
        self._link = ""

    def read(self, lines: Iterator[Request]) -> Text:
        for line in lines:
            if line.name == "TS":
                self._out.table(tbl.rows(takewhile(lambda one: one.name != "TE", lines)))
            elif line.name == "EQ":
                list(takewhile(lambda one: one.name != "EN", lines))
            elif not line.name:
                self._text(line.rest)
            else:
                self._request(line.name, line.rest)
        return self._out.text(self.title)

    def _text(self, row: str) -> None:
        if not row.strip():
            self._out.part()
            return
        is_glued = row.endswith("\\c")
        words = plain(row)
        if self._next:
            self._take(words)
            return
        if row[0] in " \t" and not self._out.is_code:
            self._out.turn()
        self._out.say(words, glue=is_glued)

    def _take(self, words: str) -> None:
        """Give words to what waits for the next line: the tag of an item, a heading."""
        taker, self._next = self._next, None
        if taker and words.strip():
            taker(words)

    def _request(self, name: str, rest: str) -> None:
        if name in _FONTS or name in _ALTERNATE:
            self._fonts(name, rest)
        elif name in ("SH", "SS"):
            self._wait(rest, lambda words: self._out.heading(words, 1 + (name == "SS")))
        elif name in _PARTS:
            self._part(name)
        elif name in ("TP", "TQ", "IP"):
            self._item(name, rest)
        elif name in _MARKS:
            _MARKS[name](self._out)
        elif name in ("TH", "so"):
            self._head(name, rest)
        elif name in ("UR", "MT", "UE", "ME", "URL", "MTO"):
            self._linked(name, rest)
        elif name in ("SY", "OP"):
            self._synopsis(name, rest)
        elif name not in _SILENT and name.isalpha():
            self._fonts("R", rest)

    def _wait(self, rest: str, taker: Callable[[str], None]) -> None:
        """Give the arguments to who takes them, or else the next line."""
        words = " ".join(plain(each) for each in arguments(rest))
        self._next = taker
        if words.strip():
            self._take(words)

    def _fonts(self, name: str, rest: str) -> None:
        between = "" if name in _ALTERNATE else " "
        words = between.join(plain(each) for each in arguments(rest))
        if self._next:
            if words:
                self._take(words)
        elif words:
            self._out.say(words, glue=rest.endswith("\\c"))

    def _part(self, name: str) -> None:
        self._next = None
        if name in ("PP", "P", "LP", "HP"):
            self._out.end_list()
        self._out.part()

    def _item(self, name: str, rest: str) -> None:
        given = [plain(each) for each in arguments(rest)]
        self._next = None
        if name == "TP":
            self._out.item("")
            self._next = self._out.tag_or_mark
        elif name == "TQ":
            self._next = self._out.more_tag
        elif given and given[0].strip():
            self._out.item(given[0].strip())
        else:
            self._out.part()

    def _head(self, name: str, rest: str) -> None:
        given = [plain(each) for each in arguments(rest)]
        if name == "so":
            self._out.say(f"See {' '.join(given)}.")
        elif given:
            self.title = f"{given[0]}({given[1]})" if len(given) > 1 else given[0]

    def _linked(self, name: str, rest: str) -> None:
        given = [plain(each) for each in arguments(rest)]
        if name in ("UR", "MT"):
            self._link = given[0] if given else ""
        elif name in ("UE", "ME"):
            self._out.say(f"<{self._link}>{''.join(given)}" if self._link else "".join(given))
        elif given:
            self._out.say(" ".join((*given[1:2], f"<{given[0]}>{''.join(given[2:])}")))

    def _synopsis(self, name: str, rest: str) -> None:
        words = " ".join(plain(each) for each in arguments(rest))
        if name == "SY":
            self._out.turn()
        self._out.say(words if name == "SY" else f"[{words}]")


_MARKS: dict[str, Callable[[Manual], None]] = {
    "br": Manual.turn,
    "RS": Manual.deeper,
    "RE": Manual.shallower,
    "INDENT": Manual.deeper,
    "UNINDENT": Manual.shallower,
    "nf": lambda out: out.code(is_code=True),
    "EX": lambda out: out.code(is_code=True),
    "Vb": lambda out: out.code(is_code=True),
    "fi": lambda out: out.code(is_code=False),
    "EE": lambda out: out.code(is_code=False),
    "Ve": lambda out: out.code(is_code=False),
    "YS": Manual.part,
}
