"""Match rates of recognisers on covered faces, by style and strength.

    python bench/covers/cover_strength.py LFW --detector yunet.onnx --aligned mobileface.onnx --crop faceres.onnx

``LFW`` holds the pictures and a ``pairs.csv`` with columns ``a, b, same``.  The first picture of each same-person
pair is covered (the default detector's face, grown by the default margin); landmarks and boxes always come
from the original, as if the attacker had guessed them well.  TAR is the share of these pairs that is accepted at
a threshold at which a share FAR of the different-person comparisons is accepted.

* plain: cover against original, threshold from originals against originals;
* parrot: the attacker covers the gallery in the same style; cover against cover, threshold from covers; rank
  1 is the share of covers whose nearest gallery face is the right person.

``+smooth`` after a style means that the attacker first blurs the cover by half a cell, because the edges of a
mosaic confuse recognisers but hide nothing.  *Found* is the share of covers in which YuNet still finds the face.
``--dlib`` adds a third recogniser, if the extra ``eval`` is installed.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "quality"))

import numpy as np
import numpy.typing as npt

from proface_lab.evaluation.measures.recognisers import DlibRecogniser, FaceLocation, Locator
from proface_s.covers import FaceRegion, apply_style, get_style, is_weak, parse_style, shape_of
from proface_s.covers.heads.outline import shaped
from proface_s.faces import EngineDetector, reversible_box
from proface_s.image.read import read_picture
from proface_s.types import Box, Face, Style, UInt8Image
from reference_models import AlignedRecogniser, Array, CropRecogniser, YuNet

STYLES = (
    "blur:3 blur:5 blur:6.5 blur:8 blur:10 blur:12 blur:15 median:15 median:25 median:35 median:50 median:70 "
    "pixelate:16 pixelate:20+smooth pixelate:16+smooth pixelate:12 pixelate:12+smooth pixelate:10+smooth "
    "pixelate:8 pixelate:8+smooth pixelate:6 pixelate:6+smooth pixelate:4+smooth "
    "mask:smiley mask:cat mask:robot mask:stars mask:theatre mask:smiley:70 solid"
)


@dataclass(frozen=True)
class Sample:
    """One picture of one person, and the place of the face."""

    person: str
    rgb: UInt8Image
    region: Box
    face: Face
    box: Array
    points: Array
    place: FaceLocation | None = None  # dlib's landmarks

    def covered(self, style: str | None) -> UInt8Image:
        """Return the whole picture with the face region covered."""
        if style is None:
            return self.rgb
        canvas, r = self.rgb.copy(), self.region
        region = FaceRegion.of(canvas, r, [self.face])
        parsed = parse_style(style.removesuffix("+smooth"))
        face = apply_style(region, parsed)
        if style.endswith("+smooth") and parsed.strength:
            box = apply_style(region, replace(parsed, shape="box"))
            face = apply_style(box, Style("blur", 50 / parsed.strength, shape="box"))
            face = shaped(region, face) if shape_of(parsed) == "oval" else face
        canvas[r.y : r.bottom, r.x : r.right] = face
        return canvas


def load(root: Path, name: str, detector: EngineDetector, landmarks: YuNet, locator: Locator | None) -> Sample | None:
    """Read a picture with the face nearest to its centre; None if a detector finds no face."""
    rgb = read_picture(root / name).rgb
    centre = np.array([rgb.shape[1], rgb.shape[0]]) / 2
    boxes, _, points = landmarks(rgb)
    faces = detector.detect(rgb)
    if not len(boxes) or not faces:
        return None
    middle = [np.linalg.norm(box[:2] + box[2:] / 2 - centre) for box in boxes]
    best = int(np.argmin(middle))
    face = min(faces, key=lambda f: np.abs([f.box.x + f.box.w / 2, f.box.y + f.box.h / 2] - centre).sum())
    region = reversible_box(face.box, (rgb.shape[1], rgb.shape[0]))
    place = locator.locate(rgb) if locator is not None else None
    if locator is not None and place is None:
        return None
    return Sample(name.split("/")[0], rgb, region, face, boxes[best], points[best], place)


def add_pair_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `load_pairs` and the recognisers need."""
    parser.add_argument("lfw", type=Path)
    parser.add_argument("--detector", type=Path, required=True, help="YuNet ONNX, for landmarks")
    parser.add_argument("--aligned", type=Path, required=True, help="recogniser of aligned 112x112 faces")
    parser.add_argument("--crop", type=Path, required=True, help="recogniser of tight 224x224 crops")
    parser.add_argument("--dlib", action="store_true", help="also measure with dlib's recogniser")
    parser.add_argument("--pairs", type=int, default=200, help="same-person pairs to use")


def load_pairs(options: argparse.Namespace) -> list[tuple[Sample, Sample]]:
    """Load same-person pairs, spread evenly over the list."""
    detector, landmarks = EngineDetector(tiles=False, turned=False), YuNet(options.detector)
    locator = Locator() if options.dlib else None
    with (options.lfw / "pairs.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["same"] == "1"]
    pairs = []
    for index in np.linspace(0, len(rows) - 1, min(options.pairs, len(rows))).round().astype(int):
        a, b = (load(options.lfw, rows[index][key], detector, landmarks, locator) for key in "ab")
        if a is not None and b is not None:
            pairs.append((a, b))
    return pairs


@dataclass(frozen=True)
class Scores:
    """Cosines of all first against all second pictures, and a mask of those that show the same person."""

    cosines: Array
    same: npt.NDArray[np.bool_]

    def threshold(self, rate: float) -> float:
        """Return the cosine that a share ``rate`` of the different-person comparisons exceeds."""
        return float(np.quantile(self.cosines[~self.same], 1 - rate))

    def accepted(self, threshold: float) -> float:
        """Return the percentage of the pairs that exceed a threshold."""
        return 100 * float(np.mean(np.diag(self.cosines) > threshold))

    def rank_one(self) -> float:
        """Return the percentage of first pictures whose nearest second picture shows the same person."""
        nearest = self.cosines.argmax(axis=1)
        return 100 * float(np.mean(self.same[np.arange(len(nearest)), nearest]))


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_pair_arguments(parser)
    parser.add_argument("--styles", default=STYLES, help="styles to measure, separated by spaces")
    options = parser.parse_args(argv)
    pairs = load_pairs(options)
    people = [np.array([sample.person for sample in side]) for side in zip(*pairs, strict=True)]
    same = people[0][:, None] == people[1][None, :]
    aligned, crop = AlignedRecogniser(options.aligned), CropRecogniser(options.crop)
    recognisers: dict[str, Recogniser] = {
        "aligned": lambda rgb, sample: aligned(rgb, sample.box, sample.points),
        "crop": lambda rgb, sample: crop(rgb, sample.box, sample.points),
    }
    if options.dlib:
        recognisers["dlib"] = Dlib()
    finder = YuNet(options.detector)
    originals = embed_all(recognisers, pairs, None, finder)[0]
    others = int((~same).sum())
    print(f"{len(pairs)} pairs, {len(set(people[0]))} people, {others} different-person comparisons\n")
    print("| style | recogniser | plain TAR @ 1e-2 | @ 1e-3 | parrot TAR @ 1e-2 | @ 1e-3 | parrot rank 1 | found |")
    print("|---|---|---|---|---|---|---|---|")
    for style in [None, *options.styles.split()]:
        embedded, found = embed_all(recognisers, pairs, style, finder)
        for name in recognisers:
            covers = embedded[name]
            base = Scores(originals[name][0] @ originals[name][1].T, same)
            plain = Scores(covers[0] @ originals[name][1].T, same)
            parrot = Scores(covers[0] @ covers[1].T, same)
            cells = [f"{plain.accepted(base.threshold(rate)):.1f} %" for rate in (1e-2, 1e-3)]
            cells += [f"{parrot.accepted(parrot.threshold(rate)):.1f} %" for rate in (1e-2, 1e-3)]
            row = [label(style), name, *cells, f"{parrot.rank_one():.1f} %", f"{found:.0f} %"]
            print(f"| {' | '.join(row)} |", flush=True)
    return 0


class Dlib:
    """dlib's recogniser with five landmarks; scaled so that cosines rank like its distances."""

    def __init__(self) -> None:
        self._recogniser = DlibRecogniser()

    def __call__(self, rgb: UInt8Image, sample: Sample) -> Array:
        """Return a unit vector (128,); descriptors have nearly one length, and so distances follow from angles."""
        embedded = self._recogniser.embed(rgb, sample.place)
        assert embedded is not None
        return np.asarray(embedded / np.linalg.norm(embedded))


Recogniser = Callable[[UInt8Image, Sample], Array]


def embed_all(
    recognisers: dict[str, Recogniser], pairs: list[tuple[Sample, Sample]], style: str | None, finder: YuNet
) -> tuple[dict[str, list[Array]], float]:
    """Cover all pictures unless style is None, and embed them.

    Returns:
        Name of a recogniser -> embeddings (N, D) of the first and of the second pictures of all pairs; and the
        percentage of first pictures in which a face is found in its place.
    """
    embedded: dict[str, list[list[Array]]] = {name: [[], []] for name in recognisers}
    found = 0
    for pair in pairs:
        for side, one in enumerate(pair):
            picture = one.covered(style)
            for name, model in recognisers.items():
                embedded[name][side].append(model(picture, one))
            found += side == 0 and is_found(finder(picture)[0], one.box)
    stacked = {name: [np.stack(side) for side in sides] for name, sides in embedded.items()}
    return stacked, 100 * found / len(pairs)


def is_found(boxes: Array, place: Array) -> bool:
    """Return whether one of some boxes (x, y, w, h) shares 0.4 of its union with a place."""
    for box in boxes:
        sides = np.minimum(box[:2] + box[2:], place[:2] + place[2:]) - np.maximum(box[:2], place[:2])
        shared = float(np.prod(np.maximum(sides, 0)))
        if shared > 0.4 * (float(np.prod(box[2:])) + float(np.prod(place[2:])) - shared):
            return True
    return False


def label(style: str | None) -> str:
    """Return the table label: the style, marked if it is the default or weak."""
    if style is None:
        return "(original)"
    parsed = parse_style(style.removesuffix("+smooth"))
    usual = get_style(parsed.name).default_strength
    default = parsed.option is None and parsed.strength in (None, usual)
    return style + (" (default)" if default else "") + (" (weak)" if is_weak(parsed) else "")


if __name__ == "__main__":
    sys.exit(main())
