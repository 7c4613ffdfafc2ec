"""Run a program under strace in a home of its own, and find out whom it asked and what it left behind."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import proface_s

CHANGES = (
    "open,openat,openat2,creat,rename,renameat,renameat2,mkdir,mkdirat,mknod,mknodat,unlink,unlinkat,rmdir,link,linkat,"
    "symlink,symlinkat,truncate,chmod,fchmodat,chown,lchown,fchownat,utime,utimes,utimensat,futimesat,setxattr"
)
DEVICES = ("/dev/null", "/dev/tty", "/dev/pts/", "/proc/self/", "/dev/dri", "/dev/shm/")
CALL = re.compile(r"^(?P<process>\d+) +(?P<name>\w+)\((?P<arguments>.*)$")
PATH = re.compile(r'(?:(?:AT_FDCWD|\d+)<(?P<folder>[^>]*)>, )?"(?P<name>(?:[^"\\]|\\.)*)"')
ADDRESS = re.compile(r"sin6?_port=htons\((\d+)\).*?(?:inet_addr\(\"|inet_pton\(AF_INET6, \")([^\"]+)\"")
PATIENCE = 600  # seconds until a test gives up; strace slows programs down several times
KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC")


@functools.cache
def why_not() -> str:
    """Why nothing can be watched here; empty where it can."""
    if sys.platform != "linux" or shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(
        ["strace", "-f", "-y", "-o", os.devnull, "true"], capture_output=True, text=True, timeout=PATIENCE
    )
    return f"strace may not trace: {tried.stderr.strip()[-200:]}" if tried.returncode else ""


@dataclass
class Watched:
    """A program that runs, or ran, in ``folder`` with an empty home and an empty folder for temporary files.

    Attributes:
        loopback: whether it may use this machine's own addresses.
        system: files of the system that it may change.
    """

    folder: Path
    loopback: bool = False
    system: tuple[str, ...] = ()
    process: subprocess.Popen[str] = field(init=False)

    @property
    def home(self) -> Path:
        return self.folder.parent / f"{self.folder.name}-home"

    @property
    def temporary(self) -> Path:
        return self.folder.parent / f"{self.folder.name}-tmp"

    @property
    def log(self) -> Path:
        return self.folder.parent / f"{self.folder.name}.strace"

    def start(self, command: Sequence[str], **environment: str) -> Watched:
        """Start a command; what the surroundings say about homes, caches and proxies is not passed on."""
        for folder in (self.folder, self.home, self.temporary):
            folder.mkdir(exist_ok=True)
        passed = {name: os.environ[name] for name in KEPT if name in os.environ}
        passed |= {"HOME": str(self.home), "TMPDIR": str(self.temporary), "PYTHONDONTWRITEBYTECODE": "1"}
        passed |= {"PYTHONPATH": str(Path(proface_s.__file__).parents[1]), "OMP_WAIT_POLICY": "PASSIVE", **environment}
        trace = ["strace", "-f", "-qq", "-y", "-s", "512", "--seccomp-bpf", "-e", f"trace=network,{CHANGES}"]
        self.process = subprocess.Popen(
            [*trace, "-o", str(self.log), *command], cwd=self.folder, env=passed, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        return self

    def interrupt(self) -> None:
        """Send what Ctrl-C sends, to the program itself."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children[:1]:
            os.kill(int(child), signal.SIGINT)

    def stop(self) -> None:
        """End what a failed test has left running."""
        if hasattr(self, "process"):
            if self.process.poll() is None:
                with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                    self.interrupt()
            self.process.communicate(timeout=PATIENCE)

    def finish(self, *outputs: str, code: int = 0) -> None:
        """Wait for the end, and check that it was silent and left these files in its folder, beside what was there.

        Args:
            outputs: every file it may leave, relative to the folder.
            code: its exit code.
        """
        out, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == code, out + err
        left = {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()}
        assert left == set(outputs), f"left {sorted(left)}"
        complaints = self.complaints()
        assert not complaints, "\n".join(complaints)

    def complaints(self) -> list[str]:
        """Everything that it should not have done."""
        stayed = [str(path) for folder in (self.home, self.temporary) for path in sorted(folder.rglob("*"))]
        return [*(f"left {path}" for path in stayed), *dict.fromkeys(self._complaints())]

    def _complaints(self) -> Iterator[str]:
        for line in self.log.read_text(errors="replace").splitlines():
            call = CALL.match(line)
            if not call:
                continue
            name, arguments = call["name"], call["arguments"]
            if name in CHANGES.split(","):
                yield from (f"{name} {path}" for path in self._changed(name, arguments) if not self._may_change(path))
            else:
                yield from self._asked(name, arguments)

    def _changed(self, name: str, arguments: str) -> Iterator[Path]:
        """Paths that a call would change, or whose reading betrays a question."""
        found = [Path(match["folder"] or self.folder, match["name"]) for match in PATH.finditer(arguments)]
        if name in ("open", "openat", "openat2"):
            asks = [path for path in found if path == Path("/etc/resolv.conf")]
            found = found[:1] if WRITES.search(arguments) else asks
        if name in ("symlink", "symlinkat"):
            found = found[1:]
        yield from found

    def _may_change(self, path: Path) -> bool:
        if str(path).startswith((*DEVICES, *self.system)):
            return True
        if "__pycache__" in path.parts:  # the interpreter's, beside its modules
            return True
        real = Path(os.path.normpath(path))
        return any(real == folder or folder in real.parents for folder in (self.folder, self.temporary))

    def _asked(self, name: str, arguments: str) -> Iterator[str]:
        """Addresses other than this machine's, names looked up, and doors open to other machines."""
        for port, text in ADDRESS.findall(arguments):
            address = ipaddress.ip_address(text)
            nowhere = name in ("accept", "accept4", "getsockname", "getpeername", "recvfrom") and address.is_unspecified
            if not (self.loopback and address.is_loopback and port != "53") and not nowhere:
                yield f"{name} {text} port {port}"
        if re.search(r'sun_path="[^"]*resolve', arguments):
            yield f"{name} {arguments[:80]}"
        if name == "socket" and not re.match(r"AF_(UNIX|LOCAL|NETLINK|INET6?)\b", arguments):
            yield f"{name} {arguments[:80]}"


def python(code: str) -> list[str]:
    """A command that runs a piece of Python."""
    return [sys.executable, "-c", code]


def proface(*arguments: str) -> list[str]:
    """A command line of ours."""
    return [sys.executable, "-m", "proface_s", *arguments]
