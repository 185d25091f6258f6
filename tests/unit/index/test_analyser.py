"""The analyser: what it makes of operational text, and that the index holds the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import tantivy
from hypothesis import given
from hypothesis import strategies as st

from answerable.adapters.index import fields
from answerable.adapters.index.analyser import TantivyAnalyser
from answerable.domain.documents import Chunk, Content, Document, Text
from answerable.library.ports import Entry

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


@pytest.mark.parametrize(
    ("text", "wholes"),
    [
        ("Edit /etc/hosts, ~/.kube/config, `./run.sh`.", "/etc/hosts ~/.kube/config ./run.sh"),
        ("in $HOME/.kube or /etc/jürgen/", "home/.kube /etc/jürgen"),
        (r"C:\Windows\System32 and \n", r"c:\windows\system32"),
        ("kubectl apply --dry-run=server -n web -o wide", "--dry-run"),
        ("**--force** '--quiet' (--log_level) -Xmx512m", "--force --quiet --log_level -xmx512m"),
        ("foo--bar -- baz -----BEGIN", ""),
        ("http://10.0.0.1:9090/metrics", "10.0.0.1:9090 /metrics"),
        ("[docs](https://a.io/docs/x), 10.0.0.0/8", "a.io/docs/x 10.0.0.0/8"),
        ("nginx:1.25-alpine, ghcr.io/org/img:1.2", "nginx:1.25-alpine ghcr.io/org/img:1.2"),
        ("1.31.2, v1.31 and v1.27.3-rc.1.", "1.31.2 v1.31 v1.27.3-rc.1"),
        ("バージョン1.31.2を、/var/log", "1.31.2 /var/log"),
        ("0x80070005 ORA-00942 (E1234) HTTP 404", "0x80070005 ora-00942 e1234"),
        ("ERR_CONNECTION_REFUSED", "err_connection_refused"),
        ('rate(kube_pod_status{a=~"b"}[5m])', "kube_pod_status"),
        ("apps/v1 kubelet.service system:masters", "apps/v1 kubelet.service system:masters"),
        ("coredns-5d78c9869d-abcde on 2024-01-15", "coredns-5d78c9869d-abcde 2024-01-15"),
        ("CrashLoopBackOff, day-to-day, and/or, CI/CD, cert-manager, 24-hour", ""),
        ("_emphasis_ __init__ </details> e.g. i.e. End.", ""),
        ("--a --a", "--a --a"),
        ("", ""),
    ],
)
def test_wholes(text: str, wholes: str) -> None:
    """Paths, flags, addresses, versions, codes and names are one; ordinary words are not."""
    assert ANALYSER.wholes(text) == wholes.split()


def test_wholes_in_a_word_without_end() -> None:
    """A blob is no whole and takes no time; code without spaces is looked into."""
    assert ANALYSER.wholes("a-" * 500_000 + " " + "a_" * 500_000) == []
    code = '{"image":"nginx:1.25","path":"/var/log"},' * 50
    assert ANALYSER.wholes(code) == ["nginx:1.25", "/var/log"] * 50


SIGNS = st.text(st.sampled_from("aZé0 \n.:/-_@~\\`,日"), max_size=60)


@given(SIGNS)
def test_a_whole_is_a_piece_of_its_text(text: str) -> None:
    """It stands in the text, holds no white space and ends in a letter or digit."""
    for whole in ANALYSER.wholes(text):
        assert whole in text.lower()
        assert whole.split() == [whole]
        assert whole[-1].isalnum()
        assert not whole.isalpha()
        assert ANALYSER.wholes(f"({whole}),") == [whole]


@given(st.lists(SIGNS, max_size=8))
def test_the_index_holds_exactly_these_wholes(texts: list[str]) -> None:
    """Every whole of a body is in its field, and no others are."""
    chunks = "\n".join(texts)
    content = Content(
        id="0" * 32,
        bytes_hash="",
        size=0,
        format="",
        text=Text(text=chunks, title="", blocks=(), masks=()),
        chunks=(Chunk(ordinal=0, start=0, end=len(chunks), heading=()),),
    )
    labels = frozenset[str]()
    document = Document(id="0" * 16, source="upload", path="a.md", labels=labels)
    index = fields.in_memory(ANALYSER)
    writer = index.writer(15_000_000, 1)
    for unit in fields.UNITS:
        entry = Entry(document=document, content=content)
        for one in fields.documents(entry, unit, fields.bodies(content)):
            writer.add_document(one)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    held = dict(index.searcher().terms_with_prefix(fields.WHOLE, ""))
    assert held == dict.fromkeys(ANALYSER.wholes(chunks), 2)


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
