"""Tables of docs/evidence/channels.md from what `measure_channels` recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from channel_parts import BACK, BOX_SIDE, EXACT_SIDE, FEW, MODES, MOST_BASE, Record, bytes_of_each
from proface_lab.channels import CHANNELS
from proface_lab.evaluation.measures.metrics import wilson_interval
from proface_lab.evaluation.report.report import markdown_table
from proface_s.robust.regions import REGIONS

Measured = Mapping[str, Sequence[Record]]

DIRECTORY, BASE, FINE = range(3)
SIDES = (48, 64, 96, 128, 192, 256, 384, 512)
COUNTS = (1, 3, 10)
MANY = 10  # faces, whose smallest copies have little room
SIZE = (1600, 1068)
AIM_DB, AIM_SSIM, AIM_SECONDS = 43.0, 0.97, 2.0
LAYERS = ("directory", "base layer", "fine layer")


def channels_section(records: Sequence[Record], base: float, fine: float) -> str:
    """Return the measured part of the page, Markdown."""
    done: dict[str, list[Record]] = {}
    refused: dict[str, int] = {}
    for each in records:
        if "refused" in each:
            refused[each["part"]] = refused.get(each["part"], 0) + 1
        else:
            done.setdefault(each["part"], []).append(each)
    photo = done.get("photo")
    texts = (
        [
            _all_systems(done),
            _about_systems(done),
            _photo_layers(photo, base, fine),
            _quality(photo),
        ]
        if photo
        else []
    )
    texts += [_mode_layers(mode, done[mode], refused.get(mode, 0)) for mode in MODES if mode in done]
    texts.append(room())
    if "nothing" in done:
        found = share(sum(each["false"] for each in done["nothing"]), 2 * len(done["nothing"]))
        texts.append(
            f"False finds, in pictures of these photos with nothing hidden, as they are and as JPEG: {found}.\n"
        )
    for each in done.get("keys", ()):
        most = 100 * wilson_interval(each["opened"], each["tried"])[1]
        texts.append(
            f"Wrong passphrases that open a face: {each['opened']} of {each['tried']}, tried on the same entry "
            f"(at most {most:.2f} % at 95 %).\n"
        )
    return "\n".join(texts)


def share(right: int, count: int) -> str:
    """Return successes, tries and the 95 % interval in percent: ``19/20 (76-99 %)``."""
    low, high = wilson_interval(right, count)
    return f"{right}/{count} ({100 * low:.0f}-{100 * high:.0f} %)"


def _all_systems(done: Measured) -> str:
    """Return the table of faces that come back, by channel and system."""
    few, many = ([each for each in done["photo"] if (each["faces"] < MANY) == fewer] for fewer in (True, False))
    named = [
        ("share copy, 2 to 5 faces", few),
        (f"{MANY} faces", many),
        *((mode, done.get(mode, [])) for mode in MODES),
    ]
    copies = [(name, found) for name, found in named if found]
    exact = done.get("exact", [])
    methods = list(exact[0]["decibels"][next(iter(CHANNELS))]) if exact else []
    rows = []
    for name in CHANNELS:
        row = [name, *(_back(found, name) for _, found in copies)]
        if exact:
            row.append(share(sum(each["untouched"][name] for each in exact), sum(each["faces"] for each in exact)))
        row += [share(sum(each["decibels"][name][method] > BACK for each in exact), len(exact)) for method in methods]
        rows.append(row)
    return markdown_table(rows, ["channel", *(name for name, _ in copies), *(["seal"] if exact else []), *methods])


def _back(records: Sequence[Record], name: str) -> str:
    """Return how many faces come back: all of a picture or none, by a base layer only if the program would write it."""
    back = 0
    for each in records:
        _, base, fine = each["right"][name]
        back += each["faces"] * (fine or (base and each["has_base"]))
    return share(back, sum(each["faces"] for each in records))


def _about_systems(done: Measured) -> str:
    pictures = done["photo"]
    photos = len({each["picture"].split("#")[0] for each in pictures})
    text = (
        f"Faces that come back, with 95 % intervals (Wilson). *Share copy*: {len(pictures)} pictures of 1600 pixels "
        f"from {photos} photos (each reduced, and windows of the large ones at full size), with 2, 3, 5 and {MANY} "
        "faces in turn, hidden in the whole picture; a face comes back if the fine layer does with every byte, or the "
        "base layer, if the program has room for one. Before the channel, the copy is saved as `protect --robust` "
        "saves it. Faces of one picture come back together, so that these intervals are too narrow for them: those of "
        "the layers, below, count pictures."
    )
    modes = [f"*{mode}* ({len(done[mode])} pictures)" for mode in MODES if mode in done]
    if modes:
        text += f" {' and '.join(modes)}: {FEW} faces in boxes of {BOX_SIDE} pixels, with `--share-region`."
    if "exact" in done:
        text += (
            f" The other columns hide faces of {EXACT_SIDE} pixels exactly, in {len(done['exact'])} pictures saved "
            "without loss, and recover them from places that the reader is told, also after a resize or a crop: *seal* "
            f"needs every sample as it was, the others count from {BACK:g} dB on. They give the face itself, a share "
            "copy a likeness."
        )
    return text + "\n"


def _layers(records: Sequence[Record]) -> str:
    """Return the table of the layers of share copies that come back; of those that there are."""
    count = len(records)
    kept = [layer for layer in (DIRECTORY, BASE, FINE) if layer != BASE or any(each["base_bytes"] for each in records)]
    rows = [
        (name, *(share(sum(each["right"][name][layer] for each in records), count) for layer in kept))
        for name in CHANNELS
    ]
    return markdown_table(rows, ("channel", *(LAYERS[layer] for layer in kept)))


def _photo_layers(photo: Sequence[Record], base: float, fine: float) -> str:
    plain = [
        (name, *(share(sum(each["png"][name][layer] for each in photo), len(photo)) for layer in (BASE, FINE)))
        for name in photo[0]["png"]
    ]
    return (
        f"Pictures in which every byte of a layer comes back; random entries, {base:g} bytes per megapixel in the base "
        f"layer (more where the program writes more for ten faces, and at most {MOST_BASE} a face) and {fine:g} in the "
        "fine layer:\n\n"
        + _layers(photo)
        + "\nThe same with `--share-format png`, so that the channel's compression is the first:\n\n"
        + markdown_table(plain, ("channel", "base layer", "fine layer"))
    )


def _quality(photo: Sequence[Record]) -> str:
    psnr, ssim, sent = (_spread(each[name] for each in photo) for name in ("psnr", "ssim", "sent_psnr"))
    seconds = np.array([each["seconds"] for each in photo])
    met = [
        share(sum(each), len(photo))
        for each in (
            [each["psnr"] >= AIM_DB for each in photo],
            [each["ssim"] >= AIM_SSIM for each in photo],
            [max(each["seconds"]) <= AIM_SECONDS for each in photo],
        )
    ]
    return (
        f"Share copy against the covered picture: {psnr('.2f')} dB, SSIM {ssim('.4f')}; after it is saved as JPEG, "
        f"{sent('.2f')} dB. Reading takes {seconds.mean():.2f} s of one core on average, {seconds.max():.2f} s at "
        f"most. Pictures of at least {AIM_DB:g} dB: {met[0]}; of an SSIM of at least {AIM_SSIM:g}: {met[1]}; read "
        f"within {AIM_SECONDS:g} s after every channel: {met[2]}.\n"
    )


def _spread(values: Iterable[float]) -> Callable[[str], str]:
    """Return mean and least value, in a format."""
    found = np.array(list(values))
    return lambda style: f"{found.mean():{style}} (least {found.min():{style}})"


def _mode_layers(mode: str, records: Sequence[Record], refused: int) -> str:
    fine, base = ([each[name] for each in records] for name in ("fine_bytes", "base_bytes"))
    text = f"The same with `--share-region {mode}`, {_span(fine)} bytes for each face in the fine layer"
    text += f" and {_span(base)} in the base layer" if any(base) else ", and no base layer"
    without = sum(not each for each in base)
    text += f" ({without} of the {len(records)} pictures have no room for one)" if 0 < without < len(base) else ""
    text += f"; {refused} pictures have no room for {FEW} faces" if refused else ""
    return f"{text}; {_spread(each['box_psnr'] for each in records)('.2f')} dB in the boxes:\n\n{_layers(records)}"


def _span(values: Sequence[int]) -> str:
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)} to {max(values)}"


def room() -> str:
    """Return the table of bytes for each face, by the size of its box and the number of faces."""
    rows = []
    for side in SIDES:
        cells: list[object] = [f"{side}"]
        for region in REGIONS:
            found = [bytes_of_each(side, count, region, SIZE) for count in COUNTS]
            cells += ["-" if each is None else f"{each[0]} / {each[1] or '-'}" for each in found]
        rows.append(cells)
    head = (
        f"Bytes for each face in a copy of {SIZE[0]} x {SIZE[1]} pixels, all of them / the smallest copy, by the side "
        "of its box in pixels (a face grown by a third or so); `-` if there is no room:\n\n"
    )
    columns = ("side", *(f"{region}, {count}" for region in REGIONS for count in COUNTS))
    return head + markdown_table(rows, columns)
