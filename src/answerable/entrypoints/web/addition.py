"""What another door adds to the site, so that the site need not know it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeAlias

from starlette.routing import BaseRoute

from answerable.app import App
from answerable.entrypoints.web.happening import Answers


@dataclass(frozen=True, kw_only=True, slots=True)
class Addition:
    """Routes behind the gate, and what has to run while they are served.

    Attributes:
        running: Entered before the first request and left after the last.
    """

    routes: Sequence[BaseRoute]
    running: AbstractAsyncContextManager[None]


Adding: TypeAlias = Callable[[App, Answers], Addition]
"""Makes an addition. A function of a module, so that each process of a server can find it."""
