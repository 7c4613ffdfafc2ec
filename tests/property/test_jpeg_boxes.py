"""Any JPEG of the tests' generator, any boxes: equal outside, equal everywhere after recovery."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jpeg_kit import SAMPLINGS, jpeg_file, pillow_frame, pillow_pixels

pytest.importorskip("wasmtime")

from proface_s.api import Session
from proface_s.api.jpeg.protecting import same_coefficients
from proface_s.api.jpeg.regions import McuGrid
from proface_s.container.carriers.carrier import from_chunks, read_chunks
from proface_s.container.header.header import header_areas
from proface_s.image.jpeg.read_coefficients import read_jpeg
from proface_s.image.jpeg.transform import area_blocks, with_area_blocks
from proface_s.keys.recipients import Identity

IDENTITY = Identity.generate()
SESSION = Session(threads=1)

photos = st.fixed_dictionaries(
    {
        "width": st.integers(2, 90),
        "height": st.integers(2, 90),
        "sampling": st.sampled_from([*SAMPLINGS, "grey"]),
        "progressive": st.booleans(),
        "restart": st.sampled_from([0, 0, 1, 3]),
        "orientation": st.integers(1, 8),
        "quality": st.sampled_from([30, 75, 92, 100]),
        "seed": st.integers(0, 3),
    }
)
shares = st.tuples(*(st.integers(0, 99) for _ in range(4)))


def box_in(size: tuple[int, int], share: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Return a box of at least one pixel inside a picture of (width, height)."""
    x, y = share[0] * size[0] // 100, share[1] * size[1] // 100
    return x, y, 1 + share[2] * (size[0] - x - 1) // 99, 1 + share[3] * (size[1] - y - 1) // 99


@settings(max_examples=25, deadline=None)
@given(photos, st.lists(shares, min_size=1, max_size=4), st.sampled_from(["blur", "solid", "pixelate:4"]))
def test_any_photo_and_any_boxes(kind: dict[str, int], boxes: list[tuple[int, int, int, int]], style: str) -> None:
    photo = jpeg_file(**kind)  # type: ignore[arg-type]
    before = read_jpeg(photo)
    chosen = [box_in(before.upright_size, share) for share in boxes]
    done = SESSION.protect(photo, recipients=[IDENTITY.recipient], boxes=chosen, faces="none", style=style)
    after, areas = read_jpeg(done.data), header_areas(from_chunks(read_chunks(done.data))[0])
    blank = {area: [np.zeros_like(each) for each in area_blocks(before, area)] for area in areas}
    assert same_coefficients(with_area_blocks(before, blank), with_area_blocks(after, blank))
    assert pillow_frame(done.data) == pillow_frame(photo), "size, tables, sampling, process"
    hidden = np.zeros(before.upright_size[::-1], bool)
    for place in map(McuGrid.of(before).pixels, areas):
        hidden[place.y : place.bottom, place.x : place.right] = True
    assert all(hidden[y : y + h, x : x + w].all() for x, y, w, h in chosen)
    back = SESSION.recover(done.data, identities=[IDENTITY])
    assert {face.outcome for face in back.faces} == {"exact"}
    assert same_coefficients(read_jpeg(back.data), before)
    assert np.array_equal(pillow_pixels(back.data), pillow_pixels(photo))
