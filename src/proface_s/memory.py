"""Give memory back to the system between two pieces of work that need much of it.

The C library of Linux keeps memory that was freed, in an arena for each thread, and other threads do not use it: the
second pass over a clip would come on top of all that the first one needed.
"""

from __future__ import annotations

import ctypes


def return_free_memory() -> None:
    """Give back what the C library keeps of freed memory, if it can: glibc does; elsewhere nothing happens."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, TypeError, AttributeError):  # no handle of the process, as on Windows, or no such function
        return
