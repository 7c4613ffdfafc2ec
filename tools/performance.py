"""Run the benchmarks, write docs/evidence/performance.md, and list the ratios that got worse.

    python tools/performance.py [--only flow_speed ...]

Every benchmark prints Markdown.  Comments in it, ``<!-- ratio NAME VALUE -->``, hold the figures that can be compared
between machines: how many times faster, or smaller, ours is than a peer in the same run.  Ratios more than 20 % below
those of the previous page are listed at the end, and at the top of the new page.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "evidence" / "performance.md"
RATIO = re.compile(r"<!-- ratio (\S+) ([0-9.]+) -->")
WORSE = 0.8
BENCHES: dict[str, tuple[str, list[str]]] = {  # name -> title if the bench prints none, arguments
    "flow_speed": ("The flow against the published network", []),
    "stages": ("", ["--points", "1x1", "12x5", "16x125", "--repeats", "2"]),
    "growth": ("", ["--plot", "docs/evidence/figures/growth.png", "--repeats", "2"]),
    "startup": ("", []),
    "big_photo": ("A photo of 12 megapixels with five large portraits", []),
    "jpeg_files": ("", ["--repeats", "2"]),
    "folder_jobs": ("", []),
    "folder_memory": ("Memory over a folder of 1,000 photos", []),
    "video_rate": ("", []),
    "clip_rate": ("", []),
}
MARK = "<!-- bench {} -->"
NOTES = "notes"  # the section that is written by hand and left unchanged


def ratios(page: str) -> dict[str, float]:
    """Return the ratios of a page by name."""
    return {name: float(value) for name, value in RATIO.findall(page)}


def worse(before: dict[str, float], after: dict[str, float]) -> list[str]:
    """Return a line for every ratio that fell by more than a fifth."""
    return [
        f"{name}: {before[name]:.2f} before, {value:.2f} now"
        for name, value in after.items()
        if name in before and value < WORSE * before[name]
    ]


def machine() -> str:
    """Return processor, cores, system, Python and commit, in one line."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = re.findall(r"^model name\s*: (.+)$", cpuinfo.read_text(), re.MULTILINE)
        processor = names[0] if names else processor
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False)
    load = f", load average {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return (
        f"{processor}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}; "
        f"commit {commit.stdout.strip() or 'unknown'}, {datetime.now(UTC):%Y-%m-%d}{load}"
    )


def measure(name: str) -> str:
    """Run one benchmark and return its Markdown, with a heading.

    Raises:
        SystemExit: if it fails; the page is left unchanged.
    """
    title, arguments = BENCHES[name]
    shown = " ".join([f"python bench/speed/{name}.py", *arguments])
    print(shown, file=sys.stderr, flush=True)
    command = [sys.executable, f"bench/speed/{name}.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{shown} failed:\n{done.stderr}")
    body = done.stdout.strip()
    if title:
        body = body if "|---" in body else "    " + body.replace("\n", "\n    ")
        body = f"## {title}\n\n    {shown}\n\n{body}"
    return body.replace("(docs/evidence/", "(")


def sections_of(page: str) -> dict[str, str]:
    """Return the sections of a page by benchmark name."""
    parts = re.split(r"^<!-- bench (\w+) -->\n", page, flags=re.MULTILINE)
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def main(argv: list[str] | None = None) -> int:
    """Write the page; return exit status 1 if a ratio got worse."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=BENCHES, help="run only these; the other sections stay unchanged")
    parser.add_argument("--page", type=Path, default=PAGE)
    args = parser.parse_args(argv)
    old = args.page.read_text(encoding="utf-8") if args.page.exists() else ""
    sections, head = sections_of(old), machine()
    for name in BENCHES:
        if not args.only or name in args.only:
            sections[name] = measure(name)
    order = [name for name in (NOTES, *BENCHES) if name in sections]
    body = "\n".join(f"{MARK.format(name)}\n{sections[name]}\n" for name in order)
    fallen = worse(ratios(old), ratios(body))
    warning = "".join(f"* {line}\n" for line in fallen)
    intro = (
        f"# Performance\n\nWritten by `make bench`: {head}. Times are medians; only the ratios can be compared between "
        "machines.\n\n"
    )
    if warning:
        intro += f"More than 20 % worse than on the previous page:\n\n{warning}\n"
    args.page.write_text(intro + body, encoding="utf-8")
    print(warning or "no ratio is more than 20 % worse than before", file=sys.stderr)
    return 1 if fallen else 0


if __name__ == "__main__":
    raise SystemExit(main())
