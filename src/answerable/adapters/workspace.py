"""The operator's folder for Git: made once, never overwritten."""

from __future__ import annotations

import json
from pathlib import Path

FOLDERS = {
    "questions": "Question sets for `answerable eval run NAME`: one JSON object a line.",
    "prompts": "Prompts of releases. Empty until a model is connected.",
    "objectives": "Objectives and error budgets.",
}

ALIASES_NAME = "aliases.txt"

_TOML = """\
# Answerable: where things live on this machine. Nothing here can change an answer, but for the
# table [release], and a change there is a new release: it is recorded who answered with what.
# Every key may be left out; `ANSWERABLE_SERVE__PORT=9000` sets one from the environment.

# Databases and indexes. Left out, they lie apart from here, in a folder made for the path of this
# one: below $XDG_DATA_HOME/answerable or ~/.local/share/answerable. A relative path starts here.
{data_dir}

[serve]
host = "127.0.0.1"
port = 8080
workers = 1

[ingest]
children = 2          # parser processes
seconds_max = 20.0    # for one file
memory_mb_max = 1024  # for one parser process
size_mb_max = 50      # larger files are refused

[traces]
text_days = 30        # how long the text of questions and answers is kept; 0 keeps none
record_models = false # whether replies of language models are kept as well, to replay questions

[release]
embedder = "minilm"   # finds what is meant; openai, wordllama; none searches by words only

# Any server with OpenAI's /v1/embeddings, for embedder = "openai". The key belongs into the
# environment: ANSWERABLE_EMBEDDERS__OPENAI__API_KEY.
# [embedders.openai]
# base_url = "http://127.0.0.1:11434/v1"
# model = "nomic-embed-text"
# dimension = 768

# What a release has to keep before it may serve: `answerable releases gate workspace`.
# [gate]
# questions = ["ops"]         # sets in questions/
# margin = 0.05               # so much of the share of good answers may be lost

# Language models: `answerable models add ollama:llama3.2` writes them here. Keys stay in the
# environment.
"""

_ALIASES = """\
# What people here say, and what the documents say for it; one a line:
#   phrase = what the documents say; another way they say it
# These come on top of those that Answerable brings. A line without a right side takes one away.
# A change makes a new release.
"""


def make_workspace(folder: Path, data_dir: str | None, config_name: str) -> bool:
    """Create what is missing of a workspace; return whether its configuration is new.

    Without a data directory the configuration leaves the default, which names no machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, purpose in FOLDERS.items():
        (folder / name).mkdir(exist_ok=True)
        readme = folder / name / "README.md"
        if not readme.exists():
            readme.write_text(f"# {name}\n\n{purpose}\n", encoding="utf-8")
    aliases = folder / ALIASES_NAME
    if not aliases.exists():
        aliases.write_text(_ALIASES, encoding="utf-8")
    config = folder / config_name
    if config.exists():
        return False
    line = '# data_dir = "data"' if data_dir is None else f"data_dir = {quoted(data_dir)}"
    config.write_text(_TOML.format(data_dir=line), encoding="utf-8")
    return True


def quoted(text: str) -> str:
    """Return a text as a TOML string, on one line.

    Strings of JSON are strings of TOML, but for the one control character JSON lets stand.
    """
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
