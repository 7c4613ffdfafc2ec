"""Make `secure-3` from `secure-2`: the same networks and statistics, integer frequencies and a finer grid of steps.

    python tools/integer_model.py OUT [--source FOLDER]

The result is the same on every machine.  It needs the folder of `secure-2` beside it, which has the networks.
"""

from __future__ import annotations

import argparse
import hashlib
import io
from pathlib import Path
from typing import Any, Final

import numpy as np

from proface_s.flow.cards import CARD_NAME, canonical_card, read_card, shipped_models, verified_bytes
from proface_s.flow.secure.frequencies import encode_frequencies
from proface_s.flow.secure.model import FREQUENCIES_NAME, GRAPH_NAMES, TABLES_NAME

KEPT: Final = ("data", "hardware", "history", "licence", "paper", "parameters", "seed", "steps", "task", "config")


def make_model(source: Path, out: Path, measures: dict[str, Any] | None = None) -> dict[str, Any]:
    """Write frequencies and card; return the card.

    Args:
        source: folder of `secure-2`.
        out: folder to write, created if missing.
        measures: entries of the card that were measured with the result.

    Raises:
        ModelError: if a file of the source is missing or altered.
    """
    card = read_card(source)
    with np.load(io.BytesIO(verified_bytes(source, card, TABLES_NAME))) as tables:
        frequencies = encode_frequencies(tables["counts"], tables["pulls"])
        forecast = [float(weight) for weight in tables["first_step"]]
    out.mkdir(parents=True, exist_ok=True)
    (out / FREQUENCIES_NAME).write_bytes(frequencies)
    made = {
        **{name: card.record[name] for name in KEPT},
        "name": "secure-3",
        "kind": "secure",
        "shares": card.name,
        "command": f"{card.record['command']}, then python tools/integer_model.py OUT",
        "files": {name: card.files[name] for name in GRAPH_NAMES}
        | {FREQUENCIES_NAME: hashlib.sha256(frequencies).hexdigest()},
        "rate_forecast": forecast,
    }
    if measures:
        made["measures"] = measures
    # The id must not change when measures are added: it is the hash of everything else.
    made["model_id"] = hashlib.sha256(canonical_card({k: made[k] for k in made if k != "measures"})).hexdigest()[:32]
    (out / CARD_NAME).write_bytes(canonical_card(made))
    return made


def main(argv: list[str] | None = None) -> int:
    """Print the id of the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--source", type=Path, default=shipped_models() / "secure-2")
    args = parser.parse_args(argv)
    print(make_model(args.source, args.out)["model_id"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
