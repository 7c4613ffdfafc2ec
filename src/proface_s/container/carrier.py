"""Header and seals <-> the private chunks of a picture file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proface_s.container.codec import decode_header, encode_header
from proface_s.container.header import Header
from proface_s.container.png import HEADER_CHUNK, SEAL_CHUNK
from proface_s.errors import DamagedFileError, NotProtectedError

_INDEX_BYTES = 2


def to_chunks(header: Header, seals: Mapping[int, bytes]) -> dict[str, list[bytes]]:
    """Serialise header and seals for `attach_png`.

    Args:
        header: the header.
        seals: face index -> seal (`seal_region`), for any of the faces.

    Raises:
        UsageError: the header breaks a rule of the format.
        ValueError: a seal for a face that does not exist or is not marked as sealed.
    """
    for index in seals:
        if not 0 <= index < len(header.faces) or not header.faces[index].sealed:
            raise ValueError(f"seal {index} belongs to no sealed face")
    boxes = [index.to_bytes(_INDEX_BYTES, "big") + seals[index] for index in sorted(seals)]
    return {HEADER_CHUNK: [encode_header(header)], SEAL_CHUNK: boxes}


def from_chunks(
    chunks: Mapping[str, Sequence[bytes]], name: str = "the picture"
) -> tuple[Header, dict[int, bytes]]:
    """Inverse of `to_chunks`.

    Args:
        chunks: as `read_png_chunks` returns them; unknown names are ignored.
        name: how messages call the picture.

    Returns:
        The header, and face index -> seal for the seals that are there.  A face may be marked as sealed and
        have no seal here: then it was stripped.

    Raises:
        NotProtectedError: there is no header, and no seal either.
        DamagedFileError: header missing but seals present, several headers, an invalid header, seals of
            faces that do not exist or have several.
        FileFormatError: written by a later version of the format.
    """
    headers, boxes = chunks.get(HEADER_CHUNK, ()), chunks.get(SEAL_CHUNK, ())
    if not headers:
        if boxes:
            raise DamagedFileError(f"{name}: there are seals, but the header was removed")
        raise NotProtectedError(
            f"{name} carries no PRO-Face S header",
            hint="either it was never protected, or a program that drops unknown data has saved it again",
        )
    if len(headers) > 1:
        raise DamagedFileError(f"{name}: {len(headers)} headers instead of one")
    header = decode_header(headers[0])
    seals: dict[int, bytes] = {}
    for box in boxes:
        index = int.from_bytes(box[:_INDEX_BYTES], "big")
        if len(box) < _INDEX_BYTES or index >= len(header.faces) or not header.faces[index].sealed:
            raise DamagedFileError(f"{name}: a seal belongs to no sealed face")
        if index in seals:
            raise DamagedFileError(f"{name}: face {index} has several seals")
        seals[index] = box[_INDEX_BYTES:]
    return header, seals
