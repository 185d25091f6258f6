"""One line connects a model: it is written into `answerable.toml`, and its key is looked for."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from answerable.adapters.disk import translated
from answerable.domain.errors import BadInput, Conflict, NotReady
from answerable.settings import CONFIG_NAME, Model, ReleaseModel, find_workspace, load

if TYPE_CHECKING:
    from answerable.adapters.models.local import LocalServer
    from answerable.adapters.models.providers import Key, Provider

_NAME_CHARS_MAX = 40
_SHOWN_MAX = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Connected:
    """What was written.

    Attributes:
        is_new: Whether anything was; False where it stood there before.
        key: Where its key comes from, or the variable that is missing; empty if none is needed.
        extra: What has to be installed for it; empty for nothing.
        is_open: Whether a key would travel without encryption.
    """

    name: str
    model: str
    address: str
    file: Path
    is_new: bool
    key: str
    has_key: bool
    extra: str
    is_open: bool


def add_model(
    workspace: Path | None,
    named: str,
    *,
    name: str = "",
    model: str = "",
    key_variable: str = "",
) -> Connected:
    """Write a model into the workspace's settings, below those that are there.

    Args:
        workspace: Its folder; None looks upwards from the current one.
        named: ``provider:model``, or the base address of an OpenAI-compatible server.
        name: What it is called here; left out, made of the model's name.
        model: Of a server that is named by its address and has several.
        key_variable: Environment variable of its key; left out, the provider's well-known one.

    Raises:
        BadInput: It names no model, or a name that is none.
        Conflict: Another model has this name.
        NotReady: There is no workspace, or the server does not say what it has.
        BadConfiguration, StorageFailure: The file cannot be understood or written.
    """
    from answerable.adapters.models.providers import PROVIDERS, find_key, known, split_name

    folder = find_workspace(workspace or Path())
    settings = load(folder)
    if "://" in named:
        provider = known("openai", named)
        key = find_key(provider, variable=key_variable, file=None, environment=os.environ)
        model = model or _only_model(named, key)
    else:
        short, told = split_name(named)
        provider, model = PROVIDERS[short], model or told
        key = find_key(provider, variable=key_variable, file=None, environment=os.environ)
    chosen = _checked_name(name) if name else slug(model)
    table = _table(provider, key_variable)
    is_new = chosen not in settings.models or chosen not in settings.release.models
    if not is_new or chosen in settings.models or chosen in settings.release.models:
        _check_same(chosen, settings.models, settings.release.models, table, model)
    if is_new:
        told_release: dict[str, Any] = {"model": model}
        if provider.first_token_ms:
            told_release["first_token_ms"] = provider.first_token_ms
        _write(folder / CONFIG_NAME, chosen, table, told_release)
    return Connected(
        name=chosen,
        model=model,
        address=_shown(provider),
        file=folder / CONFIG_NAME,
        is_new=is_new,
        key=key.origin,
        has_key=key.value is not None,
        extra=_missing_extra(provider.protocol),
        is_open=_is_open(provider, key),
    )


def local_servers(places: Mapping[str, str] | None = None) -> tuple[LocalServer, ...]:
    """Return servers of models that answer on this machine, with what they have.

    Each is asked for half a second at most, and all at once.

    Args:
        places: Base addresses by provider; left out, where they usually listen.
    """
    from answerable.adapters.models.local import find_local, usual_places

    return find_local(usual_places() if places is None else places)


def slug(model: str) -> str:
    """Return a name for the settings, made of a model's."""
    last = model.rsplit("/", 1)[-1].lower()
    name = re.sub(r"[^a-z0-9]+", "-", last).strip("-")[:_NAME_CHARS_MAX].strip("-")
    return name or "model"


def _only_model(base_url: str, key: Key) -> str:
    from answerable.adapters.models.local import list_models
    from answerable.adapters.models.openai import checked_address, shown_address

    checked_address(base_url, "new")
    value = key.value.get_secret_value() if key.value else ""
    found = list_models(base_url, key=value)
    where = shown_address(base_url)
    if not found:
        raise NotReady(
            f"{where} does not say which models it has",
            hint="start it, check the address, which ends in /v1 on most servers, or add --model",
        )
    if len(found) > 1:
        shown = ", ".join(found[:_SHOWN_MAX])
        more = f" and {len(found) - _SHOWN_MAX} more" if len(found) > _SHOWN_MAX else ""
        raise BadInput(
            f"{where} has several models: {shown}{more}", hint="add --model and one of them"
        )
    return found[0]


def _checked_name(name: str) -> str:
    if not re.fullmatch(rf"[a-z0-9][a-z0-9-]{{0,{_NAME_CHARS_MAX - 1}}}", name):
        raise BadInput(
            f"{name!r} cannot be the name of a model",
            hint="small letters, digits and dashes; for instance --name local",
        )
    return name


def _table(provider: Provider, key_variable: str) -> dict[str, Any]:
    table: dict[str, Any] = {"provider": provider.protocol}
    if provider.base_url:
        table["base_url"] = provider.base_url
    if key_variable:
        table["api_key_env"] = key_variable
    return table


def _check_same(
    name: str,
    there: Mapping[str, Model],
    asked: Mapping[str, ReleaseModel],
    table: Mapping[str, Any],
    model: str,
) -> None:
    is_same = (name not in there or _same(there[name], table)) and (
        name not in asked or asked[name].model == model
    )
    if not is_same:
        raise Conflict(
            f"another model is called {name} already",
            hint="choose another --name, or edit answerable.toml",
        )


def _same(there: Model, table: Mapping[str, Any]) -> bool:
    return all(getattr(there, key) == value for key, value in table.items())


def _write(file: Path, name: str, table: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Add both tables to the file; everything else in it stays as it is, comments too.

    The file is replaced whole, so that nobody ever reads half of it.
    """
    import tomlkit

    with translated(file):
        document = tomlkit.parse(file.read_text(encoding="utf-8"))
        for path, values in ((("models", name), table), (("release", "models", name), asked)):
            _add(document, path, values)
        text = tomlkit.dumps(document)
        handle, beside = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as opened:
                opened.write(text)
                opened.flush()
                os.fsync(opened.fileno())
            Path(beside).chmod(file.stat().st_mode & 0o777)
            Path(beside).replace(file)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise


def _add(document: Any, path: tuple[str, ...], values: Mapping[str, Any]) -> None:
    import tomlkit

    above = document
    for key in path[:-1]:
        if key not in above:
            if above is document:
                document.add(tomlkit.nl())
            above[key] = tomlkit.table(is_super_table=True)
        above = above[key]
    if path[-1] in above:
        return
    table = tomlkit.table()
    table.update(values)
    above[path[-1]] = table


def _missing_extra(protocol: str) -> str:
    if protocol == "openai":
        return ""
    from importlib.util import find_spec

    modules = {"anthropic": ("pydantic_ai", "anthropic"), "google": ("pydantic_ai", "google.genai")}
    try:
        is_there = all(find_spec(one) is not None for one in modules[protocol])
    except ModuleNotFoundError:
        is_there = False
    return "" if is_there else f"answerable[{protocol}]"


def _shown(provider: Provider) -> str:
    from answerable.adapters.models.openai import shown_address

    return shown_address(provider.base_url) if provider.base_url else provider.protocol


def _is_open(provider: Provider, key: Key) -> bool:
    from answerable.adapters.models.openai import is_open

    return bool(key.origin) and bool(provider.base_url) and is_open(provider.base_url)
