"""Opening a workspace, or a library in memory."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from answerable.adapters.calibration import CALIBRATION_NAME, CalibrationFile
from answerable.adapters.disk import Reserve, translated
from answerable.adapters.sources.question_set import QuestionSet, load_questions
from answerable.adapters.workspace import ALIASES_NAME, make_workspace
from answerable.app import tools
from answerable.app.calibrating import Calibration
from answerable.app.facade import App
from answerable.domain.errors import BadConfiguration, DiskFull
from answerable.library.aliases import Aliases, combined, own, parse
from answerable.quality.certificate import Certificate, Standing
from answerable.settings import CONFIG_NAME, default_cache_dir, find_workspace, load


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A workspace that `init` made or found."""

    workspace: Path
    data: Path
    is_new: bool


def init_workspace(folder: Path, *, data_dir: str | None = None) -> Made:
    """Make what is missing of a workspace; an existing configuration is left as it is.

    Raises:
        BadConfiguration: It is there and cannot be understood, or `data_dir` is not Unicode.
        StorageFailure: The workspace or its data directory cannot be made; names which.
    """
    if data_dir is not None and not _is_unicode(data_dir):
        raise BadConfiguration(
            "the name of the data directory is not Unicode", hint="choose another --data-dir"
        )
    with translated(folder):
        is_new = make_workspace(folder, data_dir, CONFIG_NAME)
    settings = load(folder)
    with translated(settings.data):
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Made(workspace=folder.absolute(), data=settings.data, is_new=is_new)


def open_app(workspace: Path | None = None, **overrides: Any) -> App:
    """Open a workspace on disk.

    Args:
        workspace: Its folder; None looks upwards from the current one.
        overrides: Values of flags, by the name of their setting.

    Raises:
        NotReady: There is no workspace.
        BadConfiguration, StorageFailure.
    """
    settings = load(find_workspace(workspace or Path()), **overrides)
    reserve = Reserve(settings.data / "reserve")
    with ExitStack() as stack:
        stack.callback(reserve.keep)
        try:
            fitted = tools.disk_tools(settings, stack)
        except DiskFull:
            if not reserve.give_up():
                raise
            fitted = tools.disk_tools(settings, stack)
        aliases = read_aliases(settings.workspace / ALIASES_NAME)
        calibration = Calibration(CalibrationFile(settings.workspace / CALIBRATION_NAME))
        return App(
            settings, fitted, aliases=aliases, calibration=calibration, on_close=stack.pop_all()
        )


def keep_certificate(
    certificate: Certificate, workspace: Path | None = None
) -> tuple[Path, Standing]:
    """Keep a certificate in a workspace and deploy the release with its threshold.

    Servers that run answer by it from their next question on.

    Returns:
        The file it is in, and what it is worth for what answers now.

    Raises:
        NotReady: There is no workspace.
        StorageFailure: It could not be written; what was kept before still is.
    """
    file = find_workspace(workspace or Path()) / CALIBRATION_NAME
    CalibrationFile(file).keep(certificate)
    with open_app(workspace) as app:
        return file, app.calibration()


def clear_certificate(workspace: Path | None = None) -> bool:
    """Forget the certificate of a workspace, readable or not; return whether there was one.

    The release with its own threshold is deployed.
    """
    file = CalibrationFile(find_workspace(workspace or Path()) / CALIBRATION_NAME)
    was_there = file.clear()
    with open_app(workspace) as app:
        app.serving()
    return was_there


def load_question_set(named: str, workspace: Path | None) -> QuestionSet:
    """Return the question set at a path, or of a name in the workspace.

    Raises:
        PathMissing: There is neither.
        BadInput: A line cannot be understood; it is named.
    """
    if Path(named).exists():
        return load_questions(named, Path())
    return load_questions(named, find_workspace(workspace or Path()) / "questions")


def open_memory(*, keep_vectors: bool = False) -> App:
    """Open a library in memory that leaves nothing behind.

    Its settings are the defaults and what the environment says: no `answerable.toml` is read.

    Args:
        keep_vectors: Whether vectors are kept in the user's cache, so that the next run over
            the same documents need not compute them again.

    Raises:
        BadConfiguration: The environment cannot be understood.
    """
    settings = load(None)
    with ExitStack() as stack:
        kept = default_cache_dir() if keep_vectors else None
        fitted = tools.memory_tools(settings, stack, kept=kept)
        return App(settings, fitted, aliases=combined(own()), on_close=stack.pop_all())


def read_aliases(path: Path) -> Aliases:
    """Return Answerable's own aliases with those of a workspace laid over them.

    Raises:
        BadConfiguration: A line is no alias; it is named.
    """
    if not path.is_file():
        return combined(own())
    try:
        with translated(path):
            lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BadConfiguration(f"{path} is not UTF-8", hint="save it as UTF-8") from error
    return combined(own(), parse(lines, name=str(path)))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
