"""Train and export a face codec.

    python tools/train_face_codec.py --data FACES [--data FACES ...] --recogniser MODEL.onnx=CARD.json \\
        [--recogniser ...] --out DIR

``DIR`` gets weights.npz while the run lasts, and at its end bases.npz, restorer.onnx and card.json.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from proface_lab.training.face_codec.counting import count_numbers
from proface_lab.training.face_codec.export import export_codec
from proface_lab.training.face_codec.faces import read_aligned
from proface_lab.training.face_codec.recognisers import TorchRecogniser
from proface_lab.training.face_codec.run import Settings, train_face_codec


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", required=True, help="folder of face crops; repeatable")
    parser.add_argument("--recogniser", action="append", required=True, help="MODEL.onnx=CARD.json; repeatable")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files of the codec")
    parser.add_argument("--seconds", type=float, default=Settings.seconds, help="time for the training loop")
    parser.add_argument("--batch", type=int, default=Settings.batch, help="faces a step")
    parser.add_argument("--limit", type=int, help="maximum number of faces")
    options = parser.parse_args(argv)
    specs = [spec.partition("=") for spec in options.recogniser]
    recognisers = [TorchRecogniser(Path(model), Path(card)) for model, _, card in specs]
    faces = read_aligned(options.data, options.limit)
    settings = Settings(seconds=options.seconds, batch=options.batch)
    trained = train_face_codec(faces, recognisers, settings, options.out)
    card = {"name": options.out.name, "command": " ".join(sys.argv[1:] if argv is None else argv)}
    export_codec(trained.arrays(), options.out, card, count_numbers(trained.of_strangers(faces)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
