"""Why an output cannot be a JPEG, which keeps seals but nothing that is hidden in pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import UsageError
from ...flow.cards import DEFAULT_MODEL

if TYPE_CHECKING:
    from ...types import WrongKey


def pixels_reason(
    *, seal: bool | None, wrong_key: WrongKey | None, model: str | None, inside: bool = False
) -> str | None:
    """Return why faces will be hidden in pixels, so that the output cannot be a JPEG; None if seals alone will do.

    Args:
        seal: as in `ProtectOptions`.
        wrong_key: as in `ProtectOptions`.
        model: name of the model that was chosen; None if none was.
        inside: whether the file also hides reduced faces, as in `ShareOptions`.
    """
    if model is not None and model.lower() != DEFAULT_MODEL:
        return f"model {model} hides faces in pixels, which a JPEG does not keep"
    if inside:
        return "reduced faces are hidden in the pixels of the photo, which a JPEG does not keep exactly"
    if wrong_key == "cover":
        return "where a wrong key gives the cover, faces are hidden in pixels, which a JPEG does not keep"
    return None if seal is not False else "without seals, faces are hidden in pixels, which a JPEG does not keep"


def check_jpeg(reason: str | None) -> None:
    """Refuse to write a JPEG that would have to hide faces in pixels.

    Args:
        reason: see `pixels_reason`.

    Raises:
        UsageError: if there is one.
    """
    if reason is not None:
        raise UsageError(f"the output cannot be a JPEG: {reason}", code="jpeg-needs-seals")
