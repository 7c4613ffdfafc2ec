"""Make `secure-3` from `secure-2`: the same networks and statistics, integer frequencies and a finer grid of steps.

    python tools/integer_model.py OUT [--source FOLDER] [--card FILE]

The result is the same on every machine.  It needs the folder of `secure-2` beside it, which has the networks.  What was
measured with the result is in FILE, by default configs/secure-3.card.json.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from proface_s.flow.cards import CARD_NAME, canonical_card, read_card, shipped_models, verified_bytes
from proface_s.flow.secure.frequencies import encode_frequencies
from proface_s.flow.secure.model import FREQUENCIES_NAME, GRAPH_NAMES, TABLES_NAME

KEPT: Final = ("data", "hardware", "history", "licence", "paper", "parameters", "seed", "steps", "task", "config")


CARD: Final = Path(__file__).parents[1] / "configs" / "secure-3.card.json"


def make_model(source: Path, out: Path, entries: Path = CARD) -> dict[str, Any]:
    """Write frequencies and card; return the card.

    Args:
        source: folder of `secure-2`.
        out: folder to write, created if missing.
        entries: file with further entries of the card: `measures`.

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
    # The id is the hash of everything but the measures, which may be taken anew.
    made["model_id"] = hashlib.sha256(canonical_card(made)).hexdigest()[:32]
    made |= json.loads(entries.read_bytes())
    (out / CARD_NAME).write_bytes(canonical_card(made))
    return made


def main(argv: list[str] | None = None) -> int:
    """Print the id of the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--source", type=Path, default=shipped_models() / "secure-2")
    parser.add_argument("--card", type=Path, default=CARD)
    args = parser.parse_args(argv)
    print(make_model(args.source, args.out, args.card)["model_id"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
