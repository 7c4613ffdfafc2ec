"""Measure what survives each channel of `proface_lab.channels`, in our modes and in systems that hide faces exactly.

    python bench/share/measure_channels.py PHOTOS FACES --records channels.jsonl --page docs/evidence/channels.md

PHOTOS holds whole photos; pictures of 1600 pixels are made of them: each photo reduced, and windows of the large ones.
FACES holds face crops of at least 128 pixels.  Every measurement is a line of the records, so that an interrupted run
continues; the page is written from all of them.  A layer counts only if every byte of it is right.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2

from channel_page import channels_section
from channel_parts import (
    EXACT_SIDE,
    MODES,
    Record,
    Source,
    around_faces,
    exact_systems,
    nothing_hidden,
    sources,
    whole_photo,
    wrong_keys,
)
from page_sections import replace_section
from proface_lab.evaluation.faces import read_faces
from proface_lab.evaluation.method import load_method
from proface_s.errors import ProFaceError
from proface_s.types import UInt8Image

PAPER = "paper:configs/paper-randwr.checkpoint.pt"
PARTS = ("keys", "photo", "nothing", "exact", *MODES)
Part = Callable[[UInt8Image, int], Record]


def parts(options: argparse.Namespace) -> dict[str, tuple[int, Part]]:
    """Return what is measured, by name: on how many pictures at most, and how."""
    methods = [load_method(spec) for spec in options.method or ("secure-3", "lsb-avif", PAPER)]
    faces = read_faces([options.faces], EXACT_SIDE, 100, kind="crops")
    return {
        "keys": (1, lambda picture, number: wrong_keys()),
        "photo": (options.most, lambda picture, number: whole_photo(picture, number, options.base, options.fine)),
        "nothing": (options.most, lambda picture, number: nothing_hidden(picture)),
        "exact": (options.exact, lambda picture, number: exact_systems(picture, number, methods, faces)),
        **{name: (options.modes, partial(around_faces, region=name)) for name in MODES},
    }


def measure(found: Sequence[Source], wanted: dict[str, tuple[int, Part]], records: Path) -> None:
    """Measure what is not recorded yet, picture by picture."""
    done = {(each["part"], each["picture"]) for each in read_records(records)}
    for number, source in enumerate(found):
        missing = [name for name, (most, _) in wanted.items() if number < most and (name, source.name) not in done]
        picture = source.read() if missing else None
        for name in missing:
            assert picture is not None
            try:
                result = wanted[name][1](picture, number)
            except ProFaceError as error:
                result = {"refused": error.message}
            record = {"part": name, "picture": source.name, "size": picture.shape[1::-1], **result}
            with records.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(record) + "\n")
            print(f"{number + 1}/{len(found)} {source.name}: {name}", file=sys.stderr, flush=True)


def read_records(path: Path) -> list[Record]:
    """Return what has been measured so far."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and write the page; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--records", type=Path, required=True, help="JSON lines, continued if they exist")
    parser.add_argument("--page", type=Path, help="replace the measured section of this page")
    parser.add_argument("--part", action="append", choices=PARTS, help="what to measure; all by default")
    parser.add_argument("--most", type=int, default=1000, help="pictures whose whole area carries")
    parser.add_argument("--modes", type=int, default=20, help="pictures in which not all of the area carries")
    parser.add_argument("--exact", type=int, default=20, help="pictures with exactly hidden faces")
    parser.add_argument("--base", type=float, default=250, help="bytes per megapixel in the base layer")
    parser.add_argument("--fine", type=float, default=1900, help="bytes per megapixel in the fine layer")
    parser.add_argument("--method", action="append", help="of exact systems, see load_method; repeatable")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    wanted = {name: part for name, part in parts(options).items() if name in (options.part or PARTS)}
    measure(sources(options.photos), wanted, options.records)
    text = channels_section(read_records(options.records), options.base, options.fine)
    if options.page:
        replace_section(options.page, "channels", text)
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
