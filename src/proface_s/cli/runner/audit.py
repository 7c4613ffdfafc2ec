"""The audit log: who did what when to which protected file, as JSON lines that are only ever appended.

Every deed is two lines with one ``id``: ``begin`` is on the disk before a file is opened with a key, so that nothing is
recovered where the log cannot be written; ``end`` says what came of it.  No line holds key material: of the keys used
it says of what kind they were, and of identities the public half.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import secrets
import socket
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...errors import ProFaceError, UsageError, without_secrets
from .errors import explain

if TYPE_CHECKING:
    from ...keys.access import Credentials
    from .plan import Task
    from .report import Report

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class AuditLog:
    """Notes the deeds of one command; without a path, notes nothing.

    Attributes:
        path: the log, or None.
        command: name of the command.
        keys: kinds of the keys it uses: ``passphrase``, ``face key``, ``identity age1...`` (the public half).
    """

    path: Path | None
    command: str
    keys: tuple[str, ...] = ()

    @classmethod
    def of(cls, path: Path | None, command: str, credentials: Credentials | None = None) -> AuditLog:
        """A log for a command that uses these credentials; looks at once whether it can be written.

        Raises:
            UsageError: the path names something that is no audit log.
            ProFaceError: it cannot be written.
        """
        log = cls(path, command, _kinds(credentials) if path is not None and credentials is not None else ())
        if path is not None:
            log._append(b"")
        return log

    @contextmanager
    def deed(self, source: Path, faces: Collection[int] | None = None) -> Iterator[dict[str, Any]]:
        """Note that something is done to a file, and what came of it.

        Args:
            source: the protected file.
            faces: the faces that are asked for; all where None.

        Yields:
            A dictionary for what the ``end`` line shall say; JSON values, no key material.

        Raises:
            ProFaceError: a line could not be written.  If it is the first, nothing has been done yet.
        """
        if self.path is None:
            yield {}
            return
        what = {"id": secrets.token_hex(8), "command": self.command, "input": without_secrets(str(source.absolute()))}
        asked = sorted(faces) if faces is not None else None
        wanted = {"input_sha256": _digest(source), "faces": asked, "keys": list(self.keys)}
        self._note("begin", {**what, **wanted, **_who()})
        outcome: dict[str, Any] = {}
        try:
            yield outcome
        except BaseException as error:
            failure = explain(error if isinstance(error, Exception) else KeyboardInterrupt())
            self._note("end", {**what, "exit_code": failure.exit_code, "error": failure.message, **outcome})
            raise
        self._note("end", {**what, "exit_code": 0, "error": None, **outcome})

    def audited(self, work: Callable[[Task], Report], faces: Collection[int] | None = None) -> Callable[[Task], Report]:
        """Work on a plan's tasks that notes each of them."""

        return _Audited(self, work, faces)

    def _note(self, event: str, what: dict[str, Any]) -> None:
        record = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **what}
        self._append(json.dumps(record, ensure_ascii=True).encode("ascii") + b"\n")

    def _append(self, line: bytes) -> None:
        """Add a line in one write, and wait until the disk has it."""
        assert self.path is not None
        try:
            descriptor = _open(self.path)
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
            raise ProFaceError(
                f"the audit log {self.path} cannot be written: {reason}", "nothing is opened with a key without it"
            ) from None


@dataclass(frozen=True, slots=True)
class _Audited:
    """Work that is noted; a class of its own, because it may have to go to other processes."""

    log: AuditLog
    work: Callable[[Task], Report]
    faces: Collection[int] | None

    def __call__(self, task: Task) -> Report:
        with self.log.deed(task.source, self.faces) as outcome:
            report = self.work(task)
            outcome["status"] = report.status
            outcome["output"] = str(report.target.absolute()) if report.target else None
            outcome["outcomes"] = list(report.faces)
            if report.failure is not None:
                outcome["exit_code"], outcome["error"] = report.failure.exit_code, report.failure.message
        return report


def _open(path: Path) -> int:
    """Open for appending; for reading too where that is allowed, to look at how the file begins and ends."""
    flags = os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
    try:
        return os.open(path, os.O_RDWR | flags, 0o600)
    except PermissionError:
        return os.open(path, os.O_WRONLY | flags, 0o600)


def _check(descriptor: int, path: Path) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"the audit log {path} is no ordinary file", "name a file with --audit")
    if status.st_size and _byte(descriptor, 0) not in (b"{", b"\n", b""):
        raise UsageError(f"{path} is not an audit log", "it holds something else, and is left as it is; name another")


def _is_torn(descriptor: int) -> bool:
    """Whether the last line was cut short, by a full disk or a power failure."""
    size = os.fstat(descriptor).st_size
    return size > 0 and _byte(descriptor, size - 1) not in (b"\n", b"")


def _byte(descriptor: int, at: int) -> bytes:
    """One byte of the file, or nothing where it may not be read."""
    try:
        return os.pread(descriptor, 1, at)
    except (OSError, AttributeError):
        return b""


def _kinds(credentials: Credentials) -> tuple[str, ...]:
    kinds = ["passphrase"] * bool(credentials.passphrases)
    kinds += [f"identity {identity.recipient}" for identity in credentials.identities]
    return (*kinds, *["face key"] * len(credentials.face_keys))


def _digest(source: Path) -> str | None:
    """SHA-256 of the file, or None where it cannot be read: then the command itself will say why."""
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
