"""What the style ``swap`` promises, measured in one go: who is recognised, whose face is shown, where none is put.

    python bench/covers/swap_targets.py LFW PHOTOS --detector yunet.onnx --aligned mobileface.onnx --crop faceres.onnx

``LFW`` and the recognisers are those of ``cover_strength.py``.  ``PHOTOS`` holds group photos and a ``faces.csv`` with
columns ``photo, x, y, w, h, label``: boxes beside all of them are false ones.  Rows:

* plain, parrot and rank 1 as in ``cover_strength.py``, with a donor drawn for every photo;
* same donor: the parrot attack if one donor covers everybody, which is the strongest;
* donor's rank 1: how often a recogniser finds, among portraits of all donors, the one whose face is shown;
* found again: faces that YuNet finds in place of the new one;
* good faces and false boxes that get a new face; false boxes are given as if a detector were sure of them;
* CPU time of a cover of 300 pixels, over that of the same oval blurred.

Each is the worst of the recognisers.  The exit status is 1 if a bound is missed.  ``--state FOLDER`` keeps what was
embedded, for a later call with the same arguments to go on from; empty it after a change of the covers.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parents[1] / "quality"))

import cv2
import numpy as np

from cover_strength import Dlib, Recogniser, Sample, Scores, add_pair_arguments, embed_all, load_pairs
from proface_s.covers import FaceRegion, apply_style, cover_face, get_style, parse_style, register_style
from proface_s.covers.face_swap.donors import load_donors, mouth_form, skin_tone
from proface_s.covers.face_swap.new_face import draw_number
from proface_s.covers.face_swap.own_network import portrait
from proface_s.covers.face_swap.paint import paint_face
from proface_s.covers.heads.landmarks import Mesh
from proface_s.covers.swap import Swap
from proface_s.faces import reversible_box
from proface_s.image.read import read_picture
from proface_s.types import Box, Face, FloatArray, UInt8Image
from reference_models import AlignedRecogniser, Array, CropRecogniser, YuNet

ONE_DONOR = 7
FALSE_BOXES = 30
PART = 20  # pairs whose embeddings go into one file
SIDE = 300


@register_style
class SameDonor(Swap):
    """The style ``swap`` with one donor for everybody."""

    name: ClassVar[str] = "same-donor"

    def new_face(
        self, region: FaceRegion, face: Face | None, mesh: Mesh, strength: float, option: str | None
    ) -> tuple[UInt8Image, FloatArray]:
        """Paint the donor."""
        made = paint_face(region.pixels, mesh.points, load_donors(), ONE_DONOR, 0)
        return made.pixels, made.mask


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; return 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_pair_arguments(parser)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--state", type=Path, help="folder that keeps embeddings of a run that may be interrupted")
    options = parser.parse_args(argv)
    pairs, finder = load_pairs(options), YuNet(options.detector)
    aligned, crop = AlignedRecogniser(options.aligned), CropRecogniser(options.crop)
    recognisers: dict[str, Recogniser] = {
        "aligned": lambda rgb, sample: aligned(rgb, sample.box, sample.points),
        "crop": lambda rgb, sample: crop(rgb, sample.box, sample.points),
        **({"dlib": Dlib()} if options.dlib else {}),
    }
    print(f"{len(pairs)} pairs; {', '.join(recognisers)}\n\n| what | measured | bound |\n|---|---|---|")
    missed = [
        _row(*row)
        for rows in (
            _recognised(recognisers, pairs, finder, options.state),
            _shown_donors(pairs, finder, aligned),
            _gate(pairs, options.photos),
            _times(pairs),
        )
        for row in rows
    ]
    return int(any(missed))


Row = tuple[str, float, str, Callable[[float], bool]]


def _row(what: str, value: float, bound: str, met: Callable[[float], bool]) -> bool:
    """Print a row; return whether its bound is missed."""
    print(f"| {what} | {value:.1f} | {bound}{'' if met(value) else ' (missed)'} |", flush=True)
    return not met(value)


def _recognised(
    recognisers: dict[str, Recogniser], pairs: list[tuple[Sample, Sample]], finder: YuNet, state: Path | None
) -> Iterator[Row]:
    people = [np.array([sample.person for sample in side]) for side in zip(*pairs, strict=True)]
    same = people[0][:, None] == people[1][None, :]
    (originals, _), (new, found), (one, _) = (
        _embedded(recognisers, pairs, style, finder, state) for style in (None, "swap", "same-donor")
    )
    base = {name: Scores(each[0] @ each[1].T, same) for name, each in originals.items()}
    plain = {name: Scores(new[name][0] @ originals[name][1].T, same) for name in recognisers}
    parrot = {name: Scores(new[name][0] @ new[name][1].T, same) for name in recognisers}
    alike = {name: Scores(one[name][0] @ one[name][1].T, same) for name in recognisers}
    for rate, most in ((1e-2, 5.0), (1e-3, 1.5)):
        worst = max(plain[name].accepted(base[name].threshold(rate)) for name in recognisers)
        yield f"plain, TAR at FAR {rate:g}, %", worst, f"<= {most:g}", lambda value, most=most: value <= most
    worst = max(each.accepted(each.threshold(1e-2)) for each in parrot.values())
    yield "parrot, TAR at FAR 0.01, %", worst, "<= 5", lambda value: value <= 5
    yield "parrot, rank 1, %", max(each.rank_one() for each in parrot.values()), "<= 5", lambda value: value <= 5
    worst = max(each.accepted(each.threshold(1e-2)) for each in alike.values())
    yield "parrot, same donor for all, %", worst, "<= 25", lambda value: value <= 25
    yield "found again, %", found, ">= 98", lambda value: value >= 98


def _embedded(
    recognisers: dict[str, Recogniser],
    pairs: list[tuple[Sample, Sample]],
    style: str | None,
    finder: YuNet,
    state: Path | None,
) -> tuple[dict[str, list[Array]], float]:
    """Return what `embed_all` does, from parts of which each is kept in a file as soon as it is done."""
    parts = []
    for start in range(0, len(pairs), PART):
        kept = state / f"{style}-{start}-of-{len(pairs)}.npz" if state else None
        if kept is None or not kept.exists():
            part, found = embed_all(recognisers, pairs[start : start + PART], style, finder)
            arrays = {f"{name} {side}": each for name in recognisers for side, each in enumerate(part[name])}
            arrays["found"] = np.array(found * len(pairs[start : start + PART]))
            if kept is not None:
                kept.parent.mkdir(parents=True, exist_ok=True)
                np.savez(kept.with_suffix(".part.npz"), **arrays)
                kept.with_suffix(".part.npz").replace(kept)
        else:
            with np.load(kept) as stored:
                arrays = dict(stored)
        parts.append(arrays)
    joined = {
        name: [np.concatenate([each[f"{name} {side}"] for each in parts]) for side in (0, 1)] for name in recognisers
    }
    return joined, float(sum(each["found"] for each in parts)) / len(pairs)


def _shown_donors(pairs: list[tuple[Sample, Sample]], finder: YuNet, aligned: AlignedRecogniser) -> Iterator[Row]:
    """Tell how often the shown donor is nearest among portraits of all donors."""
    donors = load_donors()
    pictures = [portrait(donors, number) for number in range(len(donors.women))]
    gallery = np.stack([aligned(picture, np.zeros(4), np.float32(points)) for picture, points in pictures])
    right = []
    for sample, _ in pairs:
        region = FaceRegion.of(sample.rgb, sample.region, [sample.face])
        face = region.own_faces[0]
        mesh = region.mesh(face, mirrored=True)
        if mesh is None or cover_face(region, parse_style("swap")).fallback:
            continue
        tone, mouth = skin_tone(region.pixels, mesh.points), mouth_form(mesh.points)
        donor = donors.draw(donors.pool(None), tone, mouth, draw_number(region, face, 0.0))
        shown = aligned(sample.covered("swap"), sample.box, sample.points)
        right.append(int((gallery @ shown).argmax()) == donor)
    yield "donor's rank 1 in the bank, %", 100 * float(np.mean(right)), ">= 90", lambda value: value >= 90


def _gate(pairs: list[tuple[Sample, Sample]], photos: Path) -> Iterator[Row]:
    style = get_style("swap")
    faces = [sample for pair in pairs for sample in pair]
    new = [style.fallbacks(FaceRegion.of(each.rgb, each.region, [each.face])) == (None,) for each in faces]
    yield "good faces exchanged, %", 100 * float(np.mean(new)), ">= 95", lambda value: value >= 95
    false = [region for region in _false_regions(photos) if style.fallbacks(region) == (None,)]
    yield f"false boxes with a face, of {FALSE_BOXES}", float(len(false)), "0", lambda value: value == 0


def _false_regions(photos: Path) -> Iterator[FaceRegion]:
    """Yield boxes beside all labelled faces, the same ones every time."""
    with (photos / "faces.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    names, rng, count = sorted({row["photo"] for row in rows}), np.random.default_rng(0), 0
    for name in names * FALSE_BOXES:
        rgb = read_picture(photos / name).rgb
        height, width = rgb.shape[:2]
        side = int(rng.integers(60, min(height, width) // 4))
        x, y = int(rng.integers(0, width - side)), int(rng.integers(0, height - side))
        taken = [[float(row[key]) for key in "xywh"] for row in rows if row["photo"] == name]
        if any(x < a + w and a < x + side and y < b + h and b < y + side for a, b, w, h in taken):
            continue
        face = Face(Box(x, y, side, side), 0.95)
        yield FaceRegion.of(rgb, reversible_box(face.box, (width, height)), [face])
        count += 1
        if count == FALSE_BOXES:
            return


def _times(pairs: list[tuple[Sample, Sample]]) -> Iterator[Row]:
    """Tell how much longer covers take than blurred rectangles, in milliseconds of CPU time, at 300 pixels."""
    spent: dict[str, list[float]] = {text: [] for text in ("blur", "blur@oval", "swap")}
    for sample, _ in pairs[:20]:
        pixels = sample.rgb[sample.region.y : sample.region.bottom, sample.region.x : sample.region.right]
        large = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        for text, times in spent.items():
            started = time.process_time()
            apply_style(FaceRegion(np.ascontiguousarray(large)), parse_style(text))
            times.append(time.process_time() - started)
    middle = {text: 1000 * float(np.median(times)) for text, times in spent.items()}
    yield "an oval adds, ms", middle["blur@oval"] - middle["blur"], "<= 30", lambda value: value <= 30
    yield "swap adds, ms", middle["swap"] - middle["blur"], "<= 90", lambda value: value <= 90


if __name__ == "__main__":
    sys.exit(main())
