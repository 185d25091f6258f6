"""What asking a model through all its wrappers costs beside the bare connection.

A fake server in a process of its own says tokens at a fixed speed; each client reads them at 1, 16
and 64 at once. Printed: time to the first token beyond the server's, processor time a token, memory
a stream. Run: ``python benchmarks/bench_models.py [--tokens-s 50]``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2

from answerable.adapters.clock import SystemClock
from answerable.answering.ports import Delta, Message, ModelCall
from answerable.app.models import Models
from answerable.domain.cancel import Cancel
from answerable.domain.releases import Sampling
from answerable.settings import Model, ReleaseModel, Settings

TESTS = Path(__file__).parents[1] / "tests"
TOKENS = 120
CALL = ModelCall(
    messages=(Message(role="user", text="Which port?"),), sampling=Sampling(tokens_max=1_000)
)

# Gives the milliseconds from asking to the first token.
Ask = Callable[[], float]


@contextmanager
def server(tokens_s: float) -> Iterator[str]:
    """Give the address of a server."""
    ran = subprocess.Popen(
        [sys.executable, "-m", "fake_openai", "--text", "port " * TOKENS]
        + ([f"--tokens-s={tokens_s}"] if tokens_s else []),
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield ran.stdout.readline().strip() if ran.stdout else ""
    finally:
        ran.terminate()
        ran.wait()


def bare(base_url: str, client: httpx2.Client) -> Ask:
    """Return a client that reads and parses, and no more."""
    body = {
        "model": "m",
        "stream": True,
        "messages": [{"role": "user", "content": "Which port?"}],
    }

    def ask() -> float:
        began, first = time.perf_counter(), 0.0
        url = f"{base_url}/chat/completions"
        with client.stream("POST", url, json=body, timeout=600) as response:
            for one in response.iter_lines():
                if one.startswith("data: {"):
                    delta = json.loads(one[6:])["choices"][0]["delta"]
                    if delta.get("content") and not first:
                        first = time.perf_counter()
        return (first - began) * 1000

    return ask


def wrapped(base_url: str, stack: ExitStack) -> Ask:
    """Return a client as a rung has it."""
    settings = Settings(
        models={"m": Model(base_url=base_url, concurrency=1_000)},
        release={"models": {"m": ReleaseModel(model="m")}},  # type: ignore[arg-type]
    )
    models = Models(settings, None, SystemClock(), stack)
    model = models.asking(models.choices[0])

    def ask() -> float:
        began, first = time.perf_counter(), 0.0
        for item in model.stream(CALL, Cancel()):
            if isinstance(item, Delta) and not first:
                first = time.perf_counter()
        return (first - began) * 1000

    return ask


def measure(name: str, ask: Ask, at_once: int) -> None:
    """Print what so many calls at once take."""
    firsts: list[float] = []
    threads = [
        threading.Thread(target=lambda: firsts.append(ask()), daemon=True) for _ in range(at_once)
    ]
    before, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cpu = (time.process_time() - cpu) / at_once / TOKENS * 1e6
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        f"{name:8} {at_once:3} at once: first token p50 {statistics.median(firsts):6.1f} ms, "
        f"max {max(firsts):6.1f} ms; processor {cpu:5.0f} µs a token; "
        f"memory {grown / at_once:5.0f} KiB a stream"
    )


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens-s", type=float, default=50.0, help="0 for as fast as can be")
    tokens_s = parser.parse_args().tokens_s
    limits = httpx2.Limits(max_connections=None)
    with server(tokens_s) as base_url, ExitStack() as stack:
        client = stack.enter_context(httpx2.Client(limits=limits))
        clients = {"bare": bare(base_url, client), "wrapped": wrapped(base_url, stack)}
        for at_once in (1, 16, 64):
            for name, ask in clients.items():
                ask()
                measure(name, ask, at_once)


if __name__ == "__main__":
    main()
