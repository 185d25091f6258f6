"""Serves until it is stopped: ``PYTHONPATH=tests python -m fake_openai --tokens-s 50``."""

import argparse
import signal

from fake_openai import FakeOpenAi, Mode


def main() -> None:
    """Print the address, then serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--mode", type=Mode, choices=list(Mode), default=Mode.NORMAL)
    parser.add_argument("--text", default="The API listens on port 8443. " * 8)
    parser.add_argument("--tokens-s", type=float, default=None)
    parser.add_argument("--first-token-s", type=float, default=0.0)
    wanted = parser.parse_args()
    with FakeOpenAi(
        text=wanted.text,
        mode=wanted.mode,
        tokens_s=wanted.tokens_s,
        first_token_s=wanted.first_token_s,
        port=wanted.port,
    ) as fake:
        print(fake.base_url, flush=True)  # noqa: T201 # whoever started it reads where it is
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
