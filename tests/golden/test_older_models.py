"""Files of models that are no longer shipped open with the package in ``older-models``."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from proface_s.api import Session
from proface_s.errors import ModelError
from proface_s.image.measures import psnr
from proface_s.image.read import read_picture

from .test_protected_file import PASSPHRASE, drawing

HERE = Path(__file__).parent / "older_models"
SOURCE = Path(__file__).parents[2] / "src"
OLDER = Path(__file__).parents[2] / "older-models"
pytestmark = pytest.mark.skipif(not OLDER.is_dir(), reason="the source archive lacks the package of older models")


@pytest.mark.parametrize("name", ["paper-randwr-1", "paper-obfswr-1"])
def test_a_file_of_an_older_model_opens_with_the_package_that_has_it(name: str, tmp_path: Path) -> None:
    picture = HERE / f"protected_v1_{name}.png"
    with pytest.raises(ModelError) as told:
        Session(threads=1).recover(picture, PASSPHRASE, output=tmp_path / "never.png")
    assert told.value.code == "older-model"
    assert name in str(told.value)
    install_older_models(tmp_path)
    code = (
        "import sys; from proface_s.api import Session\n"
        "found = Session(threads=1).recover(sys.argv[1], sys.argv[2], output=sys.argv[3])\n"
        "print(*(face.outcome for face in found.faces))"
    )
    environment = {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(OLDER), str(SOURCE)]), "HOME": str(tmp_path)}
    back = tmp_path / "back.png"
    arguments = [sys.executable, "-c", code, picture, PASSPHRASE, back]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["estimate"] * 2
    assert psnr(read_picture(back).rgb, drawing()) > 28


def install_older_models(folder: Path) -> None:
    """Write what an installer writes about the package in the folder ``older-models``."""
    project = tomllib.loads((OLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    about = folder / "proface_s_older_models-1.0.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = ["[proface_s.models]"]
    lines += [f"{name} = {opener}" for name, opener in project["entry-points"]["proface_s.models"].items()]
    (about / "entry_points.txt").write_text("\n".join([*lines, ""]))
