"""1. Wrong keys: a secure scheme is a cliff: with one wrong bit, no more comes back than with any other key.

Keys are changed as the user has them (32 bytes, derived from a passphrase) and, if a method expands its key over the
picture, in the expanded form too: that is what an attacker who has guessed or computed a part of it holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from proface_s.image.measures import psnr
from proface_s.types import UInt8Image

from ...evaluation.measures.quality import evaluation_key
from ...evaluation.method import Method
from ..base import AttackOutcome, Plot, Scene, Table
from .access import ExpandedKey, expanded_key

PASSPHRASE: Final = "correct horse battery staple"
SHARES: Final = (0.001, 0.01, 0.05, 0.25, 0.5)
MARGIN: Final = 3.0  # dB above the control that count as a leak
KEY, SPREAD = "key bytes", "spread key"

RecoveredByFace = dict[str, UInt8Image]
Best = tuple[str, float, float]  # name of the wrong key, its result, the control
Change = Callable[[UInt8Image, int, np.random.Generator], UInt8Image]


class WrongKeys:
    """Recover with keys that are more or less wrong."""

    name, number, title, needs, of_method = "wrong-keys", 1, "Wrong keys", (), True

    def run(self, method: Method, scene: Scene) -> AttackOutcome:
        """See `Attack.run`."""
        rng = np.random.default_rng([scene.seed, 1])
        faces = scene.covered()[: scene.budget.victims]
        levels: dict[str, list[RecoveredByFace]] = {KEY: [], SPREAD: []}
        opened = None
        for number, face in enumerate(faces):
            phrase = f"{PASSPHRASE} {number}"
            key = _key_of(phrase)
            protected = method.protect(face.original, face.cover, key)
            keys = {"right": key, "random": evaluation_key(scene.seed, "wrong", face.name), **_wrong_keys(phrase, rng)}
            levels[KEY].append({name: method.recover(protected, each) for name, each in keys.items()})
            opened = expanded_key(method, protected.shape)
            if opened is not None:
                levels[SPREAD].append(_spread(opened, protected, key, evaluation_key(scene.seed, face.name), rng))
        originals = [face.original for face in faces]
        figures = {level: _means(found, originals) for level, found in levels.items() if found}
        cover = _means([{"cover": face.cover} for face in faces], originals)["cover"]
        return _outcome(figures, levels, originals, cover, opened)


def changed_share(share: float) -> Change:
    """Change a share of the elements, at random places, each to another value."""

    def change(elements: UInt8Image, levels: int, rng: np.random.Generator) -> UInt8Image:
        found = elements.copy().ravel()
        count = max(1, round(share * found.size))
        at = rng.choice(found.size, count, replace=False)
        found[at] = (found[at] + rng.integers(1, levels, count)) % levels
        return found.reshape(elements.shape)

    return change


def with_right_part(elements: UInt8Image, other: UInt8Image, part: str) -> UInt8Image:
    """Keep the right elements in the ``left``, ``upper`` or ``lower`` half; take another key's elsewhere."""
    found, (height, width) = other.copy(), elements.shape[:2]
    where = {
        "left": (slice(None), slice(width // 2)),
        "upper": (slice(height // 2), slice(None)),
        "lower": (slice(height // 2, None), slice(None)),
    }[part]
    found[where] = elements[where]
    return found


def _key_of(passphrase: str) -> bytes:
    """Return 32 bytes; `guessing` measures what the real derivation costs."""
    return hashlib.sha256(passphrase.encode()).digest()


def _wrong_keys(passphrase: str, rng: np.random.Generator) -> dict[str, bytes]:
    """Return keys by name, from nearly right to half right."""
    right = np.frombuffer(_key_of(passphrase), np.uint8)
    bits = np.unpackbits(right)
    found = {"one character of the passphrase": _key_of("d" + passphrase[1:])}
    counts = {"one bit": 1, **{f"{share:.1%} of the bits": max(1, round(share * bits.size)) for share in SHARES[1:]}}
    for name, count in counts.items():
        other = bits.copy()
        other[rng.choice(bits.size, count, replace=False)] ^= 1
        found[name] = np.packbits(other).tobytes()
    found["left half right"] = right[:16].tobytes() + rng.bytes(16)
    found["shifted by one byte"] = np.roll(right, 1).tobytes()
    return found


def _spread(
    opened: ExpandedKey, protected: UInt8Image, key: bytes, other: bytes, rng: np.random.Generator
) -> RecoveredByFace:
    """Return what comes back with wrong elements, by name."""
    right, random = (opened.expand(each, protected.shape) for each in (key, other))
    tried = {"right": right, "random": random, "one element": changed_share(0)(right, opened.levels, rng)}
    for share in SHARES:
        tried[f"{share:.1%} of the elements"] = changed_share(share)(right, opened.levels, rng)
    for part in ("left", "upper", "lower"):
        tried[f"{part} half right"] = with_right_part(right, random, part)
    tried["shifted by one pixel"] = np.roll(right, 1, axis=1)
    return {name: opened.recover(protected, elements) for name, elements in tried.items()}


def _means(found: list[RecoveredByFace], originals: list[UInt8Image]) -> dict[str, dict[str, float]]:
    """Return, by name, the mean PSNR of the whole face and of the best of `_parts`."""
    rows = {}
    for name in found[0]:
        whole = [min(psnr(each[name], x), 100) for each, x in zip(found, originals, strict=True)]
        parts = [
            [min(psnr(*pair), 100) for pair in _parts(each[name], x)] for each, x in zip(found, originals, strict=True)
        ]
        rows[name] = {"whole": float(np.mean(whole)), "part": float(np.mean(parts, axis=0).max())}
    return rows


def _parts(a: UInt8Image, b: UInt8Image) -> list[tuple[UInt8Image, UInt8Image]]:
    """Return the outer three eighths on each side: a half, without the part near its inner border.

    Convolutions spread wrong key material over its neighbourhood; farther away the face is visible or it is not.
    """
    height, width = a.shape[0] * 3 // 8, a.shape[1] * 3 // 8
    rows, columns = (slice(height), slice(-height, None)), (slice(width), slice(-width, None))
    where = [(slice(None), each) for each in columns] + [(each, slice(None)) for each in rows]
    return [(a[part], b[part]) for part in where]


def _outcome(
    figures: Mapping[str, dict[str, dict[str, float]]],
    levels: Mapping[str, list[RecoveredByFace]],
    originals: list[UInt8Image],
    cover: Mapping[str, float],
    opened: ExpandedKey | None,
) -> AttackOutcome:
    best = {level: _best(rows, cover) for level, rows in figures.items()}
    half = (
        _best({n: row for n, row in figures[SPREAD].items() if "half" in n or n == "random"}, cover)
        if SPREAD in figures
        else None
    )
    derived = opened is not None and opened.derived
    headline = SPREAD if SPREAD in best and not derived else KEY
    _, attack, control = best[headline]
    succeeded = attack - control > MARGIN
    if headline == SPREAD and half is not None and half[1] - half[2] > MARGIN:
        _, attack, control = half  # more informative than that one wrong bit does little
    tables = [
        Table(
            f"{level}" + (f": {opened.what}" if level == SPREAD and opened else ""),
            ("wrong", "recovered, dB", "best part, dB"),
            [(name, f"{row['whole']:.2f}", f"{row['part']:.2f}") for name, row in rows.items()],
        )
        for level, rows in figures.items()
    ]
    curves = {level: _curve(rows) for level, rows in figures.items()}
    curves["the cover itself"] = [(0.0, cover["whole"]), (0.5, cover["whole"])]
    plot = Plot(
        "Recovered with a part of the key wrong", "share that is wrong", "PSNR, dB", curves, True, ("the cover itself",)
    )
    return AttackOutcome(
        "PSNR in dB of the best three eighths of the face, partly wrong key",
        attack,
        control,
        succeeded,
        _finding(best, half, headline, opened),
        tables,
        {"key-errors": plot},
        {"": _rows(levels, originals)},
        {"levels": dict(figures), "cover": dict(cover), "best": best},
    )


def _best(rows: dict[str, dict[str, float]], cover: Mapping[str, float]) -> Best:
    """Return the most useful wrong key, its result, and what a random key or the cover gives in its best part."""
    wrong = {name: row["part"] for name, row in rows.items() if name not in ("right", "random")}
    name = max(wrong, key=lambda each: wrong[each])
    return name, wrong[name], max(rows["random"]["part"], cover["part"])


def _curve(rows: dict[str, dict[str, float]]) -> list[tuple[float, float]]:
    points = [(0.0, rows["right"]["whole"])]
    points += [(float(name.split("%")[0]) / 100, row["whole"]) for name, row in rows.items() if "%" in name]
    return points


def _finding(best: Mapping[str, Best], half: Best | None, headline: str, opened: ExpandedKey | None) -> str:
    name, attack, control = best[headline]
    where = opened.what if headline == SPREAD and opened else "key"
    if attack - control > MARGIN:
        text = (
            f"No cliff: with the {where} wrong ({name}), {attack:.1f} dB come back in the best part of the face. "
            "Key material must decide everything everywhere, not act locally."
        )
    else:
        text = f"A cliff: the best wrong key ({name}) gives no more than any other."
    if opened is None or half is None:
        return text
    text += (
        f" Half of the {opened.what} ({half[0]}) gives {half[1]:.1f} dB in the best part of the face, any other "
        f"key or the cover {half[2]:.1f}."
    )
    if opened.derived and best[SPREAD][1] - best[SPREAD][2] > MARGIN:
        text += (
            f" The {opened.what} are read in order, coarse bands first, from the last row to the first: what is "
            "read before the first wrong one is right. They are a cipher's output: nobody holds some of them "
            "without having broken the cipher, or knowing the picture."
        )
    return text


def _rows(
    levels: Mapping[str, list[RecoveredByFace]], originals: list[UInt8Image]
) -> list[list[tuple[str, UInt8Image]]]:
    chosen = (
        "right",
        "one bit",
        "one element",
        "1.0% of the elements",
        "5.0% of the elements",
        "25.0% of the elements",
        "left half right",
        "lower half right",
        "random",
    )
    rows = []
    for number, original in enumerate(originals[:4]):
        source = levels[SPREAD][number] if levels[SPREAD] else levels[KEY][number]
        found = {**levels[KEY][number], **source}
        rows.append([("original", original), *((name, found[name]) for name in chosen if name in found)])
    return rows


ATTACK = WrongKeys()
