"""Run the benchmarks, write docs/performance.md, and say which ratios got worse.

    python tools/performance.py [--only flow_speed ...]

Every benchmark prints Markdown.  Comments in it, ``<!-- ratio NAME VALUE -->``, hold the figures that can be compared
between machines: how many times faster, or smaller, ours is than a peer in the same run.  A ratio more than 20 % below
the one in the page as it was before is listed at the end, and at the top of the new page.
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
PAGE = ROOT / "docs" / "performance.md"
RATIO = re.compile(r"<!-- ratio (\S+) ([0-9.]+) -->")
WORSE = 0.8
TITLES = {
    "flow_speed": "The flow against the published network",
    "stages": "Whole photos, stage by stage",
    "growth": "Growth with pixels and with faces",
    "startup": "Start-up",
    "big_photo": "A photo of 12 megapixels with five large portraits",
    "folder_jobs": "A folder of 1,000 photos",
    "folder_memory": "Memory over a folder of 1,000 photos",
    "video_rate": "Frames of a stream",
}


def ratios(page: str) -> dict[str, float]:
    """The comparable figures of a page, by name."""
    return {name: float(value) for name, value in RATIO.findall(page)}


def worse(before: dict[str, float], after: dict[str, float]) -> list[str]:
    """A line for every ratio that fell by more than a fifth."""
    return [
        f"{name}: {before[name]:.2f} before, {value:.2f} now"
        for name, value in after.items()
        if name in before and value < WORSE * before[name]
    ]


def machine() -> str:
    """Processor, cores, system and Python, and the commit."""
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
    """One benchmark's Markdown.

    Raises:
        SystemExit: it failed; the page is left as it was.
    """
    shown = f"python bench/{name}.py"
    print(shown, file=sys.stderr, flush=True)
    done = subprocess.run([sys.executable, f"bench/{name}.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{shown} failed:\n{done.stderr}")
    body = done.stdout.strip()
    body = body if "|---" in body else "    " + body.replace("\n", "\n    ")
    return f"## {TITLES[name]}\n\n    {shown}\n\n{body}\n"


def main(argv: list[str] | None = None) -> int:
    """Write the page; exit status 1 where a ratio got worse."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=TITLES, help="these; the others stay as the page has them")
    parser.add_argument("--page", type=Path, default=PAGE)
    args = parser.parse_args(argv)
    old = args.page.read_text(encoding="utf-8") if args.page.exists() else ""
    kept = {part.splitlines()[0]: "## " + part for part in re.split(r"^## ", old, flags=re.MULTILINE)[1:]}
    head = machine()
    sections = []
    for name, title in TITLES.items():
        if args.only and name not in args.only:
            sections.append(kept.get(title, ""))
        elif (ROOT / "bench" / f"{name}.py").exists():
            sections.append(measure(name))
    notes = next((text for title, text in kept.items() if title == NOTES), "")
    body = "\n".join(section.strip() + "\n" for section in [*sections, notes] if section)
    fallen = worse(ratios(old), ratios(body))
    warning = "".join(f"* {line}\n" for line in fallen)
    intro = (
        f"# Performance\n\nWritten by `make bench`: {head}. Times are medians; what can be compared between machines "
        "are the ratios.\n\n"
    )
    if warning:
        intro += f"More than 20 % worse than in the page before:\n\n{warning}\n"
    args.page.write_text(intro + body, encoding="utf-8")
    print(warning or "no ratio is more than 20 % worse than before", file=sys.stderr)
    return 1 if fallen else 0


NOTES = "Where the time goes"  # written by hand, kept as it is


if __name__ == "__main__":
    raise SystemExit(main())
