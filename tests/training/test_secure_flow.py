"""The torch model: inverses, gradients, training that resumes exactly, and the exported engine that agrees."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from proface_s.flow.model import FlowModel, read_card  # noqa: E402
from proface_s.training.config import ModelConfig, TrainConfig  # noqa: E402
from proface_s.training.covers import KINDS, CoverSource  # noqa: E402
from proface_s.training.loop import Trainer, random_key_map  # noqa: E402
from proface_s.training.model import SecureFlow, haar, inverse_haar, round_to_levels  # noqa: E402

SMALL = ModelConfig(blocks=2, growth=4, convs=2)


def shaken(config: ModelConfig, dtype: torch.dtype = torch.float64) -> SecureFlow:
    """A flow whose weights are all non-trivial, in float64 so that tolerances speak of algebra."""
    torch.manual_seed(1)
    flow = SecureFlow(config).to(dtype)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter += torch.randn_like(parameter) * 0.05
    return flow


def faces() -> np.ndarray:
    y, x = np.mgrid[0:64, 0:64]
    rng = np.random.default_rng(2)
    waves = [128 + 100 * np.sin(x / rng.uniform(3, 9) + c) * np.cos(y / rng.uniform(3, 9)) for c in range(12)]
    return np.clip(np.stack(waves).reshape(4, 3, 64, 64).transpose(0, 2, 3, 1), 0, 255).astype(np.uint8)


def inputs(dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    message = torch.randn(2, 3, 24, 32, generator=generator, dtype=dtype)
    cover = torch.rand(2, 3, 24, 32, generator=generator, dtype=dtype)
    return message, cover, torch.where(torch.rand(2, 1, 24, 32, generator=generator) > 0.5, 1.0, -1.0).to(dtype)


def test_haar_is_orthonormal_and_inverts() -> None:
    _, image, _ = inputs()
    bands = haar(image)
    assert bands.shape == (2, 12, 12, 16)
    torch.testing.assert_close(bands.square().sum(), image.square().sum())
    torch.testing.assert_close(inverse_haar(bands), image)


@pytest.mark.parametrize("config", [SMALL, ModelConfig(blocks=3, growth=8, convs=3, shared_trunk=False)])
def test_the_flow_inverts_exactly_given_the_byproduct(config: ModelConfig) -> None:
    flow = shaken(config)
    message, cover, key_map = inputs()
    byproduct, protected = flow.transform(message, cover, key_map)
    back = flow.inverse(byproduct, protected, key_map)
    torch.testing.assert_close(back[0], message, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(back[1], cover, rtol=1e-7, atol=1e-7)


def test_every_parameter_gets_a_gradient() -> None:
    flow = shaken(SMALL)
    message, cover, key_map = inputs()
    protected = flow.protect(message, cover, key_map)
    read, plain = flow.recover(protected, key_map)
    (protected.square().mean() + read.square().mean() + plain.square().mean()).backward()
    for name, parameter in flow.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_an_untrained_flow_already_carries_the_message() -> None:
    flow = SecureFlow(ModelConfig())
    message, _, key_map = inputs(torch.float32)
    cover = torch.full_like(message, 0.5)
    protected = round_to_levels(flow.protect(message, cover, key_map))
    read, _ = flow.recover(protected, key_map)
    assert float((read - message).detach().square().mean()) < 0.2


@pytest.mark.parametrize("kind", KINDS)
def test_covers_of_every_kind_keep_headroom(kind: str) -> None:
    source = CoverSource(faces(), [])
    cover = source.one(kind, 32, np.random.default_rng(4))
    assert cover.shape == (32, 32, 3)
    assert cover.dtype == np.uint8
    assert cover.min() >= 8
    assert cover.max() <= 247


def test_a_killed_run_resumes_exactly(tmp_path: Path) -> None:
    config = TrainConfig(model=SMALL, steps=10, batch=2, crop=32, threads=1, mixed=False)
    whole = Trainer(config, CoverSource(faces(), []), tmp_path / "whole")
    whole.run()
    first = Trainer(config, CoverSource(faces(), []), tmp_path / "killed")
    for _ in range(4):
        first.train_step()
    first.save()
    first.train_step()  # lost: the checkpoint is older
    second = Trainer(config, CoverSource(faces(), []), tmp_path / "killed")
    assert second.step == 4
    second.run()
    for a, b in zip(whole.ema.parameters(), second.ema.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert second.skipped == 0


def test_config_survives_json(tmp_path: Path) -> None:
    config = TrainConfig(model=SMALL, steps=7, gains=(0.5, 1.5))
    path = tmp_path / "config.json"
    path.write_text(config.to_json())
    assert TrainConfig.load(path) == config
    with pytest.raises(TypeError):
        TrainConfig.from_dict({"stepz": 3})


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning", "ignore:Constant folding")
def test_both_engines_agree(tmp_path: Path) -> None:
    from proface_s.training.export import export

    flow = shaken(ModelConfig(blocks=2, growth=8, convs=3), torch.float32)
    profiles = np.full((32, 768), 10.0, np.float32)
    card = export(flow, profiles, tmp_path, {"name": "test"})
    assert read_card(tmp_path).files == card["files"]
    model = FlowModel(tmp_path)
    message, cover, key_map = inputs(torch.float32)
    with torch.no_grad():
        protected = flow.protect(message, cover, key_map)
        read, _ = flow.recover(protected, key_map)
    protect = model._engine("protect.onnx", ("message", "cover", "key_map"))
    recover = model._engine("recover.onnx", ("protected", "key_map"))
    arrays = [t.numpy() for t in (message, cover, key_map)]
    np.testing.assert_allclose(protect(arrays), protected.numpy(), atol=1e-4)
    np.testing.assert_allclose(recover([protected.numpy(), arrays[2]]), read.numpy(), atol=1e-4 * 30)


def test_key_maps_are_signs() -> None:
    key_map = random_key_map(2, 16, np.random.default_rng(0))
    assert set(key_map.unique().tolist()) == {-1.0, 1.0}


def test_shipped_card_matches_the_shape_it_records() -> None:
    card = read_card(Path(__file__).parents[2] / "src/proface_s/flow/weights/secure-1")
    config = TrainConfig.from_dict(json.loads(json.dumps(card.record["config"])))
    assert sum(p.numel() for p in SecureFlow(config.model).parameters()) == card.record["parameters"]
