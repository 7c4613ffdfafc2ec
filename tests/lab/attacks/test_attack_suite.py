"""The whole suite: it writes one page, resumes where it stopped, and refuses invalid requests before any work."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from proface_lab.attacks import matching
from proface_lab.attacks import run as running
from proface_lab.attacks.base import AttackOutcome, NotApplicable
from proface_lab.attacks.matching import Matcher
from proface_lab.attacks.registry import MODULES, chosen_attacks, find_attack
from proface_lab.attacks.run import AttackOptions, plain, run_suite
from proface_lab.commands.attack import command
from proface_s.errors import UsageError

from ..kit import ColourJudge, MiddleLocator
from .attack_kit import TINY, Pad, faces, scene, texture

PLANTED = f"{__name__}:Leaky"


class Leaky(Pad):
    """A third party's method with eight keys."""

    name = "leaky"

    def __init__(self) -> None:
        super().__init__(bits=3)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "faces"
    folder.mkdir()
    for number in range(10):
        Image.fromarray(texture(number)).save(folder / f"person_{number}.png")
    return folder


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BUDGETS", {"quick": TINY, "full": replace(TINY, victims=3)})


def options(data: Path, **changes: Any) -> AttackOptions:
    pytest.importorskip("matplotlib")
    usual = AttackOptions(
        (data,),
        data.parent / "out",
        ("wrong-keys", "ciphertext-only"),
        (PLANTED,),
        kind="crops",
        style="solid",
        device="cpu",
    )
    return replace(usual, **changes)


def attack(data: Path, *arguments: str) -> Result:
    common = ["--data", str(data), "--report", str(data.parent / "out"), "--kind", "crops", "--device", "cpu"]
    return CliRunner().invoke(command, [*common, *arguments], standalone_mode=False)


def test_there_are_twelve_adversaries_in_order() -> None:
    pytest.importorskip("torch")
    attacks = [find_attack(name) for name in MODULES]
    assert [each.number for each in attacks] == list(range(1, 13))
    assert [each.name for each in attacks] == list(MODULES)
    assert chosen_attacks(["all"]) == list(MODULES)
    assert chosen_attacks(["channels", "wrong-keys", "channels"]) == ["wrong-keys", "channels"]


def test_a_suite_says_attack_minus_control_and_what_broke(data: Path) -> None:
    report = run_suite(options(data))
    document = json.loads((report.folder / "report.json").read_text())
    assert document["kind"] == "attack"
    found = document["results"]["leaky/ciphertext-only"]
    assert found["leak"] == pytest.approx(found["attacked"] - found["control"])
    assert found["succeeded"] is True
    text = (report.folder / "report.md").read_text()
    assert "**broken**" in text
    assert all((report.folder / name).is_file() for name in found["pictures"])
    assert found["pictures"]


def test_a_suite_resumes_where_it_stopped_and_accepts_more_adversaries(data: Path) -> None:
    begun: list[str] = []
    run_suite(options(data, suite=("ciphertext-only",)), begun.append)
    run_suite(options(data), begun.append)
    run_suite(options(data), begun.append)
    assert begun == ["leaky/ciphertext-only", "leaky/wrong-keys"]
    with pytest.raises(UsageError, match="other settings"):
        run_suite(options(data, seed=2))


def test_adversaries_that_do_not_apply_are_reported(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = run_suite(options(data, suite=("guessing",)))
    assert "passphrases" in report.part("leaky/guessing")["skipped"]
    assert "does not apply" in (report.folder / "report.md").read_text()


def test_the_attacker_trains_on_other_people(data: Path, tmp_path: Path) -> None:
    victims, own = running.read_all(options(data), 64, [])
    assert victims
    assert own
    assert not {face.identity for face in victims} & {face.identity for face in own}
    victims, own = running.read_all(options(data, own=(data,)), 64, [])
    assert own == []  # all of them are already victims


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--suite", "telepathy"], "no attack 'telepathy'"),
        (["--method", "nothing"], "no method"),
        (["--own", "nowhere"], "no folder"),
        (["--style", "invisible"], "invisible"),
        (["--recogniser", "nobody.onnx"], "nobody"),
    ],
)
def test_invalid_requests_are_refused(data: Path, arguments: list[str], message: str) -> None:
    if "--recogniser" in arguments:
        pytest.importorskip("dlib", reason="faces are aligned by its landmarks")
    result = attack(data, "--suite", "two-time", *arguments)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception.message)
    assert not (data.parent / "out" / "report.json").exists()


def test_too_few_people_and_no_faces(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    assert "no pictures" in attack(folder, "--suite", "two-time").exception.message  # type: ignore[union-attr]
    Image.fromarray(texture(1)).save(folder / "alone.png")
    assert "too few" in attack(folder, "--suite", "two-time").exception.message  # type: ignore[union-attr]


def test_an_unreadable_picture_is_left_out_and_counted(data: Path) -> None:
    pytest.importorskip("matplotlib")
    (data / "broken.png").write_bytes(b"not a picture")
    result = attack(data, "--suite", "ciphertext-only", "--method", PLANTED, "--style", "solid")
    assert result.exception is None
    assert result.return_value == 0
    document = json.loads((data.parent / "out" / "report.json").read_text())
    assert [each["name"] for each in document["omissions"]] == ["broken.png"]


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert running.choose_device("auto") == running.choose_device("cpu") == "cpu"
    with pytest.raises(UsageError, match="CUDA"):
        running.choose_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert running.choose_device("auto") == "cuda"


TRAINED = ("inversion", "same-cover", "moving-covers")
"""Adversaries that train a network."""


def test_without_torch_all_goes_on_and_a_name_is_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_torch(name: str) -> Any:
        if name in TRAINED:
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return find_attack(name)

    monkeypatch.setattr(running, "find_attack", without_torch)
    with pytest.raises(UsageError, match="needs torch"):
        running.usable(options(data, suite=("inversion",)))
    found, lacking = running.usable(options(data, suite=("all",)))
    assert sorted(each.name for each in lacking) == sorted(TRAINED)
    assert not {each.name for each in found} & set(TRAINED)
    assert found


def test_a_matcher_knows_the_hidden_face_and_no_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "Locator", MiddleLocator)
    gallery = faces(14)
    matcher = Matcher([ColourJudge()], gallery)
    names = [face.name for face in gallery]
    right = matcher.rates(names, [face.image for face in gallery])["colours"]
    assert right == {"tar": 1.0, "rank1": 1.0, "faces": 14.0}
    noise = [np.random.default_rng(i).integers(0, 256, (32, 32, 3), np.uint8) for i in range(14)]
    assert matcher.rates(names, noise)["colours"]["tar"] < 0.3
    with pytest.raises(UsageError, match="12 faces"):
        Matcher([ColourJudge()], gallery[:5])


def test_reports_hold_json_only() -> None:
    found = plain({"a": np.float32(1.5), "b": (np.int64(2), float("inf")), 3: np.array([True]), "d": None})
    assert found == {"a": 1.5, "b": [2, None], "3": [True], "d": None}
    json.dumps(found, allow_nan=False)


def test_a_skipped_adversary_leaves_no_pictures(tmp_path: Path) -> None:
    class Refuses:
        name, number, title, needs, of_method = "refuses", 1, "Refuses", (), True

        def run(self, method: Any, scene: Any) -> AttackOutcome:
            raise NotApplicable("nothing to attack")

    found = running.run_one(Refuses(), Leaky(), scene(tmp_path), "leaky/refuses")
    assert found["skipped"] == "nothing to attack"
    assert list(tmp_path.iterdir()) == []
