"""Configurations of the published system in `configs/`, and checkpoints of older ones, as the evaluation reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_msssim")

from paths_kit import ROOT  # noqa: E402
from proface_lab.evaluation.peers import load_paper  # noqa: E402
from proface_lab.training.checkpoints import compact, read_checkpoint, write_checkpoint  # noqa: E402
from proface_lab.training.config import RunConfig  # noqa: E402
from proface_lab.training.paper.network import PaperFlow, PaperMethod  # noqa: E402
from proface_lab.training.task import make_task  # noqa: E402
from proface_s.covers import apply_style  # noqa: E402
from proface_s.flow.paper.key_map import derive_key_map  # noqa: E402
from proface_s.flow.registry import open_model  # noqa: E402
from proface_s.image.measures import psnr  # noqa: E402
from proface_s.keys.secrets import FaceKey  # noqa: E402
from proface_s.types import Style  # noqa: E402

from .test_secure import drawn_face  # noqa: E402

CONFIGS = ROOT / "configs"
OLD: dict[str, Any] = {  # a small version of `configs/paper-randwr.json` before November 2026
    "task": "paper",
    "model": {"mode": "RandWR", "rounding": True, "blocks": 1, "growth": 4},
    "steps": 3000,
    "batch": 4,
    "crop": 48,
    "small_share": 0.0,
    "faces": [48, 256],
    "peak_lr": 0.001,
    "grad_clip": 0.3,
    "mixed": False,
}
NOW = {**OLD, "model": {**OLD["model"], "slope": 0.01, "signed": True, "initialisation": "kaiming", "loss": "rmse"}}


def checkpoint_of(config: dict[str, Any], path: Path) -> PaperFlow:
    """Write a checkpoint with random weights; return its network."""
    torch.manual_seed(0)
    network = make_task(config["task"], config["model"]).build()
    assert isinstance(network, PaperFlow)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += torch.randn_like(parameter) * 0.05
    weights = network.state_dict()
    write_checkpoint(
        path,
        {
            "config": config,
            "network": weights,
            "average": weights,
            "optimiser": {},
            "step": 3000,
            "skipped": 0,
            "seconds": 1.0,
            "started_from": "",
        },
    )
    return network


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(CONFIGS.glob("paper-*.json")) if ".card" not in path.name],
    ids=lambda path: path.name,
)
def test_configurations_are_of_the_full_network_in_the_published_range(path: Path) -> None:
    config = RunConfig.load(path)
    network = make_task(config.task, config.model).build()
    assert isinstance(network, PaperFlow)
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_073_040
    assert network.signed


@pytest.mark.parametrize(("config", "slope", "signed"), [(OLD, 0.2, False), (NOW, 0.01, True)], ids=["old", "now"])
def test_the_shape_travels_with_the_checkpoint(
    tmp_path: Path, config: dict[str, Any], slope: float, signed: bool
) -> None:
    network = checkpoint_of(config, tmp_path / "paper.pt")
    peer = load_paper(tmp_path / "paper.pt")
    acts = [module.negative_slope for module in peer.network.modules() if isinstance(module, torch.nn.LeakyReLU)]
    assert set(acts) == {slope}
    assert peer.network.signed is signed
    original, key = drawn_face(32, 3), bytes(32)
    cover = np.full_like(original, 90)
    image, base = (torch.from_numpy(a.astype(np.float32) / 255).permute(2, 0, 1)[None] for a in (original, cover))
    key_map = torch.from_numpy(peer.key_map(key, (32, 32)).astype(np.float32) * 2 - 1)[None, None]
    with torch.no_grad():
        expected = network.eval().protect(image, base, key_map)[0][0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(peer.protect_float(original, cover, key), expected, atol=1e-6)


def test_a_compact_checkpoint_protects_nearly_alike(tmp_path: Path) -> None:
    checkpoint_of(NOW, tmp_path / "paper.pt")
    state = torch.load(tmp_path / "paper.pt", weights_only=True)
    write_checkpoint(tmp_path / "small.pt", compact(state))
    original, key = drawn_face(32, 3), bytes(32)
    cover = np.full_like(original, 90)
    full, small = (load_paper(tmp_path / name).protect_float(original, cover, key) for name in ("paper.pt", "small.pt"))
    assert 0 < np.abs(full - small).max() < 1 / 255


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("paper-*.checkpoint.pt")), ids=lambda path: path.name)
def test_committed_weights_hide_and_bring_back_a_face(path: Path) -> None:
    peer = load_paper(path)
    original, right, wrong = drawn_face(64, 5), bytes(32), bytes([1] * 32)
    cover = apply_style(original, Style("blur"))
    protected = peer.protect(original, cover, right)
    assert psnr(protected, cover) > 30
    recovered = psnr(peer.recover(protected, right), original)
    assert recovered > 30
    opened = peer.recover(protected, wrong)
    if "obfswr" in path.name:  # the cover again
        assert psnr(opened, cover) > max(25, psnr(opened, original))
    else:
        assert psnr(opened, original) < recovered - 15


@pytest.mark.parametrize("name", ["paper-randwr", "paper-obfswr"])
def test_the_shipped_graphs_compute_what_the_committed_weights_do(name: str) -> None:
    shipped, committed = open_model(name, 1), _committed(name)
    original, key = drawn_face(64, 3), FaceKey(bytes(range(32)))
    cover = apply_style(original, Style("blur"))
    key_map = derive_key_map(key, 64, 64)
    protected = shipped.protect(original, cover, key)
    for mine, theirs in (
        (protected, committed.protect(original, cover, key_map)),
        (
            shipped.recover(protected, key, wrong_key=shipped.wrong_key_modes[0]).image,
            committed.recover(protected, key_map),
        ),
    ):
        assert mine is not None
        assert np.abs(mine.astype(int) - theirs).max() <= 1  # the same numbers, rounded at the edge of two levels


def _committed(name: str) -> PaperMethod:
    saved = read_checkpoint(CONFIGS / f"{name}.checkpoint.pt")
    network = make_task("paper", saved["config"]["model"]).build()
    network.load_state_dict(saved["average"])
    assert isinstance(network, PaperFlow)
    return PaperMethod(network)
