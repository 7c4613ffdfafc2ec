"""Hints of the command line, for errors that the library describes without naming any option."""

from __future__ import annotations

from typing import Final

from ..errors import ProFaceError

_FROM_PIXELS: Final = "--from-pixels ignores the header and reads the records in the pixels, if there are any"

HINTS: Final = {
    "no-face": "mark the face with --box X,Y,W,H, or pass --allow-no-face to copy the photo as it is",
    "no-detector": "mark the faces with --box X,Y,W,H, with --faces none",
    "exists": "choose another name, or use --overwrite",
    "resized": "the picture was resized, cropped or turned after it was protected, or the header is another file's; "
    + _FROM_PIXELS,
    "pixels-changed": "use the file as `proface protect` wrote it; " + _FROM_PIXELS,
    "contradiction": _FROM_PIXELS,
    "mode": "somebody may have changed the file: ask for it again, or leave --expect out",
    "sidecar-differs": "one of them was changed; leave --sidecar out to use the file's own",
    "model-mode": "choose the mode with --wrong-key, or another model with --model",
    "no-record": "see `proface inspect`",
    "no-face-named": "name it with --face, by the number that `proface inspect` shows",
    "weak-passphrase": "use several random words; an empty answer at the prompt of `proface protect` generates some",
    "no-recipients": "make a key pair with `proface keygen -o FILE`, and give its public key with -r age1...",
    "recipients-only": "it was made for recipients: give the private key of one with -i FILE",
    "no-manifest": "name its manifest with --manifest, choose another target, or use --overwrite",
    "other-manifest": "repeat the arguments of that run, or name another folder with --manifest",
    "foreign-manifest": "name another folder with --manifest",
    "other-run": "choose another --out, or start from its weights with --init",
    "few-pictures": "add pictures, lower `validation`, or put the pictures of each person into a folder of their own "
    "below --data",
    "no-pictures": "name the run's folders with --data",
    "no-device": "use --device auto",
    "more-pictures": "name more folders with --data",
    "own-pictures": "give the attacker faces of his own with --own, or name more folders with --data",
    "small-faces": "choose a smaller --size, or --kind crops if every picture is one face",
    "other-report": "name another folder with --report",
    "port": "choose another --port",
}
"""Code of an error -> hint."""


def command_line_hint(error: ProFaceError) -> str | None:
    """Return the command line's own hint for an error, or else the error's hint.

    Args:
        error: as it was raised.
    """
    return HINTS.get(error.code or "", error.hint)
