"""Write docs/evidence/results.md and its figures from the reports that `make results` measured.

    python tools/results.py REPORTS EVIDENCE

REPORTS holds one folder per report of `proface evaluate` and `proface attack`.  Sections of missing reports are left
out.  Nothing is measured here.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from proface_lab.evaluation.report import tables
from proface_lab.evaluation.report.illustrations import draw_capacity, roc_curves
from proface_lab.evaluation.report.plots import plot_roc
from proface_lab.evaluation.report.report import markdown_table, read_report
from proface_s.errors import ProFaceError
from proface_s.flow.cards import DEFAULT_MODEL

Reports = dict[str, dict[str, Any]]

OURS, STRENGTHS, IDENTITY, ATTACKS = "ours", "strengths", "identity", "attack"
LARGEST = 150_000  # bytes; larger pictures are published as JPEG
SIZES = (64, 128, 256, 512)
INTRODUCTION = """# Results

Written by `make results` from reports of `proface evaluate` and `proface attack`; do not edit. The pages
[Measuring a method](evaluation.md) and [Attacks](attacks.md) define the figures. PSNR is in dB, given as mean (5th
percentile) over the faces; intervals are 95 %. *{ours}* is the model that `proface protect` uses, measured here on the
pixels alone, without the seal; *paper-...* is the published system, trained here with the same faces until it reached
42 dB protected and 41 dB recovered on blurred faces ([how](../explain/paper-model.md)); *lsb-avif* is the classical
baseline, an encrypted AVIF file in the least significant bits.
"""


def load(folder: Path) -> Reports:
    """Read all finished reports, by the name of their folder."""
    return {path.parent.name: read_report(path) for path in sorted(folder.glob("*/report.json"))}


def papers(reports: Reports) -> list[str]:
    """Return the names of the published system's reports, the one trained for stored files first."""
    found = [name for name in reports if name.startswith("paper")]
    return sorted(found, key=lambda name: (name != "paper-randwr", name))


def merged(reports: Reports, *names: str) -> dict[str, Any]:
    """Merge the results of several reports, whose parts have different names."""
    return {part: result for name in names if name in reports for part, result in reports[name]["results"].items()}


def section(title: str, *texts: str) -> str:
    """Return a heading and the texts below it; empty if all texts are empty."""
    kept = [text for text in texts if text]
    return "\n".join((f"## {title}\n", *kept)) if kept else ""


def summary(reports: Reports) -> str:
    """Return the summary: one column per method."""
    methods = [DEFAULT_MODEL, "lsb-avif", *papers(reports)]
    both = merged(reports, OURS, *papers(reports))
    found = {each: {} for each in methods}  # type: dict[str, dict[str, list[dict[str, Any]]]]
    for (method, _, protocol), result in tables.parts_of(both, "quality"):
        if method in found:
            found[method].setdefault(protocol, []).append(result)
    rows = [
        ["protected against cover, PSNR", *(_mean(found[each].get("stored"), "protected") for each in methods)],
        ["recovered against original, PSNR", *(_mean(found[each].get("stored"), "recovered") for each in methods)],
        ["... without rounding to 8 bits", *(_mean(found[each].get("float"), "recovered") for each in methods)],
        ["wrong key against original, PSNR", *(_mean(found[each].get("stored"), "wrong_original") for each in methods)],
        ["parameters", *(f"{_cost(both, each, 'parameters'):,.0f}" for each in methods)],
        ["seconds to protect, one thread", *(f"{_cost(both, each, 'protect_seconds'):.2f}" for each in methods)],
        ["seconds to recover", *(f"{_cost(both, each, 'recover_seconds'):.2f}" for each in methods)],
    ]
    rows.append(["every pixel equal, with the seal", _exact(merged(reports, OURS)), *("-" for _ in methods[1:])])
    judged = reports.get(IDENTITY, {}).get("results", {})
    for label, probe in (("protected", "protected"), ("recovered", "recovered"), ("wrong key's", "wrong")):
        cells = [_matched(judged.get(f"identity/{each}/blur"), probe) for each in methods]
        if any(cells):
            rows.append([f"{label} face matched, TAR % at FAR 0.01, best recogniser", *cells])
    broken = reports.get(ATTACKS, {}).get("results", {})
    inverted = [broken.get(f"{each}/inversion", {}).get("leak") for each in methods]
    if any(each is not None for each in inverted):
        cells = [None if each is None else f"{each:+.1f}" for each in inverted]
        rows.append(["inversion without a key, dB above the same attack on covers", *cells])
    control = _matched(judged.get("identity/cover/blur"), "cover")
    text = f"Control: with a blur cover and nothing hidden, {control} % of the faces are matched.\n" if control else ""
    return (
        section(
            "Summary",
            "Means over the covers; faces of 256 pixels, stored as 8-bit files.\n",
            markdown_table(rows, ["", *methods]),
            text,
        )
        if both
        else ""
    )


def _mean(results: list[dict[str, Any]] | None, comparison: str) -> str | None:
    values = [each[comparison]["psnr"]["mean"] for each in results or ()]
    return f"{sum(values) / len(values):.1f}" if values else None


def _exact(results: dict[str, Any]) -> str:
    each = [found for _, found in tables.parts_of(results, "exact")]
    return f"{sum(e['exact'] for e in each)} of {sum(e['pictures'] for e in each)} files"


def _cost(results: dict[str, Any], method: str, name: str) -> float:
    return float(results.get(f"cost/{method}", {}).get(name) or 0)


def _matched(result: dict[str, Any] | None, probe: str) -> str | None:
    return f"{max(100 * row['tar@0.01'] for row in result[probe].values()):.1f}" if result else None


def quality(reports: Reports, figures: Path) -> str:
    """Return the section on quality at 256 pixels, and draw its plot."""
    if OURS not in reports:
        return ""
    both = merged(reports, OURS, *papers(reports))
    both = {
        name: each for name, each in both.items() if f"{DEFAULT_MODEL}-cover" not in name
    }  # differs for wrong keys only
    draw_capacity(both, figures / "psnr-psnr.png")
    return section(
        "Quality at 256 pixels",
        "Stored as 8-bit files:\n",
        tables.quality_table(both, protocol="stored"),
        "The paper's protocol: the same without rounding to 8 bits:\n" if papers(reports) else "",
        tables.quality_table(both, protocol="float"),
        "![quality of both pictures](figures/psnr-psnr.png)\n",
        "Dashed: the recovered PSNR of our coder at the full capacity for a protected PSNR (no lossless 8-bit method "
        "can use more), and the reference from the literature, which takes bands as Gaussian.\n",
    )


def sizes(reports: Reports) -> str:
    """Return the section on other sizes and strengths."""
    rows = []
    for size in SIZES:
        name = OURS if size == 256 else f"size-{size}"
        for (method, style, _), found in tables.parts_of(reports.get(name, {}).get("results", {}), "quality"):
            if style in ("blur", "other-face") and method in (DEFAULT_MODEL, "lsb-avif"):
                p, r = found["protected"], found["recovered"]
                rows.append(
                    [
                        size,
                        method,
                        style,
                        found["faces"],
                        tables.spread(p["psnr"]),
                        tables.mean(p["ssim"]),
                        tables.spread(r["psnr"]),
                        tables.mean(r["ssim"]),
                    ]
                )
    columns = ("pixels", "method", "cover", "faces", "protected PSNR", "SSIM", "recovered PSNR", "SSIM")
    strengths = tables.quality_table(reports.get(STRENGTHS, {}).get("results", {}))
    return section(
        "Other sizes and strengths",
        markdown_table(rows, columns) if rows else "",
        "Faces with a shorter side below 96 pixels carry a base-5 digit per sample instead of a base-3 digit.\n"
        if rows
        else "",
        "Half, once and twice the default strength, at 256 pixels:\n" if strengths else "",
        strengths,
    )


def side_by_side(reports: Reports) -> str:
    """Return the section laid out like the paper's own comparison."""
    both = merged(reports, OURS, *papers(reports))
    stored, floats = (tables.paper_table(both, protocol) for protocol in ("stored", "float"))
    kinds = tables.perceptual_names(both)
    named = f"{kinds[0]} (lower is closer)" if kinds else "no perceptual distance was measured"
    return (
        section(
            "Beside the publication",
            "The measures and the layout of the paper's comparison of obfuscators (arXiv 2307.09146). What is the same "
            "there and here, and what is not, is said in "
            "[The published network](../explain/paper-model.md#the-same-and-not-the-same). "
            f"In each cell: {named}, PSNR, SSIM. Parameters, operations and times are in the table of costs below.\n",
            "Stored as 8-bit files:\n",
            stored,
            "Without rounding to 8 bits, the paper's protocol:\n" if floats else "",
            floats,
        )
        if stored
        else ""
    )


def wrong(reports: Reports) -> str:
    """Return the section on wrong keys."""
    text = (
        f"*{DEFAULT_MODEL}-cover* returns the cover by design; "
        "*lsb-avif* refuses, so the protected picture is returned.\n"
    )
    table = tables.wrong_table(merged(reports, OURS, *papers(reports)), "stored")
    return section("Wrong key", table, text) if table else ""


def programme(reports: Reports) -> str:
    """Return the section on bit-equality and cost."""
    return (
        section(
            "Bit-equality through the whole program, and cost",
            tables.exact_table(merged(reports, OURS)),
            "Faces: PNG, WebP and TIFF in turn. "
            "Photos: 0.9 to 12 megapixels, all detected faces, blur, with Argon2id.\n",
            tables.cost_table(merged(reports, OURS, *papers(reports))),
        )
        if OURS in reports
        else ""
    )


def identity(reports: Reports, figures: Path) -> str:
    """Return the section on verification, identification and diversity, and draw its plots."""
    if IDENTITY not in reports:
        return ""
    results = reports[IDENTITY]["results"]
    chosen = {key: curves for key, curves in roc_curves(results).items() if key[0] == "blur"}
    pictures = []
    for (style, recogniser), curves in chosen.items():
        name = f"roc-{recogniser.lower()}-{style}.png"
        plot_roc(figures / name, curves, title=f"{recogniser}: can the face be matched? (LFW, {style})")
        pictures.append(f"![ROC, {recogniser}](figures/{name})")
    found = results["identity/originals"]["thresholds"]
    counts = ", ".join(f"{name} {each['impostors']:,}" for name, each in found.items())
    return section(
        "Can a recogniser match the face? (LFW)",
        "The album holds originals; the probe is another picture of the same person, treated as stated. *cover* is the "
        "control: whatever *protected* reveals beyond it is the leak of the scheme. Thresholds are fixed on originals, "
        f"on all pairs of different people ({counts}). If none of n genuine pairs is accepted, the bootstrap interval "
        "has no width: the true rate is below 3/n with 95 % confidence, here 2.5 %.\n",
        tables.identity_table(results),
        "\n".join(pictures) + "\n",
        "Two protections of one face:\n" if tables.diversity_table(results) else "",
        tables.diversity_table(results),
    )


def attacks(reports: Reports, figures: Path, folder: Path) -> tuple[str, str]:
    """Return the table of all attacks, and the section with their details; copy their pictures."""
    if ATTACKS not in reports:
        return "", ""
    text = (folder / ATTACKS / "report.md").read_text(encoding="utf-8")
    body = text.partition("\n")[2] if text.startswith("# ") else text
    for result in reports[ATTACKS]["results"].values():
        for name in result.get("pictures", ()):
            body = body.replace(f"]({name})", f"]({publish_attack(name, result['method'], figures, folder)})")
    table, _, details = body.partition("\n## ")
    details = "### " + details.replace("\n## ", "\n### ") if details else ""
    return "## Attacks\n" + table, section("The attacks in detail", details)


def headline(reports: Reports, figures: Path, folder: Path) -> str:
    """Return the section on learned inversion: the published system first, then ours."""
    results = reports.get(ATTACKS, {}).get("results", {})
    texts = []
    for method in (*papers(reports), DEFAULT_MODEL):
        found = results.get(f"{method}/inversion", {})
        for name in found.get("pictures", ())[:1]:
            shown = publish_attack(name, method, figures, folder)
            texts.append(f"**{method}**: {found['finding']}\n\n![{method}, restored without a key]({shown})\n")
    introduction = (
        "A network trained on other people's faces, protected with random keys, restores these faces from the "
        "protected picture alone, without a key. *Control*: the same network, trained on covers.\n"
    )
    return section("Faces restored without a key", introduction, *texts) if texts else ""


def sheets(reports: Reports, figures: Path, folder: Path) -> str:
    """Return the section with contact sheets of synthetic faces."""
    lines = []
    for report, method in ((OURS, DEFAULT_MODEL), *((name, name) for name in papers(reports)[:1])):
        source = folder / report / f"sheet-{method}.png"
        if source.is_file():
            lines.append(f"{method}:\n\n![{method}]({publish(source, figures)})\n")
    return section("Pictures", *lines, "The faces are synthetic (faker-js/assets-person-portrait, CC0 1.0).\n")


def publish(source: Path, figures: Path, name: str = "") -> str:
    """Copy a picture to ``figures / name``, as JPEG if it is large; return its path relative to results.md.

    Args:
        source: picture of a report.
        figures: folder of the figures.
        name: path below ``figures``; the source's own name if empty.
    """
    target = figures / (name or source.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.stat().st_size <= LARGEST:
        shutil.copyfile(source, target)
    else:
        target = target.with_suffix(".jpg")
        with Image.open(source) as picture:
            picture.convert("RGB").save(target, quality=88, optimize=True)
    return target.relative_to(figures.parent).as_posix()


def publish_attack(name: str, method: str, figures: Path, folder: Path) -> str:
    """Publish a picture of an attack on ``method`` in a folder of its own; return its path like `publish`."""
    slug = method.replace(" ", "-")
    return publish(folder / ATTACKS / name, figures, f"attacks/{slug}/{name.removeprefix(f'{slug}-')}")


def drop_unshown(figures: Path, page: str) -> None:
    """Remove pictures that the page does not show, such as those of a model that is no longer measured."""
    for path in [*figures.rglob("*.jpg"), *figures.rglob("*.png")]:
        if f"]({path.relative_to(figures.parent).as_posix()})" not in page:
            path.unlink()
            with contextlib.suppress(OSError):
                path.parent.rmdir()  # once it is empty


def provenance(reports: Reports) -> str:
    """Return the section on reports, machine, versions and data."""
    rows = []
    for name, report in reports.items():
        settings = report["settings"]
        data = ", ".join(Path(each).name for each in _list(settings.get("data")))
        rows.append(
            [
                name,
                report["kind"],
                data,
                settings.get("faces"),
                settings.get("size"),
                settings.get("seed"),
                _budget(settings),
                ", ".join(report["commits"]),
                len(report["omissions"]),
            ]
        )
    first = next(iter(reports.values()))
    here, versions = first["machine"], first["versions"]
    columns = ("report", "command", "data", "faces", "pixels", "seed", "budget", "commit", "left out")
    steps = ", ".join(f"{name} {count:,}" for name, count in _training(reports))
    return section(
        "Provenance",
        markdown_table(rows, columns),
        f"Machine: {here['processor']}, {here['cores']} cores shared with other work, {here['threads']} thread(s), "
        f"Python {here['python']}; " + ", ".join(f"{name} {number}" for name, number in versions.items()) + ".\n",
        f"Steps of the last training cycle of the published system: {steps}.\n" if steps else "",
        "Data: synthetic portraits (faces_faker_cc0: faker-js/assets-person-portrait, CC0 1.0; faces_sfhq: SFHQ), "
        "official portraits of governors (faces_governors), pairs of LFW, 21 whole photos. None of them was used for "
        "training. Every report.json lists the omissions with their reasons.\n",
        "    make results EVAL=DIR TRAIN=DIR MODELS=DIR     # resumes where it was interrupted\n",
    )


def _training(reports: Reports) -> Iterator[tuple[str, int]]:
    for name in papers(reports):
        for part, result in reports[name]["results"].items():
            if part.startswith("cost/") and result.get("steps"):
                yield name, result["steps"]


def _budget(settings: dict[str, Any]) -> Any:
    found = settings.get("budget")
    return found["name"] if isinstance(found, dict) else found


def _list(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)] if value else []


def main(argv: list[str] | None = None) -> int:
    """Write the page; return exit status 1 if there is no report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", type=Path)
    parser.add_argument("evidence", type=Path)
    args = parser.parse_args(argv)
    try:
        reports = load(args.reports)
    except ProFaceError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return error.exit_code
    if not reports:
        print(f"error: no finished report in {args.reports}", file=sys.stderr)
        return 1
    figures = args.evidence / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    broken, details = attacks(reports, figures, args.reports)
    parts = (
        INTRODUCTION.format(ours=DEFAULT_MODEL),
        summary(reports),
        headline(reports, figures, args.reports),
        broken,
        quality(reports, figures),
        side_by_side(reports),
        wrong(reports),
        identity(reports, figures),
        programme(reports),
        sizes(reports),
        sheets(reports, figures, args.reports),
        details,
        provenance(reports),
    )
    page = "\n".join(text for text in parts if text)
    (args.evidence / "results.md").write_text(page, encoding="utf-8")
    drop_unshown(figures, page)
    print(args.evidence / "results.md")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
