"""Training runs: through the command line on drawn data, killed and resumed, with bad steps and bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from proface_lab.pictures import identity_of  # noqa: E402
from proface_lab.training.checkpoints import CHECKPOINT, compact, read_checkpoint, read_weights, write_checkpoint  # noqa: E402
from proface_lab.training.config import RunConfig  # noqa: E402
from proface_lab.training.covers import KINDS, CoverSource  # noqa: E402
from proface_lab.training.data import CropSampler, FaceFolder, pictures_by_folder, split_by_identity  # noqa: E402
from proface_lab.training.loop import Trainer  # noqa: E402
from proface_lab.training.run import make_fabric  # noqa: E402
from proface_lab.training.secure.task import SecureTask  # noqa: E402
from proface_lab.training.task import TrainingTask, make_task  # noqa: E402
from proface_s.cli.main import main  # noqa: E402
from proface_s.errors import UsageError  # noqa: E402
from proface_s.flow.cards import CARD_NAME  # noqa: E402
from proface_s.flow.secure.model import SecureFlow  # noqa: E402

from .test_secure import drawn_face  # noqa: E402

TINY: dict[str, Any] = {
    "model": {"width": 8},
    "steps": 10,
    "batch": 2,
    "crop": 32,
    "check_every": 5,
    "threads": 1,
    "validation": 0.3,
    "mixed": False,
}
PAPER: dict[str, Any] = {"task": "paper", "model": {"growth": 4, "blocks": 1}}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "faces"
    for person in range(8):
        (folder / f"person{person}").mkdir(parents=True)
        for number in range(2):
            face = drawn_face(60, 10 * person + number)
            cv2.imwrite(str(folder / f"person{person}" / f"{number}.png"), face[:, :, ::-1])
    return folder


def config_file(tmp_path: Path, **changes: Any) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**TINY, **changes}))
    return path


def make_trainer(
    data: Path, out: Path, own: TrainingTask | None = None, *, init: Path | None = None, **changes: Any
) -> Trainer:
    config = RunConfig.from_dict({**TINY, **changes})
    train, held = split_by_identity(pictures_by_folder([data]), config.validation, "")
    fabric = make_fabric("cpu", config.mixed)
    task = own or make_task(config.task, config.model)
    return Trainer(config, task, (FaceFolder(train), FaceFolder(held)), out, fabric, init=init)


def test_ten_steps_through_the_command_line_give_a_model(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, card = tmp_path / "run", tmp_path / "card.json"
    arguments = ["train", "--config", str(config_file(tmp_path)), "--data", str(data), "--out", str(out), "--quiet"]
    assert main(arguments) == 0
    assert {p.name for p in out.iterdir()} >= {CHECKPOINT, "train.csv", "validation.csv", "tensorboard", "previews"}
    assert cv2.imread(str(out / "previews" / "0000010.png")).shape == (4 * 32, 6 * 32, 3)
    lines = (out / "validation.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "5", "10"]
    card.write_text(json.dumps({"name": "tiny", "data": "drawn"}))
    exported = ["export", str(out / CHECKPOINT), "--data", str(data), "-o", str(tmp_path / "model")]
    capsys.readouterr()
    assert main([*exported, "--card", str(card), "--faces", "5"]) == 0
    said = capsys.readouterr().err  # case U10: it said nothing for minutes
    for part in "read faces", "fit the symbol tables", "fit the first quantiser step":
        assert f"{part}: 0 of 5" in said
        assert f"{part}: " in said.split(f"{part}: 0 of 5")[1], "when it is done, it says how long it took"
    record = SecureFlow(tmp_path / "model").card.record
    assert (record["name"], record["steps"], record["config"]["batch"]) == ("tiny", 10, 2)
    assert main(arguments) == 0  # finished already: nothing more happens
    assert torch.load(out / CHECKPOINT, weights_only=True)["step"] == 10


def test_the_peer_is_trained_and_exported_through_the_command_line(tmp_path: Path, data: Path) -> None:
    out, card, model = tmp_path / "run", tmp_path / "card.json", tmp_path / "models" / "peer"
    arguments = ["train", "--config", str(config_file(tmp_path, **PAPER)), "--data", str(data), "--out", str(out)]
    assert main([*arguments, "--quiet"]) == 0
    assert "protected_at_32px" in (out / "validation.csv").read_text().splitlines()[0].split(",")
    card.write_text(json.dumps({"name": "peer", "seed": "the run's own wins"}))
    assert main(["export", str(out / CHECKPOINT), "-o", str(model), "--card", str(card)]) == 0
    written = json.loads((model / CARD_NAME).read_text())
    assert (written["name"], written["steps"], written["seed"]) == ("peer", 10, RunConfig().seed)
    assert {path.name for path in model.iterdir()} == {CARD_NAME, *written["files"]}
    assert [path.name for path in model.parent.iterdir()] == ["peer"]


def test_an_export_needs_its_faces_and_a_card(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_trainer(data, tmp_path / "run").save()
    card, model = tmp_path / "card.json", tmp_path / "model"
    command = ["export", str(tmp_path / "run" / CHECKPOINT), "-o", str(model), "--card", str(card)]
    for content, text in (("[]", "not a JSON object"), ("{", "cannot read the card"), ("{}", "--data")):
        card.write_text(content)
        assert main(command) == 2
        assert text in capsys.readouterr().err
    command[1] = str(card)
    assert main(command) == 2
    assert "not a checkpoint" in capsys.readouterr().err
    assert not model.exists()


PAPER_NOW: dict[str, Any] = {
    "task": "paper",
    "mixed": True,
    "adam_eps": 1e-6,
    "weight_decay": 1e-5,
    "model": {
        "growth": 4,
        "blocks": 1,
        "slope": 0.01,
        "signed": True,
        "initialisation": "kaiming",
        "loss": "rmse",
        "wrong_share": 0.5,
    },
}
PAPER_FINE: dict[str, Any] = {"task": "paper", "model": {"growth": 4, "blocks": 1, "triplets": [1.0, 0.0]}}


@pytest.mark.parametrize(
    "changes",
    [{}, {"mixed": True}, PAPER, PAPER_NOW, PAPER_FINE],
    ids=["secure", "mixed", "paper", "paper-start", "paper-fine"],
)
def test_a_killed_run_ends_with_the_weights_of_one_that_was_not(
    tmp_path: Path, data: Path, changes: dict[str, Any]
) -> None:
    whole = make_trainer(data, tmp_path / "whole", **changes)
    for _ in range(6):
        whole.train_step()
    first = make_trainer(data, tmp_path / "killed", **changes)
    for _ in range(3):
        first.train_step()
    first.save()
    first.train_step()  # lost with the kill
    resumed = make_trainer(data, tmp_path / "killed", **changes)
    assert resumed.step == 3
    for _ in range(3):
        resumed.train_step()
    for mine, theirs in ((resumed.network, whole.network), (resumed.average, whole.average)):
        for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(a, b)


def test_processes_that_prepare_crops_change_no_weight(tmp_path: Path, data: Path) -> None:
    runs = [make_trainer(data, tmp_path / f"{workers}", workers=workers, **PAPER) for workers in (0, 2)]
    for trainer in runs:
        for _ in range(4):
            trainer.train_step()
    for a, b in zip(runs[0].network.parameters(), runs[1].network.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_compact_checkpoint_starts_a_run_and_resumes_none(tmp_path: Path, data: Path) -> None:
    trainer, small = make_trainer(data, tmp_path / "run", **PAPER_NOW), tmp_path / "small"
    trainer.train_step()
    trainer.save()
    small.mkdir()
    write_checkpoint(small / CHECKPOINT, compact(read_checkpoint(tmp_path / "run" / CHECKPOINT)))
    assert (small / CHECKPOINT).stat().st_size < (tmp_path / "run" / CHECKPOINT).stat().st_size / 2
    with pytest.raises(UsageError, match="no optimiser"):
        make_trainer(data, small, **PAPER_NOW)
    started = make_trainer(data, tmp_path / "next", init=small / CHECKPOINT, **PAPER_NOW)
    for mine, theirs in zip(started.network.parameters(), trainer.average.parameters(), strict=True):
        assert mine.dtype == torch.float32
        torch.testing.assert_close(mine, theirs, rtol=2**-11, atol=2**-20)


@pytest.mark.slow
def test_two_processes_train_one_model_under_torchrun(tmp_path: Path, data: Path) -> None:
    out, launcher = tmp_path / "run", ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    arguments = ["train", "--config", str(config_file(tmp_path, mixed=True)), "--data", str(data), "--out", str(out)]
    command = [sys.executable, *launcher, "-m", "proface_s", *arguments, "--device", "cpu", "--quiet"]
    for start in (0, 10):  # the second time there is nothing left to do
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
        assert f"step {start} of 10 on cpu, 2 process(es)" in done.stdout
        assert torch.load(out / CHECKPOINT, weights_only=True)["step"] == 10
    lines = (out / "validation.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "5", "10"]


def test_what_a_killed_process_told_of_lost_steps_is_forgotten(tmp_path: Path, data: Path) -> None:
    class Killed(Exception):
        pass

    def kill(step: int, _: dict[str, float]) -> None:
        if step == 8:
            raise Killed

    run = tmp_path / "run"
    with pytest.raises(Killed):
        make_trainer(data, run).run(save_every=0.0, log_every=2, report=kill)
    assert (run / "train.csv").read_text().splitlines()[-1].startswith("8,")
    resumed = make_trainer(data, run)
    assert resumed.step == 7
    with (run / "train.csv").open("a") as file:
        file.write("10,0.")  # cut short by the kill
    resumed.run(log_every=2)
    assert [row.split(",")[0] for row in (run / "train.csv").read_text().splitlines()] == ["step", *"246", "8", "10"]
    assert [row.split(",")[0] for row in (run / "validation.csv").read_text().splitlines()] == ["step", "5", "10"]


def test_grey_levels_reach_the_loss_unrounded_in_mixed_training(tmp_path: Path, data: Path) -> None:
    class Seen(SecureTask):
        def loss(self, module: Any, batch: Any, rng: Any) -> Any:
            self.batch = batch
            return super().loss(module, batch, rng)

    task = Seen(width=8)
    make_trainer(data, tmp_path / "run", task, mixed=True).train_step()
    assert task.batch.originals.dtype == torch.float32
    assert task.batch.originals.max() > 128


def test_a_damaged_checkpoint_is_an_error(tmp_path: Path, data: Path) -> None:
    trainer = make_trainer(data, tmp_path / "run")
    trainer.save()
    path = tmp_path / "run" / CHECKPOINT
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UsageError, match="not a checkpoint"):
        make_trainer(data, tmp_path / "run")
    torch.save({"average": {}}, path)
    with pytest.raises(UsageError, match="no config"):
        read_weights(path)
    with pytest.raises(UsageError, match="there is no checkpoint"):
        read_weights(tmp_path / "none.pt")


def test_a_step_that_is_not_finite_is_skipped_and_counted(tmp_path: Path, data: Path) -> None:
    class Broken(SecureTask):
        def loss(self, module: Any, batch: Any, rng: Any) -> Any:
            loss, measures = super().loss(module, batch, rng)
            return loss * float("nan"), measures

    trainer = make_trainer(data, tmp_path / "run", Broken(width=8))
    before = [p.clone() for p in trainer.network.parameters()]
    trainer.train_step()
    assert (trainer.step, trainer.skipped) == (1, 1)
    assert all(torch.equal(a, b) for a, b in zip(before, trainer.network.parameters(), strict=True))


def test_another_configuration_does_not_resume(tmp_path: Path, data: Path) -> None:
    make_trainer(data, tmp_path / "run").save()
    with pytest.raises(UsageError, match="peak_lr"):
        make_trainer(data, tmp_path / "run", peak_lr=0.5)
    assert make_trainer(data, tmp_path / "run", threads=2).step == 0


def test_a_run_may_be_shortened_or_lengthened(tmp_path: Path, data: Path) -> None:
    trainer = make_trainer(data, tmp_path / "run")
    for _ in range(4):
        trainer.train_step()
    trainer.save()
    shorter = make_trainer(data, tmp_path / "run", steps=5)
    assert shorter.step == 4
    assert shorter.learning_rate() < trainer.learning_rate() / 2  # it is nearly at its end
    shorter.run()
    longer = make_trainer(data, tmp_path / "run", steps=6)
    longer.run()
    assert longer.step == 6


def test_weights_of_another_run_are_taken_over_and_named(tmp_path: Path, data: Path) -> None:
    first = make_trainer(data, tmp_path / "first")
    first.train_step()
    first.save()
    config = RunConfig.from_dict(TINY)
    faces = FaceFolder([path for path, _ in pictures_by_folder([data])])
    fabric = make_fabric("cpu", False)
    second = Trainer(
        config,
        SecureTask(width=8),
        (faces, FaceFolder([])),
        tmp_path / "second",
        fabric,
        init=tmp_path / "first" / CHECKPOINT,
    )
    assert second.started_from == CHECKPOINT
    for a, b in zip(second.network.parameters(), first.average.parameters(), strict=True):
        assert torch.equal(a, b)
    assert second.validate() == {}
    weights = tmp_path / "first" / CHECKPOINT
    with pytest.raises(UsageError, match="do not fit"):
        Trainer(config, SecureTask(width=16), (faces, faces), tmp_path / "third", fabric, init=weights)


def test_identities_are_on_one_side_only(tmp_path: Path) -> None:
    pairs = [(tmp_path / f"p{i}" / f"{n}.png", tmp_path) for i in range(60) for n in range(3)]
    pairs += [(tmp_path / f"Some_Body{i}_{n:04d}.jpg", tmp_path) for i in range(60) for n in range(3)]
    train, held = split_by_identity(pairs, 0.25, "")
    sides = [{identity_of(path, tmp_path) for path in side} for side in (train, held)]
    assert not sides[0] & sides[1]
    assert len(sides[0] | sides[1]) == 120
    assert 10 < len(sides[1]) < 55
    assert set(split_by_identity(pairs[:90], 0.25, "")[1]) <= set(held)
    assert all("Some" in path.name for path in split_by_identity(pairs, 0.25, "Some")[1])


def test_covers_of_every_kind_are_drawn(data: Path) -> None:
    faces = FaceFolder([path for path, _ in pictures_by_folder([data])])
    source = CoverSource(faces.draw, [])
    rng = np.random.default_rng(0)
    drawn = {kind: source.style(kind, rng) for kind in KINDS if kind != "other-face"}
    assert {style.name for style in drawn.values()} == set(KINDS) - {"other-face"}
    crops = CropSampler(faces, (32, 100), source)
    originals, covers = crops.draw(24, 32, rng)
    assert covers is not None
    assert originals.shape == covers.shape == (24, 32, 32, 3)
    assert (originals != covers).any(axis=(1, 2, 3)).sum() >= 20


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"stepz": 3}, "unknown settings"),
        ({"crop": 20}, "crop"),
        ({"task": "none"}, "no task"),
        ({"model": {"depth": 2}}, "does not fit"),
        ({"validation": 2.0}, "fraction"),
        ({"steps": "many"}, "steps"),
        ({"faces": [64]}, "faces"),
        ({"warm_up": 1.0}, "warm_up"),
        ({"mixed": 1}, "mixed"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_bad_configuration_is_an_error(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], text: str
) -> None:
    path = config_file(tmp_path, **changes)
    assert main(["train", "--config", str(path), "--data", str(data), "--out", str(tmp_path / "run")]) == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "run" / CHECKPOINT).exists()


def test_no_pictures_and_unreadable_ones_are_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    command = ["train", "--config", str(config_file(tmp_path)), "--out", str(tmp_path / "run"), "--quiet", "--data"]
    assert main([*command, str(empty)]) == 2
    assert "no pictures" in capsys.readouterr().err
    (empty / "broken.png").write_bytes(b"not a picture")
    assert main([*command, str(empty)]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "missing")]) == 2


def test_a_missing_extra_is_named(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    for name in ("run", "loop"):
        monkeypatch.delitem(sys.modules, f"proface_lab.training.{name}", raising=False)
    assert main(["train", "--data", str(data), "--out", str(tmp_path / "run")]) == 2
    assert "proface-s[train]" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
