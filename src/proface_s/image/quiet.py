"""Keep decoders from writing to standard error behind the program's back."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import Final

import PIL

from ..threads import SharedSetting

_warnings: Final = SharedSetting()


def without_warnings() -> AbstractContextManager[None]:
    """Ignore what Pillow warns of until the block ends: odd metadata in sound files; what matters, it raises.

    Python's filters for warnings belong to the process, except where each thread has its own.
    """
    if getattr(sys.flags, "context_aware_warnings", False):
        return _ignored()
    return _warnings.changed(_ignore)


@contextlib.contextmanager
def _ignored() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
        yield


def _ignore() -> Callable[[], object]:
    stack = contextlib.ExitStack()
    stack.enter_context(_ignored())
    return stack.close


@lru_cache(1)
def silence_log() -> None:
    """Keep Pillow's log from standard error, where it goes in programs without a logging configuration."""
    logging.getLogger("PIL").addHandler(logging.NullHandler())


@lru_cache(1)
def silence_libtiff() -> bool:
    """Remove the handlers with which libtiff prints errors and warnings; failures are still raised.

    The handlers belong to the library, not to a thread or a file, so once per process is enough.

    Returns:
        Whether the library that Pillow uses was found.
    """
    from PIL import Image  # loads the library

    silenced = False
    for path in dict.fromkeys(_candidates(Path(Image.__file__).parent)):
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(path)
            for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
                function = getattr(library, name)
                function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_void_p
                function(None)
            silenced = True
    return silenced


def _candidates(package: Path) -> Iterator[str]:
    """Yield paths of the libtiff that this process has loaded, or may have; loading it again returns the same one."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines():
            path = line.partition("/")[1] + line.partition("/")[2]
            if "libtiff" in Path(path).name:
                yield path
    for folder in (package.parent / "pillow.libs", package / ".dylibs"):
        yield from map(str, sorted(folder.glob("libtiff*")))
    if PIL.__version__ and (found := ctypes.util.find_library("tiff")):
        yield found
