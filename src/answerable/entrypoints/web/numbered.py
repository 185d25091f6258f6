"""An answer as one text with numbered sources, for clients that show text alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from answerable.domain.questions import Abstained, Cancelled, Citation, Claim, Trace
from answerable.entrypoints.naming import spot, trail
from answerable.entrypoints.web import render

ARROW = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
# A mark behind the last line of these would become part of it, or leave a fence open.
_CLOSED = frozenset({"code", "row", "rows"})


@dataclass(kw_only=True, slots=True)
class Paper:
    """The text of an answer as it grows, and where in it what is cited.

    Attributes:
        numbers: Of the places that were cited, in the order they were.
        annotations: Of the marks, in the shape of OpenAI's protocol.
        length: Code points by now.
    """

    numbers: dict[str, int] = field(default_factory=dict)
    annotations: list[dict[str, object]] = field(default_factory=list)
    length: int = 0

    def claim(self, claim: Claim, revision: int) -> str:
        """Return the text of a statement with the numbers of its sources."""
        text = ("\n\n" if self.length else "") + claim.text
        gap = "\n\n" if claim.kind in _CLOSED else " "
        for place, citation in {_place(one): one for one in claim.citations}.items():
            number = self.numbers.setdefault(place, len(self.numbers) + 1)
            text += f"{gap}[{number}]"
            url = render.citation_url(citation, revision=revision)
            self._annotate(f"[{number}]", self.length + len(text), title=place, url=url)
            gap = " "
        self.length += len(text)
        return text

    def sources(self) -> str:
        """Return the list of sources; empty where nothing is cited."""
        if not self.numbers:
            return ""
        lines = (f"[{number}] {place}" for place, number in self.numbers.items())
        return "\n\nSources:\n" + "\n".join(lines)

    def ending(self, trace: Trace) -> str:
        """Return what stands below the statements, or in their place."""
        match trace.outcome:
            case Abstained():
                closest = "".join(f"\n- {one.path}" for one in trace.outcome.closest)
                named = f"\n\nClosest documents:{closest}" if closest else ""
                return f"The documents do not say. {trace.outcome.because}{named}"
            case Cancelled():
                return f"\n\nIt ended here: {trace.outcome.because}."
            case _:
                return self.sources()

    def whole(self, trace: Trace) -> str:
        """Return the text of a whole answer."""
        claims = () if isinstance(trace.outcome, Abstained) else trace.outcome.claims
        text = "".join(self.claim(claim, trace.revision) for claim in claims)
        return text + self.ending(trace)

    def _annotate(self, mark: str, end: int, *, title: str, url: str) -> None:
        span = {"start_index": end - len(mark), "end_index": end}
        cited = span | {"title": title, "url": url}
        self.annotations.append({"type": "url_citation", "url_citation": cited})


def _place(citation: Citation) -> str:
    where = ARROW.join((citation.path, *trail(citation.heading, citation.title)))
    return f"{where}, {spot(citation)}"
