"""Hints for the page's users, by error code; the library's own messages name no element of the page."""

from __future__ import annotations

from typing import Final

from ..errors import ProFaceError

_AS_SAVED: Final = "choose the file as it was saved; another program has changed this one"

HINTS: Final = {
    "no-face": "draw a box around the face, and try again",
    "no-detector": "the page needs a detector; the command line works with boxes alone",
    "resized": _AS_SAVED,
    "pixels-changed": _AS_SAVED,
    "contradiction": _AS_SAVED,
    "weak-passphrase": "use several random words; the page and /api/passphrase make some",
}
"""Code of an error -> hint."""


def hint_of(error: ProFaceError) -> str | None:
    """Return the page's hint for an error, or else the error's own hint.

    Args:
        error: the error to explain.
    """
    return HINTS.get(error.code or "", error.hint)
