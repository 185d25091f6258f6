"""What every source has to keep, wherever its documents are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import rmtree
from urllib.parse import quote

import pytest
from hypothesis import Phase, settings
from hypothesis import given as generated
from hypothesis import strategies as st

from answerable.adapters.sources.bucket import Bucket
from answerable.adapters.sources.folder import Folder
from answerable.adapters.sources.git import GitRepository
from answerable.adapters.sources.reading import is_plain
from answerable.adapters.sources.s3 import S3Store
from answerable.adapters.sources.sigv4 import Keys
from answerable.adapters.sources.upload import Uploads
from answerable.adapters.sources.website import Crawl, Website
from answerable.library.ports import Raw, Source, Unreadable
from fake_sources.buckets import KEY_ID, SECRET, s3_server
from fake_sources.repositories import Repository
from fake_sources.sites import Reply, page, website
from fake_sources.synced import ADDED, CHANGED, FAILED, REMOVED, Synced, given

LIMIT = 1_000


@dataclass
class Place:
    """Somewhere documents are.

    Attributes:
        hold: Lets it hold exactly these files.
        source: Gives a source that has not read it yet.
        is_whole: Whether a reading answers for everything in it.
    """

    hold: Callable[[Mapping[str, bytes]], None]
    source: Callable[[], Source]
    is_whole: bool = True


@contextmanager
def folder(root: Path) -> Iterator[Place]:
    docs = root / "docs"
    docs.mkdir()
    yield Place(partial(_write, docs), lambda: Folder(docs, size_max_bytes=LIMIT))


def _write(docs: Path, files: Mapping[str, bytes]) -> None:
    for path in docs.iterdir():
        if path.is_dir() and path.name != ".git":
            rmtree(path)
        elif path.is_file():
            path.unlink()
    for name, data in files.items():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@contextmanager
def repository(root: Path) -> Iterator[Place]:
    origin = Repository(root / "origin")

    def hold(files: Mapping[str, bytes]) -> None:
        _write(origin.root, files)
        origin.commit()

    yield Place(
        hold,
        lambda: GitRepository(
            str(origin.root), cache=root / "cache", allow_local=True, size_max_bytes=LIMIT
        ),
    )


@contextmanager
def site(root: Path) -> Iterator[Place]:
    with website() as found:

        def hold(files: Mapping[str, bytes]) -> None:
            found.says = {
                f"/docs/{quote(path)}": Reply(body=data, type="text/markdown")
                for path, data in files.items()
            }
            found.says["/docs/"] = page()
            found.says["/sitemap.xml"] = Reply(
                body="\n".join(f"{found.url}/docs/{quote(path)}" for path in files).encode()
            )

        yield Place(
            hold,
            lambda: Website(
                f"{found.url}/docs/",
                cache=root / "cache",
                reach=found.reach(),
                includes=["*.md"],
                crawl=Crawl(page_bytes=LIMIT, delay_s=0.0),
            ),
        )


@contextmanager
def bucket(root: Path) -> Iterator[Place]:
    with s3_server() as service:

        def hold(files: Mapping[str, bytes]) -> None:
            service.objects = {f"docs/{path}": data for path, data in files.items()}

        def source() -> Source:
            store = S3Store(
                service.bucket,
                endpoint=service.site.url,
                keys=Keys(id=KEY_ID, secret=SECRET),
                reach=service.site.reach(),
            )
            return Bucket(store, prefix="docs", cache=root / "cache", size_max_bytes=LIMIT)

        yield Place(hold, source)


@contextmanager
def upload(_root: Path) -> Iterator[Place]:
    held: dict[str, bytes] = {}

    def hold(files: Mapping[str, bytes]) -> None:
        held.clear()
        held.update(files)

    yield Place(hold, lambda: Uploads(held, size_max_bytes=LIMIT), is_whole=False)


PLACES = [folder, repository, site, bucket, upload]


@pytest.fixture(params=PLACES, ids=lambda make: make.__name__)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield stack.enter_context(request.param(tmp_path))


FILES = {
    "b.md": b"beta",
    "a.md": b"alpha",
    "sub/c.md": b"gamma",
    "sub/deep/r\u00e9sum\u00e9 1.md": b"delta",
    "sub2/a.md": b"alpha",
}


def test_every_file_once_in_a_stable_order(place: Place) -> None:
    """Two readings give the same files in the same order, each once, with their bytes."""
    place.hold(FILES)
    first = given(place.source())
    assert first == {path: data.decode() for path, data in FILES.items()}
    assert list(given(place.source())) == list(first)
    again = place.source()
    assert list(given(again)) == list(first)
    assert list(given(again)) == list(first)


def test_name(place: Place) -> None:
    """A source is called the same every time, whatever it holds."""
    place.hold(FILES)
    name = place.source().name
    place.hold({"a.md": b"alpha"})
    assert place.source().name == name
    assert name.isprintable()
    assert SECRET not in name


def test_covers_what_it_gives(place: Place) -> None:
    """A source answers for everything it gives, and for what it no longer gives if it is whole."""
    place.hold(FILES)
    source = place.source()
    assert all(source.covers(item.path) for item in source.files())
    assert source.covers("sub/gone.md") is place.is_whole


def test_count_is_near(place: Place) -> None:
    """Counting works before, between and after readings, and is near once a source was read."""
    place.hold(FILES)
    source = place.source()
    assert source.count() >= 0
    found = given(source)
    assert len(found) <= place.source().count() <= len(found) + 1


def test_limits_are_kept(place: Place) -> None:
    """A file above the limit is a failure, one at it is given, an empty one is left out."""
    place.hold({"at.md": b"x" * LIMIT, "above.md": b"x" * (LIMIT + 1), "none.md": b""})
    found = given(place.source())
    assert found == {"at.md": "x" * LIMIT, "above.md": "too_large", "none.md": "empty"}
    by_path = {item.path: item for item in place.source().files()}
    assert isinstance(by_path["above.md"], Unreadable)
    assert not by_path["above.md"].skipped
    assert isinstance(by_path["none.md"], Unreadable)
    assert by_path["none.md"].skipped


def test_the_library_follows(place: Place) -> None:
    """Added, changed, moved and deleted files are so in the library; nothing else is touched."""
    library = Synced()
    place.hold(FILES)
    assert library.sync(place.source()) == dict.fromkeys(FILES, ADDED)
    assert library.sync(place.source()) == {}
    after = {
        "a.md": b"alpha 2",
        "moved/b.md": FILES["b.md"],
        "sub2/a.md": FILES["sub2/a.md"],
        "new.md": b"new",
    }
    place.hold(after)
    gone = {path: REMOVED for path in FILES if path not in after}
    expected = {"a.md": CHANGED, "moved/b.md": ADDED, "new.md": ADDED}
    assert library.sync(place.source()) == expected | (gone if place.is_whole else {})
    assert library.parser.given.count("moved/b.md") == 0
    held = {path: data.decode() for path, data in after.items()}
    assert library.holds().items() >= held.items()
    if place.is_whole:
        assert library.holds() == held


def test_what_fails_stays(place: Place) -> None:
    """A document whose file cannot be taken this time says what it said before."""
    library = Synced()
    place.hold(FILES)
    library.sync(place.source())
    before = library.holds()
    place.hold(FILES | {"a.md": b"x" * (LIMIT + 1)})
    assert library.sync(place.source()) == {"a.md": FAILED}
    assert library.holds() == before


def test_stopped_and_started_again(place: Place) -> None:
    """A reading that is left in the middle is in no other's way."""
    place.hold(FILES)
    whole = given(place.source())
    for stop_after in range(len(FILES)):
        reading = place.source().files()
        for _ in range(stop_after):
            next(reading)
        if hasattr(reading, "close"):
            reading.close()
        assert given(place.source()) == whole


PARTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0/", exclude_categories=["Cs"]),
    min_size=1,
    max_size=8,
).filter(lambda part: part not in {".", ".."} and part == part.strip() and len(part.encode()) < 50)


@settings(max_examples=5, phases=(Phase.explicit, Phase.generate))  # each reads for real
@generated(
    paths=st.sets(st.lists(PARTS, min_size=1, max_size=3).map("/".join), min_size=9, max_size=25)
)
@pytest.mark.parametrize("make", [folder, repository, site, bucket])
def test_no_path_escapes(
    tmp_path_factory: pytest.TempPathFactory,
    make: Callable[[Path], AbstractContextManager[Place]],
    paths: set[str],
) -> None:
    """Whatever files are called, each is given once at most, below the source and plain."""
    wanted = {
        f"{path}.md"
        for path in paths
        if not any(other != path and other.startswith(f"{path}.md/") for other in paths)
    }
    with ExitStack() as stack:
        place = stack.enter_context(make(tmp_path_factory.mktemp("odd")))
        place.hold(dict.fromkeys({*wanted, "good.md"}, b"text"))
        items = list(place.source().files())
    shown = [item.path for item in items]
    assert len(set(shown)) == len(shown)
    assert "good.md" in shown
    for item in items:
        assert is_plain(item.path)
        assert not item.path.startswith("/")
        parts = item.path.removesuffix("/").split("/")
        assert not {"", ".", ".."} & set(parts)
        if isinstance(item, Raw):
            assert item.data == b"text"
