"""Learned inversion of the shipped model: can a network restore faces without the key?

    python bench/quality/inversion.py FACES_DIR [DIR ...] --test TEST_FACES_DIR [--style blur] [--report runs/inversion]

Equivalent to `proface attack --suite inversion`, see docs/evidence/attacks.md.  Needs the train and eval extras.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from proface_lab.attacks.run import AttackOptions, run_suite
from proface_s.flow.cards import DEFAULT_MODEL


def main(argv: list[str] | None = None) -> int:
    """Print how much both networks restore from protected pictures and from covers, and the difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path, nargs="+")
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--style", default="blur")
    parser.add_argument("--method", default=DEFAULT_MODEL)
    parser.add_argument("--report", type=Path, default=Path("runs/inversion"))
    args = parser.parse_args(argv)
    options = AttackOptions(
        (args.test,), args.report, ("inversion",), (args.method,), tuple(args.train), style=args.style, kind="crops"
    )
    report = run_suite(options, say=print)
    for result in report.results().values():
        print(result["finding"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
