"""Write the vectors of JPEG files (docs/format.md, section 1.7): ``python tests/vectors/make_jpeg.py``.

Like `make_container`, into ``jpeg/``.  Coefficients are drawn from names, files are written by `jpeg_parts`; of the
program only the code of coefficients (section 5.1) is used.  Digests are picture digests of section 1.7.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "reader")]

from container_files import PASSPHRASE, Face, File, Group  # noqa: E402
from jpeg_parts import Blocks, Jpeg, coded, drawn_jpeg, link, links, segment  # noqa: E402
from make_container import ANN, WRONG, Attempt, Case, bad, flipped, small, write  # noqa: E402

from proface_s.image.jpeg.coefficient_code import encode_coefficients  # noqa: E402

HERE = Path(__file__).parent / "jpeg"
LEFT, CORNER = (0, 0, 1, 2), (2, 1, 1, 2)
BOXES = {LEFT: (0, 0, 16, 32), CORNER: (32, 16, 12, 20)}
TURNED = {LEFT: (5, 0, 32, 16), CORNER: (0, 32, 20, 12)}
Chunks = list[tuple[bytes, bytes]]


@dataclass
class JpegFace(Face):
    """A face of a JPEG file: also its area, and a change to the code of its coefficients."""

    area: tuple[int, int, int, int] = LEFT
    stored_area: tuple[int, int, int, int] | None = None
    code: Callable[[bytes], bytes] = bytes


@dataclass
class JpegFile(File):
    """A protected JPEG file, with deviations from what an honest writer does."""

    original: Jpeg = field(default_factory=lambda: drawn_jpeg("jpeg"))
    critical: int = 0x8000
    map_value: Callable[[bytes], bytes] = bytes

    def __post_init__(self) -> None:
        self.published = self.original.copy()
        super().__post_init__()
        self.extensions = [(self.critical | 3, self.map_value(self._map())), *self.extensions]

    @property
    def jpeg_faces(self) -> list[JpegFace]:
        """The faces, as what they are."""
        return [face for face in self.faces if isinstance(face, JpegFace)]

    def _map(self) -> bytes:
        most = self.original.most
        front = bytes([self.original.orientation, most[0] << 4 | most[1]]) + self.original.frame_digest()
        return front + b"".join(struct.pack(">4H", *(face.stored_area or face.area)) for face in self.jpeg_faces)

    def _protect(self, index: int) -> None:
        for blocks in self.published.area(self.jpeg_faces[index].area):
            blocks[..., 1:, :] = blocks[..., 1:] = 0  # only the means of blocks stay
            blocks[..., 0, 0] //= 2

    def digest(self, index: int) -> bytes:
        """Return the digest of the published coefficients of a face."""
        return hashlib.sha256(coded(self.published.area(self.jpeg_faces[index].area))).digest()

    def _content(self, index: int) -> bytes:
        blocks = [np.ascontiguousarray(each) for each in self.original.area(self.jpeg_faces[index].area)]
        steps = [each.steps.astype(np.uint16) for each in self.original.components]
        return self.jpeg_faces[index].code(encode_coefficients(blocks, steps))

    def _padded(self, payload: bytes, index: int) -> bytes:
        return payload.ljust(self.most(index), b"\0")

    def most(self, index: int) -> int:
        """Return the largest payload of a face."""
        blocks = self.original.area(self.jpeg_faces[index].area)
        return 64 * sum(each.shape[0] * each.shape[1] for each in blocks)

    def _bound(self, index: int) -> bytes:
        return self.original.frame_digest() + struct.pack(">4H", *self.jpeg_faces[index].area)

    def chunks(self, header: bytes | None = None, seals: list[bytes] | None = None) -> Chunks:
        """Return header and seals, each with its name."""
        found = [(b"pfSl", each) for each in (self.seals() if seals is None else seals)]
        return [(b"pfSh", self.header() if header is None else header), *found]

    def jpeg(self, chunks: Chunks | None = None) -> bytes:
        """Return the file with its chain."""
        return self.published.file(links(joined(self.chunks() if chunks is None else chunks)))

    def beside(self) -> bytes:
        """Return the sidecar."""
        body = b"PFSC\1" + self.published.picture_digest()
        header, seals = self.header(), self.seals()
        body += len(header).to_bytes(4, "big") + header + struct.pack(">H", len(seals))
        body += b"".join(len(each).to_bytes(4, "big") + each for each in seals)
        return body + hashlib.sha256(body).digest()[:8]


@dataclass
class JpegCase(Case):
    """A case whose digests are of coefficients."""

    shown: bytes | None = None

    def described(self) -> dict[str, Any]:
        """Return the case as JSON."""
        found = super().described()
        attempts = found.pop("attempts")
        return found | ({"protected": self.shown.hex()} if self.shown else {}) | {"attempts": attempts}


@dataclass
class JpegAttempt(Attempt):
    """An attempt whose result has coefficients."""

    back: bytes | None = None

    def described(self) -> dict[str, Any]:
        """Return the attempt as JSON."""
        return super().described() | ({"recovered": self.back.hex()} if self.back else {})


def joined(chunks: Chunks) -> bytes:
    """Return chunks as the parts of a chain hold them."""
    return b"".join(name + len(payload).to_bytes(4, "big") + payload for name, payload in chunks)


def made(name: str, original: Jpeg | None = None, **changes: Any) -> JpegFile:
    """Return a file with one face, at the left; fields of the face may be changed too."""
    of_face = {key: changes.pop(key) for key in list(changes) if key in JpegFace.__dataclass_fields__}
    original = original or drawn_jpeg(name)
    area = of_face.pop("area", LEFT)
    box = of_face.pop("box", BOXES.get(area, BOXES[LEFT]))
    faces = changes.pop("faces", None) or [JpegFace(box, area=area, codec=of_face.pop("codec", 3), **of_face)]
    width, height = original.size if original.orientation < 5 else original.size[::-1]
    plain = np.zeros((height, width, 3), np.uint8)
    changes = {"other_id": bytes(16), "records": False, **changes}
    return JpegFile(name, plain, faces, original=original, **changes)


def pair(name: str, original: Jpeg | None = None, **changes: Any) -> JpegFile:
    """Return a file with two faces, the second one in the corner where MCUs are partial."""
    places = TURNED if original and original.orientation > 4 else BOXES
    faces: list[Face] = [JpegFace(places[area], codec=3, area=area) for area in (LEFT, CORNER)]
    if original and original.orientation > 4:
        faces.reverse()
    return made(name, original, faces=faces, **changes)


def recovered(file: JpegFile, faces: dict[int, str], shown: Jpeg | None = None, **given: Any) -> JpegAttempt:
    """Expect outcomes of some faces; those that are not named are exact."""
    back = (shown or file.published).copy()
    for index, face in enumerate(file.jpeg_faces):
        if index not in faces:
            for blocks, own in zip(back.area(face.area), file.original.area(face.area), strict=True):
                blocks[:] = own
    outcomes = tuple(faces.get(index, "exact") for index in range(len(file.faces)))
    keys = {i: file.face_keys[i] for i, outcome in enumerate(outcomes) if outcome in ("exact", "lost")}
    return JpegAttempt("opens", outcomes, keys=keys, back=back.picture_digest(), **given)


def good(name: str, about: str, file: JpegFile, data: bytes | None = None) -> JpegCase:
    """Return a file that opens exactly."""
    shown = file.published.picture_digest()
    return JpegCase(name, about, data or file.jpeg(), [recovered(file, {})], shown=shown)


def files() -> Iterator[Case]:
    """Yield files of every sampling and process."""
    three = [((0,), 0, 63), ((1,), 0, 63), ((2,), 0, 63)]
    spectral = [((0, 1, 2), 0, 0), ((0,), 1, 5), ((1,), 1, 63), ((0,), 6, 63), ((2,), 1, 63)]
    for name, about, changes in (
        ("420.jpg", "4:2:0, with partial MCUs in the corner", {}),
        ("restart.jpg", "restart markers every two MCUs", {"restart": 2}),
        ("scans.jpg", "baseline, each component in a scan of its own", {"scans": three}),
        ("progressive.jpg", "progressive, with spectral selection", {"frame": 0xC2, "scans": spectral}),
        ("extended.jpg", "extended, with steps of 16 bits", {"frame": 0xC1, "wide": True}),
        ("no-jfif.jpg", "without a JFIF segment", {"jfif": False}),
        ("turned.jpg", "stored on its side: orientation 6", {"orientation": 6}),
        ("rgb.jpg", "the components are R, G and B, as Adobe's segment says", {"jfif": False, "rgb": True}),
    ):
        yield good(name, about, pair(name, drawn_jpeg(name, **changes)))
    for name, sampling, size, area, box in (
        ("444.jpg", "11 11 11", (25, 19), (1, 1, 2, 2), (8, 8, 16, 10)),
        ("422.jpg", "21 11 11", (40, 20), (1, 0, 1, 2), (16, 0, 16, 16)),
        ("440.jpg", "12 11 11", (20, 40), (1, 1, 2, 2), (8, 16, 12, 24)),
        ("411.jpg", "41 11 11", (70, 17), (1, 0, 2, 2), (32, 0, 38, 16)),
        ("grey.jpg", "11", (21, 18), (0, 0, 2, 3), (0, 0, 16, 18)),
        ("grey-22.jpg", "22", (21, 18), (0, 0, 1, 2), (0, 0, 16, 18)),
    ):
        about = f"sampling factors {sampling}"
        yield good(name, about, made(name, drawn_jpeg(name, size, sampling), area=area, box=box))


def chains() -> Iterator[Case]:
    """Yield chains of APP11 segments in every wrong form, and what else a file may hold."""
    file = made("chain")
    whole, published = joined(file.chunks()), file.published
    (only,) = links(whole)
    front = published.applications()
    jumbf = segment(0xEB, b"JP\0\1\0\0\0\1")
    comment = segment(0xFE, b"a comment")
    rest = published.file()[2 + len(front) :]
    long = joined([*file.chunks(), (b"pfSx", bytes(65600))])
    one, two = links(long)
    yield good("two-segments.jpg", "a chunk that nobody knows makes a second segment", file, published.file([one, two]))
    yield good("between.jpg", "an APP11 of others and a comment between the segments", file,
               published.file([jumbf, one, comment, jumbf, two]))  # fmt: skip
    yield good("chain-first.jpg", "the chain comes before JFIF", file, b"\xff\xd8" + only + front + rest)
    yield good("behind-the-end.jpg", "bytes behind the end marker", file, published.file([only]) + b"more bytes")
    yield good("no-end.jpg", "the end marker is missing, and nothing else", file, published.file([only], end=b""))
    late = drawn_jpeg("late", scans=[((0,), 0, 63), ((1,), 0, 63), ((2,), 0, 63)])
    scans = late.file()
    second = scans.index(b"\xff\xda", scans.index(b"\xff\xda") + 2)
    yield bad("behind-a-scan.jpg", "a chain behind the first scan does not count", "not-protected",
              scans[:second] + only + scans[second:])  # fmt: skip
    for name, about, chain in (
        ("missing.jpg", "the second segment is missing", [one]),
        ("swapped.jpg", "the segments are swapped", [two, one]),
        ("doubled.jpg", "the first segment is there twice", [one, one, two]),
        ("counts.jpg", "the segments disagree about their number", [one, link(2, 3, two[17:])]),
        ("none.jpg", "a chain of no segments", [link(1, 0, whole)]),
        ("beyond.jpg", "a chunk reaches beyond the end", [link(1, 1, whole[:-1])]),
        ("other-name.jpg", "a chunk whose name does not begin with pfS",
         [link(1, 1, whole + b"abcd\0\0\0\1x")]),
    ):  # fmt: skip
        yield bad(name, about, "damaged", published.file(chain))


def rules() -> Iterator[Case]:
    """Yield deviations in the chain's chunks, in extension 3 and in the coefficients."""
    file = made("rules")
    chunks = file.chunks()
    for name, about, found in (
        ("header-twice.jpg", "two headers", [chunks[0], *chunks]),
        ("seal-twice.jpg", "two seals of one face", [*chunks, chunks[1]]),
        ("seal-alone.jpg", "a seal without a header", chunks[1:]),
    ):
        yield bad(name, about, "damaged", file.jpeg(found))
    plain = file.published.file()
    yield bad("unprotected.jpg", "no chain", "not-protected", plain)
    yield bad("truncated.jpg", "a protected file that ends inside its scan", "damaged", file.jpeg()[:-40])
    broken = file.jpeg()[:-22] + b"\xff\0" * 10 + b"\xff\xd9"
    yield bad("scan-broken.jpg", "a protected file with a code in its scan that no table has", "damaged", broken)
    other = Jpeg(file.original.size, [replace(each, steps=each.steps + 1) for each in file.published.components])
    yield bad("other-steps.jpg", "compressed again with other quantiser steps", "damaged",
              other.file(links(joined(chunks))))  # fmt: skip
    turned = file.published.copy()
    turned.orientation = 3
    yield JpegCase("other-orientation.jpg", "another orientation, as a viewer sets it to turn a picture: that of the "
                   "header counts", turned.file(links(joined(chunks))), [recovered(file, {})],
                   shown=turned.picture_digest())  # fmt: skip
    changed = file.published.copy()
    changed.components[0].blocks[0, 0, 0, 0] ^= 4
    yield bad("face-changed.jpg", "a coefficient of the face was changed", "damaged",
              changed.file(links(joined(chunks))))  # fmt: skip
    outside = file.published.copy()
    outside.components[1].blocks[0, 2, 0, 0] ^= 4
    yield JpegCase("outside-changed.jpg", "a coefficient outside the face was changed",
                   outside.file(links(joined(chunks))), [recovered(file, {}, outside)],
                   shown=outside.picture_digest())  # fmt: skip
    without = made("no-extension")
    without.extensions = []
    yield bad("no-extension-3.jpg", "a header without extension 3", "damaged", without.jpeg())
    png = small("png", other_id=bytes(16), extensions=[(0x8003, file._map())])
    yield bad("extension-3.png", "a PNG file with extension 3", "damaged", png.png())


def maps() -> Iterator[Case]:
    """Yield deviations in extension 3, and in what a header with it may say."""
    for name, about, changes in (
        ("not-critical.jpg", "extension 3 that is not critical", {"critical": 0}),
        ("short.jpg", "extension 3 without the area", {"map_value": lambda value: value[:-8]}),
        ("long.jpg", "extension 3 with two areas for one face", {"map_value": lambda value: value + value[-8:]}),
        ("orientation-9.jpg", "orientation 9", {"map_value": lambda value: b"\x09" + value[1:]}),
        ("sampling-0.jpg", "a sampling factor of 0", {"map_value": lambda value: value[:1] + b"\x20" + value[2:]}),
        ("empty-area.jpg", "an empty area", {"stored_area": (0, 0, 0, 2)}),
        ("outside.jpg", "an area that reaches beyond the picture", {"stored_area": (0, 2, 1, 2)}),
        ("other-area.jpg", "an area that is not that of the box", {"stored_area": (1, 0, 1, 2)}),
        ("other-box.jpg", "a box that is not that of the area", {"stored_box": (0, 0, 14, 32)}),
        ("other-frame.jpg", "the digest of another frame", {"map_value": lambda value: flipped(value, 20)}),
        ("model.jpg", "a header that names a model", {"other_id": bytes(range(16))}),
        ("edge.jpg", "a footprint that is not ff 00", {"footprint": b"\xff\4", "area": (0, 1, 1, 2),
                                                       "box": (0, 16, 16, 20)}),
        ("reserved.jpg", "reserved samples", {"reserved_extension": (0x8001, b"\0\1")}),
    ):  # fmt: skip
        yield bad(name, about, "damaged", made(name, **changes).jpeg())
    overlapping = [JpegFace(BOXES[LEFT], codec=3), JpegFace((16, 0, 16, 16), codec=3, area=(1, 0, 1, 1))]
    overlapping[1].stored_area = (0, 1, 1, 1)
    yield bad("overlap.jpg", "two areas that overlap", "damaged", made("overlap", faces=overlapping).jpeg())


def seals() -> Iterator[Case]:
    """Yield seals of coefficients with every kind of padding and content."""
    zeros = lambda count: lambda payload: payload.ljust(count, b"\0")  # noqa: E731
    for name, about, payload in (
        ("no-padding.jpg", "no padding at all", lambda payload: payload),
        ("padding-4096.jpg", "zeros up to 4096 bytes", zeros(4096)),
        ("padding-not-zero.jpg", "padding that is not zero", lambda payload: payload + b"\1" * 50),
    ):
        yield good(name, about, made(name, payload=payload))
    for name, about, changes in (
        ("codec-1.jpg", "the codec of pixels", {"codec": 1}),
        ("codec-4.jpg", "an unknown codec", {"codec": 4}),
        ("length.jpg", "a length that reaches beyond the payload",
         {"payload": lambda payload: payload[:1] + b"\0\0\xff\xff" + payload[5:]}),
        ("word-missing.jpg", "a code without its last word", {"code": lambda code: code[:-4]}),
        ("word-too-many.jpg", "a code with a word too many", {"code": lambda code: code + bytes(4)}),
        ("half-a-word.jpg", "a code of which a byte is missing", {"code": lambda code: code[:-1]}),
        ("no-code.jpg", "an empty code", {"code": lambda code: b""}),
        ("altered.jpg", "a byte of the ciphertext was altered", {"seal": lambda seal: flipped(seal, 40)}),
        ("short.jpg", "fewer bytes than nonce, prefix and tag", {"seal": lambda seal: seal[:32]}),
    ):  # fmt: skip
        yield bad(name, about, "damaged", made(name, **changes).jpeg())
    extreme = drawn_jpeg("extreme")
    _extremes(extreme.area(LEFT))
    yield good("extremes.jpg", "the largest coefficients that a scan can hold", made("extreme", extreme))


def _extremes(blocks: list[Blocks]) -> None:
    for each in blocks:
        each[...] = np.where(np.indices(each.shape).sum(0) % 2, 1023, -1023)
        each[..., 0, 0] = 1023


def keys() -> Iterator[Case]:
    """Yield keys, sidecars, and faces that were forgotten or whose seals were stripped."""
    file = pair("keys", groups=[Group(identities=(ANN,))])
    attempts = [
        recovered(file, {}),
        recovered(file, {}, passphrases=(), identities=(ANN,)),
        Attempt("wrong-key", passphrases=(WRONG,)),
        recovered(file, {1: "locked"}, passphrases=(), face_keys=(file.face_key_text(0),)),
    ]
    shown = file.published.picture_digest()
    yield JpegCase("two-faces.jpg", "a passphrase, a recipient and a face key", file.jpeg(), attempts, shown=shown)
    apart = pair("groups", groups=[Group(), Group(passphrases=(WRONG,))])
    apart = replace(apart, faces=[apart.faces[0], replace(apart.faces[1], group=1)], extensions=[])
    yield JpegCase("two-groups.jpg", "each face has a passphrase of its own", apart.jpeg(),
                   [recovered(apart, {1: "locked"}),
                    recovered(apart, {0: "locked"}, passphrases=(WRONG,)),
                    recovered(apart, {}, passphrases=(PASSPHRASE, WRONG))],
                   shown=apart.published.picture_digest())  # fmt: skip
    for name, about, data, outcome in (
        ("stripped.jpg", "the seal of face 2 was stripped", file.jpeg(file.chunks(seals=file.seals()[:1])), "lost"),
        ("forgotten.jpg", "face 2 was forgotten",
         file.jpeg(file.chunks(file.header(forgotten=[1]), file.seals()[:1])), "forgotten"),
    ):  # fmt: skip
        yield JpegCase(name, about, data, [recovered(file, {1: outcome})], shown=shown)
    erased = file.published.copy()
    for blocks in erased.area(CORNER):
        blocks[:] = 0
    chain = links(joined(file.chunks(file.header(erased=[1]), file.seals()[:1])))
    yield JpegCase("erased.jpg", "face 2 was forgotten, and its area overwritten", erased.file(chain),
                   [recovered(file, {1: "forgotten"}, erased)], shown=erased.picture_digest())  # fmt: skip
    beside = made("beside")
    bare, digest = beside.published.file(), beside.published.picture_digest()
    yield JpegCase("beside.jpg", "header and seal in the sidecar", bare, [recovered(beside, {})],
                   sidecar=beside.beside(), shown=digest)  # fmt: skip
    changed = beside.published.copy()
    changed.components[1].blocks[0, 2, 0, 0] ^= 4
    yield JpegCase("beside-changed.jpg", "the sidecar's digest is another one, but that of the face is right",
                   changed.file(), [recovered(beside, {}, changed)], sidecar=beside.beside(),
                   shown=changed.picture_digest())  # fmt: skip
    another = made("another")
    yield JpegCase("of-another.jpg", "the sidecar of another picture", bare, [Attempt("damaged")],
                   sidecar=another.beside())  # fmt: skip


SUBJECTS: tuple[Callable[[], Iterator[Case]], ...] = (files, chains, rules, maps, seals, keys)

if __name__ == "__main__":
    write(SUBJECTS, HERE)
