"""Where a repository is, what git is told about it, and what its complaints mean. Pure."""

from __future__ import annotations

import re
import shlex
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote

from answerable.adapters.sources.choosing import bad_name
from answerable.adapters.sources.reading import is_plain, shown
from answerable.adapters.sources.urls import BadUrl, host_and_port, parse
from answerable.domain.errors import BadInput, SourceFailed

Transport = Literal["https", "http", "ssh", "file"]

HEAD = "HEAD"
_SSH_PORT = 22
_SSH = re.compile(r"ssh://(?:([A-Za-z0-9_.-]+)@)?([^/@]+)(/[^\s]+)")
_SCP = re.compile(r"(?:([A-Za-z0-9_.-]+)@)?(\[[0-9A-Fa-f:.]+\]|[^:/\s\[\]@]+):(?!:)([^\s]+)")
_WEB = re.compile(r"(https?)://(?:([^/?#]*)@)?(.*)", re.IGNORECASE)
_BRANCH = re.compile(
    r"(?!-)(?!.*(?:\.\.|//|@\{|\.lock(?:/|$)|/\.))[^\x00-\x20\x7f~^:?*\[\\]+(?<![./])"
)
_BRANCH_CHARS_MAX = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """A repository.

    Attributes:
        url: What git is told; holds no secret.
        host: In its one spelling; empty for one on this machine.
        user: Who asks; empty for nobody in particular.
        secret: Of that user, when it stood in the address.
    """

    transport: Transport
    url: str
    host: str = ""
    port: int = 0
    user: str = ""
    secret: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        """What it is called: its address, or its path on this machine."""
        return unquote(self.url.removeprefix("file://")) if self.transport == "file" else self.url


def remote(text: str) -> Remote:
    """Return the repository that is meant: an address, ``git@host:path``, or a path.

    Raises:
        BadInput: It is none, or of a kind that can run programs. A password is not repeated.
    """
    if not text or not is_plain(text) or text.startswith("-") or "\\" in text:
        raise _bad("it is empty, or holds a control character, a backslash or a `-` before it")
    if re.match(r"[A-Za-z0-9+.-]+::", text):
        raise _bad("helpers that run programs are not used")
    if found := _WEB.fullmatch(text):
        return _web(*found.groups())
    if text.startswith("ssh://"):
        return _ssh(text)
    if text.startswith("file:///"):
        return _local(unquote(text.removeprefix("file://")))
    if "://" in text:
        raise _bad("only https://, http:// and ssh:// are spoken")
    if (found := _SCP.fullmatch(text)) and not Path(text).is_absolute():
        user, host, path = found.groups()
        return _of_ssh(user or "", host, path if path.startswith("/") else f"/{path}")
    return _local(text)


def _web(scheme: str, login: str | None, rest: str) -> Remote:
    try:
        url = parse(f"{scheme}://{rest}")
    except BadUrl as error:
        raise _bad(error.reason) from error
    if url.query:
        raise _bad("it has a question mark")
    user, _, secret = (login or "").partition(":")
    return Remote(
        transport="https" if url.scheme == "https" else "http",
        url=str(url),
        host=url.host,
        port=url.port,
        user=unquote(user),
        secret=unquote(secret),
    )


def _ssh(text: str) -> Remote:
    found = _SSH.fullmatch(text)
    if found is None:
        raise _bad("it looks like ssh://git@host/path, without a password")
    user, authority, path = found.groups()
    return _of_ssh(user or "", authority, path)


def _of_ssh(user: str, authority: str, path: str) -> Remote:
    try:
        host, port = host_and_port(authority, _SSH_PORT)
    except BadUrl as error:
        raise _bad(error.reason) from error
    if user.startswith("-") or path.startswith("/-"):
        raise _bad("its user or path begins with a `-`")
    bare = f"[{host}]" if ":" in host else host
    place = bare if port == _SSH_PORT else f"{bare}:{port}"
    login = f"{user}@" if user else ""
    return Remote(
        transport="ssh", url=f"ssh://{login}{place}{path}", host=host, port=port, user=user
    )


def _local(text: str) -> Remote:
    return Remote(transport="file", url=f"file://{quote(str(Path(text).expanduser().absolute()))}")


def _bad(reason: str) -> BadInput:
    return BadInput(
        f"this is no repository that can be read: {reason}",
        hint="such as https://git.example.org/team/docs.git or git@git.example.org:team/docs.git",
    )


def branch_ref(branch: str) -> str:
    """Return the full name of a branch, or ``HEAD`` for the one the repository shows first.

    Raises:
        BadInput: It cannot be the name of one.
    """
    if branch == HEAD:
        return HEAD
    if len(branch) > _BRANCH_CHARS_MAX or not is_plain(branch) or not _BRANCH.fullmatch(branch):
        raise BadInput(
            f"{shown(branch[:_BRANCH_CHARS_MAX])!r} cannot be the name of a branch",
            hint="name it as `git branch` does, such as main",
        )
    return f"refs/heads/{branch}"


def below(path: str) -> str:
    """Return a folder of a repository in its one spelling; empty for all of it.

    Raises:
        BadInput: It leads elsewhere.
    """
    path = path.strip("/")
    if path and (bad_name(path) or ":" in path):
        raise BadInput(
            f"{shown(path)!r} is no folder in a repository",
            hint="give a relative path with `/` between its parts, such as docs/guide",
        )
    return path


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """What to show a host.

    Attributes:
        user: For http and https; most hosts take any with a token.
        secret: Password or token.
        ssh_key: Path of a private key without a passphrase; by default those of this user.
        known_hosts: Path of the keys of hosts; by default that of this user.
    """

    user: str = ""
    secret: str = field(default="", repr=False)
    ssh_key: str = ""
    known_hosts: str = ""


def environment(
    where: Remote,
    login: Login,
    *,
    addresses: Sequence[str],
    is_online: bool,
    home: Path,
    inherited: Mapping[str, str],
) -> dict[str, str]:
    """Return all of the environment git runs in.

    No configuration but this, no hooks, no helpers, no prompts, no proxies, no redirects, one
    transport; connections go to the addresses that were judged. Secrets stand here and not in
    the arguments, which every user of a machine can read.

    Args:
        where: What is read.
        login: What is shown to its host.
        addresses: Where the host is; none for a repository on this machine.
        is_online: Whether it is to reach the repository, and not only what was fetched of it.
        home: An empty folder.
        inherited: The environment of this process.
    """
    kept = ["PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "TMPDIR"]
    if where.transport == "ssh" and is_online:
        kept.append("SSH_AUTH_SOCK")
    env = {name: inherited[name] for name in kept if name in inherited}
    env |= {
        "LC_ALL": "C",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_ALLOW_PROTOCOL": where.transport if is_online else "none",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_SSH_VARIANT": "ssh",
    }
    if where.transport == "ssh" and is_online:
        env["GIT_SSH_COMMAND"] = _ssh_command(where, login, addresses)
    settings = [*_SAFE, *(_settings(where, login, addresses) if is_online else ())]
    env["GIT_CONFIG_COUNT"] = str(len(settings))
    for at, (key, value) in enumerate(settings):
        env[f"GIT_CONFIG_KEY_{at}"] = key
        env[f"GIT_CONFIG_VALUE_{at}"] = value
    return env


_SAFE = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.bigFileThreshold", "16m"),
    ("core.packedGitLimit", "256m"),
    ("credential.helper", ""),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.unpackLimit", "1"),
    ("fetch.writeCommitGraph", "false"),
    ("gc.auto", "0"),
    ("gc.autoDetach", "false"),
    ("http.followRedirects", "false"),
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "30"),
    ("http.proxy", ""),
    ("http.sslVerify", "true"),
    ("init.defaultBranch", "none"),
    ("maintenance.auto", "false"),
    ("pack.threads", "1"),
    ("pack.windowMemory", "64m"),
    ("protocol.allow", "never"),
    ("submodule.recurse", "false"),
    ("transfer.bundleURI", "false"),
)


def _settings(where: Remote, login: Login, addresses: Sequence[str]) -> list[tuple[str, str]]:
    found = [("remote.origin.url", where.url), (f"protocol.{where.transport}.allow", "always")]
    if where.transport not in {"http", "https"}:
        return found
    if addresses != (where.host,):
        places = ",".join(f"[{one}]" if ":" in one else one for one in addresses)
        found.append(("http.curloptResolve", f"{where.host}:{where.port}:{places}"))
    user, secret = login.user or where.user, login.secret or where.secret
    if secret or user:
        packed = b64encode(f"{user or 'git'}:{secret}".encode()).decode()
        found.append((f"http.{where.url}.extraHeader", f"Authorization: Basic {packed}"))
    return found


def _ssh_command(where: Remote, login: Login, addresses: Sequence[str]) -> str:
    alias = where.host if where.port == _SSH_PORT else f"[{where.host}]:{where.port}"
    options = [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "ProxyCommand=none",
        "PermitLocalCommand=no",
        "ClearAllForwardings=yes",
        "ForwardAgent=no",
        "ConnectTimeout=15",
        f"HostName={addresses[0]}",
        f"HostKeyAlias={alias}",
    ]
    if login.known_hosts:
        options.append(f"UserKnownHostsFile={login.known_hosts}")
    command = ["ssh", "-F", "none", *(part for one in options for part in ("-o", one))]
    if login.ssh_key:
        command += ["-o", "IdentitiesOnly=yes", "-i", login.ssh_key]
    return shlex.join(command)


# What git says (in English, by `LC_ALL`), what it means, what to do, and whether it may pass.
_UNREACHED = (
    r"Could not resolve|Failed to connect|[Cc]onnection (?:refused|reset|timed out|closed)"
    r"|early EOF|hung up|Operation (?:timed out|too slow)|unable to access|returned error: 5"
)
_MEANINGS: tuple[tuple[str, str, str, bool], ...] = (
    (
        r"prompts disabled|Authentication failed|Permission denied \(|returned error: 40[13]",
        "its host does not accept the credentials, or wants some",
        "check the token or key of this source and what it may read",
        False,
    ),
    (
        r"Host key verification failed|REMOTE HOST IDENTIFICATION",
        "the key of its host is not known, or has changed",
        "compare the key, then add it to known_hosts: ssh-keyscan HOST",
        False,
    ),
    (
        r"not found|does not appear to be a git repository|does not exist|returned error: 404",
        "there is no such repository, or the credentials do not show it",
        "check its address and what the credentials may read",
        False,
    ),
    (
        r"dubious ownership",
        "the repository belongs to another user of this machine",
        "let this user own it, or read it through https or ssh",
        False,
    ),
    (
        r"unable to update url base from redirection|returned error: 30\d",
        "it redirects to another address",
        "name that address as the source",
        False,
    ),
    (
        r"certificate|SSL",
        "the certificate of its host cannot be trusted",
        "look at it; a private authority can be named by SSL_CERT_FILE",
        False,
    ),
    (
        r"File too large|signal 25|invalid index-pack output",
        "it is larger than a source may be, or breaks off",
        "read a repository that holds documents only, or raise its limit",
        False,
    ),
    (
        _UNREACHED,
        "its host cannot be reached",
        "look whether it is up; the source is read again at its next turn",
        True,
    ),
)
_COMPLAINT_CHARS_MAX = 200


def meaning(where: Remote, complaint: str) -> SourceFailed:
    """Return what a complaint of git means, without any secret.

    Args:
        where: What was read.
        complaint: What git wrote to its standard error.
    """
    own = [line for line in complaint.splitlines() if not line.startswith("remote:")]
    for pattern, what, hint, is_passing in _MEANINGS:
        if re.search(pattern, "\n".join(own)):
            message = f"the repository {where.shown} cannot be read: {what}"
            return SourceFailed(message, hint=hint, is_passing=is_passing)
    said = next((line for line in own if line.startswith("fatal:")), "git failed")
    said = shown(said.removeprefix("fatal:").strip()[:_COMPLAINT_CHARS_MAX])
    if where.secret:
        said = said.replace(where.secret, "***")
    return SourceFailed(
        f"the repository {where.shown} cannot be read: {said}",
        hint="try `git ls-remote` with its address on this machine",
        is_passing=True,
    )
