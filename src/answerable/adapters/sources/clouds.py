"""Buckets of clouds that do not speak S3, through what fsspec has for them.

Those libraries connect and find credentials by themselves, so they are only let go where their
cloud is: whatever would send them elsewhere is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, Protocol

from answerable.adapters.sources.bucket import Got, Listed, NotGot, Store
from answerable.domain.errors import BadInput, NotReady, SourceFailed

PACKAGES = {"gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs", "oss": "ossfs"}
"""Protocols, and the packages that speak them."""

_ELSEWHERE = ("endpoint", "host", "url", "proxy", "proxies", "connection_string", "session")
_TAGS = ("ETag", "etag", "md5Hash", "content_md5", "checksum", "md5")
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "modified", "created")


class FileSystem(Protocol):
    """What is used of an fsspec file system."""

    def find(self, path: str, *, detail: bool) -> Mapping[str, Mapping[str, Any]]:
        """Return everything below a path, by its own path."""
        ...

    def open(self, path: str, mode: str) -> Any:
        """Open an object."""
        ...


def filesystem(protocol: str, options: Mapping[str, Any]) -> FileSystem:
    """Return the file system of a cloud.

    Args:
        protocol: One of `PACKAGES`.
        options: Credentials and project, as its package names them.

    Raises:
        BadInput: It is another protocol, or an option would send it elsewhere.
        NotReady: Its package is not installed.
    """
    if protocol not in PACKAGES:
        raise BadInput(
            f"buckets of {protocol!r} are not read",
            hint=f"one of {', '.join(sorted(PACKAGES))}; S3 is spoken directly",
        )
    for name in options:
        if any(part in name.lower() for part in _ELSEWHERE):
            raise BadInput(
                f"the option {name} could lead to another host",
                hint="leave it out; for services of your own use one that speaks S3",
            )
    try:
        fsspec = import_module("fsspec")
        found: FileSystem = fsspec.filesystem(
            protocol, skip_instance_cache=True, use_listings_cache=False, **options
        )
    except ImportError as error:
        raise NotReady(
            f"what speaks {protocol} is not installed",
            hint=f"pip install {PACKAGES[protocol]}",
        ) from error
    return found


class FsspecStore:
    """A bucket that fsspec reads.

    Args:
        protocol: Of the cloud, for its name.
        bucket: Its name there.
        files: The file system; `filesystem` makes one.
    """

    def __init__(self, protocol: str, bucket: str, files: FileSystem) -> None:
        self._protocol = protocol
        self._bucket = bucket.strip("/")
        self._files = files

    @property
    def name(self) -> str:
        """Protocol and bucket."""
        return f"{self._protocol}://{self._bucket}"

    def objects(self, prefix: str) -> Iterator[Listed]:
        """Give every object whose key begins so, in the order of keys.

        Raises:
            SourceFailed: The bucket cannot be read.
        """
        root = f"{self._bucket}/"
        try:
            found = self._files.find(f"{root}{prefix}".rstrip("/"), detail=True)
        except Exception as error:  # each cloud has errors of its own
            raise self._failed(error) from error
        for path in sorted(found):
            key = path.lstrip("/").removeprefix(root)
            about = found[path]
            if key.startswith(prefix) and about.get("type", "file") == "file":
                yield Listed(key=key, size=int(about.get("size") or 0), etag=_tag(about))

    def read(self, key: str, *, bytes_max: int) -> Got | None:
        """Return an object; None when it is gone.

        Raises:
            NotGot: It cannot be read, or is larger.
        """
        try:
            with self._files.open(f"{self._bucket}/{key}", "rb") as file:
                data = bytes(file.read(bytes_max + 1))
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise NotGot("unreadable", "permission denied", is_down=True) from error
        except Exception as error:  # each cloud has errors of its own
            raise NotGot("unreadable", "its bucket does not give it", is_down=True) from error
        if len(data) > bytes_max:
            raise NotGot("too_large", "it is larger than its bucket says")
        return Got(data=data)

    def close(self) -> None:
        """Nothing is open."""

    def _failed(self, error: Exception) -> SourceFailed:
        if isinstance(error, FileNotFoundError):
            reason, hint = "there is nothing there", "check its name and prefix"
        elif isinstance(error, PermissionError):
            reason, hint = "the credentials do not open it", "check them, and that they may list it"
        else:
            reason, hint = type(error).__name__, "look whether it is up, and the credentials right"
        return SourceFailed(
            f"the bucket {self.name} cannot be read: {reason}",
            hint=f"{hint}; its documents stay as they were",
            is_passing=not isinstance(error, FileNotFoundError | PermissionError),
        )


_: Callable[..., Store] = FsspecStore


def _tag(about: Mapping[str, Any]) -> str:
    """Return what changes when an object does, whatever its cloud calls it."""
    for name in _TAGS:
        if about.get(name):
            return str(about[name]).strip('"')
    for name in _TIMES:
        if about.get(name):
            return f"{about[name]}"
    return ""
