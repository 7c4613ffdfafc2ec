"""Evaluation reports as Markdown: one function per table, each a function of the stored JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from .report import EvaluationReport, machine, markdown_table

Results = Mapping[str, Any]

SHOWN_OMISSIONS: Final = 20
PERCEPTUAL: Final = {"lpips": "LPIPS", "st_lpips": "ST-LPIPS"}  # name in reports -> title


def report_page(report: EvaluationReport) -> str:
    """Return the whole report."""
    results, settings = report.results(), report.settings
    here, measured_at = machine(), ", ".join(report.commits()) or "unknown"
    lines = [
        "# Evaluation\n",
        f"{settings['faces']} faces of {settings['size']} pixels from {', '.join(settings['data'])}; seed "
        f"{settings['seed']}; commit {measured_at}; {here['processor']}, {here['cores']} cores, "
        f"threads {here['threads']}.  PSNR in dB; mean (5th percentile) over the faces.\n",
    ]
    for title, table in (
        ("Protected against cover, recovered against original", quality_table(results)),
        ("Wrong key", wrong_table(results)),
        ("Bit-equality through files", exact_table(results)),
        ("Cost", cost_table(results)),
        ("Can a recogniser match the face?", identity_table(results)),
        ("Diversity", diversity_table(results)),
        ("Left out", omission_table(report)),
    ):
        if table:
            lines += [f"## {title}\n", table]
    return "\n".join(lines)


def parts_of(results: Results, kind: str) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Yield (rest of the name, result) for the parts of a kind."""
    for name, result in results.items():
        first, *rest = name.split("/")
        if first == kind:
            yield rest, result


def quality_table(results: Results, methods: Sequence[str] | None = None, protocol: str | None = None) -> str:
    """Return the table of protection and recovery quality; empty without such parts."""
    rows = []
    for (method, style, how), found in parts_of(results, "quality"):
        if (methods is None or method in methods) and protocol in (None, how):
            p, r = found["protected"], found["recovered"]
            rows.append(
                [
                    method,
                    style,
                    how,
                    found["faces"],
                    spread(p["psnr"]),
                    mean(p["ssim"]),
                    mean(p.get("ms_ssim")),
                    spread(r["psnr"]),
                    mean(r["ssim"]),
                    mean(r.get("ms_ssim")),
                    spread(found["cover"]["psnr"]),
                ]
            )
    columns = (
        "method",
        "cover",
        "protocol",
        "faces",
        "protected PSNR",
        "SSIM",
        "MS-SSIM",
        "recovered PSNR",
        "SSIM",
        "MS-SSIM",
        "the cover itself",
    )
    return markdown_table(rows, columns) if rows else ""


def paper_table(results: Results, protocol: str) -> str:
    """Return the table in the layout of the paper's comparison: per cover, every method; empty without such parts.

    A cell holds perceptual distance, PSNR and SSIM; the first is left out where it was not measured.
    """
    found = [(style, method, each) for (method, style, how), each in parts_of(results, "quality") if how == protocol]
    order = list(dict.fromkeys(style for style, *_ in found))
    comparisons = ("protected", "recovered", "wrong_original", "wrong_cover")
    rows = [
        [style, method, *(_similarity(each[comparison]) for comparison in comparisons)]
        for style, method, each in sorted(found, key=lambda one: order.index(one[0]))
    ]
    measures = "/".join([*perceptual_names(results)[:1], "PSNR", "SSIM"])
    columns = (
        "cover",
        "method",
        f"protected against cover, {measures}",
        "recovered against original",
        "wrong recovery against original",
        "wrong recovery against cover",
    )
    return markdown_table(rows, columns) if rows else ""


def perceptual_names(results: Results) -> list[str]:
    """Return the names of the perceptual distances that were measured, as they are written in tables."""
    measured = {name for _, found in parts_of(results, "quality") for name in found["protected"]}
    return [title for name, title in PERCEPTUAL.items() if name in measured]


def _similarity(found: Mapping[str, Mapping[str, float]]) -> str:
    distances = [f"{found[name]['mean']:.3f}" for name in PERCEPTUAL if name in found]
    psnr = "equal" if found["psnr"]["p5"] >= 100 else f"{found['psnr']['mean']:.1f}"
    return "/".join([*distances[:1], psnr, f"{found['ssim']['mean']:.3f}"])


def wrong_table(results: Results, protocol: str | None = None) -> str:
    """Return the table of wrong-key results against original and cover."""
    rows = []
    for (method, style, how), found in parts_of(results, "quality"):
        if protocol in (None, how):
            a, b = found["wrong_original"], found["wrong_cover"]
            rows.append([method, style, how, spread(a["psnr"]), mean(a["ssim"]), spread(b["psnr"]), mean(b["ssim"])])
    columns = ("method", "cover", "protocol", "PSNR to original", "SSIM", "PSNR to cover", "SSIM")
    return markdown_table(rows, columns) if rows else ""


def exact_table(results: Results) -> str:
    """Return the table of bit-equality through files with a seal."""
    rows = [
        [
            what,
            found["pictures"],
            found["faces"],
            f"{found['exact']} of {found['pictures']}",
            f"{found['wrong_key_refused']} of {found['pictures']}",
            f"{found['megapixels']:.2f}",
            f"{found['protect_seconds']:.2f} s",
            f"{found['recover_seconds']:.2f} s",
        ]
        for (what,), found in parts_of(results, "exact")
        if found["pictures"]
    ]
    columns = (
        "of",
        "pictures",
        "faces hidden",
        "every pixel equal",
        "wrong key refused",
        "megapixels (median)",
        "protect (median)",
        "recover (median)",
    )
    return markdown_table(rows, columns) if rows else ""


def cost_table(results: Results) -> str:
    """Return the table of parameters, operations, time and memory."""
    rows = [
        [
            method,
            f"{found['size']} px",
            "-" if found["parameters"] is None else f"{found['parameters']:,}",
            "-" if found["macs"] is None else f"{found['macs'] / 1e9:.2f} G",
            f"{found['protect_seconds']:.3f} s",
            f"{found['recover_seconds']:.3f} s",
            f"{found['peak_mib']} MiB",
        ]
        for (method,), found in parts_of(results, "cost")
    ]
    columns = ("method", "face", "parameters", "MACs to recover", "protect", "recover", "peak memory of the process")
    return markdown_table(rows, columns) if rows else ""


def identity_table(results: Results) -> str:
    """Return the table of accuracy, TAR and rank-1 of every probe, with 95 % intervals."""
    rows = []
    for where, found in parts_of(results, "identity"):
        method, style = (where[0], where[1]) if len(where) > 1 else ("-", "-")
        for probe, of_recogniser in found.items():
            if probe in ("thresholds", "omitted"):
                continue
            for name, row in of_recogniser.items():
                rows.append(
                    [
                        name,
                        "-" if method == "cover" else method,
                        style,
                        probe,
                        row["pairs"],
                        percent(row["accuracy"], row["accuracy_interval"]),
                        percent(row["tar@0.001"], row["tar@0.001_interval"]),
                        percent(row["tar@0.01"], row["tar@0.01_interval"]),
                        percent(row["rank1"], row["rank1_interval"]),
                        f"{row['auc']:.3f}",
                    ]
                )
    rows.sort(key=lambda row: str(row[0]))
    columns = (
        "recogniser",
        "method",
        "cover",
        "probe",
        "pairs",
        "accuracy %",
        "TAR % at FAR 0.001",
        "TAR % at FAR 0.01",
        "rank-1 %",
        "AUC",
    )
    return markdown_table(rows, columns) if rows else ""


def diversity_table(results: Results) -> str:
    """Return the table of similarities between two protections of one face."""
    rows = []
    words = {"keys": "one style, two keys", "styles": "two styles, two keys"}
    for (method,), found in parts_of(results, "diversity"):
        for kind, each in found.items():
            for name, row in each["recognisers"].items():
                linked = None if row["linked"] is None else percent(row["linked"], row["linked_interval"])
                between = f"{each['psnr']:.1f}"
                rows.append([method, words[kind], each["pairs"], between, name, row["similarity"], linked])
    columns = ("method", "two protections", "pairs", "PSNR between them", "recogniser", "similarity", "linked %")
    return markdown_table(rows, columns) if rows else ""


def omission_table(report: EvaluationReport) -> str:
    """Return the number of omissions and a table of the first few."""
    if not report.omissions:
        return ""
    shown = report.omissions[:SHOWN_OMISSIONS]
    rest = len(report.omissions) - len(shown)
    table = markdown_table([[each.name, each.reason] for each in shown], ("what", "why"))
    more = f"\n... and {rest} more, in report.json.\n" if rest else ""
    return f"{len(report.omissions)} left out.\n\n{table}{more}"


def spread(found: Mapping[str, float]) -> str:
    """Format mean and 5th percentile of a PSNR; "equal" if the pictures are."""
    if found["p5"] >= 100:
        return "equal"
    return f"{found['mean']:.2f} ({found['p5']:.2f})"


def mean(found: Mapping[str, float] | None) -> str:
    """Format the mean of a similarity; a dash if None."""
    return "-" if found is None else f"{found['mean']:.3f}"


def percent(value: float, interval: Sequence[float]) -> str:
    """Format a share and its interval in percent."""
    return f"{100 * value:.1f} [{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"
