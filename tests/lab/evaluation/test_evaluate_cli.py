"""``proface evaluate`` from a user's point of view."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import proface_s
from proface_lab.evaluation import run
from proface_lab.evaluation.run import resolve_styles
from proface_s.cli.main import main

from ..kit import MiddleLocator, write_faces
from .test_verification import ColourJudge, write_set

pytest.importorskip("matplotlib")
OWN = ("--method", "secure-3", "--method", "lab.kit:FloatXor")


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    return write_faces(tmp_path / "faces", 3)


def evaluate(*arguments: object) -> int:
    return main(["evaluate", *map(str, arguments)])


@pytest.mark.slow
def test_a_report_by_both_protocols(tmp_path: Path, faces: Path) -> None:
    (faces / "broken.png").write_bytes(b"broken")
    out = tmp_path / "out"
    arguments = ("--data", faces, "--report", out, "--kind", "crops", "--size", 64, "--styles", "blur,other-face")
    assert evaluate(*arguments, *OWN, "--protocol", "both") == 0
    report = json.loads((out / "report.json").read_text())
    assert report["schema"] == "proface-report/1"
    assert report["settings"]["faces"] == 3
    assert [each["name"] for each in report["omissions"]] == ["broken.png"]
    results = report["results"]
    assert {name for name in results if name.startswith("quality")} == {
        "quality/secure-3/blur/stored", "quality/secure-3/other-face/stored", "quality/float-xor/blur/stored",
        "quality/float-xor/other-face/stored", "quality/float-xor/blur/float", "quality/float-xor/other-face/float",
    }  # fmt: skip
    assert results["quality/secure-3/blur/stored"]["recovered"]["psnr"]["mean"] > 35
    assert results["exact/faces"] | {"exact": 3, "wrong_key_refused": 3} == results["exact/faces"]
    assert results["cost/secure-3"]["parameters"] > 0
    table = (out / "report.md").read_text()
    assert "| secure-3 | blur | stored | 3 |" in table
    assert "broken.png" in table
    for name in ("psnr-psnr.png", "sheet-secure-3.png", "sheet-float-xor.png"):
        with Image.open(out / name) as image:
            assert image.size[0] > 300


def test_an_interrupted_run_measures_only_what_is_missing(
    tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--data", faces, "--report", tmp_path / "out", "--kind", "crops", "--size", 64, "--method", "secure-3")
    monkeypatch.setattr(run.cost, "measure_cost", interrupt)
    assert evaluate(*arguments, "--styles", "blur") == 130
    assert "quality/secure-3/blur/stored" in capsys.readouterr().err
    monkeypatch.setattr(run.cost, "measure_cost", lambda spec, size: {**COST, "size": size})
    assert evaluate(*arguments, "--styles", "blur") == 0
    said = capsys.readouterr()
    assert "quality" not in said.err
    assert "cost/secure-3" in said.err
    assert evaluate(*arguments, "--styles", "median") == 2
    assert "other settings (styles)" in capsys.readouterr().err


COST = {
    "name": "x", "parameters": None, "macs": None, "protect_seconds": 0.1, "recover_seconds": 0.1, "peak_mib": 1,
}  # fmt: skip


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.slow
def test_photos_without_a_face_are_left_out_by_name(tmp_path: Path, faces: Path) -> None:
    arguments = ("--data", faces, "--report", tmp_path / "out", "--kind", "crops", "--size", 64, "--styles", "blur")
    assert evaluate(*arguments, "--method", "secure-3", "--photos", faces) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["results"]["exact/photos"]["pictures"] == 0
    assert {"name": "0.png", "reason": "no face found"} in report["omissions"]


@pytest.mark.slow
def test_identity_is_measured_where_pairs_are_given(
    tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ..kit import MiddleDetector

    monkeypatch.setattr(run, "Locator", MiddleLocator)
    monkeypatch.setattr(run.verification_set, "EngineDetector", lambda **_: MiddleDetector())
    monkeypatch.setattr(run, "load_recognisers", lambda specs, locator: [ColourJudge()])
    monkeypatch.setattr(run.cost, "measure_cost", lambda spec, size: {**COST, "size": size})
    monkeypatch.setattr(run.diversity, "Locator", MiddleLocator)
    pairs = write_set(tmp_path / "pairs", 34)
    (tmp_path / "pairs/p03/p03_0002.png").unlink()
    out = tmp_path / "out"
    arguments = (
        "--data",
        faces,
        "--report",
        out,
        "--kind",
        "crops",
        "--size",
        64,
        "--styles",
        "solid,other-face",
        *OWN,
    )
    assert evaluate(*arguments, "--pairs", pairs) == 0
    results = json.loads((out / "report.json").read_text())["results"]
    assert results["identity/originals"]["original"]["colours"]["rank1"] == 1
    assert results["identity/secure-3/solid"]["recovered"]["colours"]["tar@0.001"] == 1
    assert results["identity/secure-3/solid"]["protected"]["colours"]["tar@0.01"] < 0.5
    assert results["diversity/secure-3"]["styles"]["recognisers"]["colours"]["linked"] < 1
    table = (out / "report.md").read_text()
    assert "p03/p03_0002.png" in table
    assert "| colours | secure-3 | solid | recovered |" in table
    assert (out / "roc-colours-solid.png").exists()
    assert "2 pictures or pairs were left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--data", "gone"), 2, "there is no folder"),
        (("--data", "empty"), 4, "no pictures in"),
        (("--data", "faces", "--styles", "sepia"), 2, "there is no style 'sepia'"),
        (("--data", "faces", "--styles", ","), 2, "no style was given"),
        (("--data", "faces", "--size", "200"), 4, "200 needed"),
        (("--data", "faces", "--size", "63"), 2, "even size"),
        (("--data", "faces", "--method", "magic"), 2, "there is no method 'magic'"),
        (("--data", "faces", "--method", "lsb-avif", "--method", "lsb-avif"), 2, "same name"),
        (("--data", "faces", "--method", "share"), 2, "choose --size 288"),
        (("--data", "faces", "--limit", "1", "--styles", "other-face"), 2, "two people"),
        (("--data", "faces", "--pairs", "gone.csv"), 2, "gone.csv"),
        (("--data", "faces", "--photos", "empty"), 4, "no pictures in"),
        (("--data", "faces", "--pictures", "empty"), 4, "no pictures in"),
        (("--data", "faces", "--protocol", "paper"), 2, "protocol"),
        ((), 2, "--data"),
    ],
)
def test_invalid_requests_are_refused_before_anything_is_written(
    tmp_path: Path,
    faces: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    size = () if "--size" in arguments else ("--size", 64)
    assert evaluate(*arguments, *size, "--report", "out", "--kind", "crops") == code
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert message in said
    assert not (tmp_path / "out").exists()


MINE = """
class Mine:
    name = "mine"

    def protect(self, original, cover, key):
        return cover.copy()

    def recover(self, protected, key):
        return protected
"""


@pytest.mark.parametrize("program", [["proface"], ["-m", "proface_s"]])
def test_a_method_of_the_current_folder_is_found(tmp_path: Path, faces: Path, program: list[str]) -> None:
    """Case U10, in processes of their own: only there is the search path that of the installed program."""
    (tmp_path / "mymodule.py").write_text(MINE)
    source = str(Path(proface_s.__file__).parents[1])
    code = [
        "-c",
        f"import sys; sys.path[:] = [p for p in sys.path if p]; sys.path.insert(0, {source!r}); "
        "from proface_s.cli.main import main; sys.exit(main())",
    ]
    environment = {**os.environ, "PYTHONPATH": source}
    arguments = [
        "evaluate",
        "--data",
        str(faces),
        "--report",
        "out",
        "--kind",
        "crops",
        "--size",
        "64",
        "--limit",
        "1",
        "--styles",
        "solid",
        "--method",
        "mymodule:Mine",
        "--quiet",
    ]
    start = code if program == ["proface"] else program
    done = subprocess.run(
        [sys.executable, *start, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "out" / "report.json").read_text())["results"]
    assert "quality/mine/solid/stored" in results
    assert "cost/mine" in results, "the process that measures time finds it, too"


def test_a_method_that_is_not_found_says_where_it_was_looked_for(
    tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "itsmodule.py").write_text("import a_package_that_is_missing\n")
    for method, problem in ("nosuchmodule:Mine", "nosuchmodule"), ("itsmodule:Mine", "a_package_that_is_missing"):
        assert evaluate("--data", faces, "--report", "out", "--kind", "crops", "--size", 64, "--method", method) == 2
        said = capsys.readouterr().err
        assert problem in said
        assert "current folder" in said
        assert "PYTHONPATH" in said


def test_styles_by_name_and_by_strength() -> None:
    assert resolve_styles("all") == ("blur", "lowpoly", "mask", "median", "pixelate", "solid", "swap", "other-face")
    sweep = resolve_styles("sweep")
    assert {"blur:6", "blur:12", "blur:24", "pixelate:3", "pixelate:6", "pixelate:12", "other-face"} <= set(sweep)
    assert resolve_styles("blur:8, other-face,blur:8") == ("blur:8", "other-face")
