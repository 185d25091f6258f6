"""Where things live on this machine. Nothing here can change an answer but `release`.

That table only says what a new release is made of; a change of it is a deployment on record.
Read once, at the edge: flag over environment over `answerable.toml` over default.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from answerable.domain.errors import BadConfiguration, NotReady

CONFIG_NAME = "answerable.toml"

_PREFIX = "ANSWERABLE_"
# Of the tests of this repository.
_NOT_SETTINGS = frozenset(
    {"ANSWERABLE_GOLDEN", "ANSWERABLE_KILLS", "ANSWERABLE_REAL_MODEL", "ANSWERABLE_SEED"}
)
# Kubernetes tells every container of a namespace about a service called `answerable`.
_SERVICE_LINK = re.compile(
    r"ANSWERABLE_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)"
)
# Before the host of an address.
_PASSWORD = re.compile(r"//[^/@\s]*@")
_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "string": "a text",
    "path": "a path, as text",
    "model": "a table",
    "dict": "a table",
}


# Of a table that the operator names.
ModelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Serve(_Table):
    """How `answerable serve` listens.

    Attributes:
        answers: How many answers may be on their way at once in one process; what comes beyond
            that is answered at once, without a model.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    answers: Annotated[int, Field(ge=1, le=4096)] = 256


class Ingest(_Table):
    """Limits of reading files. A file over a limit is refused with a reason.

    Attributes:
        free_mb_min: With less free on the disk of the data nothing is taken in; answers go on.
        ocr: ``auto`` reads scans by tesseract where it is installed; ``never`` leaves them.
        ocr_languages: That tesseract knows, as it calls them: ``eng+deu``.
        keep_originals: Whether the bytes of documents are kept, to be shown and read again.
        originals_mb_max: Of one file; the bytes of a larger one are not kept.
        originals_gb_max: Of all together; beyond it no more are kept.
    """

    children: Annotated[int, Field(ge=1, le=64)] = 2
    seconds_max: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 20.0
    memory_mb_max: Annotated[int, Field(ge=128)] = 1024
    size_mb_max: Annotated[int, Field(ge=1, le=1024)] = 50
    free_mb_min: Annotated[int, Field(ge=0)] = 500
    ocr: Literal["auto", "never"] = "auto"
    ocr_languages: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+(\+[A-Za-z0-9_]+)*$")] = "eng"
    keep_originals: bool = True
    originals_mb_max: Annotated[int, Field(ge=1, le=1024)] = 50
    originals_gb_max: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 20.0


class Revisions(_Table):
    """How long revisions are kept. What serves or is pinned always is.

    Attributes:
        days: Kept so long.
        least: The newest ones stay however old they are.
    """

    days: Annotated[int, Field(ge=0)] = 30
    least: Annotated[int, Field(ge=1)] = 10


class Sources(_Table):
    """How sources reach other machines.

    Attributes:
        allow_hosts: Hosts (``wiki.internal``, with a port where it is no usual one) and networks
            (``10.1.0.0/16``) that are reached although their addresses are private.
        allow_local_git: Whether repositories of this machine may be read by their path.
        contact: An address for those whose website is read.
    """

    allow_hosts: tuple[str, ...] = ()
    allow_local_git: bool = False
    contact: str = ""


class Traces(_Table):
    """How long texts of questions and answers are kept; structure and hashes stay.

    Attributes:
        record_models: Whether every reply of a language model is kept with the texts, so that a
            question can be replayed.
    """

    text_days: Annotated[int, Field(ge=0)] = 30
    record_models: bool = False
    sync: Literal["full", "normal"] = "normal"


class ReleaseModel(_Table):
    """Which model a rung asks, how it chooses its words, and how long it may take.

    Attributes:
        model: As the provider calls it.
        writes: Whether it stands in the ladder; one that only judges need not.
    """

    model: str
    writes: bool = True
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: int | None = None
    tokens_max: Annotated[int, Field(ge=1)] = 700
    first_token_ms: Annotated[int, Field(ge=1)] = 10_000
    between_tokens_ms: Annotated[int, Field(ge=1)] = 5_000
    whole_ms: Annotated[int, Field(ge=1)] = 60_000


class JudgeFolder(_Table):
    """A cross-encoder that can judge.

    Attributes:
        folder: With ``model.onnx`` and ``tokenizer.json``; below the workspace when relative.
        threads: Of one call; 0 for one on each processor.
    """

    folder: Path
    threads: Annotated[int, Field(ge=0, le=256)] = 1


class NewRelease(_Table):
    """What a new release is made of, beside the defaults of this version.

    Attributes:
        embedder: ``minilm``, ``openai``, ``wordllama``; ``none`` searches by words only.
        models: By the name of their table below `models`, in the order in which they are asked.
        judge: Says whether passages support what a model wrote: ``features``, ``model:NAME`` of
            `models`, or ``onnx:NAME`` of the tables `judges`.
    """

    embedder: Literal["minilm", "openai", "wordllama", "none"] = "minilm"
    models: dict[ModelName, ReleaseModel] = {}
    judge: Annotated[str, Field(pattern=r"^(features|(model|onnx):[a-z0-9][a-z0-9-]{0,39})$")] = (
        "features"
    )


class Gate(_Table):
    """What a release has to keep before it may serve: `answerable releases gate`.

    Attributes:
        questions: Question sets on which it may not be worse than the release that serves.
        zero_tolerance: Question sets of which not one answer may be bad.
        margin: So much of the share of good answers may be lost.
        margins: The same for the mean of a measure: ``"hit@10" = 0.03``.
        latency_ms_max: 95 of 100 answers take no longer.
        latency_ratio_max: Nor longer than so many times what they take now.
        cost_usd_max: An answer costs no more in the mean.
    """

    questions: tuple[str, ...] = ()
    zero_tolerance: tuple[str, ...] = ()
    margin: Annotated[float, Field(gt=0, lt=1)] = 0.05
    margins: dict[str, Annotated[float, Field(gt=0)]] = {}
    latency_ms_max: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    latency_ratio_max: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    cost_usd_max: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class Model(_Table):
    """Where a language model is, who pays, and how much it may be asked.

    Attributes:
        provider: Which protocol is spoken there.
        base_url: Up to and with ``/v1``; left out, the provider's own.
        api_key_env: Environment variable with the key; left out, the provider's well-known one.
        api_key_file: File with the key and nothing else.
        concurrency: Calls at once.
        waiting: Calls that may wait for a place; more are answered by the rung below at once.
        wait_ms_max: How long one waits for a place.
        usd_per_million_in, usd_per_million_out: Price of tokens; left out, the published one,
            and where there is none the model is unpriced.
        spend_usd_day_max: What it may cost on one day of UTC.
    """

    provider: Literal["openai", "anthropic", "google"] = "openai"
    base_url: Annotated[str, Field(repr=False)] = ""
    api_key_env: str = ""
    api_key_file: Path | None = None
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 8
    waiting: Annotated[int, Field(ge=0, le=4096)] = 16
    wait_ms_max: Annotated[int, Field(ge=0)] = 2_000
    usd_per_million_in: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    usd_per_million_out: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    spend_usd_day_max: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class Spending(_Table):
    """What all models together may cost on one day of UTC; left out, there is no limit."""

    usd_day_max: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class OpenAi(_Table):
    """A server that speaks OpenAI's protocol for embeddings.

    Attributes:
        base_url: Up to and with ``/v1``.
        model: As the server calls it; empty when none is set up.
        dimension: How many numbers a vector of it has.
        send_dimension: Whether to ask for that many; not every server understands it.
        passage_prefix, question_prefix: What the model wants before a text: ``passage: ``.
        tokens_max: Tokens of one window; longer texts are embedded in several and pooled.
    """

    base_url: Annotated[str, Field(repr=False)] = "https://api.openai.com/v1"
    api_key: SecretStr | None = None
    model: str = ""
    dimension: Annotated[int, Field(ge=1, le=8192)] = 1536
    send_dimension: bool = False
    passage_prefix: str = ""
    question_prefix: str = ""
    tokens_max: Annotated[int, Field(ge=16)] = 512
    seconds_max: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 20.0


class Embedders(_Table):
    """Where vectors come from.

    Attributes:
        weights: Folder with ``model.safetensors`` and ``tokenizer.json`` of all-MiniLM-L6-v2;
            left out, an installed package or what `answerable embedders fetch` got.
        wordllama: Folder with the files of WordLlama; left out, the installed package.
        threads: Of the embedder, for vectors of documents; 0 for one less than there are cores.
    """

    weights: Path | None = None
    wordllama: Path | None = None
    threads: Annotated[int, Field(ge=0, le=256)] = 0
    openai: OpenAi = OpenAi()


class Settings(BaseSettings):
    """All settings of one workspace."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
    )

    workspace: Path = Path()
    data_dir: Path | None = None
    serve: Serve = Serve()
    ingest: Ingest = Ingest()
    revisions: Revisions = Revisions()
    sources: Sources = Sources()
    traces: Traces = Traces()
    release: NewRelease = NewRelease()
    gate: Gate = Gate()
    embedders: Embedders = Embedders()
    models: dict[ModelName, Model] = {}
    judges: dict[ModelName, JudgeFolder] = {}
    spending: Spending = Spending()

    @property
    def data(self) -> Path:
        """The data directory: as set, below the workspace when relative, else the user's own."""
        if self.data_dir is None:
            return default_data_dir(self.workspace)
        return (self.workspace / self.data_dir.expanduser()).absolute()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the file below the environment; leave out .env and secret files.

        Without a workspace there is no file.
        """
        del dotenv_settings, file_secret_settings
        workspace = init_settings().get("workspace")
        if workspace is None:
            return init_settings, env_settings
        toml = TomlConfigSettingsSource(settings_cls, workspace / CONFIG_NAME)
        return init_settings, env_settings, toml


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One setting as it holds now.

    Attributes:
        name: As in the file, with the table before a dot.
        origin: ``flag``, ``environment``, ``file`` or ``default``.
    """

    name: str
    value: object
    origin: str


def default_data_dir(workspace: Path) -> Path:
    """Return the folder for the data of a workspace, apart from it, one for each."""
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    absolute = workspace.absolute()
    mark = sha256(str(absolute).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return home / "answerable" / f"{absolute.name or 'root'}-{mark}"


def default_cache_dir() -> Path:
    """Return the folder for what can be computed again, of this user on this machine."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "answerable"


def find_workspace(start: Path) -> Path:
    """Return the nearest folder at or above `start` that holds `answerable.toml`.

    Raises:
        NotReady: There is none.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        if (folder / CONFIG_NAME).is_file():
            return folder
    raise NotReady(
        f"there is no workspace here: no {CONFIG_NAME} in {start} or above",
        hint="answerable init",
    )


def load(workspace: Path | None, **overrides: Any) -> Settings:
    """Return the settings of a workspace.

    Args:
        workspace: The folder of `answerable.toml`; the file may be missing. None reads no file.
        overrides: Values of flags, by the name of their setting.

    Raises:
        BadConfiguration: A key is unknown or a value has the wrong type; all are named.
    """
    _check_environment()
    file = (workspace or Path()) / CONFIG_NAME
    if workspace is not None:
        overrides["workspace"] = workspace
    try:
        return Settings(**overrides)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{file} is not TOML: {error}", hint=f"edit {file}") from error
    except OSError as error:
        raise BadConfiguration(
            f"{file} cannot be read: {error.strerror}", hint=f"check the permissions of {file}"
        ) from error
    except ValidationError as error:
        edit = f"edit {file}, or" if workspace is not None else "edit"
        raise BadConfiguration(
            "; ".join(_complaint(one) for one in error.errors()),
            hint=f"{edit} the environment variable {_PREFIX}… of that name",
        ) from error


def explain(named: Path | None) -> tuple[Setting, ...]:
    """Return every setting with its value and where that came from.

    Args:
        named: The folder that was named as workspace; None looks upwards from the current one.

    Raises:
        NotReady: There is no workspace.
        BadConfiguration: The settings cannot be loaded.
    """
    settings = load(find_workspace(named or Path()))
    file = settings.workspace / CONFIG_NAME
    in_file = dict(_flat(tomllib.loads(file.read_text(encoding="utf-8"))))
    values = dict(_flat(settings.model_dump())) | {"data_dir": settings.data}
    return tuple(
        Setting(name=name, value=value, origin=_origin(name, named, in_file))
        for name, value in values.items()
    )


def _origin(name: str, named: Path | None, in_file: Mapping[str, object]) -> str:
    variable = _environment().get(_variable(name))
    # The command line takes the variable of the workspace for its flag when that is not given.
    if name == "workspace" and named is not None and variable != str(named):
        return "flag"
    if variable is not None:
        return "environment"
    return "file" if name in in_file else "default"


def _flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, object]]:
    """Give the keys of a table and of the tables in it, with their values."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        elif isinstance(value, SecretStr):
            yield above + name, "(set, and not shown)"
        elif isinstance(value, str):
            yield above + name, _PASSWORD.sub("//(not shown)@", value)
        else:
            yield above + name, value


def _names(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Give the names of all settings."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _names(kind, f"{above}{name}.")
        else:
            yield above + name


def _variable(name: str) -> str:
    return _PREFIX + name.replace(".", "__").upper()


def _environment() -> dict[str, str]:
    """Return the variables that are ours, in capitals: pydantic does not tell cases apart."""
    mine = ((name.upper(), value) for name, value in os.environ.items())
    return {name: value for name, value in mine if name.startswith(_PREFIX)}


def _check_environment() -> None:
    """Refuse variables that would be passed over without a word."""
    known = {_variable(name) for name in _names(Settings)}
    unknown = [
        name
        for name, value in sorted(_environment().items())
        if name not in known | _NOT_SETTINGS
        and not _is_of_model(name)
        and not _is_service_link(name, value)
    ]
    if unknown:
        similar = get_close_matches(unknown[0], sorted(known), n=1)
        hint = f"unset it, or did you mean {similar[0]}?" if similar else "unset it"
        raise BadConfiguration(
            f"the environment sets what is no setting: {', '.join(unknown)}", hint=hint
        )


def _is_of_model(name: str) -> bool:
    """Return whether a variable sets a key of a table the operator named; its name is theirs."""
    tables = (("models", Model), ("release.models", ReleaseModel), ("judges", JudgeFolder))
    for table, kind in tables:
        fields = "|".join(field.upper() for field in kind.model_fields)
        if re.fullmatch(rf"{_variable(table)}__[A-Z0-9]+__({fields})", name):
            return True
    return False


def _is_service_link(name: str, value: str) -> bool:
    is_address = name.endswith("_PORT") and "://" in value
    return is_address or _SERVICE_LINK.fullmatch(name) is not None


def _complaint(error: Any) -> str:
    """Say what is wrong with a setting; never its value, which may be secret."""
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        if where.startswith("models.") and where.endswith(".api_key"):
            return f"{where} would be a key in a file for Git: name its variable in api_key_env"
        return f"unknown setting {where}"
    expected = _EXPECTED.get(error["type"].partition("_")[0])
    if expected is None:
        expected = error["msg"].removeprefix("Input should ").removeprefix("be ")
    return f"setting {where} must be {expected}"
