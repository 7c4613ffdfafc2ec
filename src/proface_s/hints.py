"""What a user can do about an error: hints that read the same in every surface, and how a surface finds a hint.

`proface_s.cli.hints` and `proface_s.web.hints` add to this table what they say in words of their own.  Only surfaces
import this module: the library's errors state what is wrong, surfaces say what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from .errors import Fact, ProFaceError, without_secrets

PLAIN_HINTS: Final[dict[str, str]] = {
    "altered-seal": "without the seal the face can still be estimated from the pixels",
    "altered-face": "its pixels were changed after it was protected; use another copy of the file",
    "ambiguous-plug-in": "uninstall all but one of them",
    "bad-box": "give x,y,w,h in whole pixels, for example 40,30,120,150",
    "bad-face-key": "copy it again, from pfk1 to its last character",
    "bad-identity": "an identity is a line AGE-SECRET-KEY-1...",
    "bad-people": "give a file that lists the people of this clip, as it was found in it",
    "bad-recipient": "a recipient is a public key, age1...",
    "bad-same": "give two or more numbers, such as 3,7",
    "bad-timed-box": "give from-to:x,y,w,h, for example 0:12-0:15.5:40,30,120,150",
    "camera-raw": "export it from the camera's or your photo program as a JPEG, a PNG or an 8-bit TIFF",
    "colour-mode": "convert it to 8-bit RGB first",
    "cover-mode-keys": "any second way to open it would tell whether the first one is right",
    "cover-mode-seal": "a seal would tell whether a key is right; leave it out",
    "damaged-model": "reinstall the package",
    "damaged-picture": "copy or download it again",
    "damaged-sidecar": "copy or download it again",
    "deep-colour": "convert it to 8 bits per channel first",
    "empty-span": "give times within the clip",
    "empty-first-line": "write the passphrase on the first line",
    "encrypted-identity": "decrypt it with age first; a passphrase-protected one is not read",
    "face-numbers": "faces are counted from 1, left to right",
    "face-selection": "give all, none, or numbers such as 1,3",
    "face-without-keys": "give one for all faces",
    "fixed-passphrase": "protect the original again (files in cover mode store no key that could be locked again)",
    "format-limits": "write a PNG",
    "internal": "report it",
    "jpeg-quality": "95 makes differences invisible",
    "key-memory": "close other programs, or open the file on a machine with more memory",
    "long-name": "choose a shorter name",
    "lossy-output": "write a PNG: {better}",
    "many-agreements": "give fewer identities",
    "many-key-sets": "let several faces open with the same keys",
    "many-passphrases": "let several faces open with the same passphrase, or use public keys",
    "many-pixels": "scale it down first",
    "missing-extra": 'install the extra: pip install "proface-s[{extra}]"',
    "name-and-format": "leave the format out, or change the name",
    "newer-version": "install a newer version of proface-s",
    "no-folder": "create it first",
    "altered-chunk": "use another copy of the clip",
    "clip-codec": "codecs: {known}",
    "clip-exact-keys": "give all people the same keys; or seal the people, not the original",
    "clip-part": "give times within the clip, the first before the second",
    "clip-quality": "80 is hard to tell from the original",
    "lost-sidecar": "put it beside the clip, with the clip's name and .pfs behind it",
    "not-for-clips": "leave it out, or do it with photos",
    "stripped-track": "use the file as it was written, or its sidecar; programs that convert clips drop what they do "
    "not know",
    "unsteady-style": "styles that stay: pixelate, solid, blur, median",
    "no-frames": "copy or download it again",
    "no-video": "give a clip; sound alone has no faces",
    "not-a-clip": "give an MP4, MOV, MKV, WebM, AVI or MPEG file",
    "variable-resolution": "convert it to one size first",
    "no-header": "either it was never protected, or a program that drops unknown data has saved it again",
    "not-for-recipients": "give its passphrase, or a face key",
    "no-records": "either it was never protected, or it was compressed, scaled or drawn over since; a sidecar may help",
    "no-transparency": "write a PNG",
    "not-a-colour": "write it as #rrggbb, for example solid:#808080",
    "not-unicode": "check its encoding; use UTF-8",
    "odd-structure": "open it in another program and save it again",
    "other-clip": "find the people of this clip again",
    "other-face-key": "it opens one face of the file it was made from, and copies of it; not the same photo protected "
    "again",
    "older-model": "install the package proface-s-older-models, which is in the source of this program",
    "other-model": "this installation has {known}",
    "other-picture": "a sidecar lies beside its picture and has its name: look for the right pair",
    "other-recipients": "it was made for other recipients",
    "output-format": "let the name end with .png, .webp or .tif",
    "output-is-input": "choose another output name",
    "overlapping-faces": "give them the same {what}",
    "private-key-exists": "private keys are never overwritten; choose another name",
    "private-key-given": "give the public key, age1...; keep the private one to yourself",
    "protected-already": "recover it first, or use the original photo",
    "protected-kind": "let the name end with {suffix}",
    "public-key-given": "give the private key, AGE-SECRET-KEY-1...",
    "recipients-only": "it was made for recipients: give an identity",
    "ruined-records": "it was compressed, drawn over or cropped since; another copy of it, or its sidecar, may help",
    "several-passphrases": "give one",
    "several-pictures": "extract the frames or pages into files of their own",
    "share-faded": "ask for a copy that was compressed or reduced less, or for the protected file",
    "share-fixed": "delete it, and make another one; copies that were sent cannot be recalled",
    "share-inside-fixed": "protect the original photo again, and delete this file; copies that were sent cannot be "
    "recalled",
    "small-picture": "use a larger picture",
    "strength-range": "{style} takes {lowest:g} to {highest:g} ({unit}); the default is {default:g}",
    "style-choice": "it takes {known}",
    "style-option": "write {style} or {style}:{default:g}",
    "threads-variable": "unset it, or set it to the threads to use",
    "unread-records": "if the key is right, use another copy of the file, or its sidecar; else check for typing errors",
    "unknown-detector": "detectors: {known}",
    "unknown-face": "faces are numbered from 1 to {count}",
    "unknown-format": "supported are JPEG, PNG, WebP, TIFF, BMP and HEIC",
    "unknown-model": "models: {known}",
    "unknown-person": "the numbers are those of the contact sheet",
    "unknown-shape": "shapes: {known}",
    "unknown-style": "styles: {known}",
    "unsuitable-opencv": "install opencv-python-headless 4.12 or later, and no other build of OpenCV beside it",
    "unsupported-key": "only X25519 keys are supported: age1... for a recipient, AGE-SECRET-KEY-1... for an identity",
    "unsupported-picture": "open it in another program and save it as a PNG",
    "unusable-swapper": "docs/how-to/swappers.md says what a card holds",
    "unusable-sticker": "stickers: {known}",
    "verification-failed": "please report this",
    "weak-passphrase": "use several random words",
    "written-wrongly": "check the disk",
    "wrong-passphrase": "check for typing errors",
}
"""Code of an error -> hint, in which ``{name}`` stands for a fact of the error."""

Raised = TypeVar("Raised", bound=ProFaceError)


def hinted(error: Raised, hint: str | None) -> Raised:
    """Return an error of a surface's own with a hint for it alone, as a note of the exception.

    Args:
        error: about to be raised by a surface.
        hint: what the user can do about it; None if nothing.
    """
    if hint is not None:
        error.add_note(without_secrets(hint))
    return error


def hint_for(error: ProFaceError, table: Mapping[str, str]) -> str | None:
    """Return the hint for an error: its own if a surface gave it one, else that of its code; None if there is none.

    Args:
        error: the error to explain.
        table: code of an error -> hint.
    """
    notes: list[str] = getattr(error, "__notes__", [])
    return notes[0] if notes else filled_hint(error.code, error.facts, table)


def filled_hint(code: str | None, facts: Mapping[str, Fact], table: Mapping[str, str]) -> str | None:
    """Return the hint for a code, with the facts of its error filled in; None if there is none.

    Args:
        code: of an error, or None.
        facts: of the error.
        table: code of an error -> hint.
    """
    hint = table.get(code or "")
    if hint is None:
        return None
    try:
        return hint.format_map(facts)
    except (KeyError, ValueError):  # raised by a plug-in, with a code of this package but without its facts
        return None
