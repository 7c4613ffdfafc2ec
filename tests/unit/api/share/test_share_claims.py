"""Share copies whose directory claims what is not there: anybody can write one, for nothing vouches for it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data

import proface_s
from proface_lab.channels import through_jpeg
from proface_s.api import Credentials, inspect, verify
from proface_s.api.resources import KdfLimits
from proface_s.errors import CostlyFileError, DamagedFileError, WrongKeyError
from proface_s.robust.carriers import carrying_blocks, place_directory
from proface_s.robust.directory import SharedFace, ShareDirectory, encode_directory
from proface_s.robust.lattice import embed
from proface_s.robust.share_picture import ShareEntry, write_layer
from proface_s.types import Box, UInt8Image

WORDS = "seven wrong ducks here"
FACE = SharedFace(Box(200, 240, 96, 112), 0, 60, 300)
HONEST = ShareDirectory(1024, 682, "photo", bytes(range(16)), 1, 10, 1, (FACE,))


@cache
def photo() -> UInt8Image:
    return np.asarray(cv2.resize(skimage.data.coffee(), (1024, 682), interpolation=cv2.INTER_AREA), np.uint8)


def claiming(**claims: Any) -> UInt8Image:
    """Return a photo with a directory, and nothing in the layers."""
    blocks = carrying_blocks(HONEST)
    where, placed = place_directory(encode_directory(replace(HONEST, **claims)), *blocks.shape)
    bits = np.zeros(where.shape, np.uint8)
    bits[where] = placed
    return through_jpeg(80)(embed(photo(), bits, blocks))


@pytest.mark.parametrize(
    "faces",
    [
        (replace(FACE, fine_bytes=0xFFFF),),
        (replace(FACE, base_bytes=255, fine_bytes=0xFFFF),) * 20,
        (replace(FACE, base_bytes=0, fine_bytes=1),),
        (replace(FACE, box=Box(0, 0, 1024, 680)), replace(FACE, fine_bytes=9000)),
    ],
    ids=["longest", "twenty", "shortest", "whole picture"],
)
def test_claimed_lengths_cost_nothing_and_give_nothing(faces: tuple[SharedFace, ...]) -> None:
    received = claiming(faces=faces)
    assert inspect(received).likeness_bytes == (0,) * len(faces)
    with pytest.raises((DamagedFileError, WrongKeyError)):
        proface_s.recover(received, WORDS)


def test_a_claimed_size_is_not_that_of_the_picture() -> None:
    """The layers of a directory that names another size are looked for at that size, and are not there."""
    received = claiming(width=4092, height=2724)
    assert set(inspect(received).likeness_bytes) <= {0}
    with pytest.raises((DamagedFileError, WrongKeyError)):
        proface_s.recover(received, WORDS)


def test_a_claimed_cost_is_refused_within_limits() -> None:
    directory = replace(HONEST, passes=15, memory_log=20, lanes=4)
    rng = np.random.default_rng(0)
    received = write_layer(photo(), directory, [ShareEntry(rng.bytes(60), rng.bytes(300))])
    limits = KdfLimits(memory_kib=64 * 1024, total_kib=2**20)
    assert inspect(received).likeness_bytes == (292,)
    with pytest.raises(CostlyFileError):
        proface_s.Session(threads=1, limits=limits).recover(received, WORDS)
    with pytest.raises(CostlyFileError):
        verify(received, Credentials.of(WORDS), limits=limits)


def test_entries_that_nobody_made_open_with_no_key() -> None:
    rng = np.random.default_rng(1)
    for entry in (bytes(300), b"\xff" * 300, rng.bytes(300)):
        received = write_layer(photo(), HONEST, [ShareEntry(entry[:60], entry)])
        with pytest.raises(WrongKeyError):
            proface_s.recover(through_jpeg(75)(received), WORDS)
