"""Manual pages written in mdoc(7) to text.

Its macros say what a word is: a flag, an argument, a path. Each line is made words again, with
the dashes, brackets and quotes that its macros stand for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from answerable.adapters.parsers.manual import Manual
from answerable.adapters.parsers.roff import Request, arguments, plain
from answerable.domain.documents import Text

_VERBATIM = frozenset(
    "Ad An Ar Cd Cm Dv Em Er Ev Fa Ft Ic Li Ms Nm No Pa Sx Sy Tn Va Vt Hf Lb Tg St".split()
)
_ENCLOSED = {
    "Op": ("[", "]"),
    "Bq": ("[", "]"),
    "Pq": ("(", ")"),
    "Brq": ("{", "}"),
    "Aq": ("<", ">"),
    "Dq": ("\u201c", "\u201d"),
    "Qq": ('"', '"'),
    "Sq": ("\u2018", "\u2019"),
    "Ql": ("\u2018", "\u2019"),
    "En": ("", ""),
}
_OPENED = {
    "Oo": "[",
    "Bo": "[",
    "Po": "(",
    "Bro": "{",
    "Ao": "<",
    "Do": "\u201c",
    "Qo": '"',
    "So": "\u2018",
    "Xo": "",
    "Eo": "",
}
_CLOSED = {
    "Oc": "]",
    "Bc": "]",
    "Pc": ")",
    "Brc": "}",
    "Ac": ">",
    "Dc": "\u201d",
    "Qc": '"',
    "Sc": "\u2019",
    "Xc": "",
    "Ec": "",
}
_SYSTEMS = {
    "Bx": "BSD",
    "Nx": "NetBSD",
    "Fx": "FreeBSD",
    "Ox": "OpenBSD",
    "Dx": "DragonFly",
    "Ux": "UNIX",
    "At": "AT&T UNIX",
    "Bsx": "BSD/OS",
}
_CALLED = (
    _VERBATIM
    | _ENCLOSED.keys()
    | _OPENED.keys()
    | _CLOSED.keys()
    | _SYSTEMS.keys()
    | {"Fl", "Ns", "Ap", "Xr", "Fn", "In", "Lk", "Mt", "Pf", "Ta"}
)
_SILENT = frozenset("Dd Os Bk Ek Sm Rs Re Db Fd Hf Bt Ud Rv ad br nr ds if ne ft".split())
_ATTACHED = frozenset(". , : ; ) ] ? !".split())
_OPENING = frozenset("( [".split())
_NO_SPACE = "\0"


def read(lines: Sequence[Request]) -> Text:
    """Return a page as text: sections, items, code and tables.

    Args:
        lines: Its requests, in order.

    Raises:
        Refused: ``empty``.
    """
    page = _Page()
    for line in lines:
        page.take(line)
    return page.text()


class _Page:
    """Takes the requests of one page in their order."""

    def __init__(self) -> None:
        self.out = Manual()
        self.title = ""
        self.name = ""
        self.section = ""
        self.lists: list[tuple[str, list[str]]] = []

    def take(self, line: Request) -> None:
        name, rest = line
        if not name:
            words = plain(rest)
            self.out.say(words) if words.strip() else self.out.part()
        elif name in ("Sh", "Ss"):
            self._end_lists()
            self.section = self._words(rest)
            self.out.heading(self.section, 1 + (name == "Ss"))
        elif name in ("Pp", "Lp", "sp"):
            self.out.part()
        elif name in ("Bl", "El", "It"):
            self._list(name, rest)
        elif name in ("Bd", "Ed", "Dl", "D1"):
            self._display(name, rest)
        elif name == "Dt":
            given = [plain(each) for each in arguments(rest)]
            self.title = f"{given[0]}({given[1]})" if len(given) > 1 else "".join(given)
        elif name.startswith("%") or name not in _SILENT:
            self._said(name, rest)

    def text(self) -> Text:
        self._end_lists()
        return self.out.text(self.title)

    def _said(self, name: str, rest: str) -> None:
        words = arguments(rest)
        if name == "Nm" and self.section == "SYNOPSIS":
            self.out.turn()
        if name == "Nd":
            self.out.say("\u2013 " + self._words(rest))
        elif name == "Nm" and not self.name and words:
            self.name = plain(words[0])
            self.out.say(self._words(f"No {rest}"))
        elif name == "Ex":
            self.out.say(f"The {self.name} utility exits 0 on success, and >0 if an error occurs.")
        elif name in _CALLED:
            self.out.say(self._words(f"{name} {rest}"))
        else:
            self.out.say(self._words(rest))

    def _list(self, name: str, rest: str) -> None:
        given = [plain(each) for each in arguments(rest)]
        if name == "Bl":
            if self.lists:
                self.out.deeper()
            self.lists.append((given[0] if given else "-item", []))
        elif not self.lists:
            self.out.say(self._words(rest))
        elif name == "El":
            self._end_list()
        else:
            self._item(rest)

    def _item(self, rest: str) -> None:
        kind, rows = self.lists[-1]
        if kind == "-column":
            rows.append(" | ".join(cell.strip() for cell in self._words(rest).split("\t")))
        elif kind in ("-bullet", "-dash", "-hyphen"):
            self.out.item("-")
        elif kind == "-enum":
            rows.append("")
            self.out.item(f"{len(rows)}.")
        else:
            self.out.item(self._words(rest))

    def _end_list(self) -> None:
        kind, rows = self.lists.pop()
        if kind == "-column":
            self.out.table(rows)
        self.out.end_list()
        if self.lists:
            self.out.shallower()

    def _end_lists(self) -> None:
        while self.lists:
            self._end_list()

    def _display(self, name: str, rest: str) -> None:
        if name in ("Bd", "Ed"):
            is_literal = any(kind in rest for kind in ("-literal", "-unfilled"))
            self.out.code(is_code=name == "Bd" and is_literal)
            return
        self.out.code(is_code=True)
        self.out.say(self._words(rest))
        self.out.code(is_code=False)

    def _words(self, rest: str) -> str:
        """Return a line as it is read: its macros called, punctuation where it belongs."""
        return _joined(self._called(arguments(rest)))

    def _called(self, given: Sequence[str]) -> Iterator[str]:
        """Give the words of a line; a macro takes those up to the next one."""
        given, ending = _without_punctuation(given)
        closing: list[str] = []
        at = 0
        while at < len(given):
            word = given[at]
            at += 1
            if word not in _CALLED:
                yield plain(word)
                continue
            end = at
            while end < len(given) and given[end] not in _CALLED:
                end += 1
            if word in _ENCLOSED:
                opening, close = _ENCLOSED[word]
                closing.append(close)
                yield from (opening, _NO_SPACE)
                continue
            own, tail = _without_punctuation(given[at:end])
            yield from self._macro(word, [plain(each) for each in own])
            yield from tail
            at = end
        for close in reversed(closing):
            yield from (_NO_SPACE, close)
        yield from ending

    def _macro(self, name: str, own: Sequence[str]) -> Iterable[str]:
        """Return the words of a macro and what it was given."""
        if name == "Nm" and not own:
            return [self.name]
        made = _MACROS.get(name)
        if made:
            return made(own)
        if name in _OPENED:
            return (_OPENED[name], _NO_SPACE, *own)
        if name in _CLOSED:
            return (_NO_SPACE, _CLOSED[name], *own)
        return (_SYSTEMS[name], *own) if name in _SYSTEMS else own


_MACROS: Mapping[str, Callable[[Sequence[str]], Iterable[str]]] = {
    "Fl": lambda own: [f"-{each}" for each in own] or ["-", _NO_SPACE],
    "Ar": lambda own: own or ["file", "..."],
    "Ns": lambda own: (_NO_SPACE, *own),
    "Ap": lambda own: (_NO_SPACE, "'", _NO_SPACE, *own),
    "Pf": lambda own: (*own[:1], _NO_SPACE, *own[1:]),
    "Xr": lambda own: (f"{own[0]}({own[1]})", *own[2:]) if len(own) > 1 else own,
    "Fn": lambda own: [f"{own[0]}({', '.join(own[1:])})"] if own else (),
    "In": lambda own: [f"<{' '.join(own)}>"],
    "Lk": lambda own: (*own[1:], f"<{own[0]}>") if own else (),
    "Ta": lambda own: ("\t", *own),
}


def _without_punctuation(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return words, and apart from them the punctuation that ends them."""
    end = len(words)
    while end and words[end - 1] in _ATTACHED:
        end -= 1
    return words[:end], words[end:]


def _joined(words: Iterator[str]) -> str:
    """Return words with a space between two, but where one of them keeps it away."""
    pieces: list[str] = []
    is_open = True
    for word in words:
        if word == _NO_SPACE:
            is_open = True
            continue
        if not word:
            continue
        pieces += (word,) if is_open or word in _ATTACHED else (" ", word)
        is_open = word in _OPENING
    return "".join(pieces)
