"""What of a web page nobody sees, told by the page itself and only where that is sure.

Sure is what elements say of themselves, and what they inherit: the size and colour of letters and
whether they are visible, which an element inside may say anew. What style sheets say of classes is
not looked at: they hide the tabs of a page until somebody opens them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from selectolax.lexbor import LexborHTMLParser, LexborNode

from answerable.domain.documents import FindingKind

_OFF_SCREEN_PIXELS = 900
_USUAL_PIXELS = 16.0
_TINY_PIXELS = 1.0

_SPEAKS = "[hidden], [style], font[color]"
_NUMBER = re.compile(r"^\s*(-?\d*\.?\d+)\s*(px|pt|em|rem|%|vw|vh|)\s*$")
_COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|rgba?\([^)]*\)|[a-z]+")
_HEX = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$")
_WHITE = "#ffffff"
_BACKGROUNDS = ("background", "background-color", "background-image")
_INHERITED = ("inherit", "unset", "currentcolor")
_PIXELS_A_UNIT = {"px": 1.0, "pt": 1.33, "em": 16.0, "rem": 16.0, "%": 16.0, "vw": 16.0, "vh": 16.0}
_RELATIVE = {"em": 1.0, "%": 0.01}
_RELATIVE_WORDS = {"smaller": 0.8, "larger": 1.2}


@dataclass(frozen=True, slots=True)
class _Look:
    """How letters directly in an element look, as far as the page itself says.

    Attributes:
        pixels: How large they are.
        colour: Theirs; empty where it is not known.
        ground: The colour behind them; None where none was said, empty where it is not known.
        is_marked: A style sheet may paint what lies between them and their ground.
        is_sized: A style sheet may give them another size than the one they inherit.
    """

    pixels: float = _USUAL_PIXELS
    is_visible: bool = True
    colour: str = ""
    ground: str | None = None
    is_marked: bool = False
    is_sized: bool = False


def drop(tree: LexborHTMLParser) -> Counter[FindingKind]:
    """Take out of a page what is not seen; return how many characters of what kind it was.

    What is left has no styles: the converter would judge by them once more, and otherwise.
    """
    counts: Counter[FindingKind] = Counter()
    nodes = innermost_first(tree, _SPEAKS)
    page = _Page(tree)
    whole = [_why_whole(node) for node in nodes]
    letters = [page.why(node) for node in nodes]
    known = {node.mem_id for node in nodes}
    for node, kind, own in zip(nodes, whole, letters, strict=True):
        if kind is not None:
            counts[kind] += _letters(node.text())
            node.decompose()
        elif own is not None:
            for text in page.texts(node, own, known):
                counts[own] += _letters(text.text_content or "")
                text.decompose()
    for node in tree.css("[style]"):
        del node.attrs["style"]
    return counts


def innermost_first(tree: LexborHTMLParser, selector: str) -> list[LexborNode]:
    """Return the nodes that match, each once and before those around it.

    In this order one may be destroyed without touching another that is still to come.
    """
    nodes = {node.mem_id: node for node in tree.css(selector)}
    return list(reversed(nodes.values()))


class _Page:
    """How the letters of a page look; each element is looked at once."""

    def __init__(self, tree: LexborHTMLParser) -> None:
        sheets = "".join(node.text() or "" for node in tree.css("style")).lower()
        is_linked = tree.css_first("link[rel~='stylesheet' i]") is not None
        self._is_plain = not is_linked and "background" not in sheets
        self._is_sized = is_linked or "font" in sheets
        self._looks: dict[int, _Look] = {}

    def why(self, node: LexborNode) -> FindingKind | None:
        """Return why letters directly in an element are not seen; None when they are, or when
        that is not sure.
        """  # noqa: D205 -- one sentence
        look = self._look(node)
        if not look.is_visible:
            return FindingKind.HIDDEN
        if look.pixels <= _TINY_PIXELS and not look.is_sized:
            return FindingKind.TINY
        return FindingKind.SAME_COLOUR if self._is_blended(look) else None

    def texts(self, node: LexborNode, kind: FindingKind, known: set[int]) -> list[LexborNode]:
        """Return the pieces of text below an element that are not seen for the same reason.

        What lies in `known` elements below it was looked at by itself.
        """
        found: list[LexborNode] = []
        waiting = [node]
        while waiting:
            for child in _children(waiting.pop()):
                if child.tag == "-text":
                    found.append(child)
                elif (
                    not (child.tag or "-").startswith("-")
                    and child.mem_id not in known
                    and self.why(child) is kind
                ):
                    waiting.append(child)
        return found

    def _look(self, node: LexborNode) -> _Look:
        above: list[LexborNode] = []
        at: LexborNode | None = node
        while at is not None and at.mem_id not in self._looks:
            above.append(at)
            at = at.parent
        look = self._looks[at.mem_id] if at is not None else _Look()
        for one in reversed(above):
            look = self._looks[one.mem_id] = self._within(look, one)
        return look

    def _within(self, outer: _Look, node: LexborNode) -> _Look:
        """Return how letters look in an element inside another."""
        attributes = node.attributes
        if not attributes:
            return outer
        style = _style(node)
        is_classed = bool({"class", "id"} & attributes.keys())
        look = replace(
            outer,
            pixels=_size(style.get("font-size"), outer.pixels),
            is_visible=_is_visible(style.get("visibility"), outer=outer.is_visible),
            colour=_colour_within(node, style, outer.colour),
            is_sized=outer.is_sized or (is_classed and self._is_sized),
        )
        if "font-size" in style:
            look = replace(look, is_sized=outer.is_sized and _is_relative(style["font-size"]))
        own = next((style[name] for name in _BACKGROUNDS if name in style), None)
        if own is not None:
            return replace(look, ground=_colour(own), is_marked=False)
        if {"bgcolor", "background"} & attributes.keys():
            return replace(look, ground="")
        return replace(look, is_marked=outer.is_marked or is_classed)

    def _is_blended(self, look: _Look) -> bool:
        """Return whether letters have the colour of what is behind them."""
        if look.ground is None:
            return look.colour == _WHITE and self._is_plain and not look.is_marked
        is_sure = self._is_plain or not look.is_marked
        return bool(look.colour) and look.colour == look.ground and is_sure


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.first_child
    while child is not None:
        yield child
        child = child.next


def _letters(words: str) -> int:
    return len("".join(words.split()))


def _why_whole(node: LexborNode) -> FindingKind | None:
    """Return why nothing in an element is seen, whatever that says; None when some may be."""
    style = _style(node)
    if (
        "hidden" in node.attributes
        or style.get("display") == "none"
        or _pixels(style.get("opacity")) == 0
    ):
        return FindingKind.HIDDEN
    if _is_cut(style):
        return FindingKind.TINY
    return FindingKind.OFF_PAGE if _is_off_screen(style) else None


def _style(node: LexborNode) -> dict[str, str]:
    parts = (part.partition(":") for part in (node.attributes.get("style") or "").split(";"))
    return {
        name.strip().lower(): value.lower().replace("!important", "").strip()
        for name, _, value in parts
    }


def _pixels(value: str | None) -> float | None:
    match = _NUMBER.match(value or "")
    if match is None:
        return None
    return float(match[1]) * _PIXELS_A_UNIT.get(match[2], 1.0)


def _size(value: str | None, outer: float) -> float:
    """Return the size of letters in pixels; what nobody can tell here is the usual one."""
    if not value or value in _INHERITED:
        return outer
    if value in _RELATIVE_WORDS:
        return outer * _RELATIVE_WORDS[value]
    match = _NUMBER.match(value)
    if match and match[2] in _RELATIVE:
        return float(match[1]) * _RELATIVE[match[2]] * outer
    pixels = _pixels(value)
    return _USUAL_PIXELS if pixels is None else pixels


def _is_relative(value: str) -> bool:
    """Return whether a size depends on the one around it."""
    match = _NUMBER.match(value)
    is_share = match is not None and match[2] in _RELATIVE and float(match[1]) != 0
    return is_share or value in _RELATIVE_WORDS or value in _INHERITED


def _is_visible(value: str | None, *, outer: bool) -> bool:
    if not value or value in _INHERITED:
        return outer
    return value not in ("hidden", "collapse")


def _is_cut(style: dict[str, str]) -> bool:
    is_cut = style.get("overflow") in ("hidden", "clip")
    return is_cut and 0 in (_pixels(style.get("width")), _pixels(style.get("height")))


def _is_off_screen(style: dict[str, str]) -> bool:
    moved = [_pixels(style.get("text-indent"))]
    if style.get("position") in ("absolute", "fixed"):
        moved += [_pixels(style.get("left")), _pixels(style.get("top"))]
    return any(by is not None and by <= -_OFF_SCREEN_PIXELS for by in moved)


def _colour_within(node: LexborNode, style: dict[str, str], outer: str) -> str:
    """Return the colour of letters in an element; a link has one of its own that nobody named."""
    said = style.get("color") or (node.attributes.get("color") if node.tag == "font" else None)
    if said and said.strip().lower() not in _INHERITED:
        return _colour(said)
    return "" if node.tag == "a" and not said else outer


def _colour(value: str | None) -> str:
    """Return a colour in one spelling; empty for none and for what is no plain colour."""
    found = _COLOUR.match((value or "").strip().lower())
    if found is None or found[0] in ("inherit", "transparent", "none", "currentcolor", "url"):
        return ""
    name = found[0]
    if match := _HEX.match(name):
        digits = match[1]
        return "#" + ("".join(2 * digit for digit in digits[:3]) if len(digits) < 6 else digits[:6])  # noqa: PLR2004
    if name.startswith("rgb"):
        numbers = re.findall(r"\d+", name)[:3]
        return "#" + "".join(f"{min(int(number), 255):02x}" for number in numbers)
    return {"white": "#ffffff", "black": "#000000"}.get(name, name)
