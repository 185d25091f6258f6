"""The judges of this machine: the one that ships, cross-encoders from folders, and models."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from answerable.answering.checking import FeatureJudge
from answerable.answering.judges import ModelJudge, PairJudge
from answerable.answering.judges.model import prompt_digest
from answerable.answering.ports import Judge
from answerable.app.models import Models
from answerable.domain.errors import AnswerableError, BadConfiguration, BadInput, NotReady
from answerable.domain.releases import FEATURES, MODEL, ONNX, JudgeChoice
from answerable.settings import Settings

if TYPE_CHECKING:
    from answerable.adapters.judges.onnx import OnnxPairs

_KINDS = f"{FEATURES}, {MODEL}NAME or {ONNX}NAME"


class Judges:
    """What the settings set up; each is made when it is first needed. Safe for many threads.

    Args:
        settings: Which there are, and which one a new release names.
        models: Those that may judge.
    """

    own: Judge = FeatureJudge()
    """The one that ships; it also compares texts where no release has a say."""

    def __init__(self, settings: Settings, models: Models) -> None:
        self._settings = settings
        self._models = models
        self._lock = Lock()
        self._encoders: dict[str, OnnxPairs] = {}

    @property
    def choice(self) -> JudgeChoice:
        """What a new release names.

        An encoder whose folder is gone has no digest: drafts cannot be checked then, and answers
        are quotes until it is back.

        Raises:
            BadConfiguration: There is no such judge.
        """
        name = self._settings.release.judge
        if name == FEATURES:
            return JudgeChoice(name=name, digest=self.own.digest)
        if name.startswith(MODEL):
            self._known(name.removeprefix(MODEL), self._settings.release.models, "release.models")
            return JudgeChoice(name=name, digest=prompt_digest())
        self._known(name.removeprefix(ONNX), self._settings.judges, "judges")
        try:
            return JudgeChoice(name=name, digest=self._encoder(name.removeprefix(ONNX)).digest)
        except AnswerableError:
            return JudgeChoice(name=name)

    def of(self, choice: JudgeChoice) -> Judge:
        """Return the judge of a release, unless that is a model.

        Raises:
            NotReady: It is not set up here.
            BadConfiguration: Its folder cannot be read, or holds another model.
        """
        if choice.name == FEATURES:
            return self.own  # of other software its table may be another: that is an override
        name = choice.name.removeprefix(ONNX)
        if name not in self._settings.judges:
            raise NotReady(
                f"the judge {choice.name} is not set up here",
                hint=f"name its folder below [judges.{name}] in answerable.toml",
            )
        encoder = self._encoder(name)
        if encoder.digest != choice.digest:
            raise BadConfiguration(
                f"the judge {choice.name} is {encoder.digest} here, and the release's is "
                f"{choice.digest or 'unknown'}",
                hint="put its files back, or restart to deploy a release with these",
            )
        return PairJudge(scorer=encoder)

    def named(self, name: str) -> Judge:
        """Return a judge by what a person calls it: ``onnx:`` takes a folder too.

        Raises:
            BadInput: There is none of this kind.
            NotFound, NotReady, BadConfiguration: It cannot be had.
        """
        if name == FEATURES:
            return self.own
        if name.startswith(MODEL):
            chosen = self._models.named(name.removeprefix(MODEL))
            return ModelJudge(model=self._models.judging(chosen), limits=chosen.limits)
        if not name.startswith(ONNX):
            raise BadInput(f"--judge takes {_KINDS}, not {name!r}", hint=f"--judge {FEATURES}")
        told = name.removeprefix(ONNX)
        if told in self._settings.judges:
            return PairJudge(scorer=self._encoder(told))
        from answerable.adapters.judges.onnx import OnnxPairs

        folder = Path(told).expanduser()
        return PairJudge(scorer=OnnxPairs(folder.name, folder, threads=0))

    def trouble(self) -> str:
        """Return why the judge of a new release could not judge; empty where it could."""
        choice = self.choice
        try:
            if choice.name.startswith(MODEL):
                self._models.judging(self._models.named(choice.name.removeprefix(MODEL)))
            else:
                self.of(choice).prepare(["ready"], question="")
        except AnswerableError as error:
            return f"{error.message}; {error.hint}"
        return ""

    def _encoder(self, name: str) -> OnnxPairs:
        from answerable.adapters.judges.onnx import OnnxPairs

        set_up = self._settings.judges[name]
        with self._lock:
            if name not in self._encoders:
                folder = (self._settings.workspace / set_up.folder.expanduser()).absolute()
                self._encoders[name] = OnnxPairs(name, folder, threads=set_up.threads)
            return self._encoders[name]

    def _known(self, name: str, among: object, table: str) -> None:
        if isinstance(among, dict) and name in among:
            return
        raise BadConfiguration(
            f"release.judge names {self._settings.release.judge}, and there is no [{table}.{name}]",
            hint=f"release.judge is {_KINDS}; add the table, or leave it out",
        )
