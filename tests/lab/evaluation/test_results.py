"""``tools/results.py`` on a real report, and on folders without a report."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from paths_kit import ROOT
from proface_lab.evaluation.run import Evaluation, EvaluationOptions

from ..kit import write_faces

pytest.importorskip("matplotlib")


@pytest.fixture
def results() -> ModuleType:
    spec = importlib.util.spec_from_file_location("results_tool", ROOT / "tools" / "results.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Silent:
    def start(self, part: str, steps: int) -> None: ...

    def advance(self) -> None: ...

    def done(self) -> None: ...


@pytest.mark.slow
def test_the_page_holds_what_was_measured(
    tmp_path: Path, results: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    faces = write_faces(tmp_path / "faces", 2)
    options = EvaluationOptions(
        (faces,), tmp_path / "reports" / "ours", ("blur",), ("secure-3",), size=64, kind="crops"
    )
    report = Evaluation(options, Silent()).run()
    assert results.main([str(tmp_path / "reports"), str(tmp_path / "docs")]) == 0
    page = (tmp_path / "docs" / "results.md").read_text()
    recovered = report.part("quality/secure-3/blur/stored")["recovered"]
    found = recovered["psnr"]
    assert f"{found['mean']:.2f} ({found['p5']:.2f})" in page
    assert "2 of 2" in page
    assert "## Beside the publication" in page
    assert f"{found['mean']:.1f}/{recovered['ssim']['mean']:.3f}" in page
    assert str(options.seed) in page
    assert str(tmp_path) not in page
    for line in page.splitlines():
        if line.startswith("!["):
            assert (tmp_path / "docs" / line.partition("](")[2].rstrip(")")).is_file()


def test_pictures_of_attacks_get_a_folder_per_method(tmp_path: Path, results: ModuleType) -> None:
    """Each is there under the path that the page names, whatever its size and however its method is called."""
    reports, figures = tmp_path / "reports", tmp_path / "evidence" / "figures"
    (reports / "attack").mkdir(parents=True)
    noise = np.random.default_rng(1).integers(0, 256, (300, 300, 3), np.uint8)
    for name, pixels in (("any-method-covers-blur.png", noise), ("secure-3-inversion.png", noise[:8])):
        Image.fromarray(pixels).save(reports / "attack" / name)
    shown = [
        results.publish_attack("any-method-covers-blur.png", "any method", figures, reports),
        results.publish_attack("secure-3-inversion.png", "secure-3", figures, reports),
    ]
    assert shown == ["figures/attacks/any-method/covers-blur.jpg", "figures/attacks/secure-3/inversion.png"]
    assert all((figures.parent / path).is_file() for path in shown)


def test_no_report_is_an_error(tmp_path: Path, results: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert results.main([str(tmp_path), str(tmp_path / "docs")]) == 1
    assert "no finished report" in capsys.readouterr().err
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "report.json").write_text("{}")
    assert results.main([str(tmp_path), str(tmp_path / "docs")]) == 2
    assert not (tmp_path / "docs").exists()
