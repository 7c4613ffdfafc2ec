"""Protected JPEG -> JPEG with the original coefficients: the inverse of `proface_s.api.jpeg.protecting`."""

from __future__ import annotations

from collections.abc import Mapping

from ...container.header.header import Header, header_areas
from ...image.jpeg.file import JpegFile
from ...image.jpeg.picture import Coefficients
from ...image.jpeg.transform import with_area_blocks
from ...image.jpeg.write_coefficients import write_jpeg
from ...image.metadata import kept_exif
from ...image.provenance import with_synthetic_note
from ...image.read import read_picture
from ...keys.secrets import FaceKey
from ...progress import Progress, silent
from ...threads import parallel_map
from ...types import Box, Picture
from .protected import open_face, open_protected_jpeg


def recover_jpeg(
    picture: Picture,
    header: Header,
    seals: Mapping[int, bytes],
    keys: Mapping[int, FaceKey],
    *,
    threads: int = 1,
    progress: Progress = silent,
) -> Picture:
    """Put the original coefficients of faces back.

    Args:
        picture: the protected photo.
        header: its header, whose digests have been checked.
        seals: face index -> seal.
        keys: face index -> key, of the faces to bring back; those without a seal stay covered.
        threads: to work with.
        progress: is told about the stage ``restore``.

    Returns:
        The recovered photo; ``jpeg`` is the complete file.

    Raises:
        DamagedFileError: if a seal is damaged, or does not belong to the picture.
    """
    jpeg = open_protected_jpeg(picture, header)
    areas, sealed = header_areas(header), [index for index in keys if index in seals]
    found: dict[Box, list[Coefficients]] = {}
    for start in range(0, len(sealed), threads):
        progress("restore", start, len(sealed))
        some = sealed[start : start + threads]
        opened = parallel_map(threads, lambda index: open_face(jpeg, header, index, keys[index], seals[index]), some)
        found |= {areas[index]: blocks for index, blocks in zip(some, opened, strict=True)}
    data = write_jpeg(with_area_blocks(jpeg, found), kept_exif(picture, jpeg.orientation))
    data = with_synthetic_note(data) if picture.synthetic else data
    return read_recovered(data, picture)


def read_recovered(data: bytes, picture: Picture) -> Picture:
    """Read back a file that was made from a picture; name and notes are the picture's."""
    shown = read_picture(data, name=picture.source)
    jpeg = JpegFile(data, picture.source)
    metadata, synthetic = dict(picture.metadata), picture.synthetic
    return Picture(shown.rgb, None, shown.icc_profile, metadata, {}, picture.source, jpeg, synthetic=synthetic)
