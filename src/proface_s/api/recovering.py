"""Protected PNG -> photo, step by step: the inverse of `proface_s.api.protecting`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..container.carrier import from_chunks
from ..container.header import Header, region_digest
from ..container.seal import header_seal_context, open_seal
from ..container.unlock import unlock_header
from ..errors import DamagedFileError, ModelError
from ..flow.model import FlowModel
from ..imaging.regions import cut, paste
from ..keys.secret import FaceKey
from ..types import Picture, UInt8Image
from .results import RecoveredFace


@dataclass(frozen=True, slots=True, eq=False)
class Recovered:
    """A recovered picture: its pixels, what became of each face, and what the user should know."""

    rgb: UInt8Image
    faces: tuple[RecoveredFace, ...]
    warnings: tuple[str, ...]


def read_header(picture: Picture) -> tuple[Header, dict[int, bytes]]:
    """Header and seals of a protected picture, checked against its pixels as far as that goes without a key.

    Raises:
        NotProtectedError: it carries none.
        DamagedFileError: they are malformed, or were made for another picture.
    """
    header, seals = from_chunks(picture.chunks, picture.source)
    if (header.width, header.height) != picture.size:
        raise DamagedFileError(
            f"{picture.source} is {picture.size[0]}x{picture.size[1]}, but its header was made for "
            f"{header.width}x{header.height}",
            "the picture was resized, cropped or turned after it was protected, or the header is another file's",
        )
    return header, seals


def recover_picture(picture: Picture, passphrase: str, model: FlowModel) -> Recovered:
    """Bring back every face that the passphrase opens.

    Raises:
        NotProtectedError, DamagedFileError: see `read_header`; also where protected pixels were changed.
        WrongKeyError: the passphrase opens nothing.
    """
    header, seals = read_header(picture)
    _check_digests(picture, header)
    keys = unlock_header(header, passphrase)
    rgb = picture.rgb
    faces: list[RecoveredFace] = []
    estimates = _estimates(picture, header, model, {i: key for i, key in keys.items() if i not in seals})
    stripped = 0
    for index, face in enumerate(header.faces):
        if face.forgotten:
            faces.append(RecoveredFace(face.box, "forgotten"))
        elif index not in keys:
            faces.append(RecoveredFace(face.box, "locked"))
        elif index in seals:
            shape = (face.box.h, face.box.w, 3)
            exact = open_seal(keys[index], seals[index], shape, header_seal_context(header, index))
            rgb = paste(rgb, face.box, exact)
            faces.append(RecoveredFace(face.box, "exact"))
        else:
            rgb = paste(rgb, face.box, estimates[index])
            faces.append(RecoveredFace(face.box, "estimate"))
            stripped += face.sealed
    warnings = [f"{stripped} of {len(faces)} seals were stripped from this file"] if stripped else []
    return Recovered(rgb, tuple(faces), tuple(warnings))


def _check_digests(picture: Picture, header: Header) -> None:
    changed: Sequence[int] = [
        i for i, face in enumerate(header.faces) if region_digest(cut(picture.rgb, face.box)) != face.digest
    ]
    if changed:
        which = ", ".join(map(str, changed))
        raise DamagedFileError(
            f"{picture.source}: the protected pixels of face {which} were changed, or the header is another file's",
            "use the file as `proface protect` wrote it",
        )


def _estimates(
    picture: Picture, header: Header, model: FlowModel, keys: Mapping[int, FaceKey]
) -> dict[int, UInt8Image]:
    """What the flow reads from the pixels of the given faces."""
    if not keys:
        return {}
    if header.model_id != model.card.model_id:
        raise ModelError(
            f"{picture.source} was protected with another model ({header.model_id.hex()})",
            f"this installation has {model.card.name} ({model.card.model_id.hex()})",
        )
    regions = [cut(picture.rgb, header.faces[i].box) for i in keys]
    return dict(zip(keys, model.recover(regions, list(keys.values())), strict=True))
