"""Files that the service holds for its clients, each in a private folder, and no longer than somebody uses them."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from ..problems import busy

try:
    import fcntl
except ImportError:  # Windows, where what a killed service has left stays until the system cleans up
    fcntl = None  # type: ignore[assignment]

PREFIX: Final = "proface-clips-"
_LOCK: Final = "lock"


class HeldFile:
    """A file in a folder of its own, which is removed with all that is in it when its last user releases it.

    Attributes:
        name: by which requests name it; nobody can guess it.
        folder: of the file.
        path: of the file.
        people: where who is in the clip is kept, once they have been found.
        upload: whether a client has sent it.
    """

    def __init__(self, holder: HeldFiles, root: Path, *, upload: bool) -> None:
        self.name = secrets.token_urlsafe(18)
        self.folder = root / self.name
        self.folder.mkdir(mode=0o700)
        self.path, self.people = self.folder / "clip", self.folder / "people.json"
        self.upload = upload
        self._holder, self._users, self._jobs = holder, 0, 0
        self._used = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """Time since a request or a job began or ended to use it; 0 while there is a job."""
        return 0.0 if self._jobs else time.monotonic() - self._used

    def hold(self) -> None:
        """Count one more user."""
        self._users += 1
        self._used = time.monotonic()

    def release(self) -> None:
        """Count one user less; without any, the file is removed."""
        self._users -= 1
        self._used = time.monotonic()
        if not self._users:
            self._holder.remove(self)

    def begin_job(self) -> None:
        """Count a job as a user."""
        self._jobs += 1
        self.hold()

    def end_job(self) -> None:
        """Count a job less."""
        self._jobs -= 1
        self.release()

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Use it during the block."""
        self.hold()
        try:
            yield
        finally:
            self.release()

    def begin(self) -> IO[bytes]:
        """Create the file, which nobody else can read, and return it to be written."""
        return os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")


class HeldFiles:
    """All files that a service holds; used in its event loop only.

    Args:
        most: uploads that may be held at the same time; there may be one result for each.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._root: Path | None = None
        self._lock: IO[Any] | None = None
        self._files: dict[str, HeldFile] = {}

    def new(self, *, upload: bool) -> HeldFile:
        """Return a new file, which nobody uses yet.

        Raises:
            RefusedError: 503 if there are too many.
            OSError: if its folder cannot be made.
        """
        if sum(each.upload is upload for each in self._files.values()) >= self._most:
            raise busy("as many clips as this service holds are being worked on")
        file = HeldFile(self, self._folder(), upload=upload)
        self._files[file.name] = file
        return file

    def get(self, name: str) -> HeldFile | None:
        """Return the file of a name; None if there is none (any more)."""
        return self._files.get(name)

    def remove(self, file: HeldFile) -> None:
        """Remove a file and its folder."""
        if self._files.pop(file.name, None) is not None:
            shutil.rmtree(file.folder, ignore_errors=True)

    def close(self) -> None:
        """Remove all files."""
        self._files.clear()
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)
            self._root = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _folder(self) -> Path:
        """Return the folder of all files; it is made for the first one."""
        if self._root is None:
            self._root = Path(tempfile.mkdtemp(prefix=PREFIX))  # mode 0700
            unlocked = self._root / f".{_LOCK}"
            self._lock = unlocked.open("wb")
            if fcntl is not None:
                fcntl.flock(self._lock, fcntl.LOCK_EX)
            unlocked.rename(self._root / _LOCK)  # which never was without its lock
        return self._root


def remove_leftovers() -> None:
    """Remove the folders of services that were killed: those of this user whose lock nobody holds."""
    if fcntl is None:
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another service may be making or removing it
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            with (folder / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
