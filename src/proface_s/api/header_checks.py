"""Read the header of a protected picture, and check it against pixels, mode and request before anything is opened."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from ..container.carriers.carrier import from_chunks
from ..container.header.header import Header
from ..errors import DamagedFileError, FileFormatError, NotProtectedError, UnexpectedModeError, UsageError
from ..faces.numbering import format_numbers, number_of
from ..image.turning import with_orientation
from ..types import Picture, WrongKey
from .medium import medium_of


def read_header(picture: Picture) -> tuple[Header, dict[int, bytes]]:
    """Header and seals of a protected picture, checked against its pixels as far as that goes without a key.

    Raises:
        NotProtectedError: if it carries no header.
        DamagedFileError: they are malformed, or were made for another picture.
    """
    header, seals = from_chunks(picture.chunks, picture.source)
    if header.clip is not None:
        raise DamagedFileError(f"{picture.source} is a picture, and its header that of a clip", code="other-picture")
    if (header.width, header.height) != picture.size:
        raise DamagedFileError(
            f"{picture.source} is {picture.size[0]}x{picture.size[1]}, but its header was made for "
            f"{header.width}x{header.height}",
            code="resized",
        )
    return header, seals


def as_protected(picture: Picture, chunks: Mapping[str, Sequence[bytes]] | None = None) -> Picture:
    """Return a picture as it was protected, if another program has turned it since by an orientation tag.

    That is the stored picture, except for a JPEG: its header says how the file was turned when it was protected.

    Args:
        picture: the picture, as it was read.
        chunks: header and seals as chunks; the picture's own if None.
    """
    found, orientation = picture.chunks if chunks is None else chunks, 1
    with suppress(NotProtectedError, FileFormatError):  # `read_header` tells what is wrong
        described = from_chunks(found)[0].coefficients
        orientation = described.orientation if described and picture.jpeg else 1
    return with_orientation(picture, orientation)


def check_mode(picture: Picture, headers: Sequence[Header], expect: WrongKey | None) -> None:
    """Refuse a file of another mode than the one that was demanded.

    The mode stands in the header.  In noise mode a key vouches for it; but anybody can turn such a file into one in
    cover mode, in which nothing can be checked and every key, the right one too, gives the covered face.

    Raises:
        UnexpectedModeError: if no header is in that mode.
    """
    if expect is not None and all(header.wrong_key != expect for header in headers):
        raise UnexpectedModeError(
            f"{picture.source} is in {headers[0].wrong_key} mode; {expect} mode was demanded",
        )


def check_faces(header: Header, faces: Collection[int]) -> None:
    """Refuse positions at which the header has no face.

    Raises:
        UsageError: names the first of them.
    """
    for index in faces:
        if not 0 <= index < len(header.faces):
            count = len(header.faces)
            raise UsageError(
                f"there is no face {number_of(index)}: the file has {count}", code="unknown-face", count=count
            )


def check_digests(picture: Picture, header: Header) -> None:
    """Refuse a picture whose protected pixels were changed.

    Raises:
        DamagedFileError: names the faces.
    """
    changed = medium_of(header).changed_faces(picture, header)
    if changed:
        raise DamagedFileError(
            f"{picture.source}: the protected pixels of face {format_numbers(changed)} were changed, "
            "or the header is another file's",
            code="pixels-changed",
        )
