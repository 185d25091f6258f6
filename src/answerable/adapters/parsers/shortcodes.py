"""What a Markdown source holds that is never shown: front matter, comments, shortcodes, tags.

Everything here is found by its place in the source, outside fenced code and code spans,
where the same marks are content: ``{{ .Values.x }}`` of a template and ``<pod-name>`` are
always content, ``{{< note >}}`` and ``<br>`` are content only in code.

A site generator replaces these marks before Markdown is read, so a parser must not see them.
It gets a copy of the same length instead: an offset in the copy is an offset in the source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from answerable.domain.documents import Span

# In the copy until `_settled`: a mark that stands for nothing, the words of a mark that has a
# line of its own. Canonical text holds neither character.
_GONE, _OWN = "\0", "\1"
_BREAK = "***"
_FILL = "x"  # a mark inside a line: something must stand there, or indentation would change

_YAML = re.compile(
    r"\A---[ \t]*\n(?:(?:[ \t]*(?:\#[^\n]*)?\n)*[\"']?[\w. -]+[\"']?[ \t]*:[^\n]*\n.*?)??"
    r"(?:---|\.\.\.)[ \t]*(?:\n|\Z)",
    re.DOTALL,
)
_TOML = re.compile(r"\A\+\+\+[ \t]*\n.*?^\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_TITLE = re.compile(r"^title[ \t]*[:=][ \t]*([^\n]*)(?:\n((?:[ \t]+\S[^\n]*\n)*))?", re.MULTILINE)

_TAGS = (
    "a|abbr|b|blockquote|br|center|code|col|colgroup|dd|del|details|div|dl|dt|em|figcaption|figure"
    "|font|h[1-6]|hr|i|iframe|img|ins|kbd|li|ol|p|picture|pre|q|s|samp|span|strike|strong|sub"
    "|summary|sup|svg|table|tbody|td|tfoot|th|thead|tr|tt|u|ul|video|wbr"
)
# In prose these are as often placeholders: `curl <link>`. An attribute or a slash tells.
_PLACEHOLDERS = (
    "address|article|aside|audio|body|button|caption|cite|data|footer|form|head|header|html|input"
    "|label|link|main|mark|meta|nav|object|option|section|select|small|source|time|title|var"
)
# Every mark begins with one of these; looking for them first is what makes reading fast.
_BEGIN = re.compile(r"[`\\<{]|~~~|:::|\[[\^!]")
_BEGIN_JSX = re.compile(r"[`\\<{]|~~~|:::|\[[\^!]|^(?:import|export)[ ]", re.MULTILINE)
_MARKS = r"""
  (?P<rail>`{3,}(?=[^`\n]*$)|~{3,})
| (?P<escaped>\\[^\n])
| (?P<ticks>`+)
| (?P<comment><!--)
| (?P<script><(?P<raw>script|style|template)\b[^>]*>)
| (?P<shortcode>\{\{(?P<open>[<%])(?!/\*)-?[ \t\n]*(?P<closing>/?)[ \t]*(?P<name>[\w.-]+)
    (?P<rest>(?:[^}]|\}(?!\}))*?)[%>]\}\})
| (?P<jinja>\{%-?[ \t]*(?P<jname>\w+)(?P<jrest>[^\n]*?)-?%\})
| (?P<anchor>\{(?:[#.][\w:.-][^{}\n]*|:[^{}\n]*)\}(?=[ \t]*$))
| (?P<aside>\{\{-?[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*-?\}\}|\{\#[^\n]*?\#\})
| (?P<admonition>:::+[ \t]*(?:[\w-]+|\{[^}\n]*\})?
    [ \t]*\[?(?P<caption>[^\]\n]*)\]?[ \t]*$)
| (?P<alert>(?<=>[ ])\[!\w+\](?=[ \t]*$))
| (?P<footnote>\[\^[^\]\n]+\]:)
"""
_TAG = (
    rf"| (?P<tag>(?i:</(?:{_TAGS}|{_PLACEHOLDERS})[ \t]*>|<(?:{_TAGS})(?:[ \t\n][^<>]*)?/?>"
    rf"|<(?:{_PLACEHOLDERS})[ \t\n]+[\w-]+=[^<>]*>))"
)
_JSX = (
    r"| (?P<component></?[A-Z][\w.]*(?:[ \t\n][^<>]*)?/?>)"
    r"| (?P<module>^(?:import|export)[ ][^\n]*$)"
    r"| (?P<jsxcomment>\{/\*.*?\*/\})"
)
# Where a code span cannot go on: the next block begins.
_NEXT_BLOCK = re.compile(r"\n[ \t>]*(?:\n|`{3}|~{3}|(?:[-*+]|\#{1,6}|\d{1,9}[.)])[ \t])")
_ATTRIBUTE = re.compile(
    r"(?:(?P<key>[\w-]+)[ \t]*=[ \t]*)?"
    r"(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s\"'=/]+))"
)
_WORDS = ("text", "title", "caption")
_WORDS_OF = {
    "glossary_tooltip": ("text", "term_id"),
    "heading": ("",),
    "details": ("summary", "title", ""),
    "expand": ("title", ""),
    "tab": ("title", "name", "header", ""),
    "tabs": (),
    "ref": (),
    "relref": (),
}
_INLINE = frozenset(
    {"glossary_tooltip", "heading", "skew", "param", "link", "ref", "relref", "abbr", "kbd", "icon"}
)
_DROPPED = frozenset({"comment"})
_CODE = frozenset({"highlight", "mermaid"})
_LEAD = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*")
_AT_LINE_START = frozenset({"admonition", "footnote"})
_MARKED_LINE = re.compile(f"^[^\n{_GONE}{_OWN}]*[{_GONE}{_OWN}][^\n]*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """A source with what is masked in it.

    Attributes:
        masks: Sorted and disjoint.
        copy: As long as the source, line for line; what a Markdown parser should read.
        code: Fenced code as found here, each from the start of its first line, sorted.
        rails: Code between two shortcodes, which the copy shows as a fence; likewise.
    """

    masks: tuple[Span, ...]
    copy: str
    code: tuple[Span, ...]
    rails: tuple[Span, ...]


@dataclass(slots=True)
class _Sheet:
    """What is collected while reading a source once."""

    source: str
    masks: list[Span] = field(default_factory=list)
    code: list[Span] = field(default_factory=list)
    edits: list[tuple[int, int, str]] = field(default_factory=list)
    rails: list[Span] = field(default_factory=list)

    def mask(self, start: int, end: int, fill: str = _GONE, words: Span | None = None) -> None:
        """Mask a range but for some words in it; put `fill` in its place in the copy."""
        for span in _around(start, end, words):
            self.masks.append(span)
        text = filled(self.source[start:end], fill)
        if words and fill != _OWN:
            kept = self.source[words.start : words.end]
            text = text[: words.start - start] + kept + text[words.end - start :]
        self.edits.append((start, end, text))


def front_matter(source: str) -> Span | None:
    """Return the range of YAML or TOML front matter with its last line break, or None."""
    match = _YAML.match(source) or _TOML.match(source)
    return Span(0, match.end()) if match else None


def front_title(matter: str) -> str:
    """Return the value of ``title`` in front matter, empty when there is none."""
    match = _TITLE.search(matter)
    if not match:
        return ""
    value, folded = match[1].strip(), match[2] or ""
    if value[:1] in (">", "|") and len(value) < 4:  # noqa: PLR2004 -- a block scalar's mark
        value = folded
    elif value[:1] in ('"', "'"):
        value = _unquoted(value)
    else:
        value = value.split(" #", 1)[0]
    return " ".join(value.split())


def mark(source: str, *, jsx: bool = False, code: Sequence[Span] | None = None) -> Marked:
    """Find what is masked in a Markdown source.

    Args:
        source: Canonical text.
        jsx: Also mask what MDX adds: components, imports and exports.
        code: Ranges known to be code, sorted. Without them fences are searched for here,
            which is right but for odd nesting; compare `Marked.code` with what was parsed.
    """
    sheet = _Sheet(source)
    at = 0
    if matter := front_matter(source):
        sheet.mask(*matter)
        at = matter.end
    ranges = [(at, len(source))] if code is None else _between(code, at, len(source))
    for start, end in ranges:
        _read(sheet, start, end, jsx=jsx, fences=code is None)
    copy = _settled(_edited(source, sheet.edits))
    return Marked(
        masks=joined(sheet.masks), copy=copy, code=tuple(sheet.code), rails=tuple(sheet.rails)
    )


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans sorted, with those that touch or overlap made one."""
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.start <= result[-1].end:
            result[-1] = Span(result[-1].start, max(span.end, result[-1].end))
        else:
            result.append(span)
    return tuple(result)


def filled(text: str, fill: str) -> str:
    """Return as many of one character as the text is long; its line breaks stay."""
    if "\n" not in text:
        return fill * len(text)
    return "\n".join(fill * len(line) for line in text.split("\n"))


def _unquoted(value: str) -> str:
    quote = value[0]
    body = value[1:].rpartition(quote)[0] or value.strip(quote)
    if quote == "'":
        return body.replace("''", "'")
    return re.sub(r"\\([\"\\])", r"\1", body)


def _between(code: Sequence[Span], start: int, end: int) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for span in code:
        if span.start > start:
            ranges.append((start, min(span.start, end)))
        start = max(start, span.end)
    if start < end:
        ranges.append((start, end))
    return ranges


@cache
def _marks(*, jsx: bool) -> re.Pattern[str]:
    return re.compile(_MARKS + (_JSX if jsx else "") + _TAG, re.MULTILINE | re.VERBOSE | re.DOTALL)


def _read(sheet: _Sheet, start: int, end: int, *, jsx: bool, fences: bool) -> None:
    """Read the marks of one range, each from where the one before ended."""
    search = (_BEGIN_JSX if jsx else _BEGIN).search
    match = _marks(jsx=jsx).match
    while begin := search(sheet.source, start, end):
        found = match(sheet.source, begin.start(), end)
        kind = (found and found.lastgroup) or ""  # the outermost group: it closes last
        if found is None or (kind in _AT_LINE_START and not _leads(sheet.source, found.start())):
            start = begin.end()
        elif kind == "rail" and not fences:
            start = found.end()
        else:
            start = _READERS[kind](sheet, found, end)


def _leads(source: str, at: int) -> bool:
    """Return whether nothing but the marks of lists and quotes stands before on this line."""
    return bool(_LEAD.fullmatch(source, _line_start(source, at), at))


def _fence(sheet: _Sheet, match: re.Match[str], end: int) -> int:
    start = match.start()
    if not _leads(sheet.source, start):
        return _code_span(sheet, match, end) if match[0][0] == "`" else match.end()
    closed = _closer(match[0][0], len(match[0])).search(sheet.source, match.end(), end)
    stop = closed.end() if closed else end
    sheet.code.append(Span(_line_start(sheet.source, start), stop))
    return stop


@cache
def _closer(rail: str, length: int) -> re.Pattern[str]:
    return re.compile(rf"^[ \t>]*{re.escape(rail)}{{{length},}}[ \t]*$", re.MULTILINE)


def _anchor(sheet: _Sheet, match: re.Match[str], _end: int) -> int:
    """Mask an attribute list at the end of its line, with the blanks before it."""
    line = sheet.source[_line_start(sheet.source, match.start()) : match.start()]
    sheet.mask(match.start() - (len(line) - len(line.rstrip(" \t"))), match.end())
    return match.end()


def _skipped(_sheet: _Sheet, match: re.Match[str], _end: int) -> int:
    return match.end()


def _code_span(sheet: _Sheet, match: re.Match[str], end: int) -> int:
    block = _NEXT_BLOCK.search(sheet.source, match.end(), end)
    stop = block.start() if block else end
    closed = _run(len(match[0])).search(sheet.source, match.end(), stop)
    return closed.end() if closed else match.end()


@cache
def _run(length: int) -> re.Pattern[str]:
    return re.compile(rf"(?<!`)`{{{length}}}(?!`)")


def _comment(sheet: _Sheet, match: re.Match[str], end: int) -> int:
    """Mask a comment; one that is never closed reaches to the end if it begins its line."""
    stop = sheet.source.find("-->", match.end(), end)
    if stop >= 0:
        stop += len("-->")
    elif not sheet.source[_line_start(sheet.source, match.start()) : match.start()].strip():
        stop = end
    else:
        return match.end()
    sheet.mask(match.start(), stop)
    return stop


def _script(sheet: _Sheet, match: re.Match[str], end: int) -> int:
    closed = re.compile(rf"</{match['raw']}\s*>", re.IGNORECASE).search(
        sheet.source, match.end(), end
    )
    stop = closed.end() if closed else match.end()
    sheet.mask(match.start(), stop)
    return stop


def _tag(sheet: _Sheet, match: re.Match[str], _end: int) -> int:
    """Mask a tag, but let the parser see it: HTML blocks are part of Markdown."""
    sheet.masks.append(Span(*match.span()))
    return match.end()


def _blanked(sheet: _Sheet, match: re.Match[str], _end: int) -> int:
    sheet.mask(*match.span())
    return match.end()


def _admonition(sheet: _Sheet, match: re.Match[str], _end: int) -> int:
    caption = _nonempty(match, "caption")
    sheet.mask(*match.span(), fill=_OWN if caption else _GONE, words=caption)
    return match.end()


def _footnote(sheet: _Sheet, match: re.Match[str], _end: int) -> int:
    """Keep a footnote from being read as the definition of a link."""
    sheet.edits.append((match.start(), match.start() + 1, _FILL))
    return match.end()


def _shortcode(sheet: _Sheet, match: re.Match[str], end: int) -> int:
    if match["closing"]:
        return _blanked(sheet, match, end)
    return _named(sheet, match, end, match["name"].lower(), "rest")


def _jinja(sheet: _Sheet, match: re.Match[str], end: int) -> int:
    return _named(sheet, match, end, match["jname"].lower(), "jrest")


def _named(sheet: _Sheet, match: re.Match[str], end: int, name: str, rest: str) -> int:
    start, stop = match.span()
    words = _words(match, name, rest)
    if name in _DROPPED or name in _CODE or (name == "tab" and "codelang" in match[rest]):
        closing = _closing(name).search(sheet.source, stop, end)
        if closing and name in _DROPPED:
            sheet.mask(start, closing.end())
        elif closing:
            _rails(sheet, Span(start, stop), Span(*closing.span()), words)
        if closing:
            return closing.end()
    own = _OWN if words else _GONE
    sheet.mask(start, stop, fill=_FILL if name in _INLINE else own, words=words)
    return stop


def _rails(sheet: _Sheet, before: Span, after: Span, words: Span | None) -> None:
    """Mask two marks between which stands code; the parser sees a fence."""
    source = sheet.source
    sheet.masks += (*_around(*before, words), after)
    for span in (before, after):
        text = "```" + filled(source[span.start + 3 : span.end], " ")
        sheet.edits.append((span.start, span.end, text))
    sheet.rails.append(Span(_line_start(source, before.start), after.end))


@cache
def _closing(name: str) -> re.Pattern[str]:
    return re.compile(rf"\{{\{{[<%]\s*/\s*{name}\s*[>%]\}}\}}|\{{%-?\s*end{name}\s*-?%\}}")


def _line_start(source: str, at: int) -> int:
    return source.rfind("\n", 0, at) + 1


def _words(match: re.Match[str], name: str, rest: str) -> Span | None:
    """Return where the words stand that a shortcode puts on the page."""
    found: dict[str, Span] = {}
    for attribute in _ATTRIBUTE.finditer(match[rest]):
        value = attribute.lastgroup or ""
        low, high = attribute.span(value)
        if low < high and (value != "bare" or attribute["key"]):
            found.setdefault(attribute["key"] or "", Span(low, high))
    for key in _WORDS_OF.get(name, _WORDS):
        if key in found:
            shift = match.start(rest)
            return Span(found[key].start + shift, found[key].end + shift)
    return None


def _nonempty(match: re.Match[str], group: str) -> Span | None:
    start, end = match.span(group)
    return Span(start, end) if match[group].strip() else None


def _around(start: int, end: int, words: Span | None) -> list[Span]:
    if words is None:
        return [Span(start, end)]
    sides = (Span(start, words.start), Span(words.end, end))
    return [side for side in sides if side.start < side.end]


def _edited(source: str, edits: Sequence[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    at = 0
    for start, end, text in edits:
        pieces += (source[at:start], text)
        at = end
    pieces.append(source[at:])
    return "".join(pieces)


def _settled(copy: str) -> str:
    """Return the copy with nothing left but what a Markdown parser understands.

    A line of marks alone is blank, so that it parts what stands above from what stands
    below. Words on such a line become a thematic break, which stands alone wherever it is;
    so does a line that could be indented code, for a blank one could not tell that it was.
    """
    if _GONE not in copy and _OWN not in copy:
        return copy
    return _MARKED_LINE.sub(lambda match: _settled_line(match[0]), copy)


def _settled_line(line: str) -> str:
    lead = len(line) - len(line.lstrip(" \t>"))
    rest = line[lead:]
    if rest.strip(f" \t{_GONE}{_OWN}"):
        return line.replace(_GONE, _FILL).replace(_OWN, _FILL)
    indented = len(line[:lead].expandtabs(4)) >= 4  # noqa: PLR2004 -- it may be code
    if (_OWN in rest or indented) and len(rest) >= len(_BREAK):
        return line[:lead] + _BREAK + " " * (len(rest) - len(_BREAK))
    return line[:lead] + " " * len(rest)


_Reader = Callable[[_Sheet, re.Match[str], int], int]
_READERS: dict[str, _Reader] = {
    "rail": _fence,
    "escaped": _skipped,
    "ticks": _code_span,
    "comment": _comment,
    "script": _script,
    "shortcode": _shortcode,
    "jinja": _jinja,
    "aside": _blanked,
    "anchor": _anchor,
    "admonition": _admonition,
    "alert": _blanked,
    "footnote": _footnote,
    "tag": _tag,
    "component": _tag,
    "module": _blanked,
    "jsxcomment": _blanked,
}
