"""Files that appear complete or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..errors import DiskFullError, ImageError
from .names import temporary_name

PRIVATE: Final = 0o600
"""Permissions of a file that is not complete."""

_DISK_FULL: Final = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


@contextlib.contextmanager
def appearing_file(
    target: Path, *, overwrite: bool = False, like: str | os.PathLike[str] | int | None = None
) -> Iterator[Path]:
    """Give a temporary name in the folder of a file; what was written under it gets the file's name in one step.

    Without ``overwrite``, that step fails if the name is taken, even by a file that appeared a moment ago.  No
    temporary file is left behind, whatever is raised in between.

    A new file gets the permissions that the umask allows; a replaced file keeps its own.  Neither gets more than
    ``like`` has, so that a private photo stays private.

    Args:
        target: the file to create.
        overwrite: replace an existing file.
        like: a file, or permission bits: an upper limit to the permissions of everyone but the owner.

    Yields:
        The temporary name.  Create it with the permissions `PRIVATE`, and flush it to disk.

    Raises:
        ImageError: if the file exists, or its folder cannot be written to; `DiskFullError` if the disk is full.
    """
    if target.is_dir():
        raise ImageError(f"{target} is a directory")
    temporary = target.with_name(temporary_name(target.name))
    try:
        yield temporary
        with contextlib.suppress(OSError):  # some file systems have no permissions
            temporary.chmod(_permissions(target, like))
        if overwrite:
            os.replace(temporary, target)
        else:
            _publish_new(temporary, target)
        _sync_folder(target.parent)
    except FileExistsError:
        raise ImageError(f"{target} already exists", code="exists") from None
    except OSError as error:
        kind = DiskFullError if error.errno in _DISK_FULL else ImageError
        raise kind(f"{target} cannot be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _permissions(target: Path, like: str | os.PathLike[str] | int | None) -> int:
    """Return the permissions of a file that is about to be written; ``like`` is an upper limit."""
    most = _mode_of(like) if like is not None and not isinstance(like, int) else like
    mode = _mode_of(target)
    if mode is None:
        mode = _mode_of_new(target)
    return mode if most is None else mode & (most | PRIVATE)


def _mode_of(path: str | os.PathLike[str]) -> int | None:
    """Return the permissions of an existing file, else None."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        return None


def _mode_of_new(target: Path) -> int:
    """Return the permissions of a new file in the folder of a file, from an empty one that is deleted again.

    The umask cannot be read without setting it, for all threads.
    """
    probe = target.with_name(temporary_name(target.name))
    descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        return stat.S_IMODE(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)
        probe.unlink()


def _publish_new(temporary: Path, target: Path) -> None:
    """Give the temporary file its name, unless that name is taken (FileExistsError)."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:
        # No hard links on this file system (FAT, some network drives): claim the name, then replace the claim.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
        try:
            os.replace(temporary, target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power failure, if the system supports it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
