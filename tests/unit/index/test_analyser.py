"""The analyser: what it makes of operational text, and that the index holds the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import tantivy
from hypothesis import given
from hypothesis import strategies as st

from answerable.adapters.index import fields
from answerable.adapters.index.analyser import TantivyAnalyser

ANALYSER = TantivyAnalyser()


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The nodes are RUNNING", ["node", "run"]),
        ("the node's disk doesn't fill", ["node", "disk", "doesn", "fill"]),
        ("/etc/kubernetes/manifests", ["etc", "kubernet", "manifest"]),
        ("kubectl logs --previous", ["kubectl", "log", "previous"]),
        ("10.0.0.1:9090", ["10", "0", "0", "1", "9090"]),
        ("v1.27.3-rc.1", ["v1", "27", "3", "rc", "1"]),
        ("kube_pod_status{a=~b}", ["kube", "pod", "status", "b"]),
        ("error E1234 (0x80070005)", ["error", "e1234", "0x80070005"]),
        ("café über naïve", ["café", "über", "naïv"]),
        ("再起動 する", ["再起動", "する"]),
        ("disk disk", ["disk", "disk"]),
        ("", []),
        ("\udcff alpha \x00", ["alpha"]),
    ],
)
def test_terms(text: str, terms: list[str]) -> None:
    """Paths, flags, addresses and names give their parts; words their stems."""
    assert ANALYSER.terms(text) == terms


def test_a_long_run_without_spaces_is_kept_and_a_blob_is_not() -> None:
    """Eighty Chinese characters are a term; a kilobyte of base64 is none."""
    assert ANALYSER.terms("語" * 80) == ["語" * 80]
    assert ANALYSER.terms("a" * 255) == ["a" * 255]
    assert ANALYSER.terms("A" * 1000) == []


@given(st.lists(st.text(max_size=40), max_size=8))
def test_the_index_holds_exactly_these_terms(texts: list[str]) -> None:
    """Every term of a text is found in the field it was put in, and no others are there."""
    index = fields.in_memory(ANALYSER)
    writer = index.writer(15_000_000, 1)
    wanted: set[str] = set()
    for text in texts:
        document = tantivy.Document()
        document.add_text(fields.BODY, text)
        writer.add_document(document)
        wanted |= set(ANALYSER.terms(text))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    held = {term for term, _ in index.searcher().terms_with_prefix(fields.BODY, "")}
    assert held == wanted


def test_many_threads_analyse_at_once() -> None:
    """One analyser serves eight threads."""
    texts = [f"Why is pod{n} crash-looping after the upgrade? " * 40 for n in range(64)]
    want = [ANALYSER.terms(text) for text in texts]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ANALYSER.terms, texts * 8)) == want * 8


def test_the_digest_is_stable_within_a_version() -> None:
    """Two analysers of the same code are of the same line."""
    assert TantivyAnalyser().digest == ANALYSER.digest
    assert len(ANALYSER.digest) == 64
