"""Which files a folder's own rules leave out: ``.gitignore`` as Git reads it.

The patterns come from the folder that is read, so they are hostile until shown otherwise. A
translation to ordinary regular expressions takes hours on ``*a*a*a*a*a*b`` and a long name;
here each wildcard but the last is matched once, at its first place, and never tried again
(atomic groups), which is enough because what follows can only have more room, never less.

Source: Git, ``dir.c`` (lines, last match wins) and ``wildmatch.c`` (WM_PATHNAME).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_LETTERS = (*range(65, 91), *range(97, 123))
_POSIX: dict[bytes, Iterable[int]] = {
    b"alnum": (*_LETTERS, *range(48, 58)),
    b"alpha": _LETTERS,
    b"blank": b" \t",
    b"cntrl": (*range(32), 127),
    b"digit": b"0123456789",
    b"graph": range(33, 127),
    b"lower": range(97, 123),
    b"print": range(32, 127),
    b"punct": b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    b"space": b" \t\n\r",
    b"upper": range(65, 91),
    b"xdigit": b"0123456789abcdefABCDEF",
}

_STAR, _ACROSS, _ANYTHING = object(), object(), object()
_Element = bytes | object


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One pattern.

    Attributes:
        pattern: Matches the name alone or the path below the rules' folder.
        on_name: Whether it is the name alone.
        for_folders: It leaves out folders only.
        takes_back: It takes what an earlier pattern leaves out.
    """

    pattern: re.Pattern[bytes]
    on_name: bool
    for_folders: bool
    takes_back: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """The patterns of one file, and where it lies.

    Attributes:
        cut: How many bytes of a path name the folder of the rules, its slash included.
        above: What to put before a path when the rules lie above the root; ends in a slash.
    """

    rules: tuple[Rule, ...]
    quick: re.Pattern[bytes]
    cut: int = 0
    above: bytes = b""

    def ignores(self, path: bytes, *, is_folder: bool) -> bool | None:
        """Return whether the last pattern that matches leaves this path out; None if none does."""
        path = self.above + path[self.cut :]
        name = path.rpartition(b"/")[2]
        if not (self.quick.match(name) or self.quick.match(path)):
            return None
        for rule in reversed(self.rules):
            if (is_folder or not rule.for_folders) and rule.pattern.match(
                name if rule.on_name else path
            ):
                return not rule.takes_back
        return None


def parse(content: bytes, *, cut: int = 0, above: bytes = b"") -> Rules | None:
    """Return the rules of a ``.gitignore``; None when there are none. Never fails."""
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return compiled((line.removesuffix(b"\r") for line in lines), cut=cut, above=above)


def compiled(lines: Iterable[bytes], *, cut: int = 0, above: bytes = b"") -> Rules | None:
    """Return the rules of these lines; a line that can match nothing is left out."""
    rules = tuple(rule for line in lines if (rule := _rule(line)))
    if not rules:
        return None
    quick = re.compile(b"|".join({rule.pattern.pattern: None for rule in rules}), re.DOTALL)
    return Rules(rules=rules, quick=quick, cut=cut, above=above)


def decide(chain: Sequence[Rules], path: bytes, *, is_folder: bool) -> bool:
    """Return whether a path is left out: the first of the chain with an opinion wins."""
    for rules in chain:
        ignored = rules.ignores(path, is_folder=is_folder)
        if ignored is not None:
            return ignored
    return False


def _rule(line: bytes) -> Rule | None:
    if not line or line.startswith(b"#"):
        return None
    pattern = _trimmed(line)
    takes_back = pattern.startswith(b"!")
    pattern = pattern.removeprefix(b"!")
    for_folders = pattern.endswith(b"/")
    pattern = pattern.removesuffix(b"/")
    on_name = b"/" not in pattern
    elements = _elements(pattern if on_name else pattern.removeprefix(b"/"), on_name=on_name)
    if not elements:
        return None
    return Rule(
        pattern=re.compile(_expression(elements), re.DOTALL),
        on_name=on_name,
        for_folders=for_folders,
        takes_back=takes_back,
    )


def _trimmed(line: bytes) -> bytes:
    """Drop spaces at the end, but for one that a backslash holds."""
    kept = line.rstrip(b" ")
    if kept == line:
        return line
    slashes = len(kept) - len(kept.rstrip(b"\\"))
    return kept + b" " if slashes % 2 else kept


def _elements(pattern: bytes, *, on_name: bool) -> list[_Element] | None:
    """Return what a pattern is made of: wildcards, and expressions for one byte each."""
    elements: list[_Element] = []
    at = 0
    while at < len(pattern):
        byte = pattern[at : at + 1]
        if byte == b"*":
            wildcard, at = _wildcard(pattern, at, on_name=on_name)
            elements.append(wildcard)
            continue
        if byte == b"[":
            found = _class(pattern, at + 1)
            if found is None:
                return None
            members, at = found
            elements.append(members)
            continue
        if byte == b"\\":
            at += 1
            byte = pattern[at : at + 1]
            if not byte:
                return None
            elements.append(re.escape(byte))
        else:
            elements.append(b"[^/]" if byte == b"?" else re.escape(byte))
        at += 1
    return elements


def _wildcard(pattern: bytes, at: int, *, on_name: bool) -> tuple[_Element, int]:
    """Return the wildcard that starts here and where it ends."""
    end = at
    while pattern[end : end + 1] == b"*":
        end += 1
    is_alone = not on_name and end - at > 1 and (at == 0 or pattern[at - 1 : at] == b"/")
    if is_alone and pattern[end : end + 1] == b"/":
        return _ACROSS, end + 1
    if is_alone and (end == len(pattern) or pattern[end : end + 2] == b"\\/"):
        return _ANYTHING, end
    return _STAR, end


def _class(pattern: bytes, at: int) -> tuple[bytes, int] | None:
    """Return the expression of the bytes in ``[...]`` and where it ends; None if it never does."""
    is_negated = pattern[at : at + 1] in {b"!", b"^"}
    first = at = at + is_negated
    members: set[int] = set()
    before: int | None = None
    while at == first or pattern[at : at + 1] != b"]":
        taken = _member(pattern, at, before)
        if taken is None:
            return None
        found, before, at = taken
        members.update(found)
    members = (set(range(256)) - members if is_negated else members) - {ord("/")}
    listed = b"".join(b"\\x%02x" % member for member in sorted(members))
    return (b"[" + listed + b"]" if listed else b"(?!)"), at + 1


def _member(
    pattern: bytes, at: int, before: int | None
) -> tuple[Iterable[int], int | None, int] | None:
    """Return what one item of a class adds, what a range could start from, and its end."""
    byte = pattern[at : at + 1]
    if byte == b"-" and before is not None and pattern[at + 1 : at + 2] not in {b"", b"]"}:
        at += 1
        if pattern[at : at + 1] == b"\\":
            at += 1
        if at == len(pattern):
            return None
        return range(before, pattern[at] + 1), None, at + 1
    if pattern[at : at + 2] == b"[:":
        end = pattern.find(b"]", at + 2)
        if end < 0:
            return None
        if end > at + 2 and pattern[end - 1 : end] == b":":
            named = _POSIX.get(pattern[at + 2 : end - 1])
            return None if named is None else (named, None, end + 1)
    if byte == b"\\":
        at += 1
    if at >= len(pattern):
        return None
    return (pattern[at],), pattern[at], at + 1


def _expression(elements: Sequence[_Element]) -> bytes:
    """Return one expression for the whole, in which only the last wildcards can be retried."""
    groups: list[tuple[object, list[_Element]]] = [(None, [])]
    for element in elements:
        if element is _ACROSS or element is _ANYTHING:
            groups.append((element, []))
        else:
            groups[-1][1].append(element)
    gaps = {None: b"", _ACROSS: b"(?:[^/]*/)*", _ANYTHING: b".*"}
    lazy = {None: b"", _ACROSS: b"(?:[^/]*/)*?", _ANYTHING: b".*?"}
    *leading, (last_gap, last) = groups
    begun = b"".join(b"(?>" + lazy[gap] + _inside(group) + b")" for gap, group in leading)
    return b"(?:" + begun + gaps[last_gap] + _inside(last, is_last=True) + rb"\Z)"


def _inside(group: Sequence[_Element], *, is_last: bool = False) -> bytes:
    chunks = [b""]
    for element in group:
        if isinstance(element, bytes):
            chunks[-1] += element
        else:
            chunks.append(b"")
    first, *others = chunks
    for place, chunk in enumerate(others, start=1):
        is_end = is_last and place == len(others)
        first += b"[^/]*" + chunk if is_end else b"(?>[^/]*?" + chunk + b")"
    return first
