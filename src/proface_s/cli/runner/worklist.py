"""The worklist of ``proface detect --sheet``: photos that a person should look at before they are published."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...errors import ImageError, UsageError
from ...hints import hinted
from ...wording import counted

if TYPE_CHECKING:
    from ...api import Detection
    from ...types import UInt8Image

_SIDE: Final = 480  # pixels of a thumbnail's longer side
_COLUMNS: Final = 3
_LINE: Final = 26  # pixels of a line of text in a PNG
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem;max-width:90rem}"
    "ul{list-style:none;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr));gap:1.5rem}"
    "img{max-width:100%;display:block}p{margin:.3rem 0}"
)


@dataclass(frozen=True, slots=True)
class WorklistEntry:
    """A photo to look at: its name, why, and a small drawing of its regions."""

    name: str
    reasons: tuple[str, ...]
    picture: UInt8Image


@dataclass(slots=True)
class Worklist:
    """Photos to look at, in the order in which they were added.

    Attributes:
        target: the file to write, ``.png`` or ``.html``.
        overwrite: replace an existing file.

    Raises:
        UsageError: if the name ends otherwise.
        ImageError: if the file exists and must not be replaced.
    """

    target: Path
    overwrite: bool
    entries: list[WorklistEntry] = field(default_factory=list)
    looked_at: int = 0
    mode: int = 0o777

    def __post_init__(self) -> None:
        if self.target.suffix.lower() not in _WRITERS:
            raise hinted(
                UsageError(f"{self.target} is neither a PNG nor an HTML file"), "let its name end in .png or .html"
            )
        if self.target.exists() and not self.overwrite:
            raise ImageError(f"{self.target} already exists", code="exists")

    def add(self, source: Path | str, found: Detection) -> None:
        """Judge a photo, and keep it if a person should look at it.

        Args:
            source: its name.
            found: in it.
        """
        self.looked_at += 1
        path = Path(source)
        if path.exists():  # the list shows no more people what it contains than the photos do
            self.mode &= path.stat().st_mode & 0o777
        reasons = reasons_to_look(found)
        if reasons:
            self.entries.append(WorklistEntry(str(source), reasons, _thumbnail(found.picture)))

    def write(self) -> None:
        """Write the list atomically.

        Raises:
            ImageError: if it cannot be written.
        """
        from ...image.write import write_atomic

        data = _WRITERS[self.target.suffix.lower()](self)
        write_atomic(self.target, data, overwrite=self.overwrite, like=self.mode)

    @property
    def title(self) -> str:
        """How many photos are on the list."""
        return f"{len(self.entries)} of {counted(self.looked_at, 'photo')} to look at"


def reasons_to_look(found: Detection) -> tuple[str, ...]:
    """Return why a person should look at a photo; empty if there is no reason."""
    from ...faces.skin import bare_skin

    reasons = []
    if not found.faces:
        reasons.append("no face was found")
    weak = sum(face.weak for face in found.faces)
    if weak:
        reasons.append(f"{weak} of {counted(len(found.faces), 'detection')} {'is' if weak == 1 else 'are'} weak")
    skin = bare_skin(found.shown, found.regions)
    if skin is not None:
        reasons.append(f"skin-coloured area without a face: {skin.w}x{skin.h} pixels at {skin.x},{skin.y}")
    return (*reasons, *found.warnings)


def _thumbnail(rgb: UInt8Image) -> UInt8Image:
    import cv2
    import numpy as np

    scale = min(1.0, _SIDE / max(rgb.shape[:2]))
    size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _as_html(worklist: Worklist) -> bytes:
    """Return a page that needs no other file."""
    items = []
    for entry in worklist.entries:
        image = base64.b64encode(_jpeg(entry.picture)).decode("ascii")
        name = html.escape(entry.name)
        reasons = "".join(f"<p>{html.escape(reason)}</p>" for reason in entry.reasons)
        items.append(
            f'<li><img alt="{name}, regions drawn in" src="data:image/jpeg;base64,{image}">'
            f"<p><strong>{name}</strong></p>{reasons}</li>"
        )
    head = f'<meta charset="utf-8"><title>{worklist.title}</title><style>{_STYLE}</style>'
    body = f"<h1>{worklist.title}</h1><ul>{''.join(items)}</ul>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'.encode()


def _jpeg(rgb: UInt8Image) -> bytes:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=85)
    return file.getvalue()


def _as_png(worklist: Worklist) -> bytes:
    """Return a picture with the photos in rows, each above its name and the reasons."""
    import numpy as np
    from PIL import Image, ImageDraw

    from ...image.write import encode_png
    from ...types import Picture

    most = max((len(entry.reasons) for entry in worklist.entries), default=0)
    cell = (_SIDE + 20, _SIDE + (most + 1) * _LINE + 20)
    rows = -(-len(worklist.entries) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * cell[0], rows * cell[1] + 2 * _LINE), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((10, 10), worklist.title, "black", font_size=18)
    for index, entry in enumerate(worklist.entries):
        x, y = index % _COLUMNS * cell[0] + 10, index // _COLUMNS * cell[1] + 2 * _LINE
        sheet.paste(Image.fromarray(entry.picture), (x, y))
        for line, text in enumerate((Path(entry.name).name, *entry.reasons)):
            short = text if len(text) < 60 else text[:57] + "..."
            draw.text((x, y + _SIDE + line * _LINE + 4), short, "black", font_size=15)
    return encode_png(Picture(rgb=np.asarray(sheet, np.uint8)))


_WRITERS: Final[dict[str, Callable[[Worklist], bytes]]] = {".html": _as_html, ".png": _as_png}
