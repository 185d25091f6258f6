"""Connecting a model, from the one line to its first words."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from command_line import Shell, shell

from answerable.adapters.clock import SystemClock
from answerable.adapters.models import local
from answerable.adapters.models.providers import PROVIDERS, find_key, known
from answerable.adapters.models.recording import MemoryTape
from answerable.answering.ports import Delta, Message, ModelCall
from answerable.app.connecting import add_model, local_servers, slug
from answerable.app.models import Models
from answerable.domain.cancel import Cancel
from answerable.domain.errors import BadConfiguration, ModelFailed, NotReady
from answerable.domain.questions import StepReason
from answerable.settings import CONFIG_NAME, load
from fake_openai import FakeOpenAi, Mode

SECRET = "sk-nobody-may-see-this"  # noqa: S105 # of nobody
__all__ = ["shell"]  # a fixture, found by its name

CALL = ModelCall(messages=(Message(role="user", text="Which port?"),))


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key of this machine is used, and no server on it is asked."""
    for provider in PROVIDERS.values():
        for variable in provider.variables:
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(local, "usual_places", dict)


@pytest.fixture
def fake() -> Iterator[FakeOpenAi]:
    with FakeOpenAi() as server:
        yield server


def toml(shell: Shell) -> str:
    return (shell.home / CONFIG_NAME).read_text()


def test_one_line_connects_a_model(shell: Shell, fake: FakeOpenAi) -> None:
    """It asks the server what it has, writes both tables, and is ready to be checked."""
    shell.done("init")
    before = toml(shell)
    ran = shell.done("models", "add", fake.base_url, "--name", "local")
    assert ran.out.startswith(f"added local: fake-1 at {fake.base_url}, in ")
    assert "answerable models check local" in ran.err
    after = toml(shell)
    assert after.startswith(before), "comments and all"
    written = tomllib.loads(after)
    assert written["models"]["local"] == {"provider": "openai", "base_url": fake.base_url}
    assert written["release"]["models"]["local"] == {"model": "fake-1"}
    checked = shell.done("models", "check", "--json").data
    assert checked["failed"] == []
    assert checked["models"][0]["tokens_out"] == 13
    assert checked["models"][0]["cost_usd"] is None
    assert "unpriced" in shell.done("models", "check", "local").out


def test_twice_is_once(shell: Shell, fake: FakeOpenAi) -> None:
    """The same line changes nothing; another model of that name is refused."""
    shell.done("init")
    shell.done("models", "add", fake.base_url)
    before = toml(shell)
    assert "there already" in shell.done("models", "add", fake.base_url).out
    assert toml(shell) == before
    ran = shell.run("models", "add", "ollama:another", "--name", "fake-1")
    ran.check_error("conflict", status=1)
    assert toml(shell) == before


def test_it_says_what_is_missing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable of the key by name; once it is set nothing is missing."""
    shell.done("init")
    assert "export OPENAI_API_KEY=" in shell.done("models", "add", "openai:gpt-4o-mini").err
    listed = shell.done("models", "list", "--json").data
    assert (listed[0]["has_key"], listed[0]["is_priced"]) == (False, True)
    assert "OPENAI_API_KEY" in shell.run("models", "check", "gpt-4o-mini").check_error(
        "not_ready", status=10
    )
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    assert shell.done("models", "list", "--json").data[0]["has_key"] is True


@pytest.mark.parametrize("named", ["llama3.2", "nobody:x", "openai:", "", "ftp://host/v1"])
def test_what_names_no_model_is_refused(shell: Shell, named: str) -> None:
    """With an example, and nothing is written."""
    shell.done("init")
    before = toml(shell)
    ran = shell.run("models", "add", named)
    assert ran.status == 2
    assert "hint: " in ran.err
    assert toml(shell) == before


def test_a_server_with_several_models_is_asked_which(shell: Shell) -> None:
    """They are listed; --model says which."""
    shell.done("init")
    with FakeOpenAi(models=("one", "two")) as fake:
        ran = shell.run("models", "add", fake.base_url)
        assert "one, two" in ran.check_error("bad_input", status=2)
        shell.done("models", "add", fake.base_url, "--model", "two")
    shell.run("models", "add", fake.base_url).check_error("not_ready", status=10)


def test_a_key_is_shown_nowhere(
    shell: Shell, fake: FakeOpenAi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in settings, lists, checks, errors, doctor, or what a server repeats of it."""
    shell.done("init")
    monkeypatch.setenv("A_KEY", SECRET)
    added = shell.done("models", "add", fake.base_url, "--key-env", "A_KEY")
    fake.mode = Mode.WRONG_KEY
    runs = [
        added,
        shell.done("settings", "show", "--json"),
        shell.done("models", "list"),
        shell.run("models", "check"),
        shell.run("doctor"),
    ]
    assert fake.requests[-1].headers["authorization"] == f"Bearer {SECRET}"
    assert all(SECRET not in ran.out + ran.err for ran in runs)
    assert SECRET not in toml(shell)
    assert "A_KEY" in runs[3].err
    assert runs[3].status == 1
    with ExitStack() as stack:
        settings = load(shell.home)
        models = Models(settings, None, SystemClock(), stack)
        model = models.asking(models.choices[0])
        assert SECRET not in repr((settings, models.views(), vars(model)))


def test_a_key_in_the_file_for_git_is_refused(shell: Shell) -> None:
    """The message says where it belongs, and does not repeat it."""
    shell.done("init")
    shell.write(CONFIG_NAME, f'[models.a]\napi_key = "{SECRET}"\n')
    ran = shell.run("models", "list")
    assert "api_key_env" in ran.check_error("bad_configuration", status=2)
    assert SECRET not in ran.err


def test_a_password_in_an_address_is_not_shown(shell: Shell) -> None:
    """Nor is it in what list and settings print."""
    shell.done("init")
    shell.write(CONFIG_NAME, '[models.a]\nbase_url = "http://me:hidden@127.0.0.1:9/v1"\n')
    for command in (("models", "list"), ("settings", "show"), ("doctor",)):
        ran = shell.run(*command)
        assert "hidden" not in ran.out + ran.err


def test_the_environment_sets_keys_of_models(
    shell: Shell, fake: FakeOpenAi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name of the table; a key that does not exist is refused."""
    shell.done("init")
    shell.done("models", "add", fake.base_url, "--name", "a")
    monkeypatch.setenv("ANSWERABLE_MODELS__A__CONCURRENCY", "3")
    assert load(shell.home).models["a"].concurrency == 3
    assert load(shell.home).models["a"].base_url == fake.base_url
    monkeypatch.setenv("ANSWERABLE_MODELS__A__CONCURENCY", "3")
    with pytest.raises(BadConfiguration):
        load(shell.home)


def test_a_well_known_key_goes_to_its_own_address_only(tmp_path: Path) -> None:
    """Never to one that somebody typed; a file and a variable that are named go anywhere."""
    environment = {"OPENAI_API_KEY": SECRET, "MINE": "other"}
    elsewhere = known("openai", "http://elsewhere/v1")
    assert find_key(elsewhere, variable="", file=None, environment=environment).value is None
    own = find_key(
        known("openai", "https://api.openai.com/v1/"),
        variable="",
        file=None,
        environment=environment,
    )
    assert own.value is not None
    assert own.value.get_secret_value() == SECRET
    named = find_key(elsewhere, variable="MINE", file=None, environment=environment)
    assert named.value is not None
    assert named.value.get_secret_value() == "other"
    file = tmp_path / "key"
    file.write_text("in-a-file\n")
    read = find_key(elsewhere, variable="", file=file, environment={})
    assert read.value is not None
    assert read.value.get_secret_value() == "in-a-file"
    file.write_text(" \n")
    with pytest.raises(BadConfiguration, match="empty"):
        find_key(elsewhere, variable="", file=file, environment={})


def test_local_servers_are_found() -> None:
    """With what they have; silence, another program and Answerable itself are passed over."""
    with FakeOpenAi() as gone:
        gone_url = gone.base_url
    with (
        FakeOpenAi(models=("llama3.2", "qwen")) as one,
        FakeOpenAi(owned_by="answerable") as itself,
    ):
        places = {
            "ollama": one.base_url,
            "llamacpp": itself.base_url,
            "vllm": gone_url,
            "other": f"{one.base_url}/nothing",
        }
        found = local_servers(places)
    assert [(server.provider, server.models) for server in found] == [
        ("ollama", ("llama3.2", "qwen"))
    ]


def test_doctor_offers_what_it_finds(
    shell: Shell, fake: FakeOpenAi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line to type; every line has a verdict, and a hint where something fails."""
    monkeypatch.setattr(local, "usual_places", lambda: {"ollama": fake.base_url})
    ran = shell.run("doctor")
    assert ran.status == 1
    assert "answerable init" in ran.out
    shell.done("init")
    ran = shell.run("doctor", "--json")
    assert ran.status == 1, "the library is empty"
    found = {one["part"]: one for one in ran.data["findings"]}
    assert found["library"]["health"] == "fail"
    assert "answerable ingest" in found["library"]["hint"]
    assert found["local ollama"]["hint"] == "answerable models add ollama:fake-1"
    shell.write("docs/a.md", "# Port\n\nThe API listens on port 8443.\n")
    shell.done("ingest", "docs")
    ran = shell.done("doctor")
    assert "ok    library" in ran.out


def test_models_list_offers_local_servers(
    shell: Shell, fake: FakeOpenAi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When nothing is connected yet."""
    monkeypatch.setattr(local, "usual_places", lambda: {"vllm": fake.base_url})
    shell.done("init")
    assert "answerable models add vllm:fake-1" in shell.done("models", "list").err


def write(folder: Path, fake: FakeOpenAi, more: str = "", release: str = "") -> Path:
    """Make a workspace with one model, called a."""
    text = (
        f'data_dir = "data"\n[models.a]\nbase_url = "{fake.base_url}"\n{more}\n'
        f'[release.models.a]\nmodel = "m"\n{release}\n'
    )
    (folder / CONFIG_NAME).write_text(text)
    return folder


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as entered:
        yield entered


def opened(folder: Path, stack: ExitStack) -> Models:
    return Models(load(folder), folder, SystemClock(), stack)


def test_a_rung_asks_the_model_in_all_its_wrappers(
    tmp_path: Path, fake: FakeOpenAi, stack: ExitStack
) -> None:
    """One a process; its reply has a cost, and can be written down."""
    prices = "usd_per_million_in = 1\nusd_per_million_out = 2\nspend_usd_day_max = 0.01"
    models = opened(write(tmp_path, fake, prices), stack)
    model = models.asking(models.choices[0])
    assert model is models.asking(models.choices[0])
    tape = MemoryTape()
    *deltas, _ = models.recorded(models.choices[0], tape).stream(CALL, Cancel())
    assert "".join(one.text for one in deltas if isinstance(one, Delta)) == fake.text
    end = tape.replies[0].end
    assert end is not None
    assert end.usage.cost_usd is not None
    assert (tmp_path / "spend.db").exists()


def test_a_spent_limit_outlives_the_process(
    tmp_path: Path, fake: FakeOpenAi, stack: ExitStack
) -> None:
    """What another process has spent today is spent."""
    prices = "usd_per_million_in = 1\nusd_per_million_out = 1\nspend_usd_day_max = 0.00073"
    folder = write(tmp_path, fake, prices)
    for _ in range(2):
        with ExitStack() as inner:
            models = opened(folder, inner)
            list(models.asking(models.choices[0]).stream(CALL, Cancel()))
    models = opened(folder, stack)
    with pytest.raises(ModelFailed) as caught:
        list(models.asking(models.choices[0]).stream(CALL, Cancel()))
    assert caught.value.kind is StepReason.BUDGET


def test_a_storm_steps_down_and_leaves_the_provider_alone(
    tmp_path: Path, fake: FakeOpenAi, stack: ExitStack
) -> None:
    """It asks to wait a minute: the first call says so at once, the next is not made."""
    fake.mode, fake.retry_after = Mode.STORM, "60"
    models = opened(write(tmp_path, fake), stack)
    kinds = []
    for _ in range(3):
        with pytest.raises(ModelFailed) as caught:
            list(models.asking(models.choices[0]).stream(CALL, Cancel()))
        kinds.append(caught.value.kind)
    assert kinds == [StepReason.OVERLOAD, StepReason.BREAKER, StepReason.BREAKER]
    assert len(fake.requests) == 1


def test_a_model_the_settings_lost_is_told(
    tmp_path: Path, fake: FakeOpenAi, stack: ExitStack
) -> None:
    """A release may name what this machine no longer has."""
    models = opened(write(tmp_path, fake), stack)
    chosen = models.choices[0]
    (tmp_path / CONFIG_NAME).write_text("")
    with pytest.raises(NotReady, match="not set up here"):
        opened(tmp_path, stack).asking(chosen)


def test_release_and_settings_are_apart(tmp_path: Path, fake: FakeOpenAi) -> None:
    """Another address makes no other choice; another model or temperature does."""

    def chosen(more: str, release: str) -> object:
        with ExitStack() as inner:
            return opened(write(tmp_path, fake, more, release), inner).choices

    plain = chosen("", "")
    assert chosen("concurrency = 3\nusd_per_million_in = 1", "") == plain
    assert chosen("", "temperature = 0.5") != plain
    assert chosen("", "first_token_ms = 5") != plain


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("llama3.2:3b", "llama3-2-3b"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama-3-1-8b-instruct"),
        ("???", "model"),
        ("x" * 90, "x" * 40),
    ],
)
def test_names_are_made_of_models(model: str, name: str) -> None:
    """Such as a table of TOML and a variable can have."""
    assert slug(model) == name


def test_what_is_written_is_replaced_whole(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full leaves the file as it was, and nothing beside it."""
    shell.done("init")
    before = toml(shell)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("answerable.app.connecting.os.fsync", full)
    shell.run("models", "add", "ollama:x").check_error("disk_full", status=1)
    assert toml(shell) == before
    assert [one.name for one in shell.home.iterdir() if one.name.startswith(".answer")] == []


def test_help_and_ask_import_no_client_of_models() -> None:
    """pydantic-ai, providers' clients and prices wait until a model is asked."""
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    script = (
        "import sys, json\n"
        "from answerable.app import open_memory\n"
        "with open_memory() as app: app.models()\n"
        "heavy = {'pydantic_ai', 'anthropic', 'google.genai', 'genai_prices', 'tomlkit'}\n"
        "print(json.dumps(sorted(heavy & set(sys.modules))))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == []


def test_add_model_can_be_called_from_a_page(tmp_path: Path, fake: FakeOpenAi) -> None:
    """The same function, without a terminal."""
    (tmp_path / CONFIG_NAME).write_text("")
    done = add_model(tmp_path, fake.base_url)
    assert (done.is_new, done.key, done.extra, done.is_open) == (True, "", "", False)
