"""Compile scans.c to the WebAssembly module that the package ships: `pip install ziglang==0.17.0`, then run this.

The compiler is pinned, so that the same source gives the same bytes; tests/unit/image/jpeg/test_coefficients.py
compares the digest of the source with the one that was compiled.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "src" / "proface_s" / "image" / "jpeg" / "scans.wasm"
EXPORTS = (
    "allocate", "read_scan", "write_scan", "written_at", "written_bytes", "components_at", "scan_at",
    "dc_tables_at", "ac_tables_at",
)  # fmt: skip


def main() -> None:
    """Compile the module, and note beside it which source it was made from."""
    command = [
        sys.executable,
        "-m",
        "ziglang",
        "cc",
        "--target=wasm32-freestanding",
        "-O3",
        "-nostdlib",
        "-fno-builtin",
    ]
    command += ["-mbulk-memory", "-Wl,--no-entry", "-Wl,--strip-all", *(f"-Wl,--export={name}" for name in EXPORTS)]
    subprocess.run([*command, "-o", str(TARGET), str(HERE / "scans.c")], check=True)
    TARGET.with_suffix(".source.txt").write_text(hashlib.sha256((HERE / "scans.c").read_bytes()).hexdigest() + "\n")
    print(TARGET, TARGET.stat().st_size)


if __name__ == "__main__":
    main()
