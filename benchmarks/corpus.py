"""The documents and questions of the benchmark, the same on every run.

Real documents come first: operations documentation, encyclopedia articles, scientific papers and
abstracts, as far as they lie in the folder of real data beside the repository; where there is none,
the examples that ship with Answerable stand in. Sets larger than what is there are filled up with
recombined documents: the headings, lists, tables and code of a real document stay where they are,
every sentence of its paragraphs is replaced by one from any document, and a share of its words
becomes a new numbered name, so that the vocabulary grows as it does in a larger library.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "data"
EXAMPLES = ROOT / "examples" / "prometheus-operator-runbooks"

SEED = 20_241_117
_CHARS_PER_CHUNK = 880
_NAMED_SHARE = 0.02
_SQUAD_QUESTIONS = 900
_FILES_PER_FOLDER = 100
_SUFFIXES = {".md", ".yaml", ".yml", ".json", ".rst", ".txt", ".html"}

_BLOCK = re.compile(r"\n[ \t]*\n")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9`*\[])")
_WORD = re.compile(r"\b[a-z]{6,}\b")
_NO_PROSE = re.compile(r"[ \t]*(?:#|[-*+>|]|\d+[.)]|```|~~~|---|\{\{|<|!\[)|[ \t]{2,}\S")


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Files below one folder.

    Attributes:
        files: How many.
        real: How many of them are real documents; the others are recombined.
        sources: What they were made from.
    """

    folder: Path
    files: int
    real: int
    sources: tuple[str, ...]


def make(folder: Path, *, chunks: int, seed: int = SEED) -> Corpus:
    """Write files that give about this many chunks, rather a few more, and say what they are."""
    texts = list(_real())
    sources = tuple(dict.fromkeys(name.partition("/")[0] for name, _ in texts))
    Random(seed).shuffle(texts)
    wanted = chunks * _CHARS_PER_CHUNK
    files = real = chars = 0
    for number, (name, text) in enumerate(_endless(texts, seed)):
        if chars >= wanted:
            break
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        files += 1
        real += number < len(texts)
        chars += len(text)
    return Corpus(folder=folder, files=files, real=real, sources=sources)


def recombined(folder: Path, *, chunks: int, seed: int) -> None:
    """Write recombined documents only, with names that `make` does not use."""
    texts = list(_real())
    chars = 0
    for name, text in _recombined(texts, seed):
        if chars >= chunks * _CHARS_PER_CHUNK:
            return
        path = folder / f"more-{seed}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        chars += len(text)


def ops_docs() -> Path | None:
    """Return the folder of 1,239 real files, or None where it is absent."""
    folder = REAL / "ops-docs"
    return folder if folder.is_dir() else None


def questions(*, seed: int = SEED) -> list[str]:
    """Return different questions of people about real documents, in a fixed random order."""
    asked = [*_jsonl(ROOT / "examples" / "questions" / "runbooks.jsonl", "question")]
    if ops_docs():
        asked += _jsonl(REAL / "ops-qa" / "questions.jsonl", "question")
    if (squad := REAL / "squad2" / "queries.jsonl.gz").is_file():
        asked += Random(seed).sample(list(_jsonl(squad, "text")), _SQUAD_QUESTIONS)
    asked = list(dict.fromkeys(asked))
    Random(seed).shuffle(asked)
    return asked


def _jsonl(path: Path, key: str) -> Iterator[str]:
    for row in _rows(path):
        yield str(row[key])


def _rows(path: Path) -> Iterator[dict[str, object]]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for line in text.splitlines():
        yield json.loads(line)


def _real() -> Iterator[tuple[str, str]]:
    """Give the name and text of every real document."""
    folder = ops_docs() or EXAMPLES
    for path in sorted(folder.rglob("*")):
        if path.suffix in _SUFFIXES and path.is_file():
            yield f"{folder.name}/{path.relative_to(folder)}", path.read_text(encoding="utf-8")
    for name in ("covid-qa", "cranfield", "cisi"):
        file = REAL / name / "corpus.jsonl.gz"
        for row in _rows(file) if file.is_file() else ():
            yield f"{name}/{row['id']}.md", f"# {row['title']}\n\n{row['text']}\n"
    yield from _articles()


def _articles() -> Iterator[tuple[str, str]]:
    file = REAL / "squad2" / "corpus.jsonl.gz"
    articles: dict[str, list[str]] = {}
    for row in _rows(file) if file.is_file() else ():
        articles.setdefault(str(row["title"]), []).append(str(row["text"]))
    for number, (title, paragraphs) in enumerate(articles.items()):
        yield f"squad2/{number:02}.md", f"# {title}\n\n" + "\n\n".join(paragraphs) + "\n"


def _endless(texts: Sequence[tuple[str, str]], seed: int) -> Iterator[tuple[str, str]]:
    yield from texts
    yield from _recombined(texts, seed)


def _recombined(texts: Sequence[tuple[str, str]], seed: int) -> Iterator[tuple[str, str]]:
    """Give recombined documents without end."""
    random = Random(seed)
    prose = [text for name, text in texts if name.endswith(".md")]
    pool = [sentence for text in prose for sentence in _sentences(text)]
    for number in count():
        text = "\n\n".join(
            _shuffled(block, pool, random) if _is_prose(block) else block
            for block in _BLOCK.split(random.choice(prose))
        )
        yield f"recombined/{number // _FILES_PER_FOLDER:03}/{number:06}.md", _named(text, random)


def _sentences(text: str) -> Iterator[str]:
    for block in _BLOCK.split(text):
        if _is_prose(block):
            yield from (one for one in _SENTENCE.split(block) if len(one) > 20)


def _is_prose(block: str) -> bool:
    return bool(block.strip()) and not any(_NO_PROSE.match(line) for line in block.splitlines())


def _shuffled(block: str, pool: Sequence[str], random: Random) -> str:
    """Return as many characters of sentences from anywhere as the block has."""
    taken: list[str] = []
    left = len(block)
    while left > 0:
        taken.append(random.choice(pool))
        left -= len(taken[-1])
    return " ".join(taken)


def _named(text: str, random: Random) -> str:
    """Return the text with some words made new ones."""

    def maybe(match: re.Match[str]) -> str:
        if random.random() >= _NAMED_SHARE:
            return match[0]
        return f"{match[0]}{random.randrange(10_000)}"

    return _WORD.sub(maybe, text)


def take(questions: Sequence[str], number: int, *, start: int = 0) -> list[str]:
    """Return this many of the questions, going round again when they run out."""
    endless = (questions[at % len(questions)] for at in count(start))
    return list(islice(endless, number))
