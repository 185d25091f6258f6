"""One suite for every adapter of the `Index` port; joining is one line in `ADAPTERS`."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from answerable.adapters.index.analyser import TantivyAnalyser
from answerable.adapters.index.local import LocalIndex
from answerable.adapters.index.oracle import OracleIndex
from answerable.adapters.index.ram import RamIndex
from answerable.domain.documents import (
    Chunk,
    Content,
    Document,
    Revision,
    Span,
    Text,
    content_id,
    document_id,
    text_hash,
)
from answerable.domain.errors import Corrupt
from answerable.domain.questions import Scope
from answerable.library.ports import Boosts, Entry, Hit, Index, Searcher, Unit

ANALYSER = TantivyAnalyser()
ADAPTERS: dict[str, Callable[[Path], Index]] = {
    "local": lambda root: LocalIndex(root, analyser=ANALYSER),
    "ram": lambda _root: RamIndex(analyser=ANALYSER),
    "oracle": lambda _root: OracleIndex(analyser=ANALYSER),
}
EQUAL = Boosts(title=1.0, heading=1.0, body=1.0)
BODY = Boosts(title=0.0, heading=0.0, body=1.0)
EVERYONE = frozenset({"everyone"})


@pytest.fixture(params=sorted(ADAPTERS))
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Index:
    """Every adapter in turn, empty."""
    return ADAPTERS[request.param](tmp_path / "index")


def entry(
    path: str,
    *bodies: str,
    labels: Iterable[str] = EVERYONE,
    title: str = "",
    heading: tuple[str, ...] = (),
    masks: tuple[Span, ...] = (),
) -> Entry:
    """Return a document whose chunks are these bodies, one after the other."""
    chunks, at = [], 0
    for ordinal, body in enumerate(bodies):
        chunks.append(Chunk(ordinal=ordinal, start=at, end=at + len(body), heading=heading))
        at += len(body) + 1
    text = Text(text="\n".join(bodies), title=title, blocks=(), masks=masks)
    digest = text_hash(f"{title}{heading}{text.text}")
    return Entry(
        document=Document(
            id=document_id("upload", path), source="upload", path=path, labels=frozenset(labels)
        ),
        content=Content(
            id=content_id(digest, "line", ".md"),
            bytes_hash=digest,
            size=len(text.text),
            format="markdown",
            text=text,
            chunks=tuple(chunks),
        ),
    )


def build(
    index: Index,
    number: int,
    *added: Entry,
    base: Revision | None = None,
    gone: Collection[str] = (),
) -> Revision:
    """Build a revision and return it as the state would record it."""
    manifest = index.build(number, base=base, gone=gone, added=added)
    return Revision(
        number=number,
        line="line",
        base=base.number if base else None,
        manifest=manifest,
        sealed_at_ms=0,
        documents=0,
        chunks=0,
        because="a test",
    )


def scope(*labels: str) -> Scope:
    """Return a scope of these labels."""
    return Scope(principal="someone", labels=frozenset(labels), because="a test")


def find(
    searcher: Searcher,
    question: str,
    *,
    labels: Iterable[str] = EVERYONE,
    hidden: Iterable[str] = (),
    unit: Unit = "chunk",
    limit: int = 1000,
    boosts: Boosts = EQUAL,
    within: frozenset[str] | None = None,
) -> tuple[Hit, ...]:
    """Search for the words of a question."""
    return searcher.find(
        ANALYSER.terms(question),
        scope(*labels),
        hidden=frozenset(hidden),
        unit=unit,
        limit=limit,
        boosts=boosts,
        within=within,
    )


def opened(index: Index, revision: Revision) -> Searcher:
    """Open a revision."""
    return index.open(revision.number, revision.manifest)


def places(hits: Iterable[Hit]) -> list[tuple[str, int]]:
    """Return who was found, without scores."""
    return [(hit.document_id, hit.ordinal) for hit in hits]


def test_a_chunk_is_found_with_its_identity(index: Index) -> None:
    """A hit names document, content and ordinal exactly, whatever their digits."""
    disk, network = entry("disk.md", "free space", "disk is full"), entry("net.md", "packets lost")
    searcher = opened(index, build(index, 1, disk, network))
    (hit,) = find(searcher, "the disks are full")
    assert (hit.document_id, hit.content_id, hit.ordinal) == (disk.document.id, disk.content.id, 1)
    assert hit.score > 0
    assert searcher.chunks == 3


@pytest.mark.parametrize("digit", "0189f")
def test_identities_at_the_edges_survive(index: Index, digit: str) -> None:
    """Identities of all zeros, of all ones and around the sign bit come back unchanged."""
    plain = entry("a.md", "words")
    odd = Entry(
        document=replace(plain.document, id=digit * 16),
        content=replace(plain.content, id=digit * 32),
    )
    first = build(index, 1, odd)
    (hit,) = find(opened(index, first), "words")
    assert (hit.document_id, hit.content_id) == (digit * 16, digit * 32)
    second = build(index, 2, base=first, gone={digit * 16})
    assert find(opened(index, second), "words") == ()


def test_a_page_is_found_whole(index: Index) -> None:
    """Words of different chunks, of the title and of headings meet in the page."""
    page = entry("a.md", "alpha", "beta", title="gamma", heading=("delta", "epsilon"))
    searcher = opened(index, build(index, 1, page, entry("b.md", "alpha")))
    hits = find(searcher, "alpha beta gamma delta epsilon", unit="page")
    assert places(hits)[0] == (page.document.id, -1)
    assert len(hits) == 2


def test_units_do_not_mix(index: Index) -> None:
    """Chunks are no pages and pages no chunks, and neither counts for the other's statistics."""
    searcher = opened(index, build(index, 1, entry("a.md", "alpha", "alpha beta")))
    assert {hit.ordinal for hit in find(searcher, "alpha")} == {0, 1}
    assert [hit.ordinal for hit in find(searcher, "alpha", unit="page")] == [-1]
    assert searcher.frequencies(["alpha", "beta", "gamma"]) == {"alpha": 2, "beta": 1, "gamma": 0}


def test_masked_text_is_not_found(index: Index) -> None:
    """What is masked is in no unit; what stands around it is."""
    page = entry("a.md", "before secret after", masks=(Span(7, 14),))
    searcher = opened(index, build(index, 1, page))
    assert find(searcher, "secret") == find(searcher, "secret", unit="page") == ()
    assert find(searcher, "before")
    assert find(searcher, "after", unit="page")


def test_an_empty_scope_sees_nothing(index: Index) -> None:
    """No labels, no hits."""
    searcher = opened(index, build(index, 1, entry("a.md", "alpha")))
    assert find(searcher, "alpha", labels=()) == ()
    assert find(searcher, "alpha", labels=("nobody",)) == ()


def test_no_terms_find_nothing(index: Index) -> None:
    """An empty question, one of stop words, and a limit of zero give nothing."""
    searcher = opened(index, build(index, 1, entry("a.md", "alpha")))
    assert find(searcher, "") == find(searcher, "the of and") == ()
    assert find(searcher, "alpha", limit=0) == ()


def test_labels_are_exact(index: Index) -> None:
    """A label is one term: not its words, not another case, not a prefix of it."""
    page = entry("a.md", "alpha", labels=("Team A/ops team",))
    searcher = opened(index, build(index, 1, page, entry("b.md", "alpha", labels=("b",))))
    for label in ("team", "Team A/ops", "team a/ops team", "ops team", "*", "Team A/ops team "):
        assert find(searcher, "alpha", labels=(label,)) == (), label
    assert places(find(searcher, "alpha", labels=("Team A/ops team",))) == [(page.document.id, 0)]


def test_filtered_documents_do_not_use_up_the_limit(index: Index) -> None:
    """The one readable document is found though fifty better ones may not be read or are hidden."""
    better = [entry(f"{n}.md", "alpha alpha", labels=("x",)) for n in range(25)]
    hidden = [entry(f"h{n}.md", "alpha alpha") for n in range(25)]
    worst = entry("worst.md", "alpha and many other words that make it longer")
    searcher = opened(index, build(index, 1, *better, *hidden, worst))
    hits = find(searcher, "alpha", hidden=[one.document.id for one in hidden], limit=1)
    assert places(hits) == [(worst.document.id, 0)]


def test_a_filter_changes_no_score(index: Index) -> None:
    """Scope and hidden documents decide who is seen, not how well the others match."""
    pages = [entry(f"{n}.md", "alpha " * (n + 1), labels=("x", f"l{n}")) for n in range(4)]
    searcher = opened(index, build(index, 1, *pages))
    free = {hit.document_id: hit.score for hit in find(searcher, "alpha", labels=("x",))}
    narrow = find(
        searcher, "alpha", labels=("l1", "l2", "l3"), hidden=(pages[3].document.id, "f" * 16)
    )
    assert {hit.document_id for hit in narrow} == {page.document.id for page in pages[1:3]}
    assert all(math.isclose(hit.score, free[hit.document_id], abs_tol=2e-4) for hit in narrow)


def test_weights(index: Index) -> None:
    """A field of weight 0 is not searched; a term given twice weighs twice."""
    titled = entry("a.md", "beta", title="alpha")
    searcher = opened(index, build(index, 1, titled, entry("b.md", "gamma")))
    assert find(searcher, "alpha", boosts=BODY) == ()
    assert find(searcher, "alpha", boosts=replace(BODY, body=0.0)) == ()
    (once,) = find(searcher, "beta", boosts=BODY)
    (twice,) = find(searcher, "beta beta", boosts=BODY)
    (doubled,) = find(searcher, "beta", boosts=replace(BODY, body=2.0))
    assert math.isclose(twice.score, 2 * once.score, abs_tol=2e-4)
    assert math.isclose(doubled.score, 2 * once.score, abs_tol=2e-4)


def test_ties_are_ordered_by_identity(index: Index) -> None:
    """Equal matches come in the order of document and ordinal, also where the limit cuts."""
    pages = [entry(f"{n}.md", "alpha", "alpha") for n in range(60)]
    searcher = opened(index, build(index, 1, *pages))
    want = sorted((page.document.id, ordinal) for page in pages for ordinal in (0, 1))
    assert places(find(searcher, "alpha")) == want
    assert places(find(searcher, "alpha", limit=7)) == want[:7]


@pytest.mark.parametrize(
    "question",
    [
        '" OR NEAR( *',
        "alpha AND NOT beta",
        "body:alpha",
        "+alpha -beta",
        "al*",
        "alpha~2",
        "[a TO z]",
    ],
)
def test_operators_are_inert(index: Index, question: str) -> None:
    """Query syntax in a question is words and punctuation, never an instruction."""
    searcher = opened(index, build(index, 1, entry("a.md", "alpha beta"), entry("b.md", "gamma")))
    words = set(ANALYSER.terms(question)) & {"alpha", "beta"}
    assert len(find(searcher, question)) == (1 if words else 0)


def test_some_documents_only(index: Index) -> None:
    """Narrowed to some documents the same hits come with the same scores, and nothing hidden."""
    one, two = entry("a.md", "alpha beta", "alpha"), entry("b.md", "alpha")
    searcher = opened(index, build(index, 1, one, two, entry("c.md", "alpha alpha")))
    everything = find(searcher, "alpha")
    few = frozenset({one.document.id, two.document.id})
    assert find(searcher, "alpha", within=few) == tuple(
        hit for hit in everything if hit.document_id in few
    )
    hidden = find(searcher, "alpha", within=few, hidden=[one.document.id])
    assert {hit.document_id for hit in hidden} == {two.document.id}
    assert find(searcher, "alpha", within=few, labels=()) == ()
    assert find(searcher, "alpha", within=frozenset()) == ()


def test_a_huge_question_is_cut(index: Index) -> None:
    """Of 100,000 words the first 256 distinct ones are searched, in a moment."""
    searcher = opened(index, build(index, 1, entry("a.md", "alpha beta")))
    noise = [f"word{n}" for n in range(100_000)]
    everyone = scope(*EVERYONE)
    for question, want in ((["alpha", *noise], 1), ([*noise, "beta"], 0)):
        hits = searcher.find(
            question, everyone, hidden=frozenset(), unit="chunk", limit=5, boosts=EQUAL
        )
        assert len(hits) == want


def test_a_replaced_document_is_there_once(index: Index) -> None:
    """A document in `added` takes the place of the one of the same id, also twice in one run."""
    first = build(index, 1, entry("a.md", "alpha", "beta"), entry("b.md", "alpha"))
    second = build(index, 2, entry("a.md", "gamma"), entry("a.md", "delta"), base=first)
    searcher = opened(index, second)
    assert len(find(searcher, "alpha beta")) == 1
    assert find(searcher, "gamma") == ()
    assert len(find(searcher, "delta")) == 1
    assert searcher.chunks == 2
    assert searcher.frequencies(["alpha", "beta"]) == {"alpha": 1, "beta": 0}


def test_a_document_given_twice_to_a_first_build_is_there_once(index: Index) -> None:
    """The later one counts, also where there is no base to take the earlier one out of."""
    sealed = build(index, 1, entry("a.md", "gamma"), entry("b.md", "beta"), entry("a.md", "delta"))
    searcher = opened(index, sealed)
    assert find(searcher, "gamma") == ()
    assert len(find(searcher, "delta")) == 1
    assert searcher.chunks == 2


def test_a_revision_without_documents(index: Index) -> None:
    """Nothing can be indexed, emptied and built upon."""
    first = build(index, 1)
    page = entry("a.md", "alpha")
    second = build(index, 2, page, base=first)
    third = build(index, 3, base=second, gone={page.document.id, "0" * 16})
    assert find(opened(index, first), "alpha") == find(opened(index, third), "alpha") == ()
    assert opened(index, third).chunks == 0
    assert len(find(opened(index, build(index, 4, page, base=third)), "alpha")) == 1


def test_a_sealed_revision_does_not_change(index: Index) -> None:
    """Later builds, also from older bases, change nothing of an earlier revision."""
    pages = [entry(f"{n}.md", f"alpha word{n}") for n in range(10)]
    first = build(index, 1, *pages)
    held = opened(index, first)
    before = find(held, "alpha word3")
    second = build(index, 2, entry("new.md", "alpha"), base=first, gone={pages[3].document.id})
    build(index, 3, entry("1.md", "other"), base=second)
    build(index, 4, base=first, gone=[page.document.id for page in pages])
    assert find(held, "alpha word3") == find(opened(index, first), "alpha word3") == before
    assert index.verify(first.number, first.manifest) == ()


def test_the_same_number_can_be_built_again(index: Index) -> None:
    """A crash between building and sealing leaves a number to be built once more."""
    lost = build(index, 1, entry("a.md", "alpha"))
    again = build(index, 1, entry("a.md", "alpha"))
    assert again.manifest != lost.manifest
    assert len(find(opened(index, again), "alpha")) == 1


def test_sweep_keeps_what_is_named(index: Index) -> None:
    """Only the named revisions stay, and it says how many went."""
    first = build(index, 1, entry("a.md", "alpha"))
    second = build(index, 2, entry("b.md", "alpha"), base=first)
    third = build(index, 3, entry("c.md", "alpha"), base=second)
    assert index.sweep({(2, second.manifest)}) == 2
    assert index.sweep({(2, second.manifest)}) == 0
    assert len(find(opened(index, second), "alpha")) == 2
    for dead in (first, third):
        with pytest.raises(Corrupt):
            opened(index, dead)
        assert index.verify(dead.number, dead.manifest)


def test_a_base_that_is_not_there(index: Index) -> None:
    """Building on a missing revision is refused; the next build is fine."""
    absent = replace(build(index, 1), number=9)
    with pytest.raises(Corrupt):
        build(index, 10, base=absent)
    build(index, 10)


def test_many_threads_search_at_once(index: Index) -> None:
    """Eight threads get what one gets."""
    pages = [
        entry(f"{n}.md", f"alpha word{n % 7} word{n % 5}", labels=(f"l{n % 3}",)) for n in range(90)
    ]
    searcher = opened(index, build(index, 1, *pages))

    def ask(n: int) -> tuple[Hit, ...]:
        hidden = (pages[n % 4].document.id,)
        return find(
            searcher, f"word{n % 7} alpha", labels=(f"l{n % 3}", "l0"), hidden=hidden, limit=9
        )

    want = [ask(n) for n in range(84)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, [*range(84)] * 4)) == want * 4


WORDS = ["alpha", "beta", "gamma", "delta", "disk", "disks", "running", "é", "日本語", "10.0.0.1"]
PATHS = ["a.md", "b.md", "c.md", "d.md", "e.md"]
LABELS = ["x", "y", "z w"]
texts = st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join)
entries = st.builds(
    lambda path, bodies, title, heading, labels: entry(
        path, *bodies, title=title, heading=tuple(heading), labels=labels
    ),
    st.sampled_from(PATHS),
    st.lists(texts, max_size=4),
    texts,
    st.lists(texts, max_size=2),
    st.sets(st.sampled_from(LABELS)),
)
ids = st.sampled_from([document_id("upload", path) for path in PATHS])
steps = st.tuples(st.integers(0, 9), st.sets(ids, max_size=3), st.lists(entries, max_size=4))
questions = st.tuples(
    st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join),
    st.sets(st.sampled_from([*LABELS, "nobody"])),
    st.sets(ids, max_size=2),
    st.sampled_from(["chunk", "page"]),
    st.tuples(*[st.sampled_from([0.0, 0.5, 1.0])] * 3),
)


@pytest.mark.parametrize("name", sorted(ADAPTERS.keys() - {"oracle"}))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=st.lists(steps, min_size=1, max_size=5), asked=st.lists(questions, max_size=4))
def test_it_agrees_with_the_oracle(
    name: str,
    tmp_path_factory: pytest.TempPathFactory,
    history: list[tuple[int, set[str], list[Entry]]],
    asked: list[tuple[str, set[str], set[str], Unit, tuple[float, float, float]]],
) -> None:
    """Any history of builds from any bases gives the hits, counts and scores of the oracle.

    Scores are compared where nothing was deleted: tantivy counts what is deleted, until a
    merge, as if it were there.
    """
    tested = ADAPTERS[name](tmp_path_factory.mktemp("index"))
    oracle = ADAPTERS["oracle"](Path())
    pairs: list[tuple[Revision, Revision]] = []
    for number, (which, gone, added) in enumerate(history, start=1):
        bases = pairs[which % len(pairs)] if pairs and which else (None, None)
        pairs.append(
            (
                build(tested, number, *added, base=bases[0], gone=gone),
                build(oracle, number, *added, base=bases[1], gone=gone),
            )
        )
    for ours, theirs in pairs:
        assert tested.verify(ours.number, ours.manifest) == ()
        left, right = opened(tested, ours), opened(oracle, theirs)
        assert left.chunks == right.chunks
        terms = ANALYSER.terms(" ".join(WORDS))
        assert left.frequencies(terms) == right.frequencies(terms)
        for question, labels, hidden, unit, weights in asked:
            boosts = Boosts(title=weights[0], heading=weights[1], body=weights[2])
            found, wanted = (
                find(one, question, labels=labels, hidden=hidden, unit=unit, boosts=boosts)
                for one in (left, right)
            )
            assert sorted(places(found)) == sorted(places(wanted))
            if len(history) == 1 and is_fresh(history[0][2]):
                assert_same_scores(found, wanted)


def is_fresh(added: Collection[Entry]) -> bool:
    """Return whether no document is there twice, so that nothing is deleted."""
    return len({one.document.id for one in added}) == len(added)


def assert_same_scores(found: Collection[Hit], wanted: Collection[Hit]) -> None:
    """Check that every hit scores as in the oracle, up to the rounding of 32-bit floats."""
    scores = {(hit.document_id, hit.ordinal): hit.score for hit in wanted}
    for hit in found:
        want = scores[hit.document_id, hit.ordinal]
        assert math.isclose(hit.score, want, rel_tol=1e-3, abs_tol=2e-4)
