"""Hints of the command line: for errors that the library describes without naming any option, by error code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..errors import ProFaceError
from ..hints import PLAIN_HINTS, hint_for

_FROM_PIXELS: Final = "--from-pixels ignores the header and reads the records in the pixels, if there are any"

HINTS: Final[Mapping[str, str]] = PLAIN_HINTS | {
    "contradiction": _FROM_PIXELS,
    "engine-option": "protect single photos with it",
    "exists": "choose another name, or use --overwrite",
    "foreign-manifest": "name another folder with --manifest",
    "jpeg-from-pixels": "leave --from-pixels out",
    "jpeg-needs-seals": "leave --format jpeg out, or name a .png; or leave out --no-seal, --wrong-key and --model",
    "kit-empty": "save what arrived in a folder of it that is named after the app",
    "kit-exists": "name a new folder, or a kit that `proface channels` made",
    "manifest-in-target": "it tells which output was made from which photo; keep it with the originals",
    "model-mode": "choose the mode with --wrong-key, or another model with --model",
    "no-detector": "choose --detector centerface, which finds fewer small faces, or mark the faces with --box X,Y,W,H "
    "and --faces none",
    "no-face": "mark the face with --box X,Y,W,H, or pass --allow-no-face to copy the photo as it is",
    "no-face-named": "name it with --face, by the number that `proface inspect` shows",
    "no-kit": "make a new one: `proface channels NEW-FOLDER`",
    "no-manifest": "name its manifest with --manifest, choose another target, or use --overwrite",
    "no-recipients": "make a key pair with `proface keygen -o FILE`, and give its public key with -r age1...",
    "nobody": "mark a face with --box T0-T1:X,Y,W,H, with times in seconds",
    "no-record": "see `proface inspect`",
    "no-scheduler": "leave --scheduler out, or choose --engine dask",
    "no-workers": "start some, then start this run again",
    "other-manifest": "repeat the arguments of that run, or name another folder with --manifest",
    "overlapping-locations": "choose another target",
    "pixels-changed": "use the file as `proface protect` wrote it; " + _FROM_PIXELS,
    "port-in-use": "choose another --port",
    "recipients-only": "it was made for recipients: give the private key of one with -i FILE",
    "recompressed": "use the file as `proface protect` wrote it, or a copy that no program has saved again",
    "resized": "the picture was resized, cropped or turned after it was protected, or the header is another file's; "
    + _FROM_PIXELS,
    "secret-in-url": "put it into fsspec's configuration, or where the file system looks for it",
    "share-cover-mode": "leave --robust or --wrong-key cover out",
    "share-inside-alpha": "leave --share-inside out, for a second file",
    "share-inside-seal": "leave --share-inside or --no-seal out",
    "share-size": "choose another --share-size",
    "share-unreadable": "leave --robust out: the protected file alone can be made",
    "share-many-faces": "choose fewer faces with --faces, or send the protected file as a file",
    "share-too-full": "choose --share-size 2048, --share-region photo, or fewer faces with --faces",
    "sidecar-differs": "one of them was changed; leave --sidecar out to use the file's own",
    "unexpected-mode": "somebody may have changed the file: ask for it again, or leave --expect out",
    "unknown-url": "give a folder, or a URL of a file system that fsspec knows",
    "unreachable-engine": "check its address",
    "unreachable-location": "check the name, and that you may write there",
    "unusable-sticker": "stickers: {known}, or the path of a PNG with transparency",
    "url-support": "install what reads this kind of URL, here and on the workers",
    "weak-passphrase": "use several random words; an empty answer at the prompt of `proface protect` generates some",
    "worker-location": "name locations that all workers can reach",
    "worker-memory": "give each worker more memory",
    "worker-package": "install 'proface-s[scale]' on every worker, in the version that is here",
    "worker-version": "install the same version everywhere",
    "workers-died": "there may be too little memory for it; look at it alone, without --engine",
}
"""Code of an error -> hint, in which ``{name}`` stands for a fact of the error."""


def command_line_hint(error: ProFaceError) -> str | None:
    """Return the command line's hint for an error; None if there is none.

    Args:
        error: as it was raised.
    """
    return hint_for(error, HINTS)
