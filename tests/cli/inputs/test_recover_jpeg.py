"""A recovered photo may be a JPEG if nothing is hidden in it any more (case U5)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli_kit import PASSPHRASE, Proface, files
from keys_kit import original
from PIL import Image

import proface_s
from proface_s.errors import UsageError


@pytest.mark.parametrize("name", ["back.jpg", "back.JPEG", "back.jfif"])
def test_u5_a_jpeg_of_a_photo_in_which_nothing_is_hidden(proface: Proface, plain: str, name: str) -> None:
    result = proface("recover", plain, "-o", name)
    assert result.code == 0, result.err
    assert "is not exact" in result.err
    with Image.open(name) as back:
        assert back.format == "JPEG"
        assert np.abs(np.array(back).astype(int) - original()).mean() < 1.5
    assert proface("recover", plain, "-o", name).code == 1, "it exists"
    assert "is done already" in proface("recover", plain, "-o", name, "--resume").err
    assert proface("recover", plain, "-o", name, "--overwrite").code == 0


@pytest.mark.parametrize("name", ["back.heic", "back.avif", "back.gif"])
def test_u5_other_formats_stay_refused(proface: Proface, plain: str, name: str) -> None:
    assert proface("recover", plain, "-o", name).code == 2
    assert files() == [plain]


def test_u5_not_while_a_face_is_hidden(proface: Proface, party: str, plain: str) -> None:
    """Locked, left out on purpose, forgotten, or read with a wrong key."""
    result = proface("recover", party, "-o", "back.jpg")
    assert result.code == 2
    assert "would destroy what is still hidden: face 2, 3 did not come back" in result.err
    assert "write a PNG: back.png" in result.err
    assert proface("recover", plain, "--face", "1", "-o", "back.jpg").code == 2
    Path("wrong").write_text("a wrong passphrase\n")
    assert proface("recover", plain, "-o", "back.png").code == 0
    assert proface("forget", plain, "--face", "2", "--in-place", "--yes").code == 0
    assert proface("recover", plain, "-o", "back.jpg").code == 2
    assert not Path("back.jpg").exists()


def test_u5_hiding_in_the_pixels_of_a_jpeg_stays_refused(proface: Proface, plain: str) -> None:
    assert proface("recover", plain, "-o", "photo.png").code == 0
    command = ("protect", "photo.png", "--faces", "none", "--box", "10,20,48,48", "-o", "new.jpg")
    result = proface(*command, "--no-seal")
    assert result.code == 2
    assert "without seals, faces are hidden in pixels, which a JPEG does not keep" in result.err
    assert proface(*command).code == 0, "seals alone fit into a JPEG"
    assert proface("recover", plain, "-o", "x.jpg", "--format", "png").code == 2


def test_u5_the_python_interface(party: str, plain: str) -> None:
    back = proface_s.recover(plain, PASSPHRASE, output="one.jpg")
    assert back.path == Path("one.jpg")
    assert back.data.startswith(b"\xff\xd8\xff")
    exact = proface_s.recover(plain, PASSPHRASE, output="one.png")
    assert exact.save("two.jpg") == Path("two.jpg")
    assert Path("two.jpg").read_bytes() == Path("one.jpg").read_bytes()
    with pytest.raises(UsageError, match="face 2, 3 did not come back"):
        proface_s.recover(party, PASSPHRASE, output="party.png").save("party.jpg")
    with pytest.raises(UsageError, match="would destroy"):
        proface_s.recover(party, PASSPHRASE, output="party.jpg")
