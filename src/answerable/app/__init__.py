"""The one place where rooms meet adapters. Command line, API and pages call nothing else."""

from answerable.app.facade import App
from answerable.app.opening import (
    Made,
    clear_certificate,
    init_workspace,
    keep_certificate,
    load_question_set,
    open_app,
    open_memory,
)
from answerable.app.views import Check, DocumentView, RevisionView

__all__ = [
    "App",
    "Check",
    "DocumentView",
    "Made",
    "RevisionView",
    "clear_certificate",
    "init_workspace",
    "keep_certificate",
    "load_question_set",
    "open_app",
    "open_memory",
]
