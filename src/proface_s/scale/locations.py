"""Folders and fsspec URLs: what is in them, and files that appear in them whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..errors import DiskFullError, ImageError, UsageError, foreign_text, masked_url
from ..image.names import is_temporary, temporary_name
from ..image.write import write_atomic
from .urls import check_url

_OBJECT_STORES = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "r2"))
_FULL = ("no space left", "disk quota exceeded", "quota exceeded")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of any file system that fsspec knows; opened where it is used, so that it can go to workers.

    Attributes:
        url: ``s3://bucket/folder``, ``file:///folder``, or a path of this machine; it carries no secret.

    Raises:
        UsageError: if it does.
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
        with _told(self.url, "cannot be opened"):
            return _opened(self.url)[0]

    @property
    def root(self) -> str:
        """Path of the folder in its file system; raises as `fs`."""
        with _told(self.url, "cannot be opened"):
            return _opened(self.url)[1]

    @property
    def is_local(self) -> bool:
        """Whether this is a folder of this machine."""
        return "file" in _protocols(self.fs)

    def path(self, name: str) -> str:
        """Path of a file in the file system.

        Args:
            name: relative to the place, with ``/``.
        """
        return f"{self.root.rstrip('/')}/{name}" if name else self.root

    def exists(self) -> bool:
        """Whether the folder can be reached and is there; object stores know no empty folders, there the bucket counts.

        Raises:
            ImageError: the file system does not answer.
        """
        fs, root = self.fs, self.root
        if _protocols(fs) & _OBJECT_STORES:
            root = root.strip("/").split("/")[0]
        with _told(self.url, "cannot be reached"):
            fs.invalidate_cache()
            return bool(fs.exists(root))

    def make(self) -> None:
        """Make the folder, where it is missing.

        Raises:
            ImageError: it cannot be made.
        """
        with _told(self.url, "cannot be reached"):
            if not _protocols(self.fs) & _OBJECT_STORES:
                self.fs.makedirs(self.root, exist_ok=True)
        if not self.exists():
            raise ImageError(f"{self.url} cannot be reached", "check the name, and that you may write there")

    def empty(self) -> bool:
        """Whether nothing is in the folder."""
        with _told(self.url, "cannot be listed"):
            return not self.fs.exists(self.root) or not self.fs.ls(self.root, detail=False)

    def size(self, name: str) -> int | None:
        """Size of a file in bytes; None where there is none."""
        with _told(self.url, "cannot be reached"):
            try:
                size = self.fs.info(self.path(name))["size"]
            except FileNotFoundError:
                return None
            return None if size is None else int(size)

    def read(self, name: str) -> bytes:
        """All bytes of a file.

        Raises:
            ImageError: it cannot be read.
        """
        with _told(f"{self.url.rstrip('/')}/{name}", "cannot be read"):
            data: bytes = self.fs.cat_file(self.path(name))
            return data

    def write(self, name: str, data: bytes, *, like: str | int | None = None) -> None:
        """Write a file so that it appears whole or not at all, replacing what has its name.

        On a local disk: temporary file, flushed, read back, renamed.  In an object store a PUT is whole by itself.
        Elsewhere: temporary name, size checked, moved.

        Args:
            name: relative to the place.
            data: its content.
            like: on a local disk, a file or permissions: nobody but the owner gets more.

        Raises:
            ImageError: it cannot be written; `DiskFullError` where no space is left.
        """
        fs, path = self.fs, self.path(name)
        with _told(f"{self.url.rstrip('/')}/{name}", "cannot be written"):
            stored = _protocols(fs) & _OBJECT_STORES
            if not stored:
                if not fs.exists(self.root):  # it was there when the run began; what is there now is another disk
                    raise FileNotFoundError(self.root)
                fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            if self.is_local:
                write_atomic(path, data, overwrite=True, like=like)
            elif stored:
                fs.pipe_file(path, data)
            else:
                folder, _, last = path.rpartition("/")
                temporary = f"{folder}/{temporary_name(last)}"
                try:
                    fs.pipe_file(temporary, data)
                    if fs.info(temporary)["size"] != len(data):
                        raise OSError("what was written is not complete")
                    fs.mv(temporary, path)
                except BaseException:
                    with suppress(Exception):
                        fs.rm_file(temporary)
                    raise

    def clear(self, name: str) -> None:
        """Delete what an attempt at a file left behind when it was killed; the attempt must be over."""
        folder, _, last = self.path(name).rpartition("/")
        with suppress(Exception):  # it is hidden, and nothing depends on it
            for path in self.fs.ls(folder, detail=False):
                if is_temporary(path.rpartition("/")[2], last):
                    self.fs.rm_file(path)

    def remove(self, name: str) -> None:
        """Delete a file, where it is there."""
        with _told(f"{self.url.rstrip('/')}/{name}", "cannot be deleted"), suppress(FileNotFoundError):
            self.fs.rm_file(self.path(name))

    def files(self, ending: str) -> list[str]:
        """Names of the files of the folder itself, sorted; those that begin with a dot are left out."""
        with _told(self.url, "cannot be listed"):
            fs = self.fs
            fs.invalidate_cache()
            found = fs.ls(self.root, detail=False) if fs.exists(self.root) else []
        names = (os.fspath(path).rstrip("/").rsplit("/", 1)[-1] for path in found)
        return sorted(name for name in names if name.endswith(ending) and not name.startswith("."))


def place_of(text: str) -> Place:
    """The place that a user named; a path becomes absolute, so that it means the same on every worker.

    Raises:
        UsageError: nothing can open it, or it carries a secret.
        ImageError: its host cannot be reached.
    """
    place = Place(text if "://" in text else os.path.abspath(text))
    try:
        _opened(place.url)
    except ImportError as missing:
        hint = "install what reads this kind of URL, here and on the workers"
        raise UsageError(f"{place}: {foreign_text(missing)}", hint) from None
    except ValueError as error:
        hint = "give a folder, or a URL of a file system that fsspec knows"
        raise UsageError(f"{place}: {foreign_text(error)}", hint) from None
    except Exception as error:
        raise ImageError(f"{place} cannot be reached: {foreign_text(error)}") from None
    return place


def contains(outer: Place, inner: Place) -> bool:
    """Whether a place is another one or lies in it."""
    if _protocols(outer.fs) != _protocols(inner.fs):
        return False
    return (inner.root.rstrip("/") + "/").startswith(outer.root.rstrip("/") + "/")


def find_pictures(place: Place, suffixes: frozenset[str], *, recursive: bool = True) -> Iterator[str]:
    """Names of the pictures of a place, relative to it, folder by folder; one folder's names are held at a time.

    Names that begin with a dot are left alone.

    Raises:
        ImageError: a folder cannot be listed.
    """
    root = place.root.rstrip("/")
    with _told(place.url, "cannot be listed"):
        for folder, folders, files in place.fs.walk(place.root, on_error="raise", detail=True):
            inside = os.fspath(folder).rstrip("/")[len(root) :].strip("/")
            for name in [each for each in folders if each.startswith(".") or not recursive]:
                del folders[name]
            for name in sorted(files):
                if name.startswith(".") or os.path.splitext(name)[1].lower() not in suffixes:
                    continue
                # a pipe or a device would keep a worker waiting; so would a link to one.  A link to nothing fails
                path, kind = files[name]["name"], files[name].get("type")
                dangling = files[name].get("islink") and not place.fs.exists(path)
                if kind != "other" or place.fs.isfile(path) or dangling:
                    yield f"{inside}/{name}" if inside else name


def digest(data: bytes) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
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
def _told(name: str, what: str) -> Iterator[None]:
    """Turns whatever a file system raises into an `ImageError` that names the place and says what could not be done."""
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
