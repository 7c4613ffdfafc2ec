"""Folders and fsspec URLs: list them, read from them, and write to them atomically."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from ..errors import DiskFullError, ImageError, UsageError, foreign_text, masked_url
from ..image.names import is_temporary, temporary_name
from ..image.write import write_atomic
from .urls import check_url

_OBJECT_STORES = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "r2"))
_PART: Final = 1 << 20
_FULL = ("no space left", "disk quota exceeded", "quota exceeded")


@dataclass(frozen=True, slots=True)
class Location:
    """A folder of any file system that fsspec knows; it is opened on use, so that it can be sent to workers.

    Attributes:
        url: ``s3://bucket/folder``, ``file:///folder``, or a path of this machine; without secrets.

    Raises:
        UsageError: if the URL carries a secret.
    """

    url: str

    def __post_init__(self) -> None:
        check_url(self.url)

    def __str__(self) -> str:
        return masked_url(self.url)

    @property
    def fs(self) -> Any:
        """The file system.

        Raises:
            ImageError: if it cannot be opened.
        """
        with _explained(self.url, "cannot be opened"):
            return _opened(self.url)[0]

    @property
    def root(self) -> str:
        """Path of the folder in its file system; errors as in `fs`."""
        with _explained(self.url, "cannot be opened"):
            return _opened(self.url)[1]

    @property
    def is_local(self) -> bool:
        """Whether this is a folder of this machine."""
        return "file" in _protocols(self.fs)

    def path(self, name: str) -> str:
        """Return the path of a file in the file system.

        Args:
            name: relative to the folder, with ``/``.
        """
        return f"{self.root.rstrip('/')}/{name}" if name else self.root

    def exists(self) -> bool:
        """Return whether the folder exists; in object stores, which have no empty folders, whether the bucket does.

        Raises:
            ImageError: if the file system does not answer.
        """
        fs, root = self.fs, self.root
        if _protocols(fs) & _OBJECT_STORES:
            root = root.strip("/").split("/")[0]
        with _explained(self.url, "cannot be reached"):
            fs.invalidate_cache()
            return bool(fs.exists(root))

    def make(self) -> None:
        """Make the folder if it is missing.

        Raises:
            ImageError: if it cannot be made.
        """
        with _explained(self.url, "cannot be reached"):
            if not _protocols(self.fs) & _OBJECT_STORES:
                self.fs.makedirs(self.root, exist_ok=True)
        if not self.exists():
            raise ImageError(f"{self.url} cannot be reached", code="unreachable-location")

    def empty(self) -> bool:
        """Return whether the folder is empty or missing."""
        with _explained(self.url, "cannot be listed"):
            return not self.fs.exists(self.root) or not self.fs.ls(self.root, detail=False)

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, or None if the file or its size does not exist."""
        with _explained(self.url, "cannot be reached"):
            try:
                size = self.fs.info(self.path(name))["size"]
            except FileNotFoundError:
                return None
            return None if size is None else int(size)

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            ImageError: if it cannot be read.
        """
        with _explained(f"{self.url.rstrip('/')}/{name}", "cannot be read"):
            data: bytes = self.fs.cat_file(self.path(name))
            return data

    def write(self, name: str, data: bytes, *, like: str | int | None = None) -> None:
        """Write a file atomically, replacing any file of that name.

        On a local disk: temporary file, flushed, read back, renamed.  In an object store a PUT is atomic.  Elsewhere:
        temporary name, size checked, moved.

        Args:
            name: relative to the folder.
            data: its content.
            like: on a local disk, a file or permissions: group and others get no more than it grants.

        Raises:
            DiskFullError: if no space is left.
            ImageError: if it cannot be written for another reason.
        """
        if self.is_local:
            path = self.ready_path(name)
            with _explained(f"{self.url.rstrip('/')}/{name}", "cannot be written"):
                write_atomic(path, data, overwrite=True, like=like)
        else:
            self._send(name, len(data), lambda path: self.fs.pipe_file(path, data))

    def put(self, name: str, source: str) -> None:
        """Copy a file of this machine to a file system elsewhere, atomically; for what is too large for `write`.

        Args:
            name: relative to the folder.
            source: path of the file.

        Raises:
            DiskFullError, ImageError: as `write`.
        """
        self._send(name, os.path.getsize(source), lambda path: self.fs.put_file(source, path))

    def get(self, name: str, target: str) -> None:
        """Copy a file to this machine.

        Args:
            name: relative to the folder.
            target: path of the copy.

        Raises:
            DiskFullError: if no space is left here.
            ImageError: if it cannot be read.
        """
        with _explained(f"{self.url.rstrip('/')}/{name}", "cannot be read"):
            self.fs.get_file(self.path(name), target)

    def digest(self, name: str) -> str:
        """Return the SHA-256 of a file, in hexadecimal, without holding all of it.

        Raises:
            ImageError: if it cannot be read.
        """
        with _explained(f"{self.url.rstrip('/')}/{name}", "cannot be read"), self.fs.open(self.path(name)) as file:
            found = hashlib.sha256()
            while part := file.read(_PART):
                found.update(part)
            return found.hexdigest()

    def ready_path(self, name: str) -> str:
        """Return the path of a file that is about to be written; its folder is made if it is missing.

        Raises:
            ImageError: if it cannot be made, or the location itself is gone.
        """
        fs, path = self.fs, self.path(name)
        with _explained(f"{self.url.rstrip('/')}/{name}", "cannot be written"):
            if not _protocols(fs) & _OBJECT_STORES:
                if not fs.exists(self.root):  # it existed when the run began: now this is another disk
                    raise FileNotFoundError(self.root)
                fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        return path

    def _send(self, name: str, size: int, send: Callable[[str], object]) -> None:
        """Write a file elsewhere: at once into an object store, else under a temporary name."""
        fs, path = self.fs, self.ready_path(name)
        with _explained(f"{self.url.rstrip('/')}/{name}", "cannot be written"):
            if _protocols(fs) & _OBJECT_STORES:
                send(path)
                return
            folder, _, last = path.rpartition("/")
            temporary = f"{folder}/{temporary_name(last)}"
            try:
                send(temporary)
                if fs.info(temporary)["size"] != size:
                    raise OSError("what was written is not complete")
                fs.mv(temporary, path)
            except BaseException:
                with suppress(Exception):
                    fs.rm_file(temporary)
                raise

    def clear(self, name: str) -> None:
        """Delete what a killed attempt to write a file left behind; call it when nobody writes the file."""
        folder, _, last = self.path(name).rpartition("/")
        with suppress(Exception):  # leftovers are hidden, and nothing depends on them
            for path in self.fs.ls(folder, detail=False):
                if is_temporary(path.rpartition("/")[2], last):
                    self.fs.rm_file(path)

    def remove(self, name: str) -> None:
        """Delete a file if it exists."""
        with _explained(f"{self.url.rstrip('/')}/{name}", "cannot be deleted"), suppress(FileNotFoundError):
            self.fs.rm_file(self.path(name))

    def files(self, ending: str) -> list[str]:
        """Return the sorted names of the files directly in the folder, without those that begin with a dot."""
        with _explained(self.url, "cannot be listed"):
            fs = self.fs
            fs.invalidate_cache()
            found = fs.ls(self.root, detail=False) if fs.exists(self.root) else []
        names = (os.fspath(path).rstrip("/").rsplit("/", 1)[-1] for path in found)
        return sorted(name for name in names if name.endswith(ending) and not name.startswith("."))


def location_of(text: str) -> Location:
    """Return the location that a user named; a path becomes absolute, so that it means the same on every worker.

    Raises:
        UsageError: if no file system can open it, or it carries a secret.
        ImageError: if its host cannot be reached.
    """
    location = Location(text if "://" in text else os.path.abspath(text))
    try:
        _opened(location.url)
    except ImportError as missing:
        raise UsageError(f"{location}: {foreign_text(missing)}", code="url-support") from None
    except ValueError as error:
        raise UsageError(f"{location}: {foreign_text(error)}", code="unknown-url") from None
    except Exception as error:
        raise ImageError(f"{location} cannot be reached: {foreign_text(error)}") from None
    return location


def contains(outer: Location, inner: Location) -> bool:
    """Return whether ``inner`` is ``outer`` or lies in it."""
    if _protocols(outer.fs) != _protocols(inner.fs):
        return False
    return (inner.root.rstrip("/") + "/").startswith(outer.root.rstrip("/") + "/")


def picture_names(location: Location, suffixes: frozenset[str], *, recursive: bool = True) -> Iterator[str]:
    """Yield the relative names of the pictures in a location, folder by folder; holds one folder's names at a time.

    Names that begin with a dot are skipped.

    Args:
        location: where to look.
        suffixes: lower-case suffixes of pictures, each with its dot.
        recursive: include subfolders.

    Raises:
        ImageError: if a folder cannot be listed.
    """
    root = location.root.rstrip("/")
    with _explained(location.url, "cannot be listed"):
        for folder, folders, files in location.fs.walk(location.root, on_error="raise", detail=True):
            inside = os.fspath(folder).rstrip("/")[len(root) :].strip("/")
            for name in [each for each in folders if each.startswith(".") or not recursive]:
                del folders[name]
            for name in sorted(files):
                if name.startswith(".") or os.path.splitext(name)[1].lower() not in suffixes:
                    continue
                # skip pipes and devices, and links to them: a worker would wait for ever; a link to nothing fails
                path, kind = files[name]["name"], files[name].get("type")
                dangling = files[name].get("islink") and not location.fs.exists(path)
                if kind != "other" or location.fs.isfile(path) or dangling:
                    yield f"{inside}/{name}" if inside else name


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


@lru_cache(64)
def _opened(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    fs, path = url_to_fs(url)
    return fs, str(path)


def _protocols(fs: Any) -> frozenset[str]:
    found = fs.protocol
    return frozenset((found,) if isinstance(found, str) else found)


@contextmanager
def _explained(name: str, what: str) -> Iterator[None]:
    """Turn anything that a file system raises into an `ImageError` that names the file and what could not be done."""
    try:
        yield
    except (ImageError, UsageError):
        raise
    except Exception as error:
        if isinstance(error, FileNotFoundError):
            raise ImageError(f"{masked_url(name)} {what}: there is no such file or folder") from None
        reason = foreign_text(error)
        kind = DiskFullError if any(word in reason.lower() for word in _FULL) else ImageError
        raise kind(f"{masked_url(name)} {what}: {reason}") from None
