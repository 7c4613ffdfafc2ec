"""Write the test vectors of docs/format.md: ``python tests/vectors/make_container.py``.

One folder per subject in ``container/``; its ``cases.json`` describes the files in it, docs/reference/vectors.md the
description.  Keys and nonces follow from the names of the files (`container_files`), so the same script writes the same
files again, except for what image libraries of other versions compress differently.  Expectations are written here by
hand, after the page; face keys and digests come from the writer, not from the program's reader.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "reader")]

from container_files import COST, PASSPHRASE, Face, File, Group  # noqa: E402
from file_parts import chunk, cost_bytes, palette_png, picture_digest, png_parts, scene, stanza  # noqa: E402

from proface_s.keys.derive import KdfParams  # noqa: E402
from proface_s.types import UInt8Image  # noqa: E402

HERE = Path(__file__).parent / "container"
WRONG = "another passphrase than the right one"
SMALL, SMALL_BOX = (24, 20), (4, 4, 12, 12)
LARGE, LARGE_BOX = (56, 48), (8, 4, 40, 40)
PAIR, LEFT, RIGHT = (92, 48), (4, 4, 40, 40), (48, 4, 40, 40)
ANN = "AGE-SECRET-KEY-1XMWWC06LY3EE5RYTXM9MFLAZ2U56JJJ36S0MYPDRWSVLUL66MV4QX3S7F6"


@dataclass
class Attempt:
    """Credentials, and what a reader must answer to them."""

    expect: str
    faces: tuple[str, ...] = ()
    passphrases: tuple[str, ...] = (PASSPHRASE,)
    identities: tuple[str, ...] = ()
    face_keys: tuple[str, ...] = ()
    keys: dict[int, bytes] = field(default_factory=dict)
    recovered: UInt8Image | None = None

    def described(self) -> dict[str, Any]:
        """Return the attempt as JSON."""
        lists = ("passphrases", "identities", "face_keys")
        found: dict[str, Any] = {"with": {name: list(getattr(self, name)) for name in lists if getattr(self, name)}}
        found["expect"] = self.expect
        if self.faces:
            found["faces"] = list(self.faces)
            found["face_keys"] = {str(index + 1): key.hex() for index, key in sorted(self.keys.items())}
        if self.recovered is not None:
            found["recovered"] = picture_digest(self.recovered).hex()
        return found


@dataclass
class Case:
    """One file and what to try with it."""

    name: str
    about: str
    data: bytes
    attempts: list[Attempt]
    pixels: UInt8Image | None = None
    sidecar: bytes | None = None

    def described(self) -> dict[str, Any]:
        """Return the case as JSON."""
        found: dict[str, Any] = {"file": self.name, "about": self.about}
        if self.sidecar is not None:
            found["sidecar"] = str(Path(self.name).with_suffix(".pfs"))
        if self.pixels is not None:
            found["protected"] = picture_digest(self.pixels).hex()
        return found | {"attempts": [attempt.described() for attempt in self.attempts]}


def small(name: str, **changes: Any) -> File:
    """Return a file with one face of 12x12 pixels, too small for a record; face fields may be changed too."""
    of_face = {key: changes.pop(key) for key in list(changes) if key in Face.__dataclass_fields__}
    faces = changes.pop("faces", None) or [Face(SMALL_BOX, **of_face)]
    size = changes.pop("picture", SMALL)
    return File(name, scene(*size), faces, **changes)


def large(name: str, **changes: Any) -> File:
    """Return a file with one face of 40x40 pixels and a record."""
    of_face = {key: changes.pop(key) for key in list(changes) if key in Face.__dataclass_fields__}
    return File(name, scene(*LARGE), [Face(LARGE_BOX, **of_face)], **changes)


def exact(file: File, **changes: Any) -> Attempt:
    """Expect every face back exactly."""
    keys = dict(enumerate(file.face_keys))
    return Attempt("opens", ("exact",) * len(file.faces), keys=keys, recovered=file.rgb, **changes)


def estimate(file: File, pixels: UInt8Image | None = None, at: tuple[int, int] = (0, 0)) -> Attempt:
    """Expect an estimate of every face, in the file's picture or in one that holds it at a place."""
    keys, outcomes = dict(enumerate(file.face_keys)), ("estimate",) * len(file.faces)
    return Attempt("opens", outcomes, keys=keys, recovered=file.estimated(pixels, at=at))


def good(name: str, about: str, file: File, data: bytes | None = None) -> Case:
    """Return a file that opens exactly."""
    return Case(name, about, data or file.png(), [exact(file)], file.protected)


def bad(name: str, about: str, expect: str, data: bytes) -> Case:
    """Return a file that is refused, whatever the key."""
    return Case(name, about, data, [Attempt(expect)])


def flipped(data: bytes, at: int = -1, bits: int = 1) -> bytes:
    """Return bytes of which one is changed."""
    changed = bytearray(data)
    changed[at] ^= bits
    return bytes(changed)


def layout() -> Iterator[Case]:
    """Yield PNG files whose chunks are in various places."""
    file = small("layout")
    yield good("plain.png", "what writers make", file)
    yield good("header-behind-pixels.png", "pfSh behind IDAT", file, file.png("front pixels header seals end"))
    yield good("seals-first.png", "both chunks in front, seals first", file, file.png("front seals header pixels end"))
    yield bad("header-twice.png", "two headers", "damaged", file.png("front header header pixels seals end"))
    yield bad("seal-twice.png", "two seals of one face", "damaged", file.png("front header pixels seals seals end"))
    before = file.png("signature header ihdr pixels seals end")
    yield bad("header-before-ihdr.png", "the first chunk is not IHDR", "not-a-picture", before)
    behind = file.png("front pixels seals end header")
    yield bad("header-behind-iend.png", "a header behind IEND does not count", "damaged", behind)
    crc = chunk(b"pfSh", file.header())[:-1] + bytes([chunk(b"pfSh", file.header())[-1] ^ 1])
    broken = file.png("front header pixels seals end").replace(chunk(b"pfSh", file.header()), crc)
    yield bad("header-crc.png", "the CRC of pfSh is wrong", "damaged", broken)
    (seal,) = file.seals()
    whole = chunk(b"pfSl", seal)
    yield bad("seal-crc.png", "the CRC of pfSl is wrong", "damaged", file.png().replace(whole, flipped(whole)))
    yield bad("seal-alone.png", "a seal without a header", "damaged", file.png("front pixels seals end"))
    unknown = file.png(seals=[b"\0\1" + seal[2:]])
    yield bad("seal-of-no-face.png", "a seal with the index of a face that does not exist", "damaged", unknown)
    yield bad("unprotected.png", "neither header, seal nor record", "not-protected", file.png("front pixels end"))
    yield bad("truncated.png", "the file ends inside IDAT", "not-a-picture", file.png("front pixels")[:-40])
    stripped = large("no-seal")
    yield Case("no-seal.png", "marked as sealed, but the seal was stripped: only an estimate is left",
               stripped.png(seals=[]), [estimate(stripped)], stripped.protected)  # fmt: skip


def carriers() -> Iterator[Case]:
    """Yield the other carriers, and pixels stored in other ways."""
    file = small("carriers")
    yield good("lossless.webp", "extended WebP with both RIFF chunks", file, file.webp())
    yield good("little-endian.tif", "TIFF, II", file, file.tiff("<"))
    yield good("big-endian.tif", "TIFF, MM: the lengths in tag 65361 are big-endian in both", file, file.tiff(">"))
    bare = file.png("front pixels end")
    yield Case("beside.png", "header and seal in the sidecar", bare, [exact(file)], file.protected, file.sidecar())
    other = file.sidecar(255 - file.protected)
    yield Case("other-digest.png", "the sidecar's digest is another picture's, but the region digests are right",
               bare, [exact(file)], file.protected, other)  # fmt: skip
    another = small("carriers-another", picture=(28, 20))
    yield Case("of-another.png", "the sidecar of another picture", bare, [Attempt("damaged")], None, another.sidecar())
    broken = flipped(file.sidecar(), 60)
    yield Case("sidecar-checksum.png", "a sidecar that is damaged", bare, [Attempt("damaged")], None, broken)
    newer = b"PFSC\2" + file.sidecar()[5:]
    yield Case("sidecar-version-2.png", "a sidecar of version 2", bare, [Attempt("newer")], None, newer)
    tiny = small("palette", faces=[Face((2, 2, 12, 12))], picture=(15, 15))
    seals = b"".join(chunk(b"pfSl", each) for each in tiny.seals())
    indexed = palette_png(tiny.protected, chunk(b"pfSh", tiny.header()), seals)
    yield good("palette.png", "a program has stored the same pixels with a palette", tiny, indexed)


def headers() -> Iterator[Case]:
    """Yield deviations in the header's frame."""
    yield bad("version-2.png", "a later version of the format", "newer", small("version", magic=b"PFS1\2").png())
    yield bad("flag-bit-1.png", "an unknown flag of the header", "newer", small("flag", header_flags=2).png())
    yield bad("magic.png", "another magic number", "damaged", small("magic", magic=b"PFS2\1").png())
    wrong = small("checksum", checksum=flipped).png()
    yield bad("checksum.png", "the checksum does not match", "damaged", wrong)
    both = small("both", magic=b"PFS1\2", checksum=flipped).png()
    yield bad("version-2-and-checksum.png", "the version is met before the checksum", "newer", both)
    first = small("order", header_flags=2, checksum=flipped).png()
    yield bad("checksum-and-flag.png", "the checksum is met before the flags", "damaged", first)
    yield bad("trailing-byte.png", "a byte behind the extensions", "damaged",
              small("trailing", body=lambda body: body + b"\0").png())  # fmt: skip
    yield bad("cut-short.png", "the header ends inside its extensions", "damaged",
              small("short", body=lambda body: body[:-3]).png())  # fmt: skip
    yield bad("other-size.png", "made for a picture of another size", "damaged", small("size", size=(25, 20)).png())
    yield bad("no-faces.png", "no faces", "damaged", without_faces().png(seals=[]))
    yield bad("group-1-of-1.png", "a face of a group that does not exist", "damaged", group_missing())
    yield bad("mac.png", "the MAC does not match: nothing may be recovered", "damaged", small("mac", mac=flipped).png())
    late = small("digest")
    spoilt = late.protected.copy()
    spoilt[8, 8, 0] ^= 4
    late_png = late.png().replace(png_parts(late.protected)["pixels"], png_parts(spoilt)["pixels"])
    yield bad("region-changed.png", "a protected pixel was changed", "damaged", late_png)
    outside = late.protected.copy()
    outside[0, 0, 0] ^= 4
    changed = late.png().replace(png_parts(late.protected)["pixels"], png_parts(outside)["pixels"])
    back = late.rgb.copy()
    back[0, 0, 0] ^= 4
    attempt = replace(exact(late), recovered=back)
    yield Case("outside-changed.png", "a pixel outside the face was changed", changed, [attempt], outside)


def without_faces() -> File:
    """Return a file whose header lists no faces."""
    file = small("no-faces")
    at = 31 + 1 + 32 + len(file.stanzas(0))
    face = len(file.header()) - 8 - at - 2 - (2 + 6 + 2)
    return replace(file, body=lambda body: body[:at] + b"\0\0" + body[at + 2 + face :])


def group_missing() -> bytes:
    """Return a file whose face names group 1 of one group."""
    file = small("group")
    at = 31 + 1 + 32 + len(file.stanzas(0)) + 2 + 16
    return replace(file, body=lambda body: body[:at] + b"\1" + body[at + 1 :]).png()


def faces() -> Iterator[Case]:
    """Yield deviations in the entry of a face."""
    strengths = {
        "nan": ("7fc00001", "a NaN that does not mean 'none'", False), "infinity": ("7f800000", "infinity", False),
        "largest": ("7f7fc99e", "3.4e38", True),
        "too-large": ("7f7fffff", "the largest single of all", False),
        "minus-zero": ("80000000", "minus zero", True),
    }  # fmt: skip
    for name, (bits, about, valid) in strengths.items():
        file = small(f"strength-{name}", strength=bytes.fromhex(bits))
        label, about = f"strength-{name}.png", f"strength: {about}"
        yield good(label, about, file) if valid else bad(label, about, "damaged", file.png())
    unknown = small("style", style=b"qq zz")
    yield good("style-unknown.png", "readers need not know the style", unknown)
    yield bad("style-empty.png", "a style without a name", "damaged", small("empty", style=b"").png())
    yield bad("style-33.png", "a style of 33 characters", "damaged", small("long", style=b"a" * 33).png())
    yield bad("style-control.png", "a control character", "damaged", small("control", style=b"a\n").png())
    yield bad("unknown-flag.png", "an unknown flag of a face", "newer", small("flag", flags=9).png())
    yield bad("erased-only.png", "erased, but not forgotten", "damaged", small("erased", flags=5).png())
    yield bad("odd-box.png", "an odd width", "damaged", small("odd", stored_box=(4, 4, 11, 12)).png())
    yield bad("outside.png", "a box that reaches beyond the picture", "damaged",
              small("outside", stored_box=(14, 4, 12, 12)).png())  # fmt: skip
    twice = small("overlap", faces=[Face((0, 0, 12, 12)), Face((12, 0, 12, 12), stored_box=(10, 0, 12, 12))])
    yield bad("overlap.png", "two boxes that overlap", "damaged", twice.png())


def stanzas() -> Iterator[Case]:
    """Yield files with further stanzas behind the one that opens them."""

    def extra(name: str, *raw: bytes) -> File:
        return small(name, groups=[Group(extra=raw)])

    wrapped = bytes(60)
    low_order = stanza(2, bytes(32) + wrapped)
    kept = {
        "kind-9.png": ("an unknown kind", [stanza(9, b"hello")]),
        "kind-0.png": ("kind 0, empty", [stanza(0, b"")]),
        "kind-255.png": ("kind 255 with the longest body that fits its length", [stanza(255, bytes(65535))]),
        "recipient-of-5.png": (
            "a recipient with a body of another length",
            [stanza(2, b"hello")],
        ),
        "low-order.png": ("an ephemeral key of low order: readers pass over the stanza", [low_order]),
        "64-stanzas.png": ("64 stanzas", [stanza(9, bytes([number])) for number in range(63)]),
    }
    for name, (about, raw) in kept.items():
        yield good(name, about, extra(name, *raw))
    dear = [stanza(1, bytes([n]) * 16 + cost_bytes(KdfParams(16, 2**20, 1)) + wrapped) for n in (1, 2)]
    refused = {
        "passphrase-of-5.png": ("a passphrase stanza of another length", [stanza(1, b"hello")]),
        "kind-3.png": ("a stanza of the cover mode in noise mode", [stanza(3, bytes(16) + cost_bytes(COST))]),
        "65-stanzas.png": ("65 stanzas", [stanza(9, bytes([number])) for number in range(64)]),
        "memory-1023.png": ("less memory than the least", [
            stanza(1, bytes(16) + cost_bytes(KdfParams(1, 1023, 1)) + wrapped)]),
        "too-costly.png": ("more than 16 GiB of passes x memory in all", dear),
    }  # fmt: skip
    for name, (about, raw) in refused.items():
        yield bad(name, about, "damaged", extra(name, *raw).png())


def extensions() -> Iterator[Case]:
    """Yield extensions, known and unknown."""
    yield good("later.png", "an unknown extension that is not critical", small("later", extensions=[(7, b"later")]))
    yield bad("later-critical.png", "an unknown critical extension", "newer",
              small("critical", extensions=[(0x8002, b"x")]).png())  # fmt: skip
    for name, about, found in (
        ("not-ascending.png", "tags that do not ascend", [(7, b""), (5, b"")]),
        ("twice.png", "a tag twice", [(7, b""), (7, b"")]),
    ):
        yield bad(name, about, "damaged", small(name, extensions=found).png())
    yield bad("twice-critical.png", "a tag twice, critical the second time: unknown, and met first", "newer",
              small("twice-critical", extensions=[(7, b""), (0x8007, b"")]).png())  # fmt: skip
    yield bad("reserved-not-critical.png", "extension 1 that is not critical", "damaged",
              large("r1", reserved_extension=(1, (1824).to_bytes(2, "big"))).png())  # fmt: skip
    for name, about, value in (
        ("reserved-zero.png", "extension 1 that reserves nothing", b"\0\0"),
        ("reserved-miscounted.png", "extension 1 with two numbers for one face", b"\0\1\0\1"),
        ("reserved-too-many.png", "more samples than the region has", (433).to_bytes(2, "big")),
    ):
        yield bad(name, about, "damaged", small(name, reserved_extension=(0x8001, value)).png())
    yield bad("footprints-empty.png", "extension 0 without an entry", "damaged",
              small("f0", footprint_extension=(0, b"")).png())  # fmt: skip
    yield bad("footprints-critical.png", "extension 0 that is critical, though all entries are ff 00", "damaged",
              small("f1", footprint_extension=(0x8000, b"\xff\0")).png())  # fmt: skip
    yield bad("footprints-not-critical.png", "extension 0 that is not critical, though it has to be", "damaged",
              small("f2", footprint_extension=(0, b"\x80\0"), footprint=b"\x80\0").png())  # fmt: skip
    yield good(
        "no-footprints.png", "a header of version 0.1.0, without extension 0", small("f3", with_footprints=False)
    )


def areas() -> Iterator[Case]:
    """Yield faces whose cover replaced alpha, or the last column and row of the picture."""
    rgb = scene(25, 21)
    edges = File("edges", rgb, [Face((12, 8, 12, 12), footprint=b"\xff\6")])
    yield good("edges.png", "the last column and row belong to the area", edges)
    changed = edges.protected.copy()
    changed[20, 15, 1] ^= 8
    parts = [png_parts(each)["pixels"] for each in (edges.protected, changed)]
    yield bad("edge-changed.png", "a pixel of the covered row was changed", "damaged", edges.png().replace(*parts))
    inside = File("inside", rgb, [Face((4, 4, 12, 12), footprint=b"\xff\2")])
    yield bad("edge-inside.png", "a column beside the box that is not the picture's last", "damaged", inside.png())
    constant = np.full((20, 24), 128, np.uint8)
    half = File("constant", scene(*SMALL), [Face(SMALL_BOX, footprint=b"\x80\0")], alpha=constant)
    yield good("constant-alpha.png", "alpha is 128 all over the face", half)
    other = constant.copy()
    other[10, 10] = 127
    parts = [png_parts(np.dstack([half.protected, each]))["pixels"] for each in (constant, other)]
    yield bad("alpha-changed.png", "alpha was changed inside the face", "damaged", half.png().replace(*parts))
    file = small("opaque")
    opaque = np.dstack([file.protected, np.full(file.protected.shape[:2], 255, np.uint8)])
    rgba = file.png().replace(png_parts(file.protected)["front"], png_parts(opaque)["front"])
    rgba = rgba.replace(png_parts(file.protected)["pixels"], png_parts(opaque)["pixels"])
    yield good("opaque-alpha.png", "a program has added an opaque alpha channel", file, rgba)
    varied = (np.mgrid[:20, :24].sum(0) * 5).astype(np.uint8)
    fading = File("varied", scene(*SMALL), [Face(SMALL_BOX, footprint=b"\xff\1")], alpha=varied)
    yield good("varied-alpha.png", "the original's alpha is in the seal; the published one is opaque there", fading)
    for name, about, footprint, expect in (
        ("unknown-flag.png", "an unknown flag of an area", b"\xff\x08", "newer"),
        ("varied-not-opaque.png", "a varied alpha that was not made opaque", b"\x80\1", "damaged"),
    ):
        yield bad(name, about, expect, small(name, footprint_extension=(0x8000, footprint)).png())


def seals() -> Iterator[Case]:
    """Yield seals with every kind of padding and content."""
    zeros = lambda count: lambda payload: payload.ljust(count, b"\0")  # noqa: E731
    for name, about, payload in (
        ("no-padding.png", "no padding at all", lambda payload: payload),
        ("padding-4096.png", "zeros up to 4096 bytes, more than any writer adds", zeros(4096)),
        ("padding-not-zero.png", "padding that is not zero", lambda payload: payload + b"\1" * 500),
        ("full-length.png", "the largest payload of this box, as for covers that show nothing", zeros(1469)),
    ):
        yield good(name, about, small(name, payload=payload))
    yield good("webp-content.png", "codec 2, lossless WebP", small("webp-content", codec=2))
    wrong = np.zeros((12, 14, 3), np.uint8)
    alpha = np.zeros((12, 12, 4), np.uint8)
    for name, about, changes in (
        ("codec-3.png", "an unknown codec", {"payload": lambda payload: b"\3" + payload[1:]}),
        ("wrong-codec.png", "PNG content that claims to be WebP", {"payload": lambda payload: b"\2" + payload[1:]}),
        ("length.png", "a length that reaches beyond the payload",
         {"payload": lambda payload: payload[:1] + b"\0\0\xff\xff" + payload[5:]}),
        ("other-shape.png", "content of another size", {"content": wrong}),
        ("with-alpha.png", "content with alpha, though the footprint says nothing of it", {"content": alpha}),
        ("content-cut.png", "content that is no complete picture",
         {"payload": lambda payload: payload[:1] + (40).to_bytes(4, "big") + payload[5:45]}),
        ("altered.png", "a byte of the ciphertext was altered", {"seal": lambda seal: flipped(seal, 40)}),
        ("short.png", "fewer bytes than nonce, prefix and tag", {"seal": lambda seal: seal[:32]}),
    ):  # fmt: skip
        yield bad(name, about, "damaged", small(name, **changes).png())


SUBJECTS: tuple[Callable[[], Iterator[Case]], ...] = (
    layout, carriers, headers, faces, stanzas, extensions, areas, seals,
)  # fmt: skip


def write(subjects: Sequence[Callable[[], Iterator[Case]]], folder: Path = HERE) -> None:
    """Write the files and descriptions of some subjects."""
    for subject in subjects:
        target = folder / subject.__name__
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        cases = list(subject())
        for case in cases:
            (target / case.name).write_bytes(case.data)
            if case.sidecar is not None:
                (target / case.name).with_suffix(".pfs").write_bytes(case.sidecar)
        described = {"about": (subject.__doc__ or "").removeprefix("Yield "), "cases": [c.described() for c in cases]}
        (target / "cases.json").write_text(json.dumps(described, indent=1) + "\n", encoding="ascii")


def all_subjects() -> tuple[Callable[[], Iterator[Case]], ...]:
    """Return the subjects of this module, of `make_container_keys` and of `make_container_rules`."""
    import make_container_keys
    import make_container_rules

    return (*SUBJECTS, *make_container_keys.SUBJECTS, *make_container_rules.SUBJECTS)


if __name__ == "__main__":
    write(all_subjects())
