"""The repository itself: what a clone contains and what it promises."""

import ast
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
MACHINE_PATH = re.compile(r"(?<![\w.~>}*-])/(?:home|Users|root|work|builds|mnt)/[\w.-]+")


def tree() -> list[Path]:
    """Return every file that is in Git or would be added."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a Git checkout: what belongs to the tree cannot be told")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    paths = (ROOT / os.fsdecode(name) for name in listed.split(b"\0") if name)
    return [path for path in paths if path.is_file()]


def pins(lock: str) -> dict[str, set[str]]:
    """Return the pinned versions of a lock file by package; markers may pin two."""
    found: dict[str, set[str]] = {}
    text = (ROOT / "requirements" / lock).read_text()
    for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, flags=re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def test_no_path_of_one_machine() -> None:
    """Nothing in the tree names a folder that exists on one person's machine only."""
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tree()
        # Vendored unmodified: its pages show folders of readers' machines.
        if "kubernetes-docs" not in path.parts
        for match in MACHINE_PATH.finditer(path.read_bytes().decode("utf-8", "replace"))
    ]
    assert found == []


def test_every_test_says_what_it_promises() -> None:
    """Every test function has a docstring."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_ci_can_be_run() -> None:
    """`.ci/run` is executable and runs the checks and the tests."""
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert {"make check", "make test"} <= set(script.read_text().splitlines())


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("lock.txt", PROJECT["build-system"]["requires"]),
        ("lock.txt", PROJECT["project"]["dependencies"]),
        ("lock.txt", PROJECT["dependency-groups"]["dev"]),
        ("bench.txt", PROJECT["build-system"]["requires"]),
        ("bench.txt", PROJECT["project"]["dependencies"]),
        ("bench.txt", PROJECT["dependency-groups"]["bench"]),
    ],
    ids=["build", "run", "dev", "bench-build", "bench-run", "bench"],
)
def test_the_lock_holds_what_is_wanted(lock: str, wanted: list[str]) -> None:
    """Every dependency is pinned, to a version that pyproject.toml allows."""
    pinned = pins(lock)
    for requirement in map(Requirement, wanted):
        versions = pinned.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name}: run make lock"
        assert all(map(requirement.specifier.contains, versions)), f"{requirement}: run make lock"


def test_benchmarks_run_what_is_shipped() -> None:
    """A package in both locks has the same version in both."""
    shipped, measured = pins("lock.txt"), pins("bench.txt")
    assert {name: measured.get(name) for name in shipped} == shipped


@pytest.mark.parametrize("lock", ["lock.txt", "bench.txt"])
def test_locks_carry_hashes_and_no_address(lock: str) -> None:
    """Every pin has a hash, and a lock says what is installed, never from where."""
    text = (ROOT / "requirements" / lock).read_text()
    assert not re.search(r"://|--(?:index|extra-index|find-links|trusted-host)|-f ", text)
    blocks = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert blocks
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
