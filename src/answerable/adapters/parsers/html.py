"""HTML to Markdown, which becomes the canonical text, to a tree of blocks.

What a browser would not show is counted and dropped, what stands on every page (navigation,
banners, forms) is dropped; headings, lists, tables, quotes and code keep their structure. Links,
emphasis and images leave their words only, so that a quote reads like the page.
"""

from __future__ import annotations

import re
from dataclasses import replace

from html_to_markdown import ConversionOptions, PreprocessingOptions, convert
from selectolax.lexbor import LexborHTMLParser, LexborNode

from answerable.adapters.parsers import hidden, html_hidden, markdown
from answerable.adapters.parsers.canonical import Refused, normalised
from answerable.adapters.parsers.compose import found
from answerable.domain.documents import FindingKind, Text

DEPTH_MAX = 500  # the converter drops what lies deeper than 1,024
_TAGS_OPEN_MAX = 5_000  # building the tree takes time quadratic in its depth

_DROPPED = (
    "script, style, template, noscript, svg, canvas, iframe, object, audio, video, nav, aside, "
    "form, button, select, textarea, input, dialog, [aria-hidden='true' i], "
    "[role='navigation'], [role='banner'], [role='contentinfo'], [role='search'], "
    "a.headerlink, a.anchor, a.anchorjs-link, .mw-editsection"
)
_CHROME = "header, footer"
_MAIN = ("main", "[role='main']", "article")
_UNWRAPPED = [
    *("a", "abbr", "b", "cite", "del", "dfn", "em", "font", "i", "ins", "label", "mark", "s"),
    *("small", "span", "strong", "sub", "sup", "u", "var"),
]
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*+)([^<>]*+)>")
_CLOSED_BY_ITSELF = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source"}
    | {"track", "wbr", "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "rt"}
    | {"option", "optgroup", "rp", "colgroup", "html", "head", "body"}
)
_TRAILING = re.compile(r"(?<![ \t])[ \t]++$", re.MULTILINE)
_OPTIONS = ConversionOptions(
    extract_metadata=False,
    extract_images=False,
    bullets="-",
    list_indent_width=4,
    compact_tables=True,
    autolinks=False,
    skip_images=True,
    expand_abbreviations=False,
    include_blockquote_citations=False,
    preprocessing=PreprocessingOptions(enabled=False),
)


def read(source: str) -> Text:
    """Return an HTML page as Markdown text with blocks; nothing in it is masked.

    Args:
        source: The page as text with normalised line breaks.

    Raises:
        Refused: ``malformed`` when it is nested thousands of levels deep, ``empty`` when
            nothing of it would be seen.
    """
    _refuse_deep(source)
    tree = LexborHTMLParser(source)
    title = _words(tree.css_first("title"))
    unseen = html_hidden.drop(tree)
    for node in html_hidden.innermost_first(tree, _DROPPED):
        node.decompose()
    title = title or _words(tree.css_first("h1"))
    main = _main(tree)
    raw = _markdown(main) if main else ""
    text = normalised(raw)
    unseen[FindingKind.INVISIBLE] += hidden.count(raw)  # written as entities
    if not text.strip():
        raise Refused("empty", "it shows no text")
    return replace(markdown.read_generated(text, title), findings=found(unseen))


def _refuse_deep(source: str) -> None:
    """Refuse what only an attack nests, before a tree is built of it."""
    depth = 0
    for closing, name, rest in _TAG.findall(source):
        if rest.endswith("/") or name.lower() in _CLOSED_BY_ITSELF:
            continue
        depth = max(0, depth - 1) if closing else depth + 1
        if depth > _TAGS_OPEN_MAX:
            raise Refused("malformed", f"its tags are nested more than {_TAGS_OPEN_MAX} deep")


def _words(node: LexborNode | None) -> str:
    return " ".join(normalised(node.text()).split()) if node else ""


def _main(tree: LexborHTMLParser) -> LexborNode | None:
    """Return what a page is about: its one main part, else its body without banners."""
    for selector in _MAIN:
        nodes = tree.css(selector)
        if len(nodes) == 1 and nodes[0].text().strip():
            return nodes[0]
    for node in tree.css(_CHROME):
        if node.parent and node.parent.tag != "article":
            node.decompose()
    return tree.body


def _markdown(node: LexborNode) -> str:
    if _depth(node) > DEPTH_MAX:
        return node.text(separator="\n\n", strip=True)
    node.unwrap_tags(_UNWRAPPED)
    content = convert(node.html or "", _OPTIONS).content or ""
    return _TRAILING.sub("", content)


def _depth(root: LexborNode) -> int:
    """Return how deep the tree below a node goes, without recursion."""
    deepest = depth = 0
    node: LexborNode | None = root
    while node is not None:
        if (below := node.first_child) is not None:
            depth += 1
            deepest = max(deepest, depth)
            node = below
            continue
        while node is not None and node.next is None and depth > 0:
            node = node.parent
            depth -= 1
        node = node.next if node is not None and depth > 0 else None
    return deepest
