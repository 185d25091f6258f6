"""What asking through Answerable costs beside asking the model, and beside a proxy that forwards.

    python benchmarks/bench_service.py [--chunks 100000] [--litellm VENV/bin/litellm]

A fake server in a process of its own writes one true sentence at a fixed speed. It is asked
directly, through `answerable serve` (which finds passages, has the sentence written, checks it,
cites it and commits a trace), and through the LiteLLM proxy, which only forwards; by
`/v1/chat/completions`, streaming and whole, at 1, 16 and 64 at once, in turn. Overhead is the time
until the sentence is there, less the median of the bare call at once with as many. Chunks are found
by words: the time to embed a question (`docs/guide/benchmarks.md`) would come on top.

The calls of a round either begin in the same instant, a burst, or one after the other, so far apart
that they are all open just before the first one ends: how as many users who know nothing of each
other arrive.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import httpx2

import corpus
import running
from measuring import percentile

TESTS = Path(__file__).parents[1] / "tests"
TOKENS_S = 50.0
QUESTION = "How long does the kubelet wait before it forcibly stops a container by default?"
PAGE = "The kubelet waits 30 seconds before it forcibly stops a container, unless told otherwise."
# What the model writes of it: no quote, so that who shows it has asked the model.
SAID = "By default the kubelet waits 30 seconds before it forcibly stops a container."
READY_S = 120
ROUNDS = 4


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to the model.

    Attributes:
        took: Milliseconds of each call of its rounds.
    """

    name: str
    base_url: str
    model: str
    took: dict[Round, list[float]]


class Round(NamedTuple):
    """How many calls are open at once, how they begin, and whether they stream."""

    at_once: int
    is_burst: bool
    is_streamed: bool


def main() -> None:
    """Measure all ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--litellm", type=Path, help="its command, from an environment of its own")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fake = stack.enter_context(faked())
        ways = [Way(name="bare", base_url=fake, model="m", took={})]
        workspace = library(folder, fake, given.chunks)
        ours = stack.enter_context(running.server(workspace))
        address = f"http://127.0.0.1:{ours.port}/v1"
        ways.append(Way(name="answerable", base_url=address, model="answerable", took={}))
        if given.litellm:
            proxy = stack.enter_context(litellm(given.litellm, folder, fake))
            ways.append(Way(name="litellm proxy", base_url=proxy, model="m", took={}))
        measured(ways, given.rounds)
        tell(ways)


def library(folder: Path, model: str, chunks: int) -> Path:
    """Return a workspace with so many chunks, and a model that is connected."""
    workspace, documents = folder / "ws", folder / "docs"
    documents.mkdir()
    corpus.make(documents, chunks=chunks)
    (documents / "kubelet.md").write_text(f"# How long the kubelet waits\n\n{PAGE}\n")
    answerable = [sys.executable, "-m", "answerable"]
    subprocess.run(
        [*answerable, "init", str(workspace), "--data-dir", str(folder / "data")],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    settings = workspace / "answerable.toml"
    written = settings.read_text().replace('embedder = "minilm"', 'embedder = "none"')
    settings.write_text(
        f'{written}\n[release.models.m]\nmodel = "m"\n\n[models.m]\nprovider = "openai"\n'
        f'base_url = "{model}"\nconcurrency = 1000\n'
    )
    subprocess.run(
        [*answerable, "ingest", str(documents), "-w", str(workspace)],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return workspace


@contextmanager
def faked() -> Iterator[str]:
    """Give the address of a model that writes the sentence."""
    command = [sys.executable, "-m", "fake_openai", "--text", SAID, f"--tokens-s={TOKENS_S}"]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as ran:
        try:
            yield ran.stdout.readline().strip() if ran.stdout else ""
        finally:
            ran.terminate()


@contextmanager
def litellm(command: Path, folder: Path, fake: str) -> Iterator[str]:
    """Give the address of a LiteLLM proxy that forwards to the fake."""
    config = folder / "litellm.json"  # JSON is YAML too
    forward = {"model": "openai/m", "api_base": fake, "api_key": "none"}
    config.write_text(json.dumps({"model_list": [{"model_name": "m", "litellm_params": forward}]}))
    port = _free_port()
    arguments = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(
        [str(command), *arguments],
        env=os.environ | {"LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as ran:
        try:
            _wait(f"http://127.0.0.1:{port}/health/liveliness")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            ran.terminate()


def _free_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return int(some.getsockname()[1])


def _wait(url: str) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        try:
            if httpx2.get(url).status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.2)
    sys.exit(f"nothing answers at {url}")


def measured(ways: Sequence[Way], rounds: int) -> None:
    """Ask all ways in turn, so that whatever else the machine does meets all of them."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100)
    with httpx2.Client(limits=limits, timeout=120) as client:
        for (at_once, is_burst), number, is_streamed, way in product(
            ((1, True), (16, False), (16, True), (64, False), (64, True)),
            range(rounds + 1),
            (False, True),
            ways,
        ):
            apart_s = 0.0 if is_burst else len(SAID.split()) / TOKENS_S / at_once
            calls = _at_once(at_once, partial(_ask, client, way, is_streamed), apart_s)
            if number:  # the first warms up
                way.took.setdefault(Round(at_once, is_burst, is_streamed), []).extend(calls)


def _at_once(count: int, ask: Callable[[], float], apart_s: float) -> list[float]:
    took: list[float] = []
    threads = [threading.Thread(target=lambda: took.append(ask())) for _ in range(count)]
    for thread in threads:
        thread.start()
        time.sleep(apart_s)
    for thread in threads:
        thread.join()
    if len(took) < count:
        sys.exit("a call failed")
    return took


def _ask(client: httpx2.Client, way: Way, is_streamed: bool) -> float:
    """Return the milliseconds until the sentence was there."""
    body = {
        "model": way.model,
        "stream": is_streamed,
        "messages": [{"role": "user", "content": QUESTION}],
    }
    url, said = f"{way.base_url}/chat/completions", ""
    began = time.perf_counter()
    if not is_streamed:
        found = client.post(url, json=body).json()["choices"][0]["message"]["content"]
        took = time.perf_counter() - began
    else:
        found, took = "", 0.0
        with client.stream("POST", url, json=body) as response:
            for line in response.iter_lines():
                if line.startswith("data: {"):
                    choices = json.loads(line[6:])["choices"]
                    said += (choices[0]["delta"].get("content") or "") if choices else ""
                    if not found and SAID in said:
                        found, took = said, time.perf_counter() - began
    if SAID not in (found or ""):
        raise RuntimeError(f"{way.name} answered something else: {found or said!r}")
    return took * 1000


def tell(ways: Sequence[Way]) -> None:
    """Print a table."""
    print(
        "| | at once | begin | bare p50 ms |"
        + "".join(f" {way.name} +p50 / +p99 |" for way in ways[1:])
    )
    print("|---|---|---|---|" + "---|" * (len(ways) - 1))
    for asked, bare in ways[0].took.items():
        base = statistics.median(bare)
        form = "streamed" if asked.is_streamed else "whole"
        begin = "together" if asked.is_burst else "in turn"
        line = f"| {form} | {asked.at_once} | {begin} | {base:.0f} |"
        for way in ways[1:]:
            took = way.took[asked]
            line += f" {percentile(took, 0.5) - base:.1f} / {percentile(took, 0.99) - base:.1f} |"
        print(line)


if __name__ == "__main__":
    main()
