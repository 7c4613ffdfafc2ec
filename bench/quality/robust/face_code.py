"""Match rates of recognisers on faces that were coded in a few bytes, by the number of bytes.

    python bench/quality/robust/face_code.py LFW/pairs.csv --recogniser dlib --bytes 100 150 240 400 \\
        --recogniser mobileface.onnx=configs/recognisers/mobileface.json --sheet faces.png

``pairs.csv`` has columns ``a, b, same``.  The second picture of every same-person pair is coded: the default detector's
face, grown by the default margin, is covered with ``--style``, and the decoded face is laid over the cover.  The first
picture stays as it is.  TAR is the share of these pairs that is accepted at the threshold at which a share FAR of the
comparisons of different people is accepted, all originals against all originals.  *Of originals* is the TAR divided by
that of the originals.  Intervals are 95 % bootstrap.  Pictures in which a detector finds no face are left out, and
counted.  MobileFace's gradients shaped the codec; dlib had no part in it.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from proface_lab.evaluation.measures.metrics import bootstrap_interval, threshold_at_far
from proface_lab.evaluation.measures.recognisers import FaceLocation, Locator, Recogniser, load_recognisers
from proface_s.covers import FaceRegion, apply_style, parse_style
from proface_s.covers.heads.landmarks import find_mesh
from proface_s.faces import EngineDetector, reversible_box
from proface_s.image.read import read_picture
from proface_s.robust.face_codec import Kind, decode_face, encode_face
from proface_s.robust.face_codec.whole_picture import decode_whole, encode_whole
from proface_s.types import Box, UInt8Image

Array = npt.NDArray[np.float32]
FAR = 0.01
SHOWN = 12  # faces on the sheet


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture, the place of its face for recognisers and for the codec, and its embeddings."""

    person: str
    rgb: UInt8Image
    place: FaceLocation
    region: FaceRegion
    box: Box
    points: npt.NDArray[np.float64] | None
    embeddings: tuple[Array, ...]


class Samples:
    """Reads pictures once each; None for those in which a detector finds no face."""

    def __init__(self, root: Path, recognisers: Sequence[Recogniser]) -> None:
        self._root, self._recognisers, self._known = root, recognisers, dict[str, Sample | None]()
        self._locator, self._detector = Locator(), EngineDetector(tiles=False, turned=False)

    def get(self, name: str) -> Sample | None:
        """Return a picture."""
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def _read(self, name: str) -> Sample | None:
        rgb = read_picture(self._root / name).rgb
        place = self._locator.locate(rgb)
        faces = self._detector.detect(rgb)
        if place is None or not faces:
            return None
        middle = place.box.x + place.box.w / 2, place.box.y + place.box.h / 2
        face = min(faces, key=lambda f: abs(f.box.x + f.box.w / 2 - middle[0]) + abs(f.box.y + f.box.h / 2 - middle[1]))
        box = reversible_box(face.box, (rgb.shape[1], rgb.shape[0]))
        region = FaceRegion.of(rgb, box, [face])
        mesh = find_mesh(region.pixels, region.faces[0])
        embeddings = [recogniser.embed(rgb, place) for recogniser in self._recognisers]
        if any(each is None for each in embeddings):
            return None
        points = None if mesh is None else mesh.five_points
        return Sample(Path(name).parent.name, rgb, place, region, box, points, tuple(embeddings))


def read_same_pairs(file: Path, limit: int | None, samples: Samples) -> tuple[list[tuple[Sample, Sample]], int]:
    """Return the same-person pairs with faces in both pictures, spread evenly over the list, and how many were read."""
    with file.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["same"] == "1"]
    wanted = np.linspace(0, len(rows) - 1, min(limit or len(rows), len(rows))).round().astype(int)
    pairs = []
    for index in wanted:
        a, b = samples.get(rows[index]["a"]), samples.get(rows[index]["b"])
        if a is not None and b is not None:
            pairs.append((a, b))
    return pairs, len(wanted)


def coded(sample: Sample, length: int, cover: UInt8Image, counts: dict[Kind, int]) -> UInt8Image:
    """Return the picture with its face as it comes back from ``length`` bytes."""
    code = encode_face(sample.region.pixels, length, sample.points)
    likeness = decode_face(code, sample.box.w, sample.box.h)
    counts[likeness.kind] = counts.get(likeness.kind, 0) + 1
    return with_face(sample, likeness.over(cover))


def as_picture(sample: Sample, length: int, cover: UInt8Image) -> UInt8Image:
    """Return the picture with its region as the best small picture of ``length`` bytes; covered if none fits."""
    payload = encode_whole(sample.region.pixels, length)
    shown = None if payload is None else decode_whole(payload, sample.box.w, sample.box.h)
    return with_face(sample, cover if shown is None else shown)


def with_face(sample: Sample, face: UInt8Image) -> UInt8Image:
    """Return the picture with its region replaced."""
    canvas, box = sample.rgb.copy(), sample.box
    canvas[box.y : box.bottom, box.x : box.right] = face
    return canvas


class Judge:
    """Thresholds of all recognisers from originals, and rates of probes at them."""

    def __init__(self, recognisers: Sequence[Recogniser], pairs: Sequence[tuple[Sample, Sample]]) -> None:
        self.recognisers, self.pairs = recognisers, pairs
        people = [np.array([sample.person for sample in side]) for side in zip(*pairs, strict=True)]
        different = people[0][:, None] != people[1][None]
        self.thresholds, self.originals = [], []
        for number, recogniser in enumerate(recognisers):
            first, second = (np.stack([s.embeddings[number] for s in side]) for side in zip(*pairs, strict=True))
            scores = np.asarray(recogniser.similarities(first, second), np.float64)
            self.thresholds.append(threshold_at_far(scores[different], FAR))
            self.originals.append(float((np.diag(scores) >= self.thresholds[-1]).mean()))

    def rates(self, probes: Sequence[UInt8Image]) -> list[str]:
        """Return a cell of the table for each recogniser."""
        cells = []
        for number, (recogniser, threshold) in enumerate(zip(self.recognisers, self.thresholds, strict=True)):
            hits = []
            for (a, b), probe in zip(self.pairs, probes, strict=True):
                found = recogniser.embed(probe, b.place)
                hits.append(found is not None and recogniser.similarity(a.embeddings[number], found) >= threshold)
            share = np.array(hits, np.float64)
            low, high = bootstrap_interval(share)
            cells.append(
                f"{share.mean():.3f} [{low:.3f}, {high:.3f}] {int(share.sum())}/{len(share)}, "
                f"{share.mean() / self.originals[number]:.3f} of originals"
            )
        return cells


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--recogniser", action="append", required=True, help="dlib, or MODEL.onnx=CARD.json")
    parser.add_argument("--bytes", type=int, nargs="+", default=[100, 150, 240, 400])
    parser.add_argument("--limit", type=int, help="same-person pairs to use; all if not given")
    parser.add_argument(
        "--peer", action="store_true", help="also a picture of the region, AV1 without a file's headers"
    )
    parser.add_argument("--style", default="blur", help="cover of the face")
    parser.add_argument("--sheet", type=Path, help="write a picture of some faces, original first")
    options = parser.parse_args(argv)
    recognisers = load_recognisers(options.recogniser)
    begun = time.monotonic()
    pairs, wanted = read_same_pairs(options.pairs, options.limit, Samples(options.pairs.parent, recognisers))
    judge = Judge(recognisers, pairs)
    without = sum(b.points is None for _, b in pairs)
    print(f"{len(pairs)} of {wanted} same-person pairs, {without} coded without landmarks; TAR at FAR {FAR:g}")
    print(f"{'':>9}  " + "   ".join(f"{r.name}" for r in recognisers))
    print(f"{'original':>9}  " + "   ".join(f"{rate:.3f}" for rate in judge.originals))
    covers = [apply_style(b.region, parse_style(options.style)) for _, b in pairs]
    print(
        f"{'cover':>9}  " + "   ".join(judge.rates([with_face(b, c) for (_, b), c in zip(pairs, covers, strict=True)]))
    )
    columns = [[b.region.pixels for _, b in pairs[:SHOWN]]]
    for length in options.bytes:
        counts = dict[Kind, int]()
        probes = [coded(b, length, cover, counts) for (_, b), cover in zip(pairs, covers, strict=True)]
        print(f"{length:>7} B  " + "   ".join(judge.rates(probes)) + f"   {_named(counts)}", flush=True)
        if options.peer:
            small = [as_picture(b, length, cover) for (_, b), cover in zip(pairs, covers, strict=True)]
            print(f"{length:>5} AV1  " + "   ".join(judge.rates(small)), flush=True)
        shown = zip(pairs[:SHOWN], probes, strict=False)
        columns.append([probe[b.box.y : b.box.bottom, b.box.x : b.box.right] for (_, b), probe in shown])
    print(f"{time.monotonic() - begun:.0f} s")
    if options.sheet:
        cells = [np.vstack([cv2.resize(face, (140, 180)) for face in column]) for column in columns]
        Image.fromarray(np.hstack(cells)).save(options.sheet)
    return 0


def _named(counts: dict[Kind, int]) -> str:
    return ", ".join(f"{count} {kind.name.lower()}" for kind, count in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
