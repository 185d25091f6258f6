"""Other ways to search, for evaluations only: the release that serves is never changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from answerable.domain.errors import BadInput, NotReady
from answerable.domain.releases import Retrieval

Variant = Callable[[Retrieval], Retrieval]


def words(release: Retrieval) -> Retrieval:
    """Search by words alone, with everything else that belongs to them."""
    return replace(release, embedder="")


def vectors(release: Retrieval) -> Retrieval:
    """Search by the vectors of chunks alone."""
    return replace(fused(release), lexical_weight=0.0)


def fused(release: Retrieval) -> Retrieval:
    """Search by the words and the vectors of chunks, without pages, sentences and aliases."""
    return replace(
        release,
        sentence_weight=0.0,
        page_vectors=0.0,
        fused_page_weight=0.0,
        aliases=(),
        alias_weight=0.0,
    )


def full(release: Retrieval) -> Retrieval:
    """Search as the release does."""
    return release


VARIANTS: Mapping[str, Variant] = {
    "words": words,
    "vectors": vectors,
    "fused": fused,
    "full": full,
}
"""By the name people give them."""

_OF_VECTORS = (
    "lexical_weight",
    "sentence_weight",
    "page_vectors",
    "fused_page_weight",
    "vector_candidates",
)
_SHARES = ("lexical_weight", "sentence_weight")
# It limits what is handed on to be quoted, and has no say in a ranking.
_NO_RANKING = ("passages_max",)


def vary(release: Retrieval, *, by: str = "full", settings: Sequence[str] = ()) -> Retrieval:
    """Return a retrieval changed for one run.

    Args:
        release: That of the release.
        by: A name in `VARIANTS`.
        settings: ``NAME=VALUE`` each; the last of a name counts.

    Raises:
        BadInput: A name or a value cannot be understood, or it would change nothing.
        NotReady: The variant needs vectors and the release searches by words only.
    """
    if by not in VARIANTS:
        raise BadInput(f"--by takes {_listed(VARIANTS)}, not {by!r}", hint="--by words")
    if by in {"vectors", "fused"} and not release.embedder:
        raise NotReady(
            f"--by {by} needs vectors, and this release searches by words only",
            hint="rank with --by words",
        )
    given: dict[str, Any] = dict(_read(setting) for setting in settings)
    varied = VARIANTS[by](replace(release, **given))
    for name, value in given.items():
        if _is_idle(name, varied) or getattr(varied, name) != value:
            raise BadInput(
                f"--set {name} changes nothing here: --by {by} of this release does not look at it",
                hint=f"leave out --set {name}, or choose another --by",
            )
    return varied


def uses_vectors(retrieval: Retrieval) -> bool:
    """Return whether vectors have a say in what is found."""
    return bool(retrieval.embedder) and retrieval.lexical_weight < 1


def _is_idle(name: str, varied: Retrieval) -> bool:
    if name in _OF_VECTORS:
        return not varied.embedder
    if name == "page_weight":
        return uses_vectors(varied)
    return name == "alias_weight" and not varied.aliases


def differences(release: Retrieval, run: Retrieval) -> dict[str, dict[str, str | float]]:
    """Return the settings that differ, by name: ``release`` and ``run``.

    Of a list it says how long it is.
    """
    return {
        field.name: {"release": _shown(ours), "run": _shown(theirs)}
        for field in fields(Retrieval)
        if (ours := getattr(release, field.name)) != (theirs := getattr(run, field.name))
    }


def _shown(value: str | float | tuple[object, ...]) -> str | float:
    return len(value) if isinstance(value, tuple) else value


def _read(setting: str) -> tuple[str, float]:
    name, _, given = setting.partition("=")
    kind = _numeric().get(name)
    if kind is None:
        raise BadInput(
            f"there is no numeric setting {name!r}; there are {_listed(_numeric())}",
            hint="--set lexical_weight=0.5",
        )
    try:
        value = kind(given)
    except ValueError:
        value = math.nan
    lowest, highest = (1 if kind is int else 0), (1 if name in _SHARES else math.inf)
    if not (lowest <= value <= highest and math.isfinite(value)):
        takes = "a whole number" if kind is int else "a number"
        upto = f" to {highest}" if name in _SHARES else ""
        raise BadInput(
            f"--set {name} takes {takes} from {lowest}{upto}, not {given!r}",
            hint=f"--set {name}={getattr(Retrieval(), name)}",
        )
    return name, value


def _numeric() -> Mapping[str, type[int | float]]:
    """Return the settings that are numbers, and of which kind."""
    return {
        field.name: type(field.default)
        for field in fields(Retrieval)
        if isinstance(field.default, int | float) and field.name not in _NO_RANKING
    }


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(names)
