"""Vectors of docs/format.md about odd pictures and about records that break a rule; `make_container` writes them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from container_files import Face, File, Group
from file_parts import chunk, cost_bytes, png_parts, scene, stanza
from make_container import LARGE_BOX, Attempt, Case, bad, estimate, flipped, good, large, small
from make_container_keys import as_png, with_errors
from reedsolo import RSCodec

from proface_s.keys.derive import KdfParams
from proface_s.types import UInt8Image

DEAR = KdfParams(9, 2**20, 1)  # more than half of what all stanzas of a file together may cost


def exif(orientation: int) -> bytes:
    """Return a TIFF directory with an orientation and nothing else, as `eXIf` holds it."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 274, 3, 1, orientation, 0, 0)


def tiff_entries(tiff: bytes, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """Return a little-endian TIFF file of `File.tiff` with other directory entries, at its end."""
    at = int.from_bytes(tiff[4:8], "little")
    entries = [tiff[k : k + 12] for k in range(at + 2, len(tiff) - 4, 12)]
    changed = change(entries)
    return tiff[:at] + struct.pack("<H", len(changed)) + b"".join(changed) + bytes(4)


def frame_control(number: int, size: tuple[int, int]) -> bytes:
    """Return an ``fcTL`` chunk of an APNG."""
    return chunk(b"fcTL", struct.pack(">5I2H2B", number, *size, 0, 0, 1, 10, 0, 0))


def pictures() -> Iterator[Case]:
    """Yield pictures that other programs have stored in their own way, or turned."""
    file = small("pictures")
    tiff = file.tiff("<")
    yield good("unsorted.tif", "tags in descending order: readers do not mind", file,
               tiff_entries(tiff, lambda entries: entries[::-1]))  # fmt: skip
    yield bad("tag-twice.tif", "a tag twice", "not-a-picture",
              tiff_entries(tiff, lambda entries: [*entries[:2], entries[1], *entries[2:]]))  # fmt: skip
    turn = struct.pack("<HHIHH", 274, 3, 1, 6, 0)
    about = "turned by its orientation tag: the stored pixels count"
    yield good("turned.tif", about, file, tiff_entries(tiff, lambda entries: sorted([*entries, turn])))
    parts = png_parts(file.protected)
    header, seals = chunk(b"pfSh", file.header()), b"".join(chunk(b"pfSl", each) for each in file.seals())
    tag = chunk(b"eXIf", exif(8))
    yield good("turned.png", about, file,
               b"".join([parts["front"], header, tag, parts["pixels"], seals, parts["end"]]))  # fmt: skip
    stripped = large("turned-record")
    bare = png_parts(stripped.protected)
    yield Case("turned-record.png", f"without metadata, {about}", bare["front"] + tag + bare["pixels"] + bare["end"],
               [estimate(stripped)], stripped.protected)  # fmt: skip
    size = (file.protected.shape[1], file.protected.shape[0])
    first = frame_control(0, size)
    one, two = (chunk(b"acTL", struct.pack(">II", frames, 0)) for frames in (1, 2))
    still = b"".join([parts["front"], header, one, first, parts["pixels"], seals, parts["end"]])
    yield good("animated-1.png", "an APNG file of one frame", file, still)
    data = parts["pixels"][8:-4]
    second = frame_control(1, size) + chunk(b"fdAT", struct.pack(">I", 2) + data)
    moving = b"".join([parts["front"], header, two, first, parts["pixels"], second, seals, parts["end"]])
    yield bad("animated-2.png", "an APNG file of two frames", "damaged", moving)
    wide = wide_parts(file.protected)
    yield bad("sixteen-bits.png", "the same samples in 16 bits", "damaged",
              b"".join([wide["front"], header, wide["pixels"], seals, wide["end"]]))  # fmt: skip
    yield good("no-end.png", "IEND is missing, and no pixel", file, file.png("front header pixels seals"))
    yield bad("pixels-crc.png", "the CRC of IDAT is wrong", "damaged",
              file.png().replace(parts["pixels"], flipped(parts["pixels"])))  # fmt: skip
    other = small("pictures-other").sidecar(file.protected)
    yield Case("sidecar-differs.png", "a sidecar with another header than the file's", file.png(),
               [Attempt("damaged")], None, other)  # fmt: skip


def wide_parts(pixels: UInt8Image) -> dict[str, bytes]:
    """Return the parts of a PNG file of 16 bits per sample: each byte twice, without filters."""
    height, width, _ = pixels.shape
    parts = png_parts(pixels)
    ihdr = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    lines = b"".join(b"\0" + np.repeat(row.reshape(-1), 2).tobytes() for row in pixels)
    return parts | {"front": parts["signature"] + ihdr, "pixels": chunk(b"IDAT", zlib.compress(lines, 9))}


def passed() -> Iterator[Case]:
    """Yield pictures without metadata whose records break a rule, or are at a limit."""
    file = large("passed")
    rules: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
        "one-byte.png": ("a record of one byte", lambda record: record[:1]),
        "seal-in-cover-mode.png": ("both flags", lambda record: record[:1] + b"\3" + record[2:]),
        "reserved.png": ("too many reserved samples", lambda record: record[:18] + b"\xff\xff" + record[20:]),
        "long-number.png": ("a number that is not in its shortest form",
                            lambda record: record[:20] + bytes([record[20] | 0x80, 0]) + record[21:]),
        "other-width.png": ("another width than in the head", lambda record: record[:24] + b"\x26" + record[25:]),
        "outside.png": ("a box outside its picture", lambda record: record[:22] + b"\x7f" + record[23:]),
        "index.png": ("index 4096", lambda record: record[:26] + b"\x80\x20" + record[27:]),
    }  # fmt: skip
    for name, (about, change) in rules.items():
        broken = large("passed", record=change)
        yield bad(name, f"passed over: {about}", "not-protected", as_png(broken.protected))
    newer = large("passed", record=lambda record: b"\2")
    yield bad("one-byte-version-2.png", "a record of one byte, of version 2", "newer", as_png(newer.protected))
    yield bad("empty.png", "passed over: a record of no bytes", "not-protected", as_png(without_content(file)))
    likeness = with_errors(file, 0, bits=(3,), octets=(5, 8, 10))
    yield bad("likeness.png", "a wrong bit in the sync word, three wrong bytes in the head: no remains of a record",
              "not-protected", as_png(likeness))  # fmt: skip
    yield bad("cut-through.png", "cropped through the record", "damaged", as_png(file.protected[:12].copy()))
    dear = [stanza(1, bytes([n]) * 16 + cost_bytes(DEAR) + bytes(60)) for n in range(2)]
    costly = File("costly", scene(80, 72), [Face((8, 4, 64, 64))], [Group(extra=tuple(dear))])
    yield bad(
        "costly.png", "passed over: its stanzas cost too much together", "not-protected", as_png(costly.protected)
    )
    groups = [Group(extra=(each,)) for each in dear]
    places = [Face((4, 4, 56, 56)), Face((64, 4, 56, 56), group=1)]
    together = File("costly-together", scene(124, 64), places, groups)
    yield bad("costly-together.png", "two records, of which each would be allowed alone", "damaged",
              as_png(together.protected))  # fmt: skip


def without_content(file: File) -> UInt8Image:
    """Return a protected picture whose record has no bytes, but a right head and a right CRC."""
    x, y, w, h = file.faces[0].box
    head = bytes(RSCodec(4).encode((w // 2 << 10).to_bytes(3, "big")))
    frame = bytes.fromhex("13152fb8f4") + head + bytes(RSCodec(32).encode(bytes(4)))
    bits = np.unpackbits(np.frombuffer(frame, np.uint8))
    pixels = file.protected.copy()
    samples = pixels[y : y + h, x : x + w].reshape(-1) & 0xFE
    samples[: bits.size] |= bits
    pixels[y : y + h, x : x + w] = samples.reshape(h, w, 3)
    return pixels


def beside() -> Iterator[Case]:
    """Yield faces whose record and header, or whose neighbour, say something else."""

    def covered(name: str, record: Callable[[bytes], bytes]) -> File:
        return File(name, scene(56, 48), [Face(LARGE_BOX, flags=0)], cover=True, record=record)

    broken = covered("broken", lambda record: record[:1] + b"\0" + record[2:])
    yield Case("cover-broken.png", "a header in cover mode, and a record that breaks a rule (cover mode's stanza in "
               "noise mode): it counts as none", broken.png(), [estimate(broken)], broken.protected)  # fmt: skip
    newer = covered("newer", lambda record: b"\2" + record[1:])
    yield bad("cover-version-2.png", "a header in cover mode, for which nothing vouches, and a record of version 2",
              "damaged", newer.png())  # fmt: skip
    vouched = large("vouched", record=lambda record: b"\2" + record[1:])
    yield good("version-2.png", "a record of version 2, and a header that a key vouches for", vouched)
    two = File("neighbours", scene(92, 48), [Face((4, 4, 40, 40)), Face((48, 4, 40, 40))])
    pixels = spoilt(two, 1)
    attempt = Attempt("opens", ("estimate", "damaged"), keys=dict(enumerate(two.face_keys)),
                      recovered=two.estimated(pixels, [0]))  # fmt: skip
    yield Case("one-spoilt.png", "two records in noise mode; what the key reads of the second face is no picture",
               as_png(pixels), [attempt], pixels)  # fmt: skip
    alone = large("alone")
    yield bad("spoilt.png", "a record in noise mode; what the key reads of its face is no picture", "damaged",
              as_png(spoilt(alone, 0)))  # fmt: skip


def spoilt(file: File, index: int) -> UInt8Image:
    """Return the protected picture with every sample of a face behind its record changed."""
    x, y, w, h = file.faces[index].box
    pixels = file.protected.copy()
    region = pixels[y : y + h, x : x + w].reshape(-1)
    region[file.reserved[index] :] ^= 1
    pixels[y : y + h, x : x + w] = region.reshape(h, w, 3)
    return pixels


SUBJECTS: tuple[Callable[[], Iterator[Case]], ...] = (pictures, passed, beside)
