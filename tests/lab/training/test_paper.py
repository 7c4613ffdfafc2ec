"""The published system: its size, its inverses, its losses, and both engines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_msssim")

from torch import nn  # noqa: E402

from proface_lab.training.paper import losses as paper_losses  # noqa: E402
from proface_lab.training.paper import network as paper  # noqa: E402
from proface_lab.training.paper.losses import (  # noqa: E402
    Images,
    l1,
    multiscale_dissimilarity,
    obfs_wr_start,
    perceptual,
    rand_wr_start,
    rmse,
    triplet,
)
from proface_lab.training.paper.task import PaperTask  # noqa: E402
from proface_lab.training.task import Batch  # noqa: E402
from proface_s.errors import UsageError  # noqa: E402
from proface_s.flow.network import open_graph  # noqa: E402
from proface_s.flow.paper.key_map import derive_key_map  # noqa: E402
from proface_s.flow.paper.model import PaperModel  # noqa: E402
from proface_s.keys.secrets import FaceKey  # noqa: E402
from proface_s.silence import load_onnxruntime  # noqa: E402

from .test_secure import drawn_face  # noqa: E402

SHAPES: dict[str, dict[str, Any]] = {
    "before November 2026": {},
    "published": {"slope": 0.01, "signed": True, "initialisation": "published"},
    "ours": {"slope": 0.01, "signed": True, "initialisation": "kaiming"},
}


def shaken(growth: int = 4, blocks: int = 3, **shape: Any) -> paper.PaperFlow:
    """A network whose weights are all non-trivial, in float64 so that tolerances speak of algebra."""
    torch.manual_seed(1)
    network = paper.PaperFlow(blocks, growth, **shape).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += torch.randn_like(parameter) * 0.03
    return network


def key_maps(count: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 2, (count, 1, height, width)) * 2.0 - 1)


def drawn_batch(count: int = 2, side: int = 32) -> Batch:
    faces = np.stack([drawn_face(side, i) for i in range(count)])
    originals = torch.from_numpy(faces).permute(0, 3, 1, 2).float()
    return Batch(originals, originals.mean((2, 3), keepdim=True).expand_as(originals).round())


def train(task: PaperTask, module: nn.Module, batch: Batch, steps: int, rate: float) -> list[float]:
    """The losses on the way; every measure must be finite, and the gradients of the last step stay."""
    optimiser, losses = torch.optim.Adam(module.parameters(), lr=rate), []
    for step in range(steps):
        loss, measures = task.loss(module, batch, np.random.default_rng(step))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        losses.append(measures["loss"])
        assert all(np.isfinite(value) for value in measures.values())
    return losses


@pytest.mark.parametrize(("side", "expected"), [(112, 3.36), (256, 17.55)])
def test_the_network_has_the_published_size(side: int, expected: float) -> None:
    network, total = paper.PaperFlow().to("meta"), 0

    def count(layer: nn.Module, _: object, out: torch.Tensor) -> None:
        nonlocal total
        total += out.numel() * layer.in_channels * 9  # type: ignore[operator,assignment]

    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    image, key_map = torch.empty(1, 3, side, side, device="meta"), torch.empty(1, 1, side, side, device="meta")
    network.protect(image, image, key_map)
    assert sum(p.numel() for p in network.parameters()) == 1_073_040
    assert round(total / 1e9, 2) == expected


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("size", [(8, 8), (16, 24), (30, 14)])
def test_the_flow_inverts_exactly_given_the_byproduct(size: tuple[int, int], shape: dict[str, Any]) -> None:
    network = shaken(**shape)
    original, cover = torch.rand(2, 2, 3, *size, dtype=torch.float64)
    key_map = key_maps(2, *size)
    protected, byproduct = network.protect(original, cover, key_map)
    assert not torch.allclose(protected, cover, atol=1e-3)
    found = network.unprotect(protected, byproduct, key_map)
    for a, b in zip(found, (original, cover), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)
    assert not torch.allclose(network.recover(protected, key_map), original, atol=1e-3)


def test_haar_is_an_isometry_and_inverts() -> None:
    image = torch.rand(2, 3, 10, 14, dtype=torch.float64)
    bands = paper.haar_bands(image)
    assert bands.shape == (2, 12, 5, 7)
    torch.testing.assert_close(bands.square().sum(), image.square().sum())
    torch.testing.assert_close(paper.from_haar_bands(bands), image)


def test_scale_is_the_papers() -> None:
    s = torch.tensor([-50.0, 0.0, 50.0])
    torch.testing.assert_close(paper.scale_factor(s), torch.exp(torch.tensor([-2.0, 0.0, 2.0])))


def test_half_precision_costs_less_than_rounding_to_8_bits() -> None:
    torch.manual_seed(0)
    network = paper.PaperFlow(3, 8)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("last.weight"):
                parameter.normal_(0, 0.01)
    batch, key_map = drawn_batch(2, 32), key_maps(2, 32, 32).float()
    assert batch.covers is not None
    with torch.no_grad():
        exact = network.protect(batch.originals / 255, batch.covers / 255, key_map)[0] * 255
        with torch.autocast("cpu", torch.bfloat16):
            half = network.protect(batch.originals / 255, batch.covers / 255, key_map)[0] * 255
    assert (exact - batch.covers).square().mean().sqrt() > 1
    assert 0 < (half - exact).square().mean().sqrt() < 12**-0.5


def test_half_precision_sees_what_is_hidden_beside_a_bright_cover() -> None:
    block = paper.DenseBlock(4)
    with torch.no_grad():
        for channel in range(12):  # the last convolution passes the images on, less the cover's brightness
            block.last.weight[channel, channel, 1, 1] = 1
        block.last.bias.fill_(-1.5)  # type: ignore[union-attr]
        hidden = torch.randn(1, 12, 8, 8, generator=torch.Generator().manual_seed(0)) * 2**-10
        with torch.autocast("cpu", torch.bfloat16):
            found = block(1.5 + hidden, torch.ones(1, 4, 8, 8)).float()
    assert float((1.5 + hidden).bfloat16().float().sub(1.5 + hidden).abs().max()) > 2**-10  # one number would lose it
    torch.testing.assert_close(found, hidden, rtol=0.02, atol=2**-16)


@pytest.mark.parametrize("shape", [SHAPES["published"], SHAPES["ours"]], ids=["published", "kaiming"])
def test_first_weights_are_as_configured(shape: dict[str, Any]) -> None:
    torch.manual_seed(0)
    network = paper.PaperFlow(2, 32, **shape)
    published = shape["initialisation"] == "published"
    for block in (module for module in network.modules() if isinstance(module, paper.DenseBlock)):
        assert not block.last.weight.any()
        assert block.last.bias is not None
        assert not block.last.bias.any()
        assert block.act.negative_slope == 0.01
        for layer in block.layers:
            assert isinstance(layer, nn.Conv2d)
            assert layer.bias is not None
            wanted = 0.01 if published else 0.5 * (2 / (1.01 * 9 * layer.in_channels)) ** 0.5
            assert float(layer.weight.detach().std()) == pytest.approx(wanted, rel=0.1)
            assert bool(layer.bias.any()) is published
    image, key_map = torch.rand(1, 3, 16, 16), key_maps(1, 16, 16).float()
    torch.testing.assert_close(network.protect(image, 1 - image, key_map)[0], 1 - image)  # nothing is hidden yet


def test_first_weights_of_older_configurations_are_torchs_own() -> None:
    torch.manual_seed(0)
    network = PaperTask(growth=4, blocks=1).build()
    torch.manual_seed(0)
    torch.testing.assert_close(next(network.parameters()), nn.Conv2d(16, 4, 3, padding=1).weight)


def test_the_range_belongs_to_the_network_and_not_to_its_pictures() -> None:
    """The same weights in either range: images stay in [0, 1], and the key map stands in for the whole byproduct."""
    network, plain = shaken(signed=True), shaken()
    plain.load_state_dict(network.state_dict())
    original, cover = torch.rand(2, 1, 3, 16, 16, dtype=torch.float64)
    key_map = key_maps(1, 16, 16)
    protected, byproduct = network.protect(original, cover, key_map)
    signed = plain.protect(original * 2 - 1, cover * 2 - 1, key_map)
    torch.testing.assert_close(protected, (signed[0] + 1) / 2)
    torch.testing.assert_close(byproduct, (signed[1] + 1) / 2)
    torch.testing.assert_close(network.recover(protected, key_map), (plain.recover(signed[0], key_map) + 1) / 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "Other"},
        {"loss": "L2"},
        {"initialisation": "zeros"},
        {"wrong_share": 0},
        {"wrong_share": 0.5},
        {"wrong_weight": -0.1},
        {"triplets": [1.0]},
        {"triplets": [1.0, -1.0]},
    ],
)
def test_values_that_there_are_not_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        PaperTask(growth=4, blocks=1, **wrong)


@pytest.mark.parametrize("mode", ["RandWR", "ObfsWR"])
@pytest.mark.parametrize("options", [{}, {"loss": "rmse", **SHAPES["ours"]}], ids=["paper's loss", "rmse"])
def test_both_modes_learn_and_every_parameter_gets_a_gradient(mode: str, options: dict[str, Any]) -> None:
    task = PaperTask(mode, growth=4, blocks=2, **options)
    torch.manual_seed(0)
    module, batch = task.build(), drawn_batch()
    losses = train(task, module, batch, 12, 3e-3)
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
    found = task.validate(module, batch, np.random.default_rng(0))
    assert {"protected", "float_protected", "wrong_cover"} <= set(found)
    assert task.preview(module, batch, np.random.default_rng(0)).shape == (5 * 32, 2 * 32, 3)


@pytest.mark.parametrize(
    ("mode", "better", "worse"), [("RandWR", "recovered", "wrong"), ("ObfsWR", "wrong_cover", "wrong")]
)
def test_a_wrong_key_gives_what_the_mode_says(mode: str, better: str, worse: str) -> None:
    task = PaperTask(mode, growth=8, blocks=2)
    torch.manual_seed(0)
    module, batch = task.build(), drawn_batch(4, 24)
    before = task.validate(module, batch, np.random.default_rng(7))
    train(task, module, batch, 70, 5e-3)
    after = task.validate(module, batch, np.random.default_rng(7))
    assert abs(before["recovered"] - before["wrong"]) < 1
    assert after[better] > after[worse] + 1.5
    assert after[better] > before[better] + 5


def test_saved_weights_give_the_same_pictures(tmp_path: Path) -> None:
    first, second = shaken().float(), paper.PaperFlow(3, 4)
    torch.save(first.state_dict(), tmp_path / "weights.pt")
    second.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    original, cover = torch.rand(2, 1, 3, 16, 16)
    key_map = key_maps(1, 16, 16).float()
    for a, b in zip(first.protect(original, cover, key_map), second.protect(original, cover, key_map), strict=True):
        assert torch.equal(a, b)


def test_rounding_reaches_the_picture_and_lets_the_gradient_through() -> None:
    task = PaperTask(growth=4, blocks=2)
    module, batch = shaken(4, 2).float(), drawn_batch()
    for rounding in (True, False):
        stored = task._run(module, batch, np.random.default_rng(0), rounding).stored
        on_levels = (stored * 255 - (stored * 255).round()).abs().max() < 1e-3
        assert bool(on_levels) is rounding
        assert stored.requires_grad


def test_what_is_hidden_beyond_white_gains_nothing_and_costs() -> None:
    """A gradient that ignored the clipping asked for more and more of it beside saturated covers, until all blew up."""
    task, module = PaperTask(growth=4, blocks=1, loss="rmse"), shaken(4, 1).float()
    batch = drawn_batch(2, 16)
    white = replace(batch, covers=torch.full_like(batch.originals, 255))
    images = task._run(module, white, np.random.default_rng(0), True)
    beyond = images.protected > 1
    assert beyond.any()
    assert images.stored.max() <= 1
    through_file, direct = (
        torch.autograd.grad(value, images.protected, retain_graph=True)[0]
        for value in (images.recovered.square().sum(), rand_wr_start(images, 0.0, 1.3))
    )
    assert not through_file[beyond].any()
    assert (direct[beyond] > 0).all()


def test_smooth_skin_is_compared_exactly_in_mixed_training() -> None:
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    smooth = (150 + columns / 8 + rows / 16).round().expand(1, 3, 64, 64)
    torch.manual_seed(0)
    noisy = (smooth + torch.randn_like(smooth)).round()
    full = multiscale_dissimilarity(smooth / 255, noisy / 255)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = multiscale_dissimilarity(smooth / 255, noisy / 255)
    assert full > 0.001
    torch.testing.assert_close(mixed, full)


def test_overflowing_recoveries_do_not_poison_the_loss() -> None:
    task, module = PaperTask(growth=4, blocks=2), shaken(4, 2).float()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter *= 30
    loss, _ = task.loss(module, drawn_batch(), np.random.default_rng(0))
    assert torch.isfinite(loss)


def test_losses_are_what_they_say() -> None:
    a, b = torch.rand(2, 3, 48, 48), torch.rand(2, 3, 48, 48)
    torch.testing.assert_close(l1(a, a), torch.zeros(2))
    torch.testing.assert_close(multiscale_dissimilarity(a, a), torch.zeros(2), atol=1e-5, rtol=0)
    assert (multiscale_dissimilarity(a, b) > 0.5).all()
    assert float(triplet(l1, a, a, b)) == pytest.approx(float(torch.relu(1.2 - l1(a, b)).mean()))
    assert float(triplet(l1, a, a, a)) == pytest.approx(1.2)
    torch.testing.assert_close(rmse(a, a + 0.1), torch.full((2,), 0.1))
    with pytest.raises(UsageError, match=r"(?i)lpips"):
        perceptual("nowhere.pt")


def test_the_first_losses_are_what_they_say() -> None:
    original, cover = torch.zeros(2, 3, 16, 16), torch.ones(2, 3, 16, 16)
    images = Images(original, cover, cover, original + 0.03, original[:1] + 0.5, cover - 0.02)
    none, some = [torch.zeros(2)] * 3, [torch.zeros(2), torch.tensor([0.2, 0.4])]
    images = images._replace(excess=none, wrong_excess=none)
    near = 1.3 * 0.02 + 0.03
    for loss, changes, expected in (
        (rand_wr_start, {}, near),  # far enough
        (rand_wr_start, {"wrong": original[:1] + 0.06}, near + 0.2 * 0.3),
        (rand_wr_start, {"wrong": original[:1] - 5}, near + 0.2 * 0.36),  # black, to whoever looks at it
        (rand_wr_start, {"excess": some}, near + 0.1 * 0.3),
        (rand_wr_start, {"wrong_excess": some}, near + 0.2 * 0.2 * 0.3),
        (obfs_wr_start, {"wrong": cover[:1] - 0.1}, near + 0.2 * 0.1),
        (obfs_wr_start, {"wrong": cover[:1], "excess": some}, near + 0.1 * 0.3),
    ):
        assert float(loss(images._replace(**changes), 0.2, 1.3)) == pytest.approx(expected, abs=1e-5)
    same = original.clone().requires_grad_()
    rmse(same, original).sum().backward()  # the root has no slope at zero, but for the floor under it
    assert same.grad is not None
    assert torch.isfinite(same.grad).all()


def test_a_picture_that_blows_up_does_not_outweigh_the_others() -> None:
    errors = torch.tensor([0.01, 0.5, 5.0, 5000.0], requires_grad=True)
    found = paper_losses.bounded(errors)
    torch.testing.assert_close(
        found, torch.tensor([0.01, 0.5, 0.5 + 0.5 * np.log(10), 0.5 + 0.5 * np.log(1e4)]).float()
    )
    found.sum().backward()
    torch.testing.assert_close(errors.grad, torch.tensor([1.0, 1.0, 0.1, 1e-4]))


def test_excess_is_what_leaves_the_range_of_an_image() -> None:
    image = torch.rand(2, 3, 8, 8) * 2 - 1
    torch.testing.assert_close(paper.excess_of(paper.haar_bands(image)), torch.zeros(2))
    torch.testing.assert_close(paper.excess_of(torch.full((1, 12, 4, 4), 7.0)), torch.tensor([5.0]), atol=0.1, rtol=0)
    tame, wild = shaken().float(), shaken().float()
    with torch.no_grad():
        for parameter in wild.parameters():
            parameter *= 3
    for flow, grows in ((tame, False), (wild, True)):
        excess: list[torch.Tensor] = []
        protected, _ = flow.protect(*torch.rand(2, 2, 3, 16, 16), key_maps(2, 16, 16).float(), excess=excess)
        assert [tuple(each.shape) for each in excess] == [(2,)] * 6
        assert bool(excess[-1].max() > 1) is grows
        flow.recover(protected, key_maps(2, 16, 16).float(), excess=excess)
        assert len(excess) == 12


def test_wrong_recoveries_count_more_and_more_in_the_first_steps() -> None:
    task, module, batch = PaperTask(growth=4, blocks=1, loss="rmse"), shaken(4, 1).float(), drawn_batch(2, 32)
    found = [
        float(task.loss(module, replace(batch, progress=progress), np.random.default_rng(0))[0].detach())
        for progress in (0.0, 0.015, 0.03, 1.0)
    ]
    assert found[0] < found[1] < found[2] == found[3]
    assert found[1] == pytest.approx((found[0] + found[2]) / 2, rel=1e-5)


def test_triplets_are_annealed_from_their_first_factor_to_their_last() -> None:
    network, batch, found = shaken(4, 1).float(), drawn_batch(2, 32), {}
    for factors, progress in (((1.0, 1.0), 0.7), ((0.0, 0.0), 0.7), ((1.0, 0.0), 0.0), ((1.0, 0.0), 0.5)):
        task, now = PaperTask(growth=4, blocks=1, triplets=factors), replace(batch, progress=progress)
        found[factors, progress] = float(task.loss(network, now, np.random.default_rng(0))[0].detach())
    full, none, start, middle = found.values()
    assert full > none + 0.1
    assert start == full
    assert middle == pytest.approx((full + none) / 2, rel=1e-5)


def test_only_a_share_of_a_batch_is_recovered_with_a_wrong_key() -> None:
    task = PaperTask(growth=4, blocks=1, loss="rmse", wrong_share=0.3)
    images = task._run(shaken(4, 1).float(), drawn_batch(6, 16), np.random.default_rng(0), True, 0.3)
    assert [len(image) for image in images[:5]] == [6, 6, 6, 6, 2]
    _, measures = task.loss(shaken(4, 1).float(), drawn_batch(6, 16), np.random.default_rng(0))
    assert all(np.isfinite(value) for value in measures.values())


def test_key_maps_are_as_published() -> None:
    first, again = (paper.derive_paper_key_map("secret", 30, 22) for _ in range(2))
    assert first.shape == (30, 22)
    np.testing.assert_array_equal(first, again)  # the published weakness: same password, same map
    assert 0.4 < (first != paper.derive_paper_key_map("secreT", 30, 22)).mean() < 0.6


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("mode", ["RandWR", "ObfsWR"])
def test_the_exported_model_computes_the_same(tmp_path: Path, mode: str, shape: dict[str, Any]) -> None:
    task, module = PaperTask(mode, growth=4, blocks=2, **shape), shaken(4, 2, **shape).float()
    card = task.export(module, [], tmp_path, {"name": "paper"})
    assert len(card["files"]) == 4
    model, method, key = PaperModel(tmp_path, 1), paper.PaperMethod(module), FaceKey.generate()
    assert model.wrong_key_modes == ({"RandWR": "noise", "ObfsWR": "cover"}[mode],)
    original, cover = drawn_face(36, 1)[:20], drawn_face(36, 2)[:20]
    key_map = derive_key_map(key, 20, 36)
    protected = model.protect(original, cover, key)
    assert (protected != cover).mean() > 0.5
    recovered = model.recover(protected, key, wrong_key=model.wrong_key_modes[0]).image
    for found, expected in (
        (protected, method.protect(original, cover, key_map)),
        (recovered, method.recover(protected, key_map)),
    ):
        assert np.abs(found.astype(int) - expected).max() <= 1  # weights in half precision


def test_exported_graphs_are_read_alike_by_another_runtime(tmp_path: Path) -> None:
    PaperTask(growth=4, blocks=1).export(shaken(4, 1).float(), [], tmp_path, {"name": "paper"})
    planes = np.random.default_rng(0).normal(0, 0.5, (1, 16, 10, 14)).astype(np.float16)
    data = (tmp_path / "to-cover-1.onnx").read_bytes()
    expected = load_onnxruntime().InferenceSession(data).run(None, {"planes": planes})[0]
    np.testing.assert_allclose(open_graph(data, 1)(planes.astype(np.float32)), expected, atol=0.02)


def test_the_peer_works_on_pictures() -> None:
    method = paper.PaperMethod(shaken(4, 2).float())
    original, key_map = drawn_face(32, 1), paper.derive_paper_key_map("secret", 32, 32)
    cover = np.full_like(original, 100)
    protected = method.protect(original, cover, key_map)
    assert protected.dtype == np.uint8
    np.testing.assert_allclose(protected, np.clip(method.protect_float(original, cover, key_map), 0, 255), atol=0.51)
    assert method.recover(protected, key_map).shape == original.shape
    for wrong in (original[:31], original[:, :30]):
        with pytest.raises(UsageError, match="even sides"):
            method.protect(wrong, cover, key_map)
        with pytest.raises(UsageError, match="even sides"):
            method.recover(wrong, key_map)
