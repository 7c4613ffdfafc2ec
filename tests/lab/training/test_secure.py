"""The secure task: exact arithmetic in both engines, learning, and a model that the runtime accepts."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from proface_lab.training.secure import code_images, export  # noqa: E402
from proface_lab.training.secure import couplings as coupling_network  # noqa: E402
from proface_lab.training.secure.task import SecureTask  # noqa: E402
from proface_lab.training.task import Batch  # noqa: E402
from proface_s.flow.network import open_graph  # noqa: E402
from proface_s.flow.secure import couplings, haar  # noqa: E402
from proface_s.flow.secure.face_code import ROUNDING_BIAS, FaceCoder  # noqa: E402
from proface_s.flow.secure.model import GRAPH_NAMES, SecureFlow  # noqa: E402
from proface_s.image.measures import psnr  # noqa: E402
from proface_s.keys.secrets import FaceKey  # noqa: E402
from proface_s.types import UInt8Image  # noqa: E402


def drawn_face(side: int, seed: int) -> UInt8Image:
    """Draw a head with eyes on a gradient, slightly noisy, (side, side, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    picture = np.stack([60 + 90 * x, 90 + 60 * y, 160 - 70 * x], axis=2)
    picture[(x - 0.5) ** 2 + (y - 0.5) ** 2 < rng.uniform(0.08, 0.16)] = rng.integers(90, 220, 3)
    for dx in (-0.14, 0.14):
        picture[(x - 0.5 - dx) ** 2 + (y - 0.42) ** 2 < 0.002] = rng.integers(0, 80, 3)
    return np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


def trained(steps: int, width: int = 8) -> tuple[coupling_network.CouplingNetwork, list[float]]:
    """Train a network for a few steps on drawn faces; return it and the losses."""
    torch.manual_seed(0)
    task = SecureTask(width=width)
    module, losses = task.build(), []
    optimiser = torch.optim.Adam(module.parameters(), lr=5e-3)
    for step in range(steps):
        faces = np.stack([drawn_face(32, 4 * step + i) for i in range(4)])
        batch = Batch(torch.from_numpy(faces).permute(0, 3, 1, 2).float(), None)
        loss, _ = task.loss(module, batch, np.random.default_rng(step))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert isinstance(module, coupling_network.CouplingNetwork)
    return module, losses


def test_it_learns_and_every_parameter_gets_a_gradient() -> None:
    module, losses = trained(40)
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.5
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("layers", [2, 4])
def test_both_engines_give_the_same_numbers(tmp_path: Path, layers: int) -> None:
    module = trained(15)[0] if layers == 2 else coupling_network.CouplingNetwork(8, layers)
    with torch.no_grad():
        for coupling in module.couplings:
            assert isinstance(coupling, coupling_network.Coupling)
            coupling.leave.weight.normal_(0, 0.5)
    export.write_graphs(module, tmp_path)
    rng = np.random.default_rng(3)
    low = rng.integers(-800, 1768, (3, 20, 28)) / 4
    details = np.rint(rng.laplace(0, 30, (9, 20, 28))) / 4
    log_step = -37
    level = couplings.Couplings([open_graph((tmp_path / name).read_bytes(), 2) for name in GRAPH_NAMES]).level(
        low, log_step
    )
    inputs = [torch.from_numpy(4 * a)[None].float() for a in (low, details)]
    inputs.append(torch.full((1, 1, 1, 1), log_step / 16))
    for stage in range(4):
        sites = level.sites(stage)
        with torch.no_grad():
            expected = module(stage, *inputs)
            double = module.double()(stage, *(a.double() for a in inputs))
        module.float()
        for runtime, ours, exact in zip(level.predict(stage, details, sites), expected, double, strict=True):
            found = runtime / 8 if runtime.dtype == np.int32 else runtime
            np.testing.assert_array_equal(found, ours[0].numpy().ravel()[sites])
            np.testing.assert_array_equal(found, exact[0].numpy().ravel()[sites])


def test_weights_that_float32_could_round_are_refused() -> None:
    module = coupling_network.CouplingNetwork(400, 2)
    coupling = module.couplings[3]
    assert isinstance(coupling, coupling_network.Coupling)
    with torch.no_grad():
        for parameter in coupling.parameters():
            parameter.fill_(1.9)
    with pytest.raises(ValueError, match="2\\^24"):
        export.check_exactness(coupling)


@pytest.mark.parametrize("size", [(32, 32), (46, 38), (70, 50)])
def test_training_and_runtime_run_the_same_coder(tmp_path: Path, size: tuple[int, int]) -> None:
    module, _ = trained(15)
    export.write_graphs(module, tmp_path)
    engines = [open_graph((tmp_path / name).read_bytes(), 1) for name in GRAPH_NAMES]
    coder = FaceCoder(couplings.Couplings(engines), export.logistic_tables(), rounding_bias=ROUNDING_BIAS)
    face = np.ascontiguousarray(drawn_face(96, 5)[: size[0], : size[1]])
    words = coder.compress(face, 4 * 450)
    expanded = coder.expand(words, *size)
    index = coder.step_of(words)
    image = torch.from_numpy(face).permute(2, 0, 1)[None].float()
    decoded: list[torch.Tensor] = []
    with torch.no_grad():
        _, error = code_images.code_images(module.eval(), image, torch.full((1, 1, 1, 1), index), decoded)
    # The lattices of the coarsest band differ by a shift, so a few values may be rounded the other way.
    apart = np.square(decoded[0][0].permute(1, 2, 0).numpy() - expanded).mean()
    assert apart < np.square(expanded - face).mean()
    assert float(error) == pytest.approx(np.square(expanded - face).mean(), rel=0.1)


def test_transforms_agree_with_the_runtime() -> None:
    image = np.random.default_rng(0).integers(0, 256, (22, 31, 3)).astype(np.uint8)
    planes = code_images.rgb_to_opponent(torch.from_numpy(image).permute(2, 0, 1)[None].double())
    np.testing.assert_allclose(planes[0].numpy(), haar.to_opponent(image), atol=1e-9)
    np.testing.assert_allclose(code_images.opponent_to_rgb(planes)[0].permute(1, 2, 0).numpy(), image, atol=1e-9)
    low, details = code_images.haar_split(planes)
    np.testing.assert_allclose(low[0].numpy(), haar.split(planes[0].numpy())[0], atol=1e-9)
    np.testing.assert_allclose(code_images.haar_merge(low, details, (22, 31))[0].numpy(), planes[0].numpy(), atol=1e-9)
    level = couplings.Couplings([]).level(np.zeros((3, 5, 6)), 0)
    for stage in range(4):
        sites = np.flatnonzero(coupling_network.stage_sites(stage, 5, 6).numpy())
        np.testing.assert_array_equal(sites, level.sites(stage))
        assert couplings.stage_bands(stage) == (slice(0, 3) if stage < 2 else slice(3, 9))
    for side in range(8, 400, 2):
        assert haar.depth_for(side, side + 9) == max(1, int(math.log2(side / 4)))


def test_a_trained_model_is_exported_and_hides_a_face(tmp_path: Path) -> None:
    module, _ = trained(25)
    faces = [(face, export.capacity_of(face)) for face in (drawn_face(48, i) for i in range(6))]
    card = export.export_model(module, faces, tmp_path / "model", {"name": "drawn", "data": "drawn"})
    assert card["parameters"] == sum(p.numel() for p in module.parameters())
    model, key, face = SecureFlow(tmp_path / "model"), FaceKey.generate(), drawn_face(64, 77)
    protected = model.protect(face, np.full_like(face, 90), key)
    assert psnr(model.recover(protected, key).image, face) > 38
