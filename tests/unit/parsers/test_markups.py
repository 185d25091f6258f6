"""AsciiDoc and Org to blocks: the source stays, what the converter alone reads is masked."""

from __future__ import annotations

from parser_laws import assert_lawful, blocks_of

from answerable.adapters.parsers import asciidoc, org
from answerable.domain.documents import BlockKind
from answerable.library.split import split
from answerable.library.visible import shown

CODE, HEADING, ROW = BlockKind.CODE, BlockKind.HEADING, BlockKind.ROW
PARAGRAPH, ITEM, QUOTE, LIST = BlockKind.PARAGRAPH, BlockKind.ITEM, BlockKind.QUOTE, BlockKind.LIST

ADOC = """= The Guide
Ann Author <ann@example.org>
:toc: left
:x: y

Intro over
two lines.

// a comment
////
hidden block
////
[[install]]
== Install

[NOTE]
====
Take care.

* inside
====

WARNING: Hot.

[source,bash]
----
kubectl get  # <1>

== no heading
----

. One
+
[source]
----
step
----
. Two
* sub one
* sub two
. Three

term:: Meaning.
other::
  Of it.

.All settings
[cols="1,1",options=header]
|===
|Name |Default

|a
|1

|b |2
|===

include::other.adoc[]

Older
-----

 indented code

____
Said.
____

=== Deep

End {x}.
"""


def test_asciidoc_blocks() -> None:
    """Headings, lists in lists, attached code, admonitions, tables, quotes, literal text."""
    text = asciidoc.read(ADOC)
    assert text.text == ADOC
    assert text.title == "The Guide"
    assert blocks_of(text, HEADING) == ["The Guide", "Install", "Older", "Deep"]
    assert [b.level for b in text.blocks if b.kind is HEADING] == [1, 2, 2, 3]
    assert blocks_of(text, CODE) == [
        "kubectl get  # <1>\n\n== no heading",
        "step",
        " indented code",
    ]
    assert blocks_of(text, ROW) == ["|Name |Default", "|a\n|1", "|b |2"]
    assert [i.strip() for i in blocks_of(text, ITEM)] == [
        "* inside",
        ". One\n\n\n\nstep",
        ". Two\n* sub one\n* sub two",
        "* sub one",
        "* sub two",
        ". Three\n\nterm:: Meaning.\nother::\n  Of it.",
        "term:: Meaning.",
        "other::\n  Of it.",
    ]
    steps = next(b for b in text.blocks if b.kind is LIST)
    assert steps.level == 1
    assert {"WARNING: Hot.", "All settings", "NOTE", "Said."} <= set(blocks_of(text, PARAGRAPH))
    assert_lawful(text)


def test_asciidoc_masks() -> None:
    """Comments, attributes, delimiters and includes are not shown; nothing is included."""
    text = asciidoc.read(ADOC)
    seen = shown(text, 0, len(text.text))
    for gone in (
        ":toc:",
        "comment",
        "hidden",
        "[[",
        "----",
        "====",
        "|===",
        "cols",
        "include",
        "+\n",
    ):
        assert gone not in seen
    assert [chunk.heading for chunk in split(text)] == [
        (),
        ("Install",),
        ("Older",),
        ("Older", "Deep"),
    ]


def test_a_table_that_does_not_name_its_columns() -> None:
    """Its first line says how many there are; a cell on a line of its own is no row."""
    text = asciidoc.read("|===\n|A |B\n\n|1\n|2\n|3 |4\n|===\n")
    assert blocks_of(text, ROW) == ["|A |B", "|1\n|2", "|3 |4"]


def test_asciidoc_that_is_broken() -> None:
    """What is opened and never closed goes on to the end, and loses nothing."""
    for source in (
        "----\ncode\n\nmore\n",
        "====\ninside\n\nmore\n",
        "|===\n|a |b\n",
        "[NOTE]\n",
        "+\n",
    ):
        text = asciidoc.read(source)
        assert_lawful(text)
        for word in ("code", "inside", "more", "NOTE"):
            assert (word in source) == (word in shown(text, 0, len(source)))


ORG = """#+TITLE: Org page
#+AUTHOR: x
Intro.

* TODO [#A] Head one :ops:k8s:
SCHEDULED: <2026-11-30>
:PROPERTIES:
:ID: 1
:END:
# comment
** Sub
#+BEGIN_SRC sh :results none
,* not a heading
kubectl get

#+END_SRC
- a
  more

  - b
    #+begin_example
    x
    #+end_example
- c
1. one
2. two

| a | b |
|---+---|
| 1 | 2 |
#+TBLFM: x
: fixed
: width
#+BEGIN_QUOTE
Said.
#+END_QUOTE
#+BEGIN_COMMENT
hidden
#+END_COMMENT
* Next
Word :notdrawer: word.
"""


def test_org_blocks() -> None:
    """Headings without stars and tags, code, lists in lists, tables without rules, quotes."""
    text = org.read(ORG)
    assert text.text == ORG
    assert text.title == "Org page"
    assert blocks_of(text, HEADING) == ["TODO Head one", "Sub", "Next"]
    assert blocks_of(text, CODE) == ["* not a heading\nkubectl get", "    x", ": fixed\n: width"]
    assert blocks_of(text, ROW) == ["| a | b |", "| 1 | 2 |"]
    items = [item.split("\n")[0].strip() for item in blocks_of(text, ITEM)]
    assert items == ["- a", "- b", "- c", "1. one", "2. two"]
    assert [b.level for b in text.blocks if b.kind is LIST] == [0, 1]
    assert blocks_of(text, QUOTE) == ["Said."]
    seen = shown(text, 0, len(text.text))
    for gone in ("#+", "PROPERTIES", ":ID:", "comment", "hidden", ":ops:", "[#A]"):
        assert gone not in seen
    assert ":notdrawer:" in seen
    assert_lawful(text)
    assert split(text)[-1].heading == ("Next",)


def test_org_that_is_broken() -> None:
    """What is never closed hides nothing, and does not reach into the next section."""
    source = "#+BEGIN_SRC\ncode\n:DRAWER:\ninside\n* Head\n:END:\n#+END_SRC\nlast\n"
    text = org.read(source)
    assert_lawful(text)
    seen = shown(text, 0, len(source))
    for word in ("code", "inside", "Head", "last"):
        assert word in seen
