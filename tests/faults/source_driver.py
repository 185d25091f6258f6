"""Reads a source and kills itself in the middle: how a worker dies."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from answerable.adapters.sources.bucket import Bucket
from answerable.adapters.sources.git import GitRepository
from answerable.adapters.sources.reach import Policy, Reach
from answerable.adapters.sources.s3 import S3Store
from answerable.adapters.sources.sigv4 import Keys
from answerable.adapters.sources.website import Crawl, Website
from answerable.library.ports import Raw, Source


def source_of(about: dict[str, Any]) -> Source:
    """Return the source that is described."""
    cache = Path(about["cache"])
    reach = Reach(Policy.of(about.get("allow", [])))
    match about["kind"]:
        case "git":
            return GitRepository(about["url"], cache=cache, allow_local=True)
        case "website":
            return Website(about["url"], cache=cache, reach=reach, crawl=Crawl(delay_s=0.0))
        case _:
            keys = Keys(id=about["id"], secret=about["secret"])
            store = S3Store("docs", endpoint=about["url"], keys=keys, reach=reach)
            return Bucket(store, cache=cache)


def main(about: dict[str, Any]) -> None:
    """Die at the moment that is described: after so many files, or so many moves on disk."""
    left = {"files": about.get("files", -1), "moves": about.get("moves", -1)}

    def count(what: str) -> None:
        left[what] -= 1
        if not left[what]:
            os.kill(os.getpid(), signal.SIGKILL)

    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        count("moves")
        return real(self, target)

    Path.replace = replace  # type: ignore[method-assign,assignment]
    found = {}
    for item in source_of(about).files():
        count("files")
        found[item.path] = (
            item.data.decode("utf-8", "replace") if isinstance(item, Raw) else item.code
        )
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
