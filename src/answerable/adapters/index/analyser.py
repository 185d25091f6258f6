"""Text to search terms, by the same analyser and pattern that fill the index fields."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
from typing import Literal

import tantivy

from answerable.adapters.index.wholes import ABBREVIATIONS, PATTERN, wholes
from answerable.library.ports import Analyser

_LANGUAGE = "english"
# What an apostrophe leaves behind: "node's" and "doesn't" are about "node" and "doesn".
_REMNANTS = ("s", "t")
# In bytes of UTF-8. Text without spaces (Chinese, Japanese) is one token up to the next
# punctuation mark, so this is far above the longest English word.
_TOKEN_BYTES_MAX = 255

RECORDED: Literal["freq"] = "freq"
"""What an index keeps of a term in a text: how often it is there. No query asks where."""


class TantivyAnalyser:
    """Runs of letters and digits, lower case, English stop words left out, English stems.

    A path, a flag, an address or a metric name gives its parts in order:
    ``kube_pod_status`` is ``kube``, ``pod``, ``status``. Safe to use from many threads.
    """

    def __init__(self) -> None:
        self._native = (
            tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
            .filter(tantivy.Filter.remove_long(_TOKEN_BYTES_MAX + 1))
            .filter(tantivy.Filter.lowercase())
            .filter(tantivy.Filter.stopword(_LANGUAGE))
            .filter(tantivy.Filter.custom_stopword(list(_REMNANTS)))
            .filter(tantivy.Filter.stemmer(_LANGUAGE))
            .build()
        )

    @property
    def digest(self) -> str:
        """Changes when the same text may give other terms, or an index keeps else of them.

        A new tantivy may stem otherwise.
        """
        minor = ".".join(version("tantivy").split(".")[:2])
        recipe = f"tantivy {minor}|simple|{_TOKEN_BYTES_MAX}|lower|{_LANGUAGE}|{_REMNANTS}|stem"
        recipe += f"|{RECORDED}|{PATTERN}|{sorted(ABBREVIATIONS)}"
        return sha256(recipe.encode()).hexdigest()

    @property
    def native(self) -> tantivy.TextAnalyzer:
        """The tokenizer to register for index fields, so that they hold what `terms` gives."""
        return self._native

    def terms(self, text: str) -> list[str]:
        """Return lower-case stems in order, stop words left out; repeats are kept."""
        # A command line may hold bytes that are no UTF-8; Python keeps them as lone surrogates.
        return self._native.analyze(text.encode("utf-8", "replace").decode())

    def wholes(self, text: str) -> list[str]:
        """Return in order and in lower case what a text writes as one; repeats are kept."""
        return wholes(text)


_: Callable[..., Analyser] = TantivyAnalyser
