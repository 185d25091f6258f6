"""Git repositories in a folder, and a server for them on this machine, for tests of sources."""

from __future__ import annotations

import os
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

from fake_sources.sites import Asked, Site, served

_ENV = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "a"),
    **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "a@example.org"),
}


class Repository:
    """A repository with a working tree, on the branch ``main``."""

    def __init__(self, root: Path, *, can_filter: bool = True) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "uploadpack.allowFilter", str(can_filter).lower())
        self.git("config", "http.uploadpack", "true")

    def git(self, *arguments: str, given: bytes | None = None) -> str:
        """Run git in it and return what it says."""
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *arguments],
            cwd=self.root,
            env=_ENV,
            input=given,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode().strip()

    def write(self, **files: str | bytes | None) -> None:
        """Write files and commit; two underscores stand for a slash, None deletes."""
        for name, text in files.items():
            path = self.root / (name.replace("__", "/") + ".md")
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.commit()

    def commit(self) -> str:
        """Commit everything that is there; return the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=x")
        return self.git("rev-parse", "HEAD")

    def commit_tree(self, *entries: tuple[str, bytes, str]) -> None:
        """Let the branch be a tree of these entries (mode, name, object), however odd they are."""
        packed = b"".join(
            f"{mode} ".encode() + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries
        )
        tree = self.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=packed)
        self.git("update-ref", "refs/heads/main", self.git("commit-tree", tree, "-m", "x"))

    def blob(self, data: bytes) -> str:
        """Return the id of an object with these bytes."""
        return self.git("hash-object", "-w", "--stdin", given=data)


@contextmanager
def git_server(repository: Repository, login: str = "") -> Iterator[Site]:
    """Serve a repository at ``/docs.git``; with a login (``user:password``) only to who has it."""

    def serve(handler: BaseHTTPRequestHandler, site: Site) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        wanted = f"Basic {b64encode(login.encode()).decode()}" if login else None
        is_in = wanted is None or handler.headers.get("Authorization") == wanted
        site.asked.append(Asked(handler.path, dict(handler.headers), 200 if is_in else 401))
        says = site.says.get(handler.path)
        if says is not None or not is_in:
            handler.send_response(says.status if says else 401)
            for name, value in (says.headers if says else {}).items():
                handler.send_header(name, value)
            if not is_in:
                handler.send_header("WWW-Authenticate", "Basic")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        _backend(handler, repository, body)

    with served(serve) as site:
        yield site


def _backend(handler: BaseHTTPRequestHandler, repository: Repository, body: bytes) -> None:
    target = urlsplit(handler.path)
    done = subprocess.run(
        ["git", "http-backend"],
        env={
            **_ENV,
            "GIT_PROJECT_ROOT": str(repository.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": target.path.replace("/docs.git", "/.git", 1),
            "QUERY_STRING": target.query,
            "REQUEST_METHOD": handler.command,
            "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": handler.headers.get("Git-Protocol", ""),
        },
        input=body,
        capture_output=True,
        check=True,
    )
    head, _, answer = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    handler.send_response(int(headers.pop("Status", "200").split(" ")[0]))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(answer)))
    handler.end_headers()
    handler.wfile.write(answer)
