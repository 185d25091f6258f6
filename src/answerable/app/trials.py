"""Question sets put to any release over any revision; what was answered once is not asked again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from threading import Lock

from answerable.adapters.sources.question_set import QuestionSet
from answerable.app import evaluations
from answerable.app.current import Open
from answerable.app.tools import Tools
from answerable.quality import flow as quality
from answerable.quality.flow import Respondent
from answerable.quality.questions import Case
from answerable.quality.records import EvalRun, Record, case_hash, record

JOBS = 4
"""Questions asked at once: models are waited for, and reading is not all Python."""

_RANKED = 10
_DIGITS = 12


class Trials:
    """Asks releases question sets, and keeps what came of it in the data directory.

    Args:
        tools: State and clock.
        data: The data directory.
        respondent: Gives what answers as a release that was opened does; it takes the set, the
            release, and whether words alone may do where vectors are missing.
    """

    def __init__(
        self,
        tools: Tools,
        data: Path,
        respondent: Callable[[QuestionSet, Open, bool], Respondent],
    ) -> None:
        self._tools = tools
        self._data = data
        self._respondent = respondent

    def run(
        self,
        questions: QuestionSet,
        on: Open,
        *,
        asked: Callable[[int], None],
        jobs: int = JOBS,
        partial: bool = False,
    ) -> EvalRun:
        """Return what came of every question, as a run that is kept.

        Args:
            questions: The set.
            on: The release, and what it answers from.
            asked: Hears how many are done.
            jobs: So many are asked at once.
            partial: Whether words alone may do where vectors are missing.

        Raises:
            NotReady: A question could be ranked by words only, and that was not allowed.
        """
        found = self.records(
            questions, questions.cases, on, asked=asked, jobs=jobs, partial=partial
        )
        run = evaluations.evaluated(
            questions.name, questions.cases, found, on.serving, now_ms=self._tools.clock.now_ms()
        )
        evaluations.keep(run, self._data)
        return run

    def records(
        self,
        questions: QuestionSet,
        cases: Sequence[Case],
        on: Open,
        *,
        asked: Callable[[int], None],
        jobs: int = JOBS,
        partial: bool = False,
    ) -> tuple[Record, ...]:
        """Return what came of some questions of a set, in their order.

        An answer that a failing model had no part in says nothing of the release: it is asked
        again the next time.
        """
        known = evaluations.Answered(self._data, self._name(on, partial=partial))
        respondent = self._respondent(questions, on, partial)
        counting, count = Lock(), 0

        def one(case: Case) -> Record:
            nonlocal count
            name = case_hash(case)
            found = known.get(name)
            if found is None:
                found = record(quality.answer(case, respondent, documents=_RANKED))
                if not found.disturbed:
                    known.keep(name, found)
            with counting:
                count += 1
                asked(count)
            return found

        pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="trial")
        try:
            return tuple(pool.map(one, cases))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _name(self, on: Open, *, partial: bool) -> str:
        """Return what answers depend on beside the release: documents, index and who is asked."""
        revision = on.shelf.revision
        embedder = on.shelf.embedder
        rest = [
            str(revision.number),
            revision.manifest,
            *sorted(on.shelf.hidden),
            *on.serving.overrides,
            "" if embedder is None else embedder.name,
            str(partial),
        ]
        digest = sha256("\n".join(rest).encode("utf-8", "surrogatepass")).hexdigest()
        return f"{on.serving.release.id}-{digest[:_DIGITS]}"
