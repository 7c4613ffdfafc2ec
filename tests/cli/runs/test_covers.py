"""Covers on the command line: the strictest one, what an oval costs, and why a new face was not shown."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from cli_kit import Proface, save
from PIL import Image


def test_strict_takes_the_strongest_cover(proface: Proface) -> None:
    save("a.png")
    done = proface("protect", "a.png", "--strict", "--faces", "none", "--box", "40,20,64,64", "--json")
    assert done.code == 0
    assert json.loads(done.out)["faces"][0]["style"] == "solid@box"
    refused = proface("protect", "a.png", "--strict", "--style", "blur", "--faces", "none", "--box", "40,20,64,64")
    assert refused.code == 2
    assert "--strict and --style cannot be given together" in refused.err


def test_verbose_says_what_an_oval_costs(proface: Proface) -> None:
    save("a.png")
    common = ("--faces", "none", "--box", "40,20,64,64", "--overwrite")
    told = proface("protect", "a.png", "--style", "blur@oval", "-v", *common).err
    assert "20 % of them (behind a box: 7 %)" in told
    assert "hair and outline" not in proface("protect", "a.png", "--style", "blur@oval", *common).err
    assert "hair and outline" not in proface("protect", "a.png", "--style", "blur", "-v", *common).err


def test_why_a_face_was_not_exchanged_is_told_before_and_after(proface: Proface, here: Path) -> None:
    wall = np.random.default_rng(1).integers(90, 110, (160, 160, 3)).astype(np.uint8)
    Image.fromarray(wall).save(here / "wall.png")
    common = ("--faces", "none", "--box", "30,30,90,100")
    before = proface("detect", "wall.png", "--style", "swap", *common)
    assert "would be blurred: not seen clearly" in before.out
    assert json.loads(proface("detect", "wall.png", "--style", "swap", "--json", *common).out)["faces"][0][
        "fallback"
    ] == ("landmarks")
    done = proface("protect", "wall.png", "--style", "swap", "--json", *common)
    assert json.loads(done.out)["faces"][0]["fallback"] == "landmarks"
    assert "blurred: not seen clearly" in proface("inspect", "wall.protected.png").out
    assert json.loads(proface("inspect", "wall.protected.png", "--json").out)["faces"][0]["fallback"] == "landmarks"
