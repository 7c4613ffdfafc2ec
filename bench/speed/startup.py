"""Start-up: the time of a command before it does any work, compared with Python itself.

    python bench/speed/startup.py [--repeats 7]

New processes, run in turn: Python doing nothing, Python importing numpy, `--help`, `inspect` of a protected file,
and `protect` of a 512 x 512 photo with one face, with a passphrase (two runs of Argon2id, the second to verify) and
with a public key (no Argon2id).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from PIL import Image
from skimage import data

import bench_kit


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        photo, out, key = (str(Path(folder) / name) for name in ("photo.png", "out.png", "key"))
        Image.fromarray(data.astronaut()).save(photo)
        public = bench_kit.run_measured(bench_kit.program("keygen", "-o", key)).out.strip()
        bench_kit.run_measured(bench_kit.program("protect", photo, "-o", out, "-r", public))
        again = ("protect", photo, "-o", str(Path(folder) / "again.png"), "--overwrite")
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "python -c 'import numpy'": [sys.executable, "-c", "import numpy"],
            "proface --help": bench_kit.program("--help"),
            "proface inspect": bench_kit.program("inspect", out),
            "proface protect, passphrase": bench_kit.program(*again),
            "proface protect, public key": bench_kit.program(*again, "-r", public),
        }
        ran: dict[str, list[bench_kit.FinishedProcess]] = {name: [] for name in commands}
        for _ in range(args.repeats + 1):
            for name, command in commands.items():
                secret = {"PROFACE_PASSPHRASE": "measured on stored files"} if "passphrase" in name else {}
                ran[name].append(bench_kit.run_measured(command, **secret))
    seconds = {name: [each.seconds for each in runs[1:]] for name, runs in ran.items()}
    first = next(iter(seconds))
    rows = [
        [f"`{name}`", f"{1e3 * bench_kit.medians(seconds)[name]:.0f} ms",
         f"{bench_kit.median_ratio(each, seconds[first]):.1f}",
         f"{max(run.peak_mib for run in ran[name]):.0f} MiB"]
        for name, each in seconds.items()
    ]  # fmt: skip
    print(bench_kit.heading("Start-up", "python bench/speed/startup.py", f"New processes, median of {args.repeats}."))
    print(bench_kit.table(["command", "time", "relative to Python alone", "peak memory"], rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
