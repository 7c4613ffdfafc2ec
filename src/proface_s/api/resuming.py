"""Whether an output that is already there is the finished output for an input: what ``--resume`` may skip.

Nothing is noted about a run anywhere: such notes would say which photo a protected file was made from.  The output
itself is opened, as a stranger with the keys would, and must give the input back.  Outputs appear whole or not at all
(`write_atomic`), so that one that opens is complete.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from ..container.header import Header, RecipientStanza, WrongKey
from ..errors import ProFaceError
from ..flow.model import FlowModel
from ..imaging.reading import read_picture
from ..imaging.regions import same_outside
from ..keys.access import Credentials, Lock
from ..types import Picture, Style
from .kinds import load
from .protecting import ESTIMATE_FLOOR_DB, psnr
from .recovering import read_header, recover_picture

Pathish = str | os.PathLike[str]


def unfinished(
    source: Pathish, target: Pathish, model: FlowModel, default: Lock, own: Mapping[int, Lock], *,
    style: Style, seal: bool, wrong_key: WrongKey, allow_no_face: bool = False,
) -> str | None:
    """Why a file is not the finished protected version of a photo; None if it is.

    Args:
        source: the photo.
        target: the file that may be its output.
        model: the flow.
        default: who shall be able to open the faces.
        own: who shall be able to open faces of their own.
        style: the cover that was asked for.
        seal: whether exact copies were asked for.
        wrong_key: the mode that was asked for.
        allow_no_face: whether an unprotected copy may be the output.

    Returns:
        A reason, without the files' names.

    Raises:
        ImageError: the photo cannot be read.
    """
    original = load(source)
    try:
        protected = load(target)
        if not any(protected.chunks.values()):
            same = allow_no_face and _only_faces_differ(original, protected, None)
            return None if same else "it is not a protected file"
        header, seals = read_header(protected)
        if not _only_faces_differ(original, protected, header):
            return "it was made from another photo"
        if (header.wrong_key, any(face.sealed for face in header.faces)) != (wrong_key, seal):
            return "it was made with other options"
        # strengths are stored in single precision
        strength = None if style.strength is None else float(np.float32(style.strength))
        if any((face.style, face.strength) != (style.name, strength) for face in header.faces):
            return "it was made in another style"
        if any(face.sealed and index not in seals for index, face in enumerate(header.faces)):
            return "its seals are gone"
        return _opens_to(original, protected, header, model, default, own)
    except ProFaceError as error:
        return error.message


def recovered_already(image: np.ndarray, target: Pathish) -> bool:
    """Whether a file holds just these recovered pixels.

    Args:
        image: (H, W, 3) uint8 RGB, what recovering has given now.
        target: the file that may be its output.
    """
    try:
        return np.array_equal(read_picture(target).rgb, image)
    except ProFaceError:
        return False


def _only_faces_differ(original: Picture, protected: Picture, header: Header | None) -> bool:
    """Whether nothing but the faces differs."""
    boxes = [face.box for face in header.faces] if header else []
    if original.alpha is None or protected.alpha is None:
        same_alpha = original.alpha is protected.alpha
    else:
        same_alpha = np.array_equal(original.alpha, protected.alpha)
    return same_alpha and same_outside(protected.rgb, original.rgb, boxes)


def _opens_to(
    original: Picture, protected: Picture, header: Header, model: FlowModel, default: Lock, own: Mapping[int, Lock]
) -> str | None:
    """Whether every passphrase opens it to the original.  What recipients open cannot be tried: they are counted."""
    locks = [lock for lock in (default, *own.values()) if not lock.empty]
    stanzas = [stanza for group in header.groups for stanza in group.stanzas]
    expected = {recipient for lock in locks for recipient in lock.recipients}
    if bool(expected) != any(isinstance(stanza, RecipientStanza) for stanza in stanzas):
        return "it was made for other recipients"
    opened: set[int] = set()
    for passphrase in dict.fromkeys(text for lock in locks for text in lock.passphrases):
        done = recover_picture(protected, Credentials.of(passphrase), model)
        for index, (face, record) in enumerate(zip(done.faces, header.faces, strict=True)):
            if face.outcome not in ("exact", "estimate"):
                continue
            area = np.s_[record.box.y : record.box.bottom, record.box.x : record.box.right]
            least = float("inf") if face.outcome == "exact" else ESTIMATE_FLOOR_DB
            if psnr(done.rgb[area], original.rgb[area]) >= least:
                opened.add(index)
    if len(opened) < len(header.faces) and not expected:
        return "the passphrase does not bring all of its faces back"
    return None
