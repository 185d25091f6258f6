"""What of a web page nobody sees, told by the page itself and only where that is sure.

Sure is what an element says of itself. What style sheets say of classes is not looked at: they
hide the tabs of a page until somebody opens them.
"""

from __future__ import annotations

import re
from collections import Counter

from selectolax.lexbor import LexborHTMLParser, LexborNode

from answerable.domain.documents import FindingKind

_OFF_SCREEN_PIXELS = 900

_NUMBER = re.compile(r"^\s*(-?\d*\.?\d+)\s*(px|pt|em|rem|%|vw|vh|)\s*$")
_COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|rgba?\([^)]*\)|[a-z]+")
_HEX = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$")
_WHITE = "#ffffff"
_BACKGROUNDS = ("background", "background-color", "background-image")
_PIXELS_A_UNIT = {"px": 1.0, "pt": 1.33, "em": 16.0, "rem": 16.0, "%": 16.0, "vw": 16.0, "vh": 16.0}


def drop(tree: LexborHTMLParser) -> Counter[FindingKind]:
    """Take out of a page what is not seen; return how many characters of what kind it was."""
    counts: Counter[FindingKind] = Counter()
    is_plain = not _is_painted(tree)
    for node in innermost_first(tree, "[hidden], [style], font[color]"):
        kind = _why(node, is_plain=is_plain)
        if kind is not None:
            counts[kind] += len("".join(node.text().split()))
            node.decompose()
    return counts


def innermost_first(tree: LexborHTMLParser, selector: str) -> list[LexborNode]:
    """Return the nodes that match, each once and before those around it.

    In this order one may be destroyed without touching another that is still to come.
    """
    nodes = {node.mem_id: node for node in tree.css(selector)}
    return list(reversed(nodes.values()))


def _is_painted(tree: LexborHTMLParser) -> bool:
    """Return whether style sheets may give anything a background."""
    if tree.css_first("link[rel~='stylesheet' i]") is not None:
        return True
    return any("background" in (node.text() or "").lower() for node in tree.css("style"))


def _why(node: LexborNode, *, is_plain: bool) -> FindingKind | None:
    """Return why an element is not seen; None when it is, or when that is not sure."""
    style = _style(node)
    if (
        "hidden" in node.attributes
        or style.get("display") == "none"
        or style.get("visibility") in ("hidden", "collapse")
        or _pixels(style.get("opacity")) == 0
    ):
        return FindingKind.HIDDEN
    if _is_tiny(style):
        return FindingKind.TINY
    if _is_off_screen(style):
        return FindingKind.OFF_PAGE
    return FindingKind.SAME_COLOUR if _is_blended(node, style, is_plain=is_plain) else None


def _is_blended(node: LexborNode, style: dict[str, str], *, is_plain: bool) -> bool:
    """Return whether the letters have the colour of what is behind them."""
    colour = _colour(style.get("color") or node.attributes.get("color"))
    own = next((style[name] for name in _BACKGROUNDS if name in style), None)
    if own is not None:
        return bool(colour) and _colour(own) == colour
    return colour == _WHITE and is_plain and not _is_backed(node)


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


def _is_tiny(style: dict[str, str]) -> bool:
    size = _pixels(style.get("font-size"))
    if size is not None and size <= 1:
        return True
    is_cut = style.get("overflow") in ("hidden", "clip")
    return is_cut and 0 in (_pixels(style.get("width")), _pixels(style.get("height")))


def _is_off_screen(style: dict[str, str]) -> bool:
    moved = [_pixels(style.get("text-indent"))]
    if style.get("position") in ("absolute", "fixed"):
        moved += [_pixels(style.get("left")), _pixels(style.get("top"))]
    return any(by is not None and by <= -_OFF_SCREEN_PIXELS for by in moved)


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


def _is_backed(node: LexborNode) -> bool:
    """Return whether anything around an element may be painted: by a class, too."""
    at: LexborNode | None = node
    while at is not None:
        attributes = at.attributes
        if at is not node and {"class", "id", "bgcolor", "background"} & attributes.keys():
            return True
        if any(name in _style(at) for name in _BACKGROUNDS):
            return True
        at = at.parent
    return bool({"class", "id", "bgcolor"} & node.attributes.keys())
