"""`JpegPicture` -> JPEG file; the inverse of `proface_s.image.jpeg.read_coefficients`."""

from __future__ import annotations

import struct

from .markers import (
    ADOBE,
    APP0,
    APP1,
    APP14,
    DRI,
    EOI,
    JFIF,
    SOF0,
    SOF1,
    SOF2,
    SOI,
    SOS,
    huffman_segment,
    icc_segments,
    orientation_segment,
    quantisation_segment,
    segment,
)
from .picture import JpegPicture, Scan
from .scans import ScanCoder

_FRAMES = {"baseline": SOF0, "extended": SOF1, "progressive": SOF2}
_USUAL_RATIO = 8  # of the coefficients in memory and in a file of high quality


def write_jpeg(picture: JpegPicture, exif: bytes = b"") -> bytes:
    """Write a JPEG file with the coefficients, tables, scans and restart intervals of a picture.

    Huffman tables are made for it, so that they are the best ones and say nothing of the coefficients that were there
    before.

    Args:
        picture: the picture.
        exif: an EXIF block to write, orientation included; if empty, one with the orientation alone is written where
            it matters.

    Returns:
        The file; `read_jpeg` gives the same picture back.

    Raises:
        ImageError: if a coefficient is out of range.
    """
    progressive = picture.process == "progressive"
    parts = [bytes([0xFF, SOI])]
    if picture.density is not None:
        parts.append(segment(APP0, JFIF + struct.pack(">HBHH", *picture.density) + bytes(2)))
    if exif:
        parts.append(segment(APP1, exif))
    elif picture.orientation != 1:
        parts.append(orientation_segment(picture.orientation))
    if picture.icc_profile:
        parts.append(icc_segments(picture.icc_profile))
    if picture.adobe_transform is not None:
        parts.append(segment(APP14, ADOBE + struct.pack(">HHHB", 100, 0, 0, picture.adobe_transform)))
    parts.append(quantisation_segment({each.table_number: each.table for each in picture.components}))
    fields = [bytes([each.identifier, each.h << 4 | each.v, each.table_number]) for each in picture.components]
    head = struct.pack(">BHHB", 8, picture.height, picture.width, len(fields))
    parts.append(segment(_FRAMES[picture.process], head + b"".join(fields)))
    coder = _coder(picture, progressive)
    restart = 0
    for scan in picture.scans:
        data, dc, ac = coder.encode(scan)
        if scan.restart != restart:
            restart = scan.restart
            parts.append(segment(DRI, struct.pack(">H", restart)))
        parts += [huffman_segment(dc, ac), _scan_header(picture, scan), data]
    return b"".join([*parts, bytes([0xFF, EOI])])


def _coder(picture: JpegPicture, progressive: bool) -> ScanCoder:
    shapes = [(each.h, each.v, *picture.own_blocks(each)) for each in picture.components]
    room = sum(each.coefficients.nbytes for each in picture.components) // _USUAL_RATIO
    coder = ScanCoder(shapes, picture.mcus, progressive, room)
    for position, each in enumerate(picture.components):
        coder.set_coefficients(position, each.coefficients)
    return coder


def _scan_header(picture: JpegPicture, scan: Scan) -> bytes:
    fields = [
        bytes([picture.components[position].identifier, dc << 4 | ac])
        for position, dc, ac in zip(scan.components, scan.dc_tables, scan.ac_tables, strict=True)
    ]
    tail = bytes([scan.first, scan.last, scan.high << 4 | scan.low])
    return segment(SOS, bytes([len(fields)]) + b"".join(fields) + tail)
