"""Hints for the page's users, by error code; the library's own messages name no element of the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..errors import ProFaceError
from ..hints import PLAIN_HINTS, hint_for

_AS_SAVED: Final = "choose the file as it was saved; another program has changed this one"

HINTS: Final[Mapping[str, str]] = PLAIN_HINTS | {
    "contradiction": _AS_SAVED,
    "costly-passphrase": "an identity or a face key opens it without that work; no file made on this page asks "
    "for so much",
    "jpeg-from-pixels": "leave from_pixels out",
    "jpeg-needs-seals": "choose another file format, or leave model, wrong passphrase and exact copies as they are",
    "no-detector": "the page needs a detector; the command line works with boxes alone",
    "no-face": "draw a box around the face, and try again",
    "no-key": "give a passphrase, an identity or a face key",
    "nobody": "look closer for faces, or mark places with times on the command line",
    "pixels-changed": _AS_SAVED,
    "recompressed": _AS_SAVED,
    "resized": _AS_SAVED,
    "share-cover-mode": "leave the copy to send out, or let a wrong passphrase be refused",
    "share-inside-alpha": "let the copy to send be a file of its own",
    "share-inside-seal": "let the copy to send be a file of its own, or keep the exact copies",
    "share-size": "choose another size for the copy to send",
    "share-many-faces": "protect fewer faces, or send the protected picture itself as a file",
    "share-too-full": "choose a larger copy to send, let the whole photo carry it, or protect fewer faces",
    "share-unreadable": "leave the copy to send out: the protected file alone can be made",
    "unexpected-mode": "somebody may have changed the file: ask for it again, or recover it without demanding a mode",
    "weak-passphrase": "use several random words; the page and /api/passphrase make some",
}
"""Code of an error -> hint, in which ``{name}`` stands for a fact of the error."""


def page_hint(error: ProFaceError) -> str | None:
    """Return the page's hint for an error; None if there is none.

    Args:
        error: the error to explain.
    """
    return hint_for(error, HINTS)
