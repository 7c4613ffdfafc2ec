"""The audit log: who did what to which protected file and when, as JSON lines that are only ever appended.

Every operation has two lines with the same ``id``.  ``begin`` is on the disk before a file is opened with a key, so
that nothing is recovered if the log cannot be written; ``end`` has the outcome.  No line contains key material: keys
are noted by their kind, identities by their public half.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import secrets
import socket
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...errors import ProFaceError, UsageError, without_secrets
from ...hints import hinted
from .errors import explain

if TYPE_CHECKING:
    from ...keys.access import Credentials
    from .plan import FileTask
    from .report import TaskReport
    from .run import Work

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class AuditLog:
    """Records the operations of one command; without a path, records nothing.

    Attributes:
        path: the log, or None.
        command: name of the command.
        keys: kinds of the keys it uses: ``passphrase``, ``face key``, ``identity age1...`` (the public half).
    """

    path: Path | None
    command: str
    keys: tuple[str, ...] = ()

    @classmethod
    def open(cls, path: Path | None, command: str, credentials: Credentials | None = None) -> AuditLog:
        """Open a log for a command, and check that it can be written.

        Args:
            path: of the log, or None.
            command: name of the command.
            credentials: that the command uses, or None.

        Raises:
            UsageError: if the path names something that is not an audit log.
            ProFaceError: if the log cannot be written.
        """
        log = cls(path, command, _kinds(credentials) if path is not None and credentials is not None else ())
        if path is not None:
            log._append(b"")
        return log

    @contextmanager
    def recorded(self, source: Path, faces: Collection[int] | None = None) -> Iterator[dict[str, Any]]:
        """Record an operation on a file before the block, and its outcome after it.

        Args:
            source: the protected file.
            faces: the faces that are asked for; all if None.

        Yields:
            A dictionary for the fields of the ``end`` line: JSON values, no key material.

        Raises:
            ProFaceError: if a line cannot be written.  If it is the first, nothing has been done yet.
        """
        if self.path is None:
            yield {}
            return
        what = {"id": secrets.token_hex(8), "command": self.command, "input": without_secrets(str(source.absolute()))}
        asked = sorted(faces) if faces is not None else None
        wanted = {"input_sha256": _digest(source), "faces": asked, "keys": list(self.keys)}
        self._write("begin", {**what, **wanted, **_who()})
        outcome: dict[str, Any] = {}
        try:
            yield outcome
        except BaseException as error:
            failure = explain(error if isinstance(error, Exception) else KeyboardInterrupt())
            self._write("end", {**what, "exit_code": failure.exit_code, "error": failure.message, **outcome})
            raise
        self._write("end", {**what, "exit_code": 0, "error": None, **outcome})

    def recording(self, work: Work, faces: Collection[int] | None = None) -> Work:
        """Return work on the tasks of a plan that records each of them.

        Args:
            work: does one task.
            faces: the faces that are asked for; all if None.
        """
        return _RecordedWork(self, work, faces)

    def _write(self, event: str, what: dict[str, Any]) -> None:
        record = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **what}
        self._append(json.dumps(record, ensure_ascii=True).encode("ascii") + b"\n")

    def _append(self, line: bytes) -> None:
        """Append a line in one write, and wait until it is on the disk; an empty line only checks the file."""
        assert self.path is not None
        try:
            descriptor = _open_to_append(self.path)
            try:
                _check(descriptor, self.path)
                if line:
                    line = b"\n" * _is_torn(descriptor) + line
                    if os.write(descriptor, line) != len(line):
                        raise OSError(0, "the disk is full")
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            reason = error.strerror or str(error)
            raise hinted(
                ProFaceError(f"the audit log {self.path} cannot be written: {reason}"),
                "without it, nothing is opened with a key",
            ) from None


@dataclass(frozen=True, slots=True)
class _RecordedWork:
    """Work that is recorded; a class, because it may have to be sent to other processes."""

    log: AuditLog
    work: Work
    faces: Collection[int] | None

    def __call__(self, task: FileTask) -> TaskReport:
        with self.log.recorded(task.source, self.faces) as outcome:
            report = self.work(task)
            outcome["status"] = report.status
            outcome["output"] = str(report.target.absolute()) if report.target else None
            outcome["outcomes"] = list(report.faces)
            if report.failure is not None:
                outcome["exit_code"], outcome["error"] = report.failure.exit_code, report.failure.message
        return report


def _open_to_append(path: Path) -> int:
    """Open a file to append to it, and if allowed to read how it begins and ends."""
    flags = os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
    try:
        return os.open(path, os.O_RDWR | flags, 0o600)
    except PermissionError:
        return os.open(path, os.O_WRONLY | flags, 0o600)


def _check(descriptor: int, path: Path) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise hinted(UsageError(f"the audit log {path} is not an ordinary file"), "name a file with --audit")
    if status.st_size and _byte(descriptor, 0) not in (b"{", b"\n", b""):
        raise hinted(
            UsageError(f"{path} is not an audit log"),
            "it contains something else, and was not changed; name another file",
        )


def _is_torn(descriptor: int) -> bool:
    """Return whether the last line was cut short by a full disk or a power failure."""
    size = os.fstat(descriptor).st_size
    return size > 0 and _byte(descriptor, size - 1) not in (b"\n", b"")


def _byte(descriptor: int, at: int) -> bytes:
    """Return one byte of the file, or nothing if it may not be read."""
    try:
        return os.pread(descriptor, 1, at)
    except (OSError, AttributeError):
        return b""


def _kinds(credentials: Credentials) -> tuple[str, ...]:
    kinds = ["passphrase"] * bool(credentials.passphrases)
    kinds += [f"identity {identity.recipient}" for identity in credentials.identities]
    return (*kinds, *["face key"] * len(credentials.face_keys))


def _digest(source: Path) -> str | None:
    """Return the SHA-256 of the file, or None if it cannot be read: then the command itself says why."""
    digest = hashlib.sha256()
    try:
        with open(source, "rb") as file:
            while data := file.read(_CHUNK):
                digest.update(data)
    except OSError:
        return None
    return digest.hexdigest()


def _who() -> dict[str, Any]:
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = None
    uid = os.getuid() if hasattr(os, "getuid") else None
    return {"user": user, "uid": uid, "host": socket.gethostname(), "pid": os.getpid(), "version": __version__}
