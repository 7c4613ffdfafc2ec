"""Reports, which may be interrupted at any point."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from proface_lab.commands.hints import HINTS
from proface_lab.evaluation.faces import Omission
from proface_lab.evaluation.report import report as reporting
from proface_lab.evaluation.report.report import SCHEMA, EvaluationReport, markdown_table, read_report
from proface_lab.evaluation.report.sheets import contact_sheet
from proface_s.errors import UsageError

from ..kit import picture


def test_parts_survive_and_come_back_in_order(tmp_path: Path) -> None:
    first = EvaluationReport(tmp_path / "out", "evaluate", {"seed": 1, "styles": ("blur",)})
    first.store_part("quality/b:1", {"x": 1})
    first.store_part("quality/a", {"y": [1, 2]})
    again = EvaluationReport(tmp_path / "out", "evaluate", {"seed": 1, "styles": ["blur"]})
    assert again.has_part("quality/a")
    assert not again.has_part("quality/c")
    assert list(again.results()) == ["quality/b:1", "quality/a"]
    assert again.part("quality/a") == {"y": [1, 2]}


def test_every_part_keeps_the_commit_it_was_measured_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = EvaluationReport(tmp_path, "evaluate", {})
    for part, commit in (("a", "1111"), ("b", None), ("c", "2222+"), ("d", "1111")):
        monkeypatch.setattr(reporting, "commit", lambda commit=commit: commit)
        report.store_part(part, {})
    assert EvaluationReport(tmp_path, "evaluate", {}).commits() == ["1111", "2222+"]


def test_a_part_is_replaced_not_repeated(tmp_path: Path) -> None:
    report = EvaluationReport(tmp_path, "attack", {})
    report.store_part("a", {"x": 1})
    report.store_part("a", {"x": 2})
    assert EvaluationReport(tmp_path, "attack", {}).results() == {"a": {"x": 2}}


def test_names_that_look_alike_as_files_stay_apart(tmp_path: Path) -> None:
    report = EvaluationReport(tmp_path, "attack", {})
    report.store_part("a/b", {"x": 1})
    report.store_part("a-b", {"x": 2})
    assert EvaluationReport(tmp_path, "attack", {}).results() == {"a/b": {"x": 1}, "a-b": {"x": 2}}


def test_a_part_that_somebody_removed_takes_no_other_with_it(tmp_path: Path) -> None:
    report = EvaluationReport(tmp_path, "attack", {})
    for part in ("a", "b/c", "b-c"):
        report.store_part(part, {"x": part})
    next((tmp_path / "parts").glob("*-a.json")).unlink()
    again = EvaluationReport(tmp_path, "attack", {})
    again.store_part("b c", {"x": "b c"})
    assert EvaluationReport(tmp_path, "attack", {}).results() == {part: {"x": part} for part in ("b/c", "b-c", "b c")}


@pytest.mark.parametrize(("kind", "settings"), [("evaluate", {"seed": 2}), ("evaluate", {}), ("attack", {"seed": 1})])
def test_other_settings_or_another_command_are_refused(tmp_path: Path, kind: str, settings: dict[str, int]) -> None:
    EvaluationReport(tmp_path, "evaluate", {"seed": 1})
    with pytest.raises(UsageError, match=r"settings|another command") as caught:
        EvaluationReport(tmp_path, kind, settings)
    assert caught.value.code == "other-report"
    assert HINTS[caught.value.code]
    if kind == "evaluate":
        assert "seed" in caught.value.message


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    report = EvaluationReport(tmp_path, "evaluate", {})
    report.store_part("a", {"x": 1})
    with pytest.raises(ValueError, match="JSON"):
        report.store_part("a", {"x": float("nan")})
    with pytest.raises(TypeError):
        report.store_part("b", {"x": object()})
    assert EvaluationReport(tmp_path, "evaluate", {}).results() == {"a": {"x": 1}}
    assert not list(tmp_path.rglob("*.tmp"))


def test_the_finished_report_says_what_it_follows_from(tmp_path: Path) -> None:
    report = EvaluationReport(tmp_path, "evaluate", {"seed": 1})
    report.store_part("a", {"x": 1})
    report.add_omissions([Omission("broken.jpg", "cut off"), Omission("broken.jpg", "cut off")])
    document = json.loads(report.finish("# Title\n").read_text())
    assert document == read_report(tmp_path)
    assert document["schema"] == SCHEMA
    assert document["settings"] == {"seed": 1}
    assert document["omissions"] == [{"name": "broken.jpg", "reason": "cut off"}]
    assert document["results"] == {"a": {"x": 1}}
    assert document["commits"] == report.commits()
    assert document["machine"]["cores"]
    assert document["versions"]["numpy"] == np.__version__
    assert (tmp_path / "report.md").read_text() == "# Title\n"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "other/1"}'])
def test_files_that_are_not_reports_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(UsageError, match="not a report"):
        read_report(tmp_path)


def test_a_report_needs_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file"):
        EvaluationReport(tmp_path / "file", "evaluate", {})


def test_tables_have_a_dash_where_nothing_was_measured() -> None:
    assert markdown_table([["a", None], [1, "x"]], ["p", "q"]) == "| p | q |\n|---|---|\n| a | - |\n| 1 | x |\n"


def test_sheets_hold_every_picture(tmp_path: Path) -> None:
    rows = [[("one", picture(1)), ("two", None)], [("three", picture(3, 40)), ("four", picture(4, 200))]]
    with Image.open(contact_sheet(tmp_path / "new" / "sheet.png", rows, side=60)) as sheet:
        pixels = np.asarray(sheet)
    assert pixels.shape == (6 + 2 * 81, 6 + 2 * 66, 3)
    assert (pixels[21:81, 72:132] == 255).all()
    for y, x in ((21, 6), (102, 6), (102, 72)):
        assert pixels[y : y + 60, x : x + 60].std() > 5
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet(tmp_path / "none.png", [])
