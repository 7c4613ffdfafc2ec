"""Read faces from their pixels with the model that hid them, and tell what cannot be read or relied upon."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ...container.header.header import Header
from ...errors import DamagedFileError, ModelError
from ...faces.numbering import format_numbers
from ...flow.model import Model, Reading
from ...flow.registry import Models, model_names, retired_name
from ...image.regions import cut
from ...keys.secrets import FaceKey
from ...progress import Progress
from ...types import Picture, UInt8Image, WrongKey


def model_of(picture: Picture, header: Header, models: Models) -> Model:
    """Return the model that wrote a picture's protected pixels, which alone can read them.

    Raises:
        ModelError: if it is not installed.
        DamagedFileError: if the header claims a mode that the model does not have.
    """
    model = models.with_id(header.model_id)
    if model is None:
        if older := retired_name(header.model_id):
            raise ModelError(
                f"{picture.source} was protected with {older}, a model that is no longer shipped", code="older-model"
            )
        raise ModelError(
            f"{picture.source} was protected with another model ({header.model_id.hex()})",
            code="other-model",
            known=", ".join(model_names()),
        )
    if header.wrong_key not in model.wrong_key_modes:
        raise DamagedFileError(
            f"{picture.source}: its header names {header.wrong_key} mode, which model {model.card.name} does not have"
        )
    return model


def estimate_faces(
    picture: Picture, header: Header, models: Models, keys: Mapping[int, FaceKey], forced: bool, progress: Progress
) -> tuple[dict[int, Reading], list[int]]:
    """Return what the flow reads from the pixels of the given faces, and the faces of which it reads no picture."""
    if not keys:
        return {}, []
    model = model_of(picture, header, models)
    estimates: dict[int, Reading] = {}
    unreadable: list[int] = []
    for number, (index, key) in enumerate(keys.items()):
        progress("restore", number, len(keys))
        read = estimate_face(model, cut(picture.rgb, header.faces[index].box), key, header, index, forced)
        if read is None:
            unreadable.append(index)
        else:
            estimates[index] = read
    return estimates, unreadable


def estimate_face(
    model: Model, region: UInt8Image, key: FaceKey, header: Header, index: int, forced: bool
) -> Reading | None:
    """Read one face from its pixels.

    Args:
        model: the one that wrote the region.
        region: (h, w, 3) uint8, the protected region.
        key: the face's key.
        header: what belongs to the region.
        index: the face's position in the header.
        forced: give what a wrong key reads, too: noise.

    Returns:
        What was read; None if it is no picture.  In cover mode it is the region itself then.
    """
    cover_mode = header.wrong_key == "cover"
    if min(region.shape[:2]) < model.smallest_side:
        return Reading(region) if cover_mode else None
    reading = model.recover(region, key, reserved=header.reserved(index), wrong_key=header.wrong_key)
    if not reading.readable and (cover_mode or forced):
        return Reading(reading.image)
    return reading if reading.readable else None


def check_readable(
    picture: Picture, unreadable: Collection[int], read: Collection[object], only: Collection[int] | None
) -> None:
    """Refuse a picture of which nothing that was asked for can be read, though the keys open it.

    Raises:
        DamagedFileError: names the faces.
    """
    if unreadable and (not read or any(index in unreadable for index in only or ())):
        which = format_numbers(sorted(unreadable))
        raise DamagedFileError(
            f"{picture.source}: the key opens face {which}, but what its pixels hold is no picture",
            code="altered-face",
        )


def pixel_warnings(unreadable: Collection[int], doubtful: Collection[int]) -> list[str]:
    """Return warnings about faces that the key opens and whose pixels were changed.

    Args:
        unreadable: faces whose pixels hold no picture.
        doubtful: faces that can be read, though not all of their code is as it was written.
    """
    warnings = []
    if unreadable:
        which = format_numbers(sorted(unreadable))
        warnings.append(f"the pixels of face {which} were changed: what they hold is no picture; it stays covered")
    if doubtful:
        which = format_numbers(sorted(doubtful))
        warnings.append(f"the pixels of face {which} were changed: what came back is wrong, in parts or as a whole")
    return warnings


def unvouched(wrong_key: WrongKey) -> str:
    """Return the warning about estimates if no key vouched for the header."""
    if wrong_key == "cover":
        return (
            "the file is in cover mode: nothing vouches for what came back. A wrong key, or a right one for a file "
            "that somebody has changed, gives the covered face, and nothing tells"
        )
    return "a face key alone vouches for no estimate: nothing tells whether somebody has changed the file"
