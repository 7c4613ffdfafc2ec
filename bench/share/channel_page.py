"""Tables of docs/evidence/channels.md from what `measure_channels` recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from channel_parts import BACK, EXACT_SIDE, HALO_FACES, HALO_SIDE, Record
from proface_lab.channels import CHANNELS
from proface_lab.evaluation.measures.metrics import wilson_interval
from proface_lab.evaluation.report.report import markdown_table

DIRECTORY, BASE, FINE = range(3)


def channels_section(records: Sequence[Record], base: float, fine: float) -> str:
    """Return the measured part of the page, Markdown."""
    done = [each for each in records if "refused" not in each]
    photo, halo, exact, nothing = (
        [each for each in done if each["part"] == part] for part in ("photo", "halo", "exact", "nothing")
    )
    texts = []
    if photo:
        texts += [
            _all_systems(photo, halo, exact),
            _about_systems(photo, halo, exact),
            _layers(photo, base, fine),
            _quality(photo),
        ]
    if halo:
        texts.append(_halo(halo, sum(each["part"] == "halo" and "refused" in each for each in records)))
    if nothing:
        found = share(sum(each["false"] for each in nothing), 2 * len(nothing))
        texts.append(f"False finds, in the same pictures with nothing hidden, as they are and as JPEG: {found}.\n")
    return "\n".join(texts)


def share(right: int, count: int) -> str:
    """Return successes, tries and the 95 % interval in percent: ``19/20 (76-99 %)``."""
    low, high = wilson_interval(right, count)
    return f"{right}/{count} ({100 * low:.0f}-{100 * high:.0f} %)"


def _all_systems(photo: Sequence[Record], halo: Sequence[Record], exact: Sequence[Record]) -> str:
    """Return the table of faces that come back, by channel and system."""
    methods = list(exact[0]["decibels"][next(iter(CHANNELS))]) if exact else []
    columns = ["channel", "share copy", *(["halo"] if halo else []), *(["seal"] if exact else []), *methods]
    rows = []
    for name in CHANNELS:
        row = [name, _back(photo, name), *([_back(halo, name)] if halo else [])]
        if exact:
            row.append(share(sum(each["untouched"][name] for each in exact), sum(each["faces"] for each in exact)))
            row += [
                share(sum(each["decibels"][name][method] > BACK for each in exact), len(exact)) for method in methods
            ]
        rows.append(row)
    return markdown_table(rows, columns)


def _back(records: Sequence[Record], name: str) -> str:
    """Return how many faces come back: all of a picture, or none."""
    back = sum(each["faces"] * any(each["right"][name][BASE:]) for each in records)
    return share(back, sum(each["faces"] for each in records))


def _about_systems(photo: Sequence[Record], halo: Sequence[Record], exact: Sequence[Record]) -> str:
    photos = len({each["picture"].split("#")[0] for each in photo})
    text = (
        f"Faces that come back, with 95 % intervals (Wilson). *Share copy*: {len(photo)} pictures of 1600 pixels from "
        f"{photos} photos (each reduced, and windows of the large ones at full size), with 2, 3, 5 and 10 faces in "
        "turn, hidden in the whole picture; a face comes back if the base or the fine layer does, with every byte. "
        "Before the channel, the share copy is saved as `protect --robust` saves it. Faces of one picture come back "
        "together, so that the intervals are too narrow for them: those of the layers, below, count pictures."
    )
    if halo:
        text += (
            f" *Halo*: {HALO_FACES} faces in boxes of {HALO_SIDE} pixels, hidden only around them, in {len(halo)} "
            "pictures."
        )
    if exact:
        text += (
            f" The other columns hide faces of {EXACT_SIDE} pixels exactly, in {len(exact)} pictures saved without "
            "loss, and recover them from places that the reader is told, also after a resize or a crop: *seal* needs "
            f"every sample as it was, the others count from {BACK:g} dB on. They give the face itself, a share copy "
            "a likeness."
        )
    return text + "\n"


def _layers(photo: Sequence[Record], base: float, fine: float) -> str:
    """Return the table of the layers of share copies whose whole area carries."""
    rows = [
        (name, *(share(sum(each["right"][name][layer] for each in photo), len(photo)) for layer in range(3)))
        for name in CHANNELS
    ]
    plain = [
        (name, *(share(sum(each["png"][name][layer] for each in photo), len(photo)) for layer in (BASE, FINE)))
        for name in photo[0]["png"]
    ]
    head = (
        f"Pictures in which every byte of a layer comes back; random entries, {base:g} bytes per megapixel in the base "
        f"layer and {fine:g} in the fine layer, as many as the program writes or a little more:\n\n"
    )
    text = head + markdown_table(rows, ("channel", "directory", "base layer", "fine layer"))
    text += "\nThe same with `--share-format png`, so that the channel's compression is the first:\n\n"
    return text + markdown_table(plain, ("channel", "base layer", "fine layer"))


def _quality(photo: Sequence[Record]) -> str:
    psnr, ssim, sent = (_spread(each[name] for each in photo) for name in ("psnr", "ssim", "sent_psnr"))
    seconds = np.array([each["seconds"] for each in photo])
    return (
        f"Share copy against the covered picture: {psnr('.2f')} dB, SSIM {ssim('.4f')}; after it is saved as JPEG, "
        f"{sent('.2f')} dB. Reading takes {seconds.mean():.2f} s of one core on average, {seconds.max():.2f} s at "
        "most.\n"
    )


def _spread(values: Iterable[float]) -> Callable[[str], str]:
    """Return mean and least value, in a format."""
    found = np.array(list(values))
    return lambda style: f"{found.mean():{style}} (least {found.min():{style}})"


def _halo(halo: Sequence[Record], refused: int) -> str:
    rows = [
        (name, *(share(sum(each["right"][name][layer] for each in halo), len(halo)) for layer in range(3)))
        for name in CHANNELS
    ]
    fine, base = ([each[name] for each in halo] for name in ("fine_bytes", "base_bytes"))
    text = (
        f"The same with `--share-region halo`, {min(fine)} to {max(fine)} bytes for each face in the fine layer and "
        f"{min(base)} to {max(base)} in the base layer, as the program chooses them"
    )
    text += f"; {refused} pictures have no room for {HALO_FACES} faces:\n\n" if refused else ":\n\n"
    return text + markdown_table(rows, ("channel", "directory", "base layer", "fine layer"))
