"""One suite for every adapter of the `Index` port; joining is one line in `ADAPTERS`."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
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
from answerable.domain.errors import Corrupt, NotReady
from answerable.domain.questions import Scope
from answerable.library.packing import hashes, pack
from answerable.library.ports import (
    Boosts,
    Entry,
    Hit,
    Index,
    Nearness,
    Searcher,
    Unit,
    Vectored,
    Vectors,
)

ANALYSER = TantivyAnalyser()
ADAPTERS: dict[str, Callable[[Path], Index]] = {
    "local": lambda root: LocalIndex(root, analyser=ANALYSER),
    "ram": lambda _root: RamIndex(analyser=ANALYSER),
    "oracle": lambda _root: OracleIndex(analyser=ANALYSER),
}
EQUAL = Boosts(title=1.0, heading=1.0, body=1.0)
BODY = Boosts(title=0.0, heading=0.0, body=1.0)
EVERYONE = frozenset({"everyone"})
DIMENSION = 16
SPACE, OTHER = "a" * 64, "b" * 64


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
    vectors: Mapping[str, Iterable[Vectored]] | None = None,
) -> Revision:
    """Build a revision and return it as the state would record it.

    Vectors are prepared and joined as it is done in earnest: those that come with their documents
    by themselves, others beside their base; and then what is to be written anew is.
    """
    beside = None if gone or added else base
    prepared = index.prepare(beside, vectors) if vectors else None
    manifest = index.build(number, base=base, gone=gone, added=added, prepared=prepared)
    if not index.is_settled(number, manifest):
        first = sealed(number, manifest, base)
        again = index.prepare(first, {})
        manifest = index.build(number, base=first, gone=(), added=(), prepared=again)
        assert index.is_settled(number, manifest)
    return sealed(number, manifest, base)


def sealed(number: int, manifest: str, base: Revision | None) -> Revision:
    """Return a revision as the state would record it."""
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
    others: str = "",
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
        wholes=ANALYSER.wholes(question),
        others=ANALYSER.terms(others),
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


def test_what_is_written_as_one_is_found_as_one(index: Index) -> None:
    """A path, a flag or a code puts the chunk that holds it above one that holds its parts."""
    hosts = entry("a.md", "Look at /etc/hosts.", "Pass --dry-run=client, then --force.")
    parts = entry("b.md", "hosts etc etc hosts", "run dry, dry run")
    searcher = opened(index, build(index, 1, hosts, parts))
    for question, want in (("what is /etc/hosts?", 0), ("`--dry-run`", 1)):
        chunk: tuple[Unit, int] = ("chunk", want)
        for unit, ordinal in (chunk, ("page", -1)):
            without, held = (
                find(searcher, question, unit=unit, boosts=replace(EQUAL, whole=whole))
                for whole in (0.0, 5.0)
            )
            assert places(held)[0] == (hosts.document.id, ordinal)
            assert sorted(places(held)) == sorted(places(without))
            assert held[0].score > max(hit.score for hit in without)


def test_wholes_need_terms_and_are_of_the_body(index: Index) -> None:
    """They are looked for beside terms only, and not in titles, headings or masked text."""
    page = entry(
        "a.md", "alpha --force beta", title="--purge", heading=("--quiet",), masks=(Span(6, 13),)
    )
    searcher = opened(index, build(index, 1, page, entry("b.md", "gamma --prune")))
    boosts = replace(BODY, whole=1.0)
    for whole, want in (("--force", 0), ("--purge", 0), ("--quiet", 0), ("--prune", 1)):
        for terms, hits in (((), 0), (("unheard",), want)):
            found = searcher.find(
                terms,
                scope(*EVERYONE),
                hidden=frozenset(),
                unit="chunk",
                limit=5,
                boosts=boosts,
                wholes=(whole,),
            )
            assert len(found) == hits


def test_others_weigh_their_share_of_a_term(index: Index) -> None:
    """What was not asked for finds too, scores less than what was, and needs a boost."""
    pages = (entry("a.md", "alpha"), entry("b.md", "beta"), entry("c.md", "gamma"))
    searcher = opened(index, build(index, 1, *pages))
    some = replace(EQUAL, other=0.5)
    asked = find(searcher, "alpha", boosts=some)
    both = find(searcher, "alpha", boosts=some, others="beta")
    assert [one.document_id for one in both] == [page.document.id for page in pages[:2]]
    assert both[0].score == asked[0].score
    assert both[1].score == pytest.approx(asked[0].score / 2, abs=1e-3)
    assert find(searcher, "alpha", others="beta") == asked
    alone = find(searcher, "unheard", boosts=some, others="beta")
    assert [one.document_id for one in alone] == [pages[1].document.id]


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


def unit_vectors(*seeds: int, dimension: int = DIMENSION) -> Vectors:
    """Return a row of length 1 for each seed."""
    rows = [np.random.default_rng(seed).normal(size=dimension) for seed in seeds]
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / lengths, np.float32)


def vectored(of: Entry, *seeds: int, sentences: int = 0, dimension: int = DIMENSION) -> Vectored:
    """Return a document with the vector of a seed for each chunk."""
    return Vectored(
        document=of.document,
        content_id=of.content.id,
        packed=[
            pack(
                unit_vectors(seed, dimension=dimension)[0],
                unit_vectors(*range(1000, 1000 + sentences), dimension=dimension)
                if sentences
                else np.empty((0, dimension), np.float32),
            )
            for seed in seeds
        ],
        terms=[hashes(["alpha", f"seed{seed}"]) for seed in seeds],
    )


def nearest(
    searcher: Searcher,
    seed: int,
    *,
    labels: Iterable[str] = EVERYONE,
    hidden: Iterable[str] = (),
    limit: int = 1000,
    space: str = SPACE,
) -> tuple[Hit, ...]:
    """Search for what is near the vector of a seed."""
    return searcher.nearest(
        space, unit_vectors(seed)[0], scope(*labels), hidden=frozenset(hidden), limit=limit
    )


def test_the_nearest_chunk_comes_first(index: Index) -> None:
    """A chunk is nearest to its own vector, with its identity and a cosine of 1."""
    one, two = entry("a.md", "alpha", "beta"), entry("b.md", "gamma")
    vectors = {SPACE: [vectored(one, 1, 2), vectored(two, 3)]}
    searcher = opened(index, build(index, 1, one, two, vectors=vectors))
    assert searcher.covered == {SPACE: 3}
    first, *others = nearest(searcher, 2)
    assert (first.document_id, first.content_id, first.ordinal) == (
        one.document.id,
        one.content.id,
        1,
    )
    assert first.score == pytest.approx(1, abs=2e-4)
    assert [hit.score for hit in others] == sorted((hit.score for hit in others), reverse=True)
    assert len(others) == 2
    for digit in "0f":
        odd = Entry(
            document=replace(one.document, id=digit * 16),
            content=replace(one.content, id=digit * 32),
        )
        edge = opened(index, build(index, 2, odd, vectors={SPACE: [vectored(odd, 1, 2)]}))
        (hit, _) = nearest(edge, 1)
        assert (hit.document_id, hit.content_id) == (digit * 16, digit * 32)


def test_scope_and_hidden_apply_before_nearness_is_ranked(index: Index) -> None:
    """The one readable chunk is found though all others are nearer; an empty scope sees none."""
    nearer = [entry(f"{n}.md", "alpha", labels=("x",)) for n in range(25)]
    hidden = [entry(f"h{n}.md", "alpha") for n in range(25)]
    far = entry("far.md", "alpha", labels=("y", "everyone"))
    vectors = {SPACE: [*(vectored(one, 5) for one in (*nearer, *hidden)), vectored(far, 9)]}
    searcher = opened(index, build(index, 1, *nearer, *hidden, far, vectors=vectors))
    ids = [one.document.id for one in hidden]
    assert places(nearest(searcher, 5, hidden=ids, limit=1)) == [(far.document.id, 0)]
    assert places(nearest(searcher, 5, labels=("y",), limit=1)) == [(far.document.id, 0)]
    assert nearest(searcher, 5, labels=()) == nearest(searcher, 5, labels=("nobody",)) == ()
    assert nearest(searcher, 5, limit=0) == ()


def test_ties_of_nearness_are_ordered_by_identity(index: Index) -> None:
    """Equal cosines come in the order of document and ordinal, also where the limit cuts."""
    pages = [entry(f"{n}.md", "alpha", "beta") for n in range(60)]
    vectors = {SPACE: [vectored(page, 1, 1) for page in pages]}
    searcher = opened(index, build(index, 1, *pages, vectors=vectors))
    want = sorted((page.document.id, ordinal) for page in pages for ordinal in (0, 1))
    assert places(nearest(searcher, 1)) == want
    assert places(nearest(searcher, 1, limit=7)) == want[:7]


def test_nearness_of_some_chunks(index: Index) -> None:
    """Asked for by name, a chunk has the cosine it is found with, and that of its best sentence."""
    one, two, bare = entry("a.md", "alpha", "beta"), entry("b.md", "beta"), entry("c.md", "gamma")
    vectors = {SPACE: [vectored(one, 1, 2), vectored(two, 3, sentences=3)]}
    searcher = opened(index, build(index, 1, one, two, bare, vectors=vectors))
    hits = nearest(searcher, 1001)
    unknown = replace(hits[0], document_id="e" * 16)
    page = replace(hits[0], ordinal=-1)
    none = replace(hits[0], ordinal=2)
    (bare_hit,) = find(searcher, "gamma")
    question = unit_vectors(1001)[0]
    found = searcher.nearness(SPACE, question, {}, [unknown, *hits, bare_hit, page, none])
    for column in found:
        assert np.isnan(column).tolist() == [True, *[False] * len(hits), True, True, True]
    for hit, chunk, sentence in zip(hits, found.chunks[1:], found.sentences[1:], strict=False):
        assert chunk == hit.score
        want = 1.0 if hit.document_id == two.document.id else hit.score
        assert sentence == pytest.approx(want, abs=5e-3)
    assert [len(column) for column in searcher.nearness(SPACE, question, {}, [])] == [0, 0, 0]


def test_what_a_chunk_holds_of_some_terms(index: Index) -> None:
    """The weights of those of the terms it was given with are summed; unknown chunks have none."""
    one, bare = entry("a.md", "alpha", "beta"), entry("b.md", "alpha")
    vectors = {SPACE: [vectored(one, 1, 2)]}
    searcher = opened(index, build(index, 1, one, bare, vectors=vectors))
    hits = sorted(find(searcher, "alpha beta"), key=lambda hit: (hit.content_id, hit.ordinal))
    weights = {"alpha": 0.5, "seed1": 1.0, "seed2": 2.0, "unheard": 8.0}
    near = searcher.nearness(SPACE, unit_vectors(1)[0], weights, hits)
    found = dict(zip(places(hits), near.held, strict=True))
    assert found[one.document.id, 0] == pytest.approx(1.5)
    assert found[one.document.id, 1] == pytest.approx(2.5)
    assert np.isnan(found[bare.document.id, 0])


def test_the_sentences_of_some_chunks(index: Index) -> None:
    """Each sentence has its cosine, in order; a chunk without any, or unknown, gives none."""
    one, two = entry("a.md", "alpha"), entry("b.md", "beta")
    vectors = {SPACE: [vectored(one, 1, sentences=3), vectored(two, 2)]}
    searcher = opened(index, build(index, 1, one, two, vectors=vectors))
    hits = {hit.document_id: hit for hit in nearest(searcher, 1001)}
    asked = [hits[one.document.id], hits[two.document.id]]
    unknown = replace(asked[0], ordinal=9)
    question = unit_vectors(1001)[0]
    found, none, nothing = searcher.sentences(SPACE, question, [*asked, unknown])
    assert len(found) == 3
    assert found[1] == max(found) == pytest.approx(1, abs=5e-3)
    near = searcher.nearness(SPACE, question, {}, asked)
    assert near.sentences[0] == pytest.approx(max(found), abs=2e-4)
    assert none == nothing == ()


def test_vectors_that_are_not_there_are_named(index: Index) -> None:
    """Another embedder or dimension is refused, with what there is and the command that helps."""
    page = entry("a.md", "alpha")
    bare = opened(index, build(index, 1, page))
    some = opened(index, build(index, 2, page, vectors={SPACE: [vectored(page, 1)]}))
    assert bare.covered == {}
    wrong = unit_vectors(1, dimension=DIMENSION + 1)[0]
    for searcher, space, vector, said in (
        (bare, SPACE, unit_vectors(1)[0], "none at all"),
        (some, OTHER, unit_vectors(1)[0], "1 of aaaaaaaaaaaa"),
        (some, SPACE, wrong, "17 numbers"),
    ):
        with pytest.raises(NotReady, match=said) as refused:
            searcher.nearest(space, vector, scope(*EVERYONE), hidden=frozenset(), limit=1)
        assert refused.value.hint == "answerable embedders fill"
        with pytest.raises(NotReady, match=said):
            searcher.nearness(space, vector, {}, [])


def test_what_has_no_vectors_is_known(index: Index) -> None:
    """A content is named while one of its documents lacks vectors; one without chunks never."""
    one, copy, empty = entry("a.md", "alpha"), entry("copy.md", "alpha"), entry("empty.md")
    both = {one.content.id, empty.content.id}
    first = build(index, 1, one, empty)
    assert opened(index, first).without_vectors(SPACE, both) == {one.content.id}
    assert opened(index, first).without_vectors(SPACE, ()) == frozenset()
    second = build(index, 2, base=first, vectors={SPACE: [vectored(one, 1)]})
    assert opened(index, second).without_vectors(SPACE, both) == frozenset()
    assert opened(index, second).without_vectors(OTHER, both) == {one.content.id}
    third = build(index, 3, copy, base=second)
    assert opened(index, third).without_vectors(SPACE, both) == {one.content.id}


def test_vectors_prepared_for_one_base_join_another(index: Index) -> None:
    """Of what was sealed in between, what changed or went is left out, and the rest is taken.

    What the newer base has of a document gives way to what was prepared of it.
    """
    stays, changes, goes, known = (entry(f"{name}.md", "alpha") for name in "abcd")
    first = build(index, 1, stays, changes, goes, known)
    given = [vectored(one, seed) for seed, one in enumerate((stays, changes, goes, known), 1)]
    prepared = index.prepare(first, {SPACE: given})
    assert prepared.documents == {one.document.id for one in (stays, changes, goes, known)}
    new = entry("b.md", "beta")
    second = build(
        index,
        2,
        new,
        known,
        base=first,
        gone={goes.document.id},
        vectors={SPACE: [vectored(known, 9)]},
    )
    outdated = {changes.document.id, goes.document.id}
    joined = index.build(3, base=second, gone=(), added=(), prepared=prepared, outdated=outdated)
    prepared.close()
    searcher = index.open(3, joined)
    assert searcher.covered == {SPACE: 2}
    bare = searcher.without_vectors(SPACE, {stays.content.id, new.content.id, known.content.id})
    assert bare == {new.content.id}
    hits = nearest(searcher, 4)
    assert hits[0].document_id == known.document.id
    assert hits[0].score == pytest.approx(1.0, abs=1e-3)
    assert index.verify(3, joined) == ()
    assert opened(index, second).covered == {SPACE: 1}


def test_preparing_stops_when_it_is_told_to(index: Index) -> None:
    """What `check` raises comes through, and the index goes on as before."""
    page = entry("a.md", "alpha")
    first = build(index, 1, page)

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index.prepare(first, {SPACE: [vectored(page, 1)]}, check=stop)
    second = build(index, 2, base=first, vectors={SPACE: [vectored(page, 1)]})
    assert opened(index, second).covered == {SPACE: 1}


def test_vectors_stay_with_the_documents_that_stay(index: Index) -> None:
    """What is unchanged keeps its vectors; what is gone or came anew loses them."""
    stays, goes, changes = (entry(f"{name}.md", "alpha") for name in "abc")
    pages = (stays, goes, changes)
    vectors = {
        SPACE: [vectored(page, number) for number, page in enumerate(pages)],
        OTHER: [vectored(changes, 7)],
    }
    first = build(index, 1, *pages, vectors=vectors)
    second = build(index, 2, changes, base=first, gone={goes.document.id})
    searcher = opened(index, second)
    assert searcher.covered == {SPACE: 1}
    assert places(nearest(searcher, 0)) == [(stays.document.id, 0)]
    third = build(index, 3, base=second, vectors={SPACE: [vectored(changes, 4)]})
    assert len(nearest(opened(index, third), 0)) == 2
    again = build(
        index, 4, base=third, vectors={SPACE: [vectored(changes, 5), vectored(changes, 6)]}
    )
    assert len(nearest(opened(index, again), 0)) == 2
    assert nearest(opened(index, again), 6)[0].score == pytest.approx(1, abs=2e-4)
    assert opened(index, first).covered == {SPACE: 3, OTHER: 1}


WORDS = ["alpha", "beta", "gamma", "delta", "disk", "disks", "running", "é", "日本語"]
WORDS += ["10.0.0.1", "/etc/disk", "--alpha=beta"]
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
weights = st.sampled_from([0.0, 0.5, 1.0])
questions = st.tuples(
    st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join),
    st.sets(st.sampled_from([*LABELS, "nobody"])),
    st.sets(ids, max_size=2),
    st.sampled_from(["chunk", "page"]),
    st.builds(Boosts, **dict.fromkeys(("title", "heading", "body", "whole"), weights)),
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
    asked: list[tuple[str, set[str], set[str], Unit, Boosts]],
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
        for question, labels, hidden, unit, boosts in asked:
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


asks = st.tuples(
    st.integers(0, 8),
    st.sets(st.sampled_from([*LABELS, "nobody"])),
    st.sets(ids, max_size=2),
    st.integers(0, 12),
)


def near_middles(seed: int, count: int) -> Vectors:
    """Return rows around thirty middles, of length 1."""
    chance = np.random.default_rng(seed)
    middles = unit_vectors(*range(30))[chance.integers(30, size=count)]
    rows = middles + 0.1 * chance.normal(size=middles.shape)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("name", ["local", "ram"])
def test_cells_agree_with_the_oracle(name: str, tmp_path: Path) -> None:
    """Divided into cells, nearly all is found; in a narrow scope, everything."""
    pages = [entry(f"{n}.md", "alpha", labels=("everyone", f"l{n % 10}")) for n in range(1500)]
    rows = near_middles(1, len(pages))
    none = np.empty((0, DIMENSION), np.float32)
    vectors = {
        SPACE: [
            Vectored(
                document=page.document,
                content_id=page.content.id,
                packed=[pack(row, none)],
                terms=[hashes(["alpha"])],
            )
            for page, row in zip(pages, rows, strict=True)
        ]
    }
    tested = with_cells(name, tmp_path)
    oracle = OracleIndex(analyser=ANALYSER)
    revisions = [build(index, 1, *pages, vectors=vectors) for index in (tested, oracle)]
    assert tested.verify(1, revisions[0].manifest) == ()
    left, right = opened(tested, revisions[0]), opened(oracle, revisions[1])
    missed = 0
    for question in near_middles(2, 40):
        asked = {
            label: [
                one.nearest(SPACE, question, scope(label), hidden=frozenset(), limit=10)
                for one in (left, right)
            ]
            for label in ("everyone", "l3")
        }
        found, wanted = asked["everyone"]
        missed += len(set(wanted) - set(found))
        assert asked["l3"][0] == asked["l3"][1]
        assert_as_near(*(one.nearness(SPACE, question, {}, wanted) for one in (left, right)))
    assert missed <= 0.02 * 400


def with_cells(name: str, root: Path) -> Index:
    """Return an index that divides more than 300 rows into cells."""
    if name == "ram":
        return RamIndex(analyser=ANALYSER, exact_max=300)
    return LocalIndex(root, analyser=ANALYSER, exact_max=300)


@pytest.mark.parametrize("name", sorted(ADAPTERS.keys() - {"oracle"}))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    history=st.lists(
        st.tuples(steps, st.lists(st.sampled_from([SPACE, OTHER]), unique=True), st.data()),
        min_size=1,
        max_size=6,
    ),
    asked=st.lists(asks, max_size=4),
)
def test_vectors_agree_with_the_oracle(
    name: str,
    tmp_path_factory: pytest.TempPathFactory,
    history: list[tuple[tuple[int, set[str], list[Entry]], list[str], st.DataObject]],
    asked: list[tuple[int, set[str], set[str], int]],
) -> None:
    """Any history of builds with vectors of some documents finds what the oracle finds."""
    tested = ADAPTERS[name](tmp_path_factory.mktemp("index"))
    oracle = ADAPTERS["oracle"](Path())
    kept: list[tuple[Revision, Revision, dict[str, Entry]]] = []
    for number, ((which, gone, added), spaces, data) in enumerate(history, start=1):
        base = kept[which % len(kept)] if kept and which else None
        entries = {key: one for key, one in (base[2] if base else {}).items() if key not in gone}
        entries.update((one.document.id, one) for one in added)
        vectors = {space: vectors_of_some(entries, data) for space in spaces}
        kept.append(
            (
                build(tested, number, *added, base=base and base[0], gone=gone, vectors=vectors),
                build(oracle, number, *added, base=base and base[1], gone=gone, vectors=vectors),
                entries,
            )
        )
    for ours, theirs, entries in kept:
        assert tested.verify(ours.number, ours.manifest) == ()
        left, right = opened(tested, ours), opened(oracle, theirs)
        assert left.covered == right.covered
        contents = {one.content.id for one in entries.values()}
        for space in (SPACE, OTHER):
            missing = right.without_vectors(space, contents)
            assert left.without_vectors(space, contents) == missing
            for seed, labels, hidden, limit in asked if space in right.covered else ():
                found, wanted = (
                    nearest(one, seed, labels=labels, hidden=hidden, limit=limit, space=space)
                    for one in (left, right)
                )
                assert found == wanted
                question = unit_vectors(seed)[0]
                assert_as_near(
                    *(one.nearness(space, question, {}, wanted) for one in (left, right))
                )


def vectors_of_some(entries: Mapping[str, Entry], data: st.DataObject) -> list[Vectored]:
    """Return vectors of some of these documents, whole; few seeds, so that many are equal."""
    chosen = data.draw(st.lists(st.sampled_from(sorted(entries)), max_size=4)) if entries else []
    return [
        vectored(
            entries[one],
            *(data.draw(st.integers(0, 5)) for _ in entries[one].content.chunks),
            sentences=data.draw(st.integers(0, 2)),
        )
        for one in chosen
    ]


def assert_as_near(found: Nearness, wanted: Nearness) -> None:
    """Check that chunks are as near, up to the rounding of the last of four decimals."""
    for left, right in zip(found, wanted, strict=True):
        np.testing.assert_allclose(left, right, atol=2e-4, equal_nan=True)
