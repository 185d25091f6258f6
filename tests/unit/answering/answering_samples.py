"""Documents and questions small enough to see through."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from answerable.adapters.parsers.markdown import read
from answerable.answering.asked import Asked, content_words, read_question
from answerable.answering.cite import claim
from answerable.answering.confidence import evidence
from answerable.answering.quote import Candidate, choose, rank
from answerable.answering.reading import Reader
from answerable.domain.documents import Span, Text
from answerable.domain.questions import Claim, Passage
from answerable.domain.releases import Quoting
from answerable.library.split import split


def words(text: str) -> list[str]:
    """Return lower-case words: an analyser without stems."""
    cleaned = "".join(char.lower() if char.isalnum() else " " for char in text)
    return cleaned.split()


@dataclass(frozen=True)
class Shelf:
    """Texts by content id, a passage for each of their chunks, and what is made of them."""

    texts: dict[str, Text]
    passages: tuple[Passage, ...]

    def ask(self, question: str) -> Asked:
        """Return the question, weighed by the chunks on this shelf."""
        terms = words(content_words(question))
        bodies = [
            set(words(self.texts[one.content_id].text[one.chunk.start : one.chunk.end]))
            for one in self.passages
        ]
        counts = {term: sum(term in body for body in bodies) for term in terms}
        return read_question(question, terms, counts, len(bodies))

    def rank(self, question: str, settings: Quoting) -> list[Candidate]:
        """Return all units, best first."""
        return rank(
            self.ask(question), self.passages, self.texts, reader=Reader(words), settings=settings
        )

    def quote(self, question: str, settings: Quoting) -> list[Claim]:
        """Return what is quoted as claims."""
        quotes = choose(self.rank(question, settings), self.texts, settings)
        return [claim(one, self.texts[one.passage.content_id]) for one in quotes]

    def evidence(self, question: str, *, cosines: Sequence[float] = ()) -> dict[str, float]:
        """Return the evidence by name; `cosines` are those of sentences of the first passage."""
        ranked = self.rank(question, Quoting())
        passages, near = self.passages, {}
        if cosines:
            best, *others = passages
            near = {best.content_id: [(Span(0, 1), cosine) for cosine in cosines]}
            best = replace(best, parts=(*best.parts, ("sentence", max(cosines))))
            passages = (best, *others)
        found = evidence(
            self.ask(question), passages, ranked, self.texts, reader=Reader(words), near=near
        )
        return dict(found)


@pytest.fixture
def shelf() -> Callable[..., Shelf]:
    """Make a shelf of Markdown sources; earlier ones score better."""

    def make(*sources: str, scores: Sequence[float] = ()) -> Shelf:
        texts = {f"c{number}": read(source) for number, source in enumerate(sources)}
        passages: list[Passage] = []
        for number, (name, text) in enumerate(texts.items()):
            for chunk in split(text):
                score = scores[number] if scores else 1.0 / (number + 1)
                passages.append(
                    Passage(
                        rank=len(passages) + 1,
                        score=score,
                        document_id=f"d{number}",
                        content_id=name,
                        path=f"page{number}.md",
                        title=text.title,
                        chunk=chunk,
                        parts=(("bm25", score * 10), ("page", score)),
                    )
                )
        return Shelf(texts=texts, passages=tuple(passages))

    return make
