"""Every failure Answerable can report, in one tree.

    AnswerableError
    ├── BadInput              2 · 422   what was asked for cannot be understood
    │   ├── BadQuestion
    │   ├── BadConfiguration
    │   ├── BadLine
    │   └── PathMissing
    ├── NotFound              1 · 404   no such document, revision, trace or job
    ├── NotAllowed            1 · 403   this machine or caller may not do that
    ├── Conflict              1 · 409   the request fights with what is stored
    │   └── Locked                      another process is writing
    ├── NotReady             10 · 503   something must be done first
    ├── EmbedderFailed        1 · 503   no vectors to be had of a text just now
    ├── ModelFailed           1 · 503   a language model gave no answer, or none in time
    ├── SourceFailed          1 · 503   a place documents come from cannot be read as a whole
    └── StorageFailure        1 · 503   disk, database or index
        ├── DiskFull            · 507
        ├── ReadOnly
        └── Corrupt

Expected results (nothing found, not supported) are values, never exceptions.
"""

from __future__ import annotations

from typing import ClassVar

from answerable.domain.questions import StepReason


class AnswerableError(Exception):
    """A failure with a stable code, what happened where, and what to do about it.

    Attributes:
        code: Stable identifier, ``lower_snake_case``; documented in ``docs/guide/errors.md``.
        hint: What the reader should do next; a command where there is one.
        status: HTTP status of the same failure.
        exit_code: Exit code of a command that ends with it.
    """

    code: ClassVar[str] = "failed"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadInput(AnswerableError):  # noqa: N818 # named by what is wrong
    """What was asked for cannot be understood."""

    code = "bad_input"
    status = 422
    exit_code = 2


class BadQuestion(BadInput):
    """The question is empty or too long."""

    code = "bad_question"


class BadConfiguration(BadInput):
    """A key of the configuration is unknown or has the wrong type."""

    code = "bad_configuration"


class BadLine(BadInput):
    """A line of a file of objects is none, or lacks a field."""

    code = "bad_line"


class PathMissing(BadInput):
    """A path that was named does not exist."""

    code = "path_missing"


class NotFound(AnswerableError):  # noqa: N818 # named by what is wrong
    """There is no such document, revision, trace or job, or this caller may not see it."""

    code = "not_found"
    status = 404


class NotAllowed(AnswerableError):  # noqa: N818 # named by what is wrong
    """This machine or this caller may not do that."""

    code = "not_allowed"
    status = 403


class Conflict(AnswerableError):  # noqa: N818 # named by what is wrong
    """The request contradicts what is stored."""

    code = "conflict"
    status = 409


class Locked(Conflict):
    """Another process holds the write lock."""

    code = "locked"


class NotReady(AnswerableError):  # noqa: N818 # named by what is wrong
    """Something has to be done before this can work."""

    code = "not_ready"
    status = 503
    exit_code = 10


class EmbedderFailed(AnswerableError):  # noqa: N818 # named by what is wrong
    """The embedder is down, too slow, or gave something that is no vector."""

    code = "embedder_failed"
    status = 503


class ModelFailed(AnswerableError):  # noqa: N818 # named by what is wrong
    """A language model is down, too slow, too dear, or gave what cannot be used.

    Attributes:
        kind: Why the ladder steps down.
        retry_after_s: How long the provider asks to wait; 0 where it does not say.
        is_passing: Whether the same call may go well when it is tried again soon.
    """

    code = "model_failed"
    status = 503

    def __init__(
        self,
        message: str,
        *,
        hint: str,
        kind: StepReason = StepReason.OUTAGE,
        retry_after_s: float = 0.0,
        is_passing: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.is_passing = is_passing


class SourceFailed(AnswerableError):  # noqa: N818 # named by what is wrong
    """A place documents come from cannot be read as a whole; its documents stay as they were.

    Attributes:
        is_passing: Whether it may go well when it is tried again soon, with nothing changed.
    """

    code = "source_failed"
    status = 503

    def __init__(self, message: str, *, hint: str, is_passing: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.is_passing = is_passing


class StorageFailure(AnswerableError):  # noqa: N818 # named by what is wrong
    """The disk, the database or the index failed."""

    code = "storage_failure"
    status = 503


class DiskFull(StorageFailure):
    """There is no room left."""

    code = "disk_full"
    status = 507


class ReadOnly(StorageFailure):
    """The data directory cannot be written."""

    code = "read_only"


class Corrupt(StorageFailure):
    """Stored bytes are not what was sealed."""

    code = "corrupt"
