"""Judges beside the one that ships. Each keeps to the rules of `rules`, whatever it thinks.

`answering.checking` needs no model and judges unless a release names another.
"""

from answerable.answering.judges.choosing import judge_of
from answerable.answering.judges.model import ModelJudge
from answerable.answering.judges.pairs import PairJudge

__all__ = ["ModelJudge", "PairJudge", "judge_of"]
