"""Make a checkpoint small enough to commit: the averaged weights alone, in half precision.

    python tools/compact_checkpoint.py runs/paper-randwr/checkpoint.pt configs/paper-randwr.checkpoint.pt

``proface train --init`` can start a new run from it, but a run cannot be resumed from it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from proface_lab.training.checkpoints import compact, read_checkpoint, write_checkpoint


def main(argv: list[str] | None = None) -> int:
    """Write the small checkpoint and print its size."""
    source, target = map(Path, sys.argv[1:] if argv is None else argv)
    write_checkpoint(target, compact(read_checkpoint(source)))
    print(f"{target}: {target.stat().st_size:,} bytes instead of {source.stat().st_size:,}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
