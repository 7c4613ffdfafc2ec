"""``proface channels``: try which apps leave share copies whole, with photos that anybody may send."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...wording import counted
from ..options.common import OutputOptions, output_options
from ..options.types import PATH

if TYPE_CHECKING:
    from ...api.share.kit import KitPhoto, ReturnedPhoto
    from ..runner.report import TaskReport

STATES = {
    "all": "all bytes",
    "smallest": "smallest copies",
    "faded": "found, too faded to open",
    "nothing": "nothing found",
    "unreadable": "not a picture",
    "foreign": "a share copy, but not of this kit",
}
SHEET = "README.txt"
INSTRUCTIONS = """Which apps leave share copies whole?

1. Make a folder for each app in the folder "received", such as received/whatsapp-android.
2. Send every photo of the folder "send" through the app, to yourself or to a friend, in the way photos
   are usually sent: as a photo, not as a file or document. If the app has a setting for quality,
   make one folder for each setting.
3. Save what arrives, on the other device, into the app's folder. File names do not matter; apps change them.
   Do not open and save the photos with another program in between, and take no screenshots, unless
   you want to try just that, in a folder of its own.
4. Run: proface channels {folder}

It prints a table: for each photo, what arrived, and which faces came back. To share your results, send the
table with the app's version, the devices, and the date.

The photos are drawn and show nobody. They may be sent to anybody, and published. The passphrase of all of them is:
{passphrase}

{table}
"""


@click.command("channels", short_help="Try which apps leave share copies whole.")
@click.argument("kit", type=PATH)
@click.option("--count", type=click.IntRange(1, 10), default=10, show_default=True, help="Photos of a new kit.")
@output_options
def command(kit: Path, count: int, output_options: OutputOptions) -> int:
    """Make a kit for trying apps, or read what came back.

    If KIT does not exist, or is an empty folder, ten drawn share copies are written into it, with instructions: send
    them through apps, and save what arrives in KIT/received/APP.  If KIT is such a kit, a table says what came back
    through each app.  Nothing is sent, and the photos show nobody.
    """
    from ...api.share.kit import is_kit

    return _read(kit, output_options) if is_kit(kit) else _make(kit, count, output_options)


def _make(kit: Path, count: int, output_options: OutputOptions) -> int:
    from ...api.share.kit import PASSPHRASE, SEND, make_kit
    from ...image.write import write_atomic
    from ..runner.report import Reporter, TaskReport

    reporter = Reporter("channels", output_options)
    photos = make_kit(kit, count, lambda photo: reporter.note(f"{kit / SEND / photo.name}", verbose=True))
    text = INSTRUCTIONS.format(folder=kit, passphrase=PASSPHRASE, table="\n".join(map(_sent_line, photos)))
    write_atomic(kit / SHEET, text.encode("utf-8"))
    summary = f"{counted(len(photos), 'photo')} to send in {kit / SEND}; {kit / SHEET} says how"
    reporter.report(TaskReport("made", kit, kit / SHEET, extra={"photos": len(photos)}, summary=summary))
    return 0


def _read(kit: Path, output_options: OutputOptions) -> int:
    from ...api.share.kit import RECEIVED, read_kit
    from ...errors import UsageError
    from ..runner.report import Reporter

    reporter = Reporter("channels", output_options)
    found = read_kit(kit, lambda photo: reporter.note(f"{photo.path}", verbose=True))
    if not found:
        raise UsageError(f"there are no files in folders of {kit / RECEIVED}", code="kit-empty")
    for photo in found:
        reporter.report(_report(photo))
    if not output_options.as_json:
        for line in _table(found):
            click.echo(line)
    return 0


def _report(photo: ReturnedPhoto) -> TaskReport:
    from ..runner.report import TaskReport

    extra = {
        "app": photo.app,
        "photo": photo.photo and photo.photo.name,
        "size": photo.size and list(photo.size),
        "state": photo.state,
        "faces_back": photo.faces,
        "faces_sent": photo.photo.faces if photo.photo else None,
        "face_bytes": photo.face_bytes,
    }
    return TaskReport("read", photo.path, extra=extra)


def _table(found: Sequence[ReturnedPhoto]) -> list[str]:
    """Return what came back as a Markdown table, then one line for each app."""
    lines = ["| app | file | photo | arrived as | what came back | faces |", "|---|---|---|---|---|---|"]
    for each in found:
        size = f"{each.size[0]}x{each.size[1]}" if each.size else "-"
        faces = f"{each.faces} of {each.photo.faces}" if each.photo else "-"
        state = STATES[each.state] + (f", {each.face_bytes} a face" if each.faces else "")
        name = each.photo.name if each.photo else "-"
        lines.append(f"| {each.app} | {each.path.name} | {name} | {size} | {state} | {faces} |")
    lines.append("")
    for app in dict.fromkeys(each.app for each in found):
        own = [each for each in found if each.app == app]
        known = [each for each in own if each.photo]
        back, sent = sum(each.faces for each in known), sum(each.photo.faces for each in known if each.photo)
        lost = len(own) - len(known)
        lines.append(
            f"{app}: {back} of {counted(sent, 'face')} back, in {counted(len(own), 'file')}"
            + (f"; nothing of the kit in {lost}" if lost else "")
        )
    return lines


def _sent_line(photo: KitPhoto) -> str:
    width, height = photo.size
    return f"{photo.name}  {width} x {height}  {counted(photo.faces, 'face')}, {photo.face_bytes} bytes each" + (
        f", smallest copies {photo.robust_face_bytes}" if photo.robust_face_bytes else ", no smallest copies"
    )
