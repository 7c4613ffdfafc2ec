"""Vectors of docs/format.md about records in the pixels, keys and modes; `make_container` writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from container_files import PASSPHRASE, Face, File, Group
from file_parts import chunk, cost_bytes, png_parts, scene, stanza
from make_container import (
    ANN,
    LARGE,
    LARGE_BOX,
    LEFT,
    PAIR,
    RIGHT,
    WRONG,
    Attempt,
    Case,
    bad,
    estimate,
    exact,
    flipped,
    good,
    large,
    small,
)

from proface_s.keys.derive import KdfParams, derive_kek, subkey
from proface_s.keys.recipients import Identity, encode_identity
from proface_s.types import UInt8Image

BOB = encode_identity(Identity(bytes([0x42]) * 32))
SYNC_BITS, HEAD, BODY = 40, 5, 12  # the head begins at byte 5 of a record, the body at byte 12
ONLY_PIXELS = "front pixels end"


def pair(name: str, groups: Sequence[int] = (0, 0), locks: Sequence[Group] = (Group(),)) -> File:
    """Return a file with two faces of 40x40 pixels."""
    places = zip((LEFT, RIGHT), groups, strict=True)
    return File(name, scene(*PAIR), [Face(box, group) for box, group in places], list(locks))


def with_errors(file: File, index: int, *, bits: Sequence[int] = (), octets: Sequence[int] = ()) -> UInt8Image:
    """Return the protected picture with bits, or whole bytes, of a record inverted."""
    x, y, w, h = file.faces[index].box
    pixels = file.protected.copy()
    region = pixels[y : y + h, x : x + w].copy()
    samples = region.reshape(-1)
    for bit in [*bits, *(8 * octet + bit for octet in octets for bit in range(8))]:
        samples[bit] ^= 1
    pixels[y : y + h, x : x + w] = region
    return pixels


def as_png(pixels: UInt8Image) -> bytes:
    """Return a PNG file without header and seals."""
    parts = png_parts(pixels)
    return parts["front"] + parts["pixels"] + parts["end"]


def with_pixels(data: bytes, old: UInt8Image, new: UInt8Image) -> bytes:
    """Return a PNG file with other pixels and the same chunks."""
    return data.replace(png_parts(old)["pixels"], png_parts(new)["pixels"])


def records() -> Iterator[Case]:
    """Yield pictures whose metadata was dropped: at most the records in the pixels are left."""
    file = large("records")
    yield Case("stripped.png", "an undamaged record", as_png(file.protected), [estimate(file)], file.protected)
    readable = {
        "sync-3.png": ("three wrong bits in the sync word", {"bits": (0, 17, 33)}),
        "head-2.png": ("two wrong bytes in the head", {"octets": (HEAD, HEAD + 3)}),
        "body-16.png": ("sixteen wrong bytes in the body", {"octets": range(BODY, BODY + 16 * 5, 5)}),
    }
    for name, (about, wrong) in readable.items():
        pixels = with_errors(file, 0, **wrong)  # type: ignore[arg-type]
        yield Case(name, about, as_png(pixels), [estimate(file, pixels)], pixels)
    unreadable = {
        "sync-4.png": ("four wrong bits in the sync word", {"bits": (0, 17, 33, 38)}, "not-protected"),
        "head-3.png": ("three wrong bytes in the head", {"octets": (HEAD, HEAD + 3, HEAD + 5)}, "damaged"),
        "body-17.png": ("seventeen wrong bytes in the body", {"octets": range(BODY, BODY + 17 * 5, 5)}, "damaged"),
    }
    for name, (about, wrong, expect) in unreadable.items():
        yield bad(name, about, expect, as_png(with_errors(file, 0, **wrong)))  # type: ignore[arg-type]
    cropped = file.protected[2:46, 5:52].copy()
    yield Case("cropped.png", "cropped outside the face", as_png(cropped), [estimate(file, cropped, (-5, -2))], cropped)
    pasted = scene(70, 60, 40)
    pasted[9 : 9 + 48, 7 : 7 + 56] = file.protected
    yield Case("pasted.png", "pasted into a larger picture", as_png(pasted), [estimate(file, pasted, (7, 9))], pasted)
    yield bad(
        "cut-off.png",
        "cropped through the face, so that its region is not inside the picture",
        "not-protected",
        as_png(file.protected[:30].copy()),
    )
    newer = large("record-version", record=lambda record: b"\2" + record[1:])
    yield bad("version-2.png", "a record of version 2", "newer", as_png(newer.protected))
    two = pair("two-records")
    pixels = with_errors(two, 0, octets=range(BODY, BODY + 100))
    lost = Attempt("opens", ("lost", "estimate"), keys={1: two.face_keys[1]}, recovered=two.estimated(pixels, [1]))
    yield Case("one-lost.png", "two faces, of which one record is beyond repair", as_png(pixels), [lost], pixels)
    yield Case("with-header.png", "a record beyond repair costs nothing while the header is there",
               with_pixels(file.png(), file.protected, with_errors(file, 0, octets=range(BODY, BODY + 40))),
               [exact(file)], with_errors(file, 0, octets=range(BODY, BODY + 40)))  # fmt: skip
    contrary = large("contradiction", record=lambda record: flipped(record, -3))
    denied = Attempt("damaged", passphrases=(), face_keys=(contrary.face_key_text(0),))
    yield Case("contradiction.png", "the record has another slot than the header, and there is no seal: a header that "
               "a key has vouched for wins; with a face key alone nothing vouches for it",
               contrary.png(seals=[]), [estimate(contrary), denied], contrary.protected)  # fmt: skip


def opened(file: File, outcomes: Sequence[str], **changes: object) -> Attempt:
    """Expect some faces, all others covered."""
    back = file.protected.copy()
    for index, outcome in enumerate(outcomes):
        x, y, w, h = file.faces[index].box
        if outcome == "exact":
            back[y : y + h, x : x + w] = file.rgb[y : y + h, x : x + w]
    keys = {index: file.face_keys[index] for index, outcome in enumerate(outcomes) if outcome == "exact"}
    return replace(Attempt("opens", tuple(outcomes), keys=keys, recovered=back), **changes)  # type: ignore[arg-type]


def refused(**changes: object) -> Attempt:
    """Expect that the keys are recognised as wrong."""
    return replace(Attempt("wrong-key"), **changes)  # type: ignore[arg-type]


def keys() -> Iterator[Case]:
    """Yield files that open with several keys, or with none that is given."""
    two = small("two-passphrases", groups=[Group((PASSPHRASE, "a second passphrase"))])
    attempts = [
        exact(two), exact(two, passphrases=("a second passphrase",)), exact(two, passphrases=(WRONG, PASSPHRASE)),
        refused(passphrases=(WRONG,)), refused(passphrases=(), identities=(ANN,)),
    ]  # fmt: skip
    yield Case("two-passphrases.png", "each of two passphrases opens the file", two.png(), attempts, two.protected)
    text = small("unicode", groups=[Group(("caf\u00e9 on the \u212bngstr\u00f6m",))])
    forms = [exact(text, passphrases=(form,)) for form in ("caf\u00e9 on the \u00c5ngstr\u00f6m",
             "cafe\u0301 on the A\u030angstro\u0308m")]  # fmt: skip
    yield Case("unicode.png", "forms of one text that are equal in NFC", text.png(), forms, text.protected)
    groups = pair("groups", (0, 1), [Group(("the first passphrase",)), Group(("the other passphrase",))])
    attempts = [
        opened(groups, ("exact", "locked"), passphrases=("the first passphrase",)),
        opened(groups, ("locked", "exact"), passphrases=("the other passphrase",)),
        opened(groups, ("exact", "exact"), passphrases=("the first passphrase", "the other passphrase")),
        opened(groups, ("locked", "exact"), passphrases=(), face_keys=(groups.face_key_text(1),)),
        refused(),
    ]
    yield Case("two-groups.png", "two faces with different passphrases", groups.png(), attempts, groups.protected)
    people = small("recipient", groups=[Group((), (ANN,))])
    attempts = [
        exact(people, passphrases=(), identities=(ANN,)), exact(people, passphrases=(), identities=(BOB, ANN)),
        refused(passphrases=(), identities=(BOB,)), refused(),
    ]  # fmt: skip
    yield Case("recipient.png", "one recipient and no passphrase", people.png(), attempts, people.protected)
    other = small("another-file")
    upper = two.face_key_text(0).upper()
    attempts = [
        exact(two, passphrases=(), face_keys=(upper,)),
        refused(passphrases=(), face_keys=(other.face_key_text(0),)),
    ]
    yield Case("face-key.png", "a face key in upper case, and one of another file", two.png(), attempts, two.protected)
    yield from gone()


def gone() -> Iterator[Case]:
    """Yield files with forgotten and erased faces."""
    file = pair("forgotten")
    (_, seal) = file.seals()
    x, y, w, h = LEFT
    pixels = file.protected.copy()
    region = pixels[y : y + h, x : x + w].copy()
    region.reshape(-1)[: file.reserved[0]] &= 0xFE
    pixels[y : y + h, x : x + w] = region
    data = with_pixels(file.png(header=file.header(forgotten=(0,)), seals=[seal]), file.protected, pixels)
    left = replace(file_like(file, pixels), faces=("forgotten", "exact"))
    by_face_key = Attempt("opens", ("estimate", "locked"), passphrases=(), face_keys=(file.face_key_text(0),),
                          keys={0: file.face_keys[0]}, recovered=file.estimated(pixels, [0]))  # fmt: skip
    yield Case("forgotten.png", "the first face was forgotten: its slot is a SHA-256, its seal and record are gone; "
               "its own face key still reads the pixels", data, [left, by_face_key], pixels)  # fmt: skip
    grey = file.protected.copy()
    grey[y : y + h, x : x + w] = 128
    data = with_pixels(file.png(header=file.header(erased=(0,)), seals=[seal]), file.protected, grey)
    erased = replace(file_like(file, grey), faces=("forgotten", "exact"))
    yield Case("erased.png", "the first face was erased: its pixels are overwritten, and its digest no longer theirs",
               data, [erased], grey)  # fmt: skip
    everything = small("all-forgotten")
    data = everything.png(header=everything.header(forgotten=(0,)), seals=[])
    nothing = Attempt("opens", ("forgotten",), recovered=everything.protected)
    yield Case("all-forgotten.png", "the passphrase opens the group, but its only face is forgotten", data,
               [nothing, refused(passphrases=(WRONG,))], everything.protected)  # fmt: skip


def file_like(file: File, pixels: UInt8Image) -> Attempt:
    """Expect the second face exactly, and the rest as in ``pixels``."""
    back = pixels.copy()
    x, y, w, h = file.faces[1].box
    back[y : y + h, x : x + w] = file.rgb[y : y + h, x : x + w]
    return Attempt("opens", keys={1: file.face_keys[1]}, recovered=back)


def modes() -> Iterator[Case]:
    """Yield files in cover mode, where any passphrase gives something."""

    def covered(name: str, **changes: object) -> File:
        changes = {"cover": True, "faces": [Face(LARGE_BOX, flags=0)], **changes}
        return File(name, scene(*LARGE), **changes)  # type: ignore[arg-type]

    file = covered("cover")
    wrong = derive_kek(WRONG, file._salt(PASSPHRASE), file.groups[0].cost)
    context = file.context(0)
    wrong_key = subkey(subkey(wrong, "cover-face", context + file.slots[0]), "face-key", context)
    cover = Attempt("opens", ("estimate",), (WRONG,), keys={0: wrong_key}, recovered=file.protected)
    attempts = [estimate(file), cover, refused(passphrases=(), identities=(ANN,))]
    yield Case("cover.png", "the right passphrase gives an estimate, a wrong one the protected picture; nothing tells "
               "which is which", file.png(), attempts, file.protected)  # fmt: skip
    yield Case("stripped.png", "the same from the record", as_png(file.protected), [estimate(file), cover],
               file.protected)  # fmt: skip
    sealed = covered("sealed", faces=[Face(LARGE_BOX)])
    yield bad("sealed.png", "a seal, which shows whether a passphrase is right", "damaged", sealed.png())
    yield bad("mac.png", "a MAC that is not zero", "damaged", covered("mac", mac=lambda mac: b"\1" + mac[1:]).png())
    two = covered("two", groups=[Group((PASSPHRASE, WRONG))])
    yield bad("two-stanzas.png", "two passphrases in one group", "damaged", two.png())
    mixed = covered("mixed", groups=[Group(identities=(ANN,))])
    yield bad("recipient.png", "a recipient beside the passphrase", "damaged", mixed.png())
    contrary = covered("contrary", record=lambda record: flipped(record, -3))
    yield bad("contradiction.png", "the record has another slot than the header, for which nothing vouches", "damaged",
              contrary.png())  # fmt: skip


def estimates() -> Iterator[Case]:
    """Yield faces that are read from the pixels, with either model."""
    wide, place = scene(110, 104), (6, 4, 98, 96)
    for model in ("secure-2", "secure-3"):
        files = {
            "small": ("12x12 pixels, one level", small(f"{model}-small", model_name=model)),
            "record": ("40x40 pixels, of which a record takes the first samples", large(f"{model}-record",
                       model_name=model)),
            "base-3": ("98x96 pixels: three residues per sample",
                       File(f"{model}-base-3", wide, [Face(place)], model_name=model, records=False)),
        }  # fmt: skip
        for name, (about, file) in files.items():
            data = file.png(seals=[])
            yield Case(f"{model}-{name}.png", f"{model}: {about}", data, [estimate(file)], file.protected)
    fine = large("secure-3-stripped", model_name="secure-3")
    yield Case("secure-3-stripped.png", "secure-3: header and seals are gone, the record is left",
               as_png(fine.protected), [estimate(fine)], fine.protected)  # fmt: skip
    yield good("secure-3-sealed.png", "secure-3: with its seal", large("secure-3-sealed", model_name="secure-3"))
    other = bytes(range(16))
    sealed = small("other-model", other_id=other)
    yield good("other-model-sealed.png", "a model that no reader has: seals need none", sealed)
    bare = small("other-model-bare", other_id=other)
    yield Case("other-model.png", "a model that no reader has, and no seal", bare.png(seals=[]),
               [Attempt("lacks-model"), refused(passphrases=(WRONG,))], bare.protected)  # fmt: skip
    changed = small("changed")
    pixels = changed.protected.copy()
    pixels[10, 10, 1] ^= 2
    data = with_pixels(changed.png(seals=[]), changed.protected, pixels)
    yield bad("region-changed.png", "a pixel was changed: the digest of the region shows it", "damaged", data)


def order() -> Iterator[Case]:
    """Yield files in which two rules meet, and carriers with something unknown in them."""
    later = chunk(b"pfSx", b"of a later version")
    file = large("later-chunk")
    parts = png_parts(file.protected)
    yield Case("unknown-chunk-record.png", "a record, and a private chunk of another name: it is ignored",
               parts["front"] + later + parts["pixels"] + parts["end"], [estimate(file)], file.protected)  # fmt: skip
    with_later = file.png().replace(parts["pixels"], later + parts["pixels"])
    yield good("unknown-chunk.png", "header and seal, and a private chunk of another name", file, with_later)
    changed = small("changed-and-wrong")
    pixels = changed.protected.copy()
    pixels[9, 9, 0] ^= 4
    yield Case("changed-and-wrong-key.png", "a protected pixel was changed, and the key is wrong: digests need no key",
               with_pixels(changed.png(), changed.protected, pixels),
               [Attempt("damaged"), Attempt("damaged", passphrases=(WRONG,))])  # fmt: skip
    forged = small("mac-and-wrong", mac=flipped)
    yield Case("mac-and-wrong-key.png", "the MAC does not match, and the key is wrong: the MAC needs the key",
               forged.png(), [Attempt("damaged"), refused(passphrases=(WRONG,))], forged.protected)  # fmt: skip
    cheap = [stanza(1, bytes(16) + cost_bytes(KdfParams(1, 1023, 1)) + bytes(60))]
    yield bad("cost-and-flag.png", "too little memory for Argon2id, and an unknown flag of a face behind it", "newer",
              small("cost-and-flag", groups=[Group(extra=tuple(cheap))], flags=9).png())  # fmt: skip
    yield bad("box-and-extension.png", "an odd box, and an unknown critical extension behind it", "newer",
              small("box-and-extension", stored_box=(4, 4, 11, 12), extensions=[(0x8009, b"")]).png())  # fmt: skip
    yield bad("strength-and-extension.png", "an infinite strength, and an unknown critical extension behind it",
              "damaged", small("strength-and-extension", strength=bytes.fromhex("7f800000"),
                               extensions=[(0x8009, b"")]).png())  # fmt: skip
    yield bad("trailing-and-area.png", "a byte behind the extensions, and an unknown flag of an area", "damaged",
              small("trailing-and-area", body=lambda body: body + b"\0",
                    footprint_extension=(0x8000, b"\xff\x08")).png())  # fmt: skip
    yield bad("area-and-reserved.png", "an unknown flag of an area, and extension 1 that reserves nothing: extensions "
              "are looked at in the order of their tags", "newer",
              small("area-and-reserved", footprint_extension=(0x8000, b"\xff\x08"),
                    reserved_extension=(0x8001, b"\0\0")).png())  # fmt: skip
    yield bad("stanzas-and-flag.png", "a group without stanzas, and an unknown flag of a face behind it", "damaged",
              without_stanzas(small("stanzas-and-flag", flags=9)).png())  # fmt: skip
    odd = large("record-rule", record=lambda record: record[:1] + bytes([record[1] | 4]) + record[2:])
    yield bad("record-flag.png", "the only record has an unknown flag", "newer", as_png(odd.protected))
    long = large("record-tail", record=lambda record: record + b"\0")
    yield bad("record-tail.png", "the only record has a byte too many: it is passed over", "not-protected",
              as_png(long.protected))  # fmt: skip
    cut = large("cut").png()
    yield bad(
        "cut.png", "cut in the middle of its pixels, behind the header", "damaged", cut[: cut.index(b"IDAT") + 99]
    )


def without_stanzas(file: File) -> File:
    """Return a file whose only group has no stanza."""
    at = 31 + 1 + 32
    end = at + len(file.stanzas(0))
    return replace(file, body=lambda body: body[:at] + b"\0" + body[end:])


SUBJECTS: tuple[Callable[[], Iterator[Case]], ...] = (records, keys, modes, estimates, order)
