"""What a git repository gives, and what it refuses."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from answerable.adapters.sources.git import Bounds, GitRepository
from answerable.adapters.sources.git_remotes import (
    Login,
    below,
    branch_ref,
    environment,
    meaning,
    remote,
)
from answerable.adapters.sources.reach import Policy, Reach
from answerable.adapters.sources.running import Child, Overran, run
from answerable.domain.errors import BadInput, Locked, NotAllowed, NotReady, SourceFailed
from answerable.library.ports import Raw
from fake_sources.repositories import Repository, git_server
from fake_sources.sites import Reply
from fake_sources.synced import ADDED, CHANGED, FAILED, REMOVED, Synced, given, reasons

KEY = "hunter2"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "origin")


def source(repository: Repository, tmp_path: Path, **more: Any) -> GitRepository:
    return GitRepository(str(repository.root), cache=tmp_path / "cache", allow_local=True, **more)


def objects(tmp_path: Path) -> set[tuple[str, int]]:
    """Return type and size of every object that was fetched."""
    (mirror,) = (tmp_path / "cache").glob("*/*.git")
    said = subprocess.run(
        ["git", f"--git-dir={mirror}", "cat-file", "--batch-all-objects", "--batch-check"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return {(kind, int(size)) for _, kind, size in (line.split() for line in said.splitlines())}


def test_reads_a_branch(repository: Repository, tmp_path: Path) -> None:
    """Every file of a branch is given by name, below a folder, as it was committed."""
    repository.write(b="beta", a="alpha", docs__c="gamma\r\n", docs__x__d="delta")
    repository.git("checkout", "--quiet", "-b", "team/next")
    repository.write(docs__e="epsilon")
    everything = source(repository, tmp_path, branch="main")
    assert list(given(everything)) == ["a.md", "b.md", "docs/c.md", "docs/x/d.md"]
    assert everything.count() == 4
    assert given(source(repository, tmp_path, branch="team/next", path="docs/")) == {
        "c.md": "gamma\r\n", "e.md": "epsilon", "x/d.md": "delta",
    }  # fmt: skip
    assert given(source(repository, tmp_path))["docs/e.md"] == "epsilon"


def test_name_is_stable_and_holds_no_secret(tmp_path: Path) -> None:
    """A repository is called by address, branch and folder; never by what opens it."""
    for url in (
        f"https://me:{KEY}@git.example.org/team/docs.git",
        "HTTPS://Git.Example.org:443/team/docs.git",
    ):
        found = GitRepository(url, branch="main", path="/docs/", cache=tmp_path)
        assert found.name == "git:https://git.example.org/team/docs.git#main:docs"
        assert KEY not in repr(found) + repr(vars(found)) + found.name
    assert GitRepository("git@git.example.org:a/b.git", cache=tmp_path).name == (
        "git:ssh://git@git.example.org/a/b.git#HEAD:"
    )
    assert remote(f"https://me:{KEY}%40@h.example/r").secret == f"{KEY}@"


@pytest.mark.parametrize(
    "url",
    ["", "-uploadpack=x", "ext::sh -c touch% /tmp/x", "fd::7", "git://h.example/r", "ftp://h/r",
     "ssh://-oProxyCommand=x/r", "ssh://h.example/-x", "ssh://u:pw@h.example/r", "-oX@h:r",
     "http://127.1/r", "https://h.example/r?x=1", "https://a\\@b/r", "https://h.example/a\nb",
     "ssh://h.example", "https://h .example/r", "svn+ssh://h/r", "http://[::1%25lo]/r",
     "git@2130706433:r", "file://host/share"],
)  # fmt: skip
def test_what_is_no_repository(url: str, tmp_path: Path) -> None:
    """Helpers that run programs, options in disguise and odd spellings are refused."""
    with pytest.raises(BadInput):
        GitRepository(url, cache=tmp_path)


@pytest.mark.parametrize(
    "branch",
    ["", "-x", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "[a", "a\\b", "a.lock", "a/", "a.",
     "@{u}", "a@{1}", "a\nb", "a//b", "x" * 300, "a/.b"],
)  # fmt: skip
def test_what_is_no_branch(branch: str) -> None:
    """What git itself would not take as a name, or take as something else, is refused."""
    with pytest.raises(BadInput):
        branch_ref(branch)


def test_branches_and_folders() -> None:
    """Names are made full; folders are brought to one spelling or refused."""
    assert branch_ref("feature/x-1_y.z") == "refs/heads/feature/x-1_y.z"
    assert branch_ref("HEAD") == "HEAD"
    assert [below(path) for path in ("", "/", "/docs/a/")] == ["", "", "docs/a"]
    for path in ("..", "a/../b", "a//b", "a:b", "a\nb"):
        with pytest.raises(BadInput):
            below(path)


def test_local_repositories_have_to_be_allowed(repository: Repository, tmp_path: Path) -> None:
    """A path on this machine is read only where that is allowed."""
    for url in (str(repository.root), f"file://{repository.root}", "some/where"):
        with pytest.raises(NotAllowed):
            GitRepository(url, cache=tmp_path)


def test_library_follows(repository: Repository, tmp_path: Path) -> None:
    """Added, changed, moved and deleted files are so in the library, also after a rewrite."""
    library = Synced()
    repository.write(a="alpha", b="beta", c="gamma")
    assert library.sync(source(repository, tmp_path)) == dict.fromkeys(
        ("a.md", "b.md", "c.md"), ADDED
    )
    assert library.sync(source(repository, tmp_path)) == {}
    repository.git("mv", "b.md", "moved.md")
    repository.write(a="alpha 2", c=None, d="delta")
    assert library.sync(source(repository, tmp_path)) == {
        "a.md": CHANGED, "b.md": REMOVED, "c.md": REMOVED, "d.md": ADDED, "moved.md": ADDED,
    }  # fmt: skip
    assert sorted(library.parser.given) == ["a.md", "d.md"]
    assert library.holds() == {"a.md": "alpha 2", "d.md": "delta", "moved.md": "beta"}
    repository.git("checkout", "--quiet", "--orphan", "fresh")
    repository.git("rm", "-r", "--quiet", "--force", ".")
    repository.write(e="epsilon")
    repository.git("branch", "--force", "main", "fresh")
    assert library.sync(source(repository, tmp_path, branch="main")) == {"e.md": ADDED}
    repository.git("checkout", "--quiet", "main")
    library.sync(source(repository, tmp_path))
    assert "d.md" not in {path for path, text in library.holds().items() if text == "delta"}


def test_unchanged_fetches_nothing(repository: Repository, tmp_path: Path) -> None:
    """A branch that has not moved is only asked where it is."""
    repository.write(a="alpha")
    given(source(repository, tmp_path))
    (mirror,) = (tmp_path / "cache").glob("*/*.git")
    before = {path: path.stat().st_mtime_ns for path in (mirror / "objects").rglob("*")}
    assert given(source(repository, tmp_path)) == {"a.md": "alpha"}
    assert before == {path: path.stat().st_mtime_ns for path in (mirror / "objects").rglob("*")}


def test_count_fetches_once(repository: Repository, tmp_path: Path) -> None:
    """Counting brings the mirror in step, and reading goes on from there."""
    repository.write(a="alpha")
    counted = source(repository, tmp_path)
    assert counted.count() == 1
    repository.write(b="beta")
    assert list(given(counted)) == ["a.md"]
    assert list(given(counted)) == ["a.md", "b.md"]


@pytest.mark.parametrize("gone", ["branch", "folder", "repository"])
def test_what_vanished_is_no_empty_source(
    repository: Repository, tmp_path: Path, gone: str
) -> None:
    """When branch, folder or repository is gone, nothing vanishes: the reading fails."""
    library = Synced()
    repository.write(docs__a="alpha")
    repository.git("checkout", "--quiet", "-b", "live")
    library.sync(source(repository, tmp_path, branch="live", path="docs"))
    repository.git("checkout", "--quiet", "main")
    if gone == "branch":
        repository.git("branch", "--delete", "--force", "live")
    elif gone == "folder":
        repository.git("checkout", "--quiet", "live")
        repository.git("mv", "docs", "elsewhere")
        repository.commit()
    else:
        repository.root.rename(tmp_path / "away")
    with pytest.raises(
        SourceFailed, match={"repository": "no such"}.get(gone, f"no {gone}")
    ) as caught:
        library.sync(source(repository, tmp_path, branch="live", path="docs"))
    assert caught.value.hint
    assert library.holds() == {"a.md": "alpha"}


def test_an_empty_repository(repository: Repository, tmp_path: Path) -> None:
    """A repository without a commit has no branch to read."""
    for branch in ("HEAD", "main"):
        with pytest.raises(SourceFailed, match="no branch"):
            given(source(repository, tmp_path, branch=branch))


def test_a_folder_that_is_a_file(repository: Repository, tmp_path: Path) -> None:
    """A file is no folder to read."""
    repository.write(a="alpha")
    with pytest.raises(SourceFailed, match="no folder"):
        given(source(repository, tmp_path, path="a.md"))


def test_nothing_of_it_is_run(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hooks, filters, monitors and configuration, there or here, run nothing."""
    ran = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\necho $0 >> {ran}\ncat\n")
    script.chmod(0o755)
    hooks = repository.root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    repository.write(a="$Id$ alpha")
    (repository.root / ".gitattributes").write_text("*.md filter=evil ident text eol=crlf\n")
    (repository.root / ".gitmodules").write_text('[submodule "x"]\npath=x\nurl=ext::sh -c x\n')
    repository.commit()
    for hook in ("post-checkout", "post-merge", "reference-transaction", "update", "post-update"):
        (hooks / hook).symlink_to(script)
    for key in ("core.fsmonitor", "filter.evil.smudge", "filter.evil.process", "core.sshCommand",
                "uploadpack.packObjectsHook", "core.askPass", "credential.helper"):  # fmt: skip
        repository.git("config", key, str(script))
    home = tmp_path / "home"
    home.mkdir()
    settings = f'[core]\nhooksPath={hooks}\nfsmonitor={script}\n[url "/x"]\ninsteadOf=/\n'
    (home / ".gitconfig").write_text(settings)
    for name, value in {
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_DIR": "/nonexistent",
        "GIT_ASKPASS": str(script),
        "GIT_SSH_COMMAND": str(script),
        "GIT_PROXY_COMMAND": str(script),
        "GIT_TRACE": str(tmp_path / "trace"),
        "GIT_TEMPLATE_DIR": str(tmp_path),
        "GIT_EXEC_PATH": "/nonexistent",
    }.items():
        monkeypatch.setenv(name, value)
    assert given(source(repository, tmp_path))["a.md"] == "$Id$ alpha"
    assert not ran.exists()
    assert not (tmp_path / "trace").exists()


def test_links_and_submodules_are_left_out(repository: Repository, tmp_path: Path) -> None:
    """A link is not followed, wherever it leads; a repository in the repository is not fetched."""
    inner = Repository(tmp_path / "inner")
    inner.write(secret="s")  # noqa: S106 # a name of a file
    repository.write(a="alpha")
    (repository.root / "out").symlink_to("/etc/passwd")
    (repository.root / "in").symlink_to("a.md")
    repository.git("submodule", "--quiet", "add", str(inner.root), "sub")
    repository.commit()
    found = given(source(repository, tmp_path))
    assert found == {
        ".gitmodules": "ignored", "a.md": "alpha", "in": "not_a_file", "out": "not_a_file",
        "sub": "not_a_file",
    }  # fmt: skip
    assert "submodule" in reasons(source(repository, tmp_path))["sub"]
    assert all(
        item.skipped for item in source(repository, tmp_path).files() if not isinstance(item, Raw)
    )


def test_odd_trees(repository: Repository, tmp_path: Path) -> None:
    """Names that lead out, hide or repeat are refused; what is beside them is read."""
    one, two = repository.blob(b"one"), repository.blob(b"two")
    repository.commit_tree(
        ("100644", b"..", one),
        ("100644", b".git", one),
        ("100644", b"a\nb.md", one),
        ("100644", b"a\x1b[2J.md", one),
        ("100644", b"caf\xe9.md", one),
        ("100644", b"good.md", one),
        ("100644", b"good.md", two),
        ("100644", b"x/../../y.md", one),
        ("100644", b"/etc/passwd", one),
        ("160000", b"sub", "1" * 40),
        ("120000", b"z", one),
    )
    found = given(source(repository, tmp_path))
    assert found.pop("good.md") == "one"
    assert sorted(found.values()) == ["bad_name"] * 6 + ["ignored"] + ["not_a_file"] * 2
    for path in found:
        assert path.isprintable()
        assert not path.startswith("/")
        assert ".." not in path.split("/")


@pytest.mark.parametrize("can_filter", [True, False])
def test_a_file_that_is_too_large(tmp_path: Path, *, can_filter: bool) -> None:
    """A large file is reported without being read, and not even fetched where that is possible."""
    repository = Repository(tmp_path / "origin", can_filter=can_filter)
    repository.write(a="alpha", edge="x" * 1_000, large="x" * 1_001)
    (repository.root / "film.mp4").write_bytes(b"\0" * 5_000)
    repository.commit()
    found = given(source(repository, tmp_path, size_max_bytes=1_000))
    assert found == {
        "a.md": "alpha", "edge.md": "x" * 1_000, "film.mp4": "binary", "large.md": "too_large",
    }  # fmt: skip
    sizes = {size for kind, size in objects(tmp_path) if kind == "blob"}
    assert sizes == ({5, 1_000} if can_filter else {5, 1_000, 1_001, 5_000})
    assert given(source(repository, tmp_path, size_max_bytes=2_000))["large.md"] == "x" * 1_001


def test_a_repository_that_is_too_large(repository: Repository, tmp_path: Path) -> None:
    """A repository fills no more of the disk than it may."""
    repository.write(a=os.urandom(3_000_000))
    with pytest.raises(SourceFailed, match="larger than a source may be"):
        given(source(repository, tmp_path, bounds=Bounds(mirror_bytes=1_000_000)))
    size = sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*"))
    assert size < 1_500_000
    assert len(given(source(repository, tmp_path))) == 1
    with pytest.raises(SourceFailed, match="more than 0 files"):
        given(source(repository, tmp_path, bounds=Bounds(files=0)))


def test_names_that_differ_in_case(repository: Repository, tmp_path: Path) -> None:
    """Files whose names differ in case only are two files: nothing is checked out."""
    one, two = repository.blob(b"one"), repository.blob(b"two")
    repository.commit_tree(("100644", b"A.md", one), ("100644", b"a.md", two))
    assert given(source(repository, tmp_path)) == {"A.md": "one", "a.md": "two"}


def test_pointers_of_lfs(repository: Repository, tmp_path: Path) -> None:
    """A file that is kept elsewhere is not taken for its pointer."""
    repository.write(
        a="version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        b="version https://git-lfs.github.com/spec/v1 is how a pointer begins." + "x" * 2_000,
    )
    found = given(source(repository, tmp_path))
    assert found["a.md"] == "link_out"
    assert found["b.md"].startswith("version")


def test_patterns(repository: Repository, tmp_path: Path) -> None:
    """Hidden and excluded folders are said once; what is not included is left out."""
    repository.write(docs__a="a", docs__old__b="b", src__c="c")
    (repository.root / ".github").mkdir()
    for name in ("x.yml", "y.yml"):
        (repository.root / ".github" / name).write_text("x")
    repository.commit()
    assert given(source(repository, tmp_path, excludes=["old/"], includes=["docs/"])) == {
        ".github/": "ignored", "docs/a.md": "a", "docs/old/": "ignored",
    }  # fmt: skip


def test_killed_in_the_middle(repository: Repository, tmp_path: Path) -> None:
    """What a killed git left behind is in nobody's way, whatever it was doing."""
    repository.write(a="alpha")
    given(source(repository, tmp_path))
    (mirror,) = (tmp_path / "cache").glob("*/*.git")
    repository.write(b="beta")
    for lock in ("shallow.lock", "config.lock", "HEAD.lock", "refs/answerable/read.lock"):
        (mirror / lock).write_text("")
    (mirror / "objects" / "pack" / "tmp_pack_x").write_bytes(b"half")
    (mirror / "objects" / "tmp_objdir-x").mkdir()
    assert given(source(repository, tmp_path)) == {"a.md": "alpha", "b.md": "beta"}
    assert not list(mirror.rglob("tmp_*"))
    (mirror / "HEAD").unlink()
    (mirror.parent / "y.part").mkdir()
    assert given(source(repository, tmp_path)) == {"a.md": "alpha", "b.md": "beta"}


def test_a_damaged_mirror_is_fetched_anew(repository: Repository, tmp_path: Path) -> None:
    """A mirror that is not whole is made anew, at once or when the source is read again."""
    repository.write(a="alpha")
    given(source(repository, tmp_path))
    (mirror,) = (tmp_path / "cache").glob("*/*.git")
    for pack in (mirror / "objects" / "pack").iterdir():
        pack.chmod(0o644)
        pack.write_bytes(b"")
    assert given(source(repository, tmp_path)) == {"a.md": "alpha"}
    counted = source(repository, tmp_path)
    counted.count()
    for path in (mirror / "objects" / "pack").iterdir():
        path.unlink()
    with pytest.raises(SourceFailed, match="damaged"):
        given(counted)
    assert given(source(repository, tmp_path)) == {"a.md": "alpha"}


def test_one_reading_at_a_time(repository: Repository, tmp_path: Path) -> None:
    """A repository that is being read is not read by somebody else too."""
    repository.write(a="alpha")
    reading = source(repository, tmp_path).files()
    next(reading)
    with pytest.raises(Locked):
        source(repository, tmp_path).count()
    reading.close()  # type: ignore[attr-defined]


def test_over_http(repository: Repository, tmp_path: Path) -> None:
    """A repository on a host is read at the address its name had, with a login nobody else sees."""
    repository.write(a="alpha", large="x" * 5_000)
    with git_server(repository, login=f"me:{KEY}") as site:
        where = f"repo.example:{site.port}"

        def reach() -> Reach:
            return Reach(Policy.of([where]), resolve=lambda _host, _port: ["127.0.0.1"])

        for url, login in (
            (f"http://me:{KEY}@{where}/docs.git", Login()),
            (f"http://{where}/docs.git", Login(user="me", secret=KEY)),
        ):
            found = GitRepository(
                url, cache=tmp_path / "c", reach=reach(), login=login, size_max_bytes=1_000
            )
            assert given(found) == {"a.md": "alpha", "large.md": "too_large"}
        for path in (tmp_path / "c").rglob("*"):
            assert not path.is_file() or KEY.encode() not in path.read_bytes()
        wrong = GitRepository(
            f"http://me:wrong{KEY}@{where}/docs.git", cache=tmp_path / "d", reach=reach()
        )
        with pytest.raises(SourceFailed, match="credentials") as caught:
            given(wrong)
        assert KEY not in f"{caught.value} {caught.value.hint}"
        assert {one.headers["Host"] for one in site.asked} == {where}


def test_hosts_are_judged(tmp_path: Path) -> None:
    """A repository on a closed address is not asked for, whichever way it is named."""
    for url, addresses in (
        ("http://127.0.0.1/r", []),
        ("https://localhost/r", ["127.0.0.1"]),
        ("https://git.example/r", ["10.0.0.1"]),
        ("https://git.example/r", ["93.184.216.34", "169.254.169.254"]),
        ("https://git.example:8080/r", ["93.184.216.34"]),
        ("ssh://git@git.example/r", ["192.168.0.1"]),
        ("ssh://git@git.example:443/r", ["93.184.216.34"]),
        ("git@[::1]:r", []),
    ):
        reach = Reach(resolve=lambda _host, _port: addresses)  # noqa: B023 # used at once
        with pytest.raises(NotAllowed) as caught:
            given(GitRepository(url, cache=tmp_path, reach=reach))
        assert "sources.allow_hosts" in caught.value.hint


def test_redirects_are_not_followed(repository: Repository, tmp_path: Path) -> None:
    """A host that sends git elsewhere is refused: nobody judged that address."""
    repository.write(a="alpha")
    with git_server(repository) as site:
        away = {"Location": "http://169.254.169.254/docs.git/info/refs?service=git-upload-pack"}
        target = "/docs.git/info/refs?service=git-upload-pack"
        site.says[target] = Reply(status=302, headers=away)
        found = GitRepository(f"{site.url}/docs.git", cache=tmp_path, reach=site.reach())
        with pytest.raises(SourceFailed, match=r"redirects|cannot be reached"):
            given(found)
        assert len(site.asked) == 1


def test_a_host_that_says_nothing(tmp_path: Path) -> None:
    """A host that never answers costs its time limit, and leaves no process behind."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        found = GitRepository(
            f"http://127.0.0.1:{port}/r",
            cache=tmp_path,
            reach=Reach(Policy.of([f"127.0.0.1:{port}"])),
            bounds=Bounds(seconds=0.3),
        )
        began = time.monotonic()
        with pytest.raises(SourceFailed, match="too long") as caught:
            given(found)
        assert caught.value.is_passing
        assert time.monotonic() - began < 20


def test_over_ssh(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over ssh the connection goes to the judged address, the key is checked for the name."""
    repository.write(a="alpha")
    tools = tmp_path / "tools"
    tools.mkdir()
    said = tmp_path / "said"
    (tools / "ssh").write_text(
        f'#!/bin/sh\necho "$@" > {said}\nfor last; do :; done\neval "$last"\n'
    )
    (tools / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    found = GitRepository(
        f"ssh://git@git.example:22{repository.root}",
        cache=tmp_path / "cache",
        reach=Reach(resolve=lambda _host, _port: ["93.184.216.34"]),
        login=Login(ssh_key="/keys/a b", known_hosts="/keys/known"),
    )
    assert given(found) == {"a.md": "alpha"}
    told = said.read_text()
    for option in ("-F none", "BatchMode=yes", "StrictHostKeyChecking=yes", "ProxyCommand=none",
                   "HostName=93.184.216.34", "HostKeyAlias=git.example", "-i /keys/a b",
                   "UserKnownHostsFile=/keys/known"):  # fmt: skip
        assert option in told


def test_the_environment_of_git() -> None:
    """Git is told everything, hears no one else, and shows no secret to other users."""
    where = remote("https://git.example.org/r")
    env = environment(
        where,
        Login(secret=KEY),
        addresses=("93.184.216.34", "2606:4700::1"),
        is_online=True,
        home=Path("/empty"),
        inherited={"PATH": "/bin", "GIT_DIR": "/x", "https_proxy": "p", "LD_PRELOAD": "x"},
    )
    settings = {
        env[f"GIT_CONFIG_KEY_{n}"]: env[f"GIT_CONFIG_VALUE_{n}"]
        for n in range(int(env["GIT_CONFIG_COUNT"]))
    }
    assert not {"GIT_DIR", "https_proxy", "LD_PRELOAD"} & set(env)
    assert env["GIT_ALLOW_PROTOCOL"] == "https"
    assert settings["protocol.allow"] == "never"
    assert settings["core.hooksPath"] == "/dev/null"
    assert settings["http.followRedirects"] == "false"
    assert settings["http.curloptResolve"] == ("git.example.org:443:93.184.216.34,[2606:4700::1]")
    assert settings["http.https://git.example.org/r.extraHeader"].startswith("Authorization: Basic")
    assert KEY not in str(settings)
    odd = environment(
        remote("ssh://git@h.example:2222/r"),
        Login(),
        addresses=("1.2.3.4",),
        is_online=True,
        home=Path("/empty"),
        inherited={},
    )
    assert "HostKeyAlias=[h.example]:2222" in shlex.split(odd["GIT_SSH_COMMAND"])


@pytest.mark.parametrize(
    ("complaint", "what", "is_passing"),
    [
        ("fatal: could not read Username for 'x': terminal prompts disabled", "credentials", False),
        ("fatal: Authentication failed for 'https://h/r'", "credentials", False),
        ("git@h: Permission denied (publickey).\nfatal: x", "credentials", False),
        ("Host key verification failed.\nfatal: x", "not known", False),
        ("fatal: repository 'https://h/r/' not found", "no such repository", False),
        ("fatal: unable to access 'x': Could not resolve host: h", "cannot be reached", True),
        ("fatal: unable to access 'x': server certificate", "certificate", False),
        ("fatal: unsafe repository; dubious ownership", "another user", False),
        ("error: index-pack died of signal 25", "larger", False),
        ("remote: not found\nfatal: \x1b[2Jodd hunter2", r"\\x1b\[2Jodd \*\*\*", True),
        ("", "git failed", True),
    ],
)  # fmt: skip
def test_what_git_means(complaint: str, what: str, *, is_passing: bool) -> None:
    """Complaints become one sentence and one hint, without secrets or control characters."""
    failure = meaning(remote(f"https://u:{KEY}@h.example/r"), complaint)
    with pytest.raises(SourceFailed, match=what):
        raise failure
    assert failure.is_passing is is_passing
    assert KEY not in str(failure)
    assert "\x1b" not in str(failure)


@pytest.mark.parametrize("piece", ["a", "a/", "a.", "@", ":", "a@a:", "-", " ", "x\n"])
def test_long_input_takes_no_time(piece: str) -> None:
    """No pattern here can be kept busy, whatever it is given."""
    began = time.monotonic()
    for begin in ("", "https://", "ssh://", "git@h:", "fatal: "):
        with suppress(BadInput):
            remote(begin + piece * 50_000)
        with suppress(BadInput):
            branch_ref(begin + piece * 50_000)
        assert meaning(remote("https://h.example/r"), begin + piece * 50_000).hint
    assert time.monotonic() - began < 10


def test_no_git(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git, or with an old one, it is said what to install."""
    repository.write(a="alpha")
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(NotReady, match="no git"):
        given(source(repository, tmp_path))
    (tools / "git").write_text("#!/bin/sh\necho git version 2.30.2\n")
    (tools / "git").chmod(0o755)
    with pytest.raises(NotReady, match="older than"):
        given(source(repository, tmp_path))


def test_programs_end(tmp_path: Path) -> None:
    """A program that takes too long, gives too much or writes too much is ended, with its own."""

    def go(script: str, **more: Any) -> Any:
        limits = {"seconds": 30.0, "out_bytes_max": 1_000, "file_bytes_max": 1_000_000} | more
        return run(["sh", "-c", script], env={"PATH": os.environ["PATH"]}, cwd=tmp_path, **limits)

    assert (go("echo out; echo err >&2; exit 3").code, go("echo a").out) == (3, b"a\n")
    assert go("echo err >&2").error == "err\n"
    with pytest.raises(Overran, match="long"):
        go("sleep 60 & echo $! > pid; wait", seconds=0.2)
    with pytest.raises(ProcessLookupError):
        _wait_for_end(int((tmp_path / "pid").read_text()))
    with pytest.raises(Overran, match="more than"):
        go("yes")
    assert go("yes >&2 & p=$!; sleep 0.1; kill $p").error.startswith("y\ny\n")
    go("head -c 5000000 /dev/zero > big", file_bytes_max=100_000)
    assert (tmp_path / "big").stat().st_size <= 100_352
    with Child(
        ["cat"], env={"PATH": os.environ["PATH"]}, cwd=tmp_path, file_bytes_max=1, hears=True
    ) as cat:
        cat.say(b"one\ntwo")
        assert (cat.line(5), cat.exactly(3, 5), cat.line(5)) == (b"one", b"two", b"")
        cat.say(b"x" * 10_000)
        with pytest.raises(Overran, match="without end"):
            cat.line(5, bytes_max=100)


def _wait_for_end(pid: int) -> None:
    """Return only by failing: until a process that was killed is gone."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        os.kill(pid, 0)
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            raise ProcessLookupError
        time.sleep(0.01)


def test_a_failed_file_stays(repository: Repository, tmp_path: Path) -> None:
    """A file that has grown too large keeps what it last said in the library."""
    library = Synced()
    repository.write(a="alpha", b="beta")
    library.sync(source(repository, tmp_path, size_max_bytes=100))
    repository.write(a="x" * 200)
    assert library.sync(source(repository, tmp_path, size_max_bytes=100)) == {"a.md": FAILED}
    assert library.holds() == {"a.md": "alpha", "b.md": "beta"}
