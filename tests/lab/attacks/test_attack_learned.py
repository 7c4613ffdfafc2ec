"""Adversaries that train networks: they invert and distinguish an unkeyed method, but not a keyed one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proface_s.errors import UsageError

from .attack_kit import TINY, Pad, Unkeyed, scene

torch = pytest.importorskip("torch")

from proface_lab.attacks import learning  # noqa: E402
from proface_lab.attacks.adversaries import covers, inversion, same_cover  # noqa: E402
from proface_lab.attacks.networks import Restorer, UNet, detail, low_order  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_an_unkeyed_method_is_inverted(tmp_path: Path) -> None:
    found = inversion.ATTACK.run(Unkeyed(), scene(tmp_path))
    assert found.succeeded
    assert found.leak > inversion.LEAK
    card = json.loads(next((tmp_path / "networks").glob("*U-Net.json")).read_text())
    assert card["parameters"] > 100_000
    assert {path.suffix for path in (tmp_path / "networks").iterdir()} == {".pt", ".json"}


def test_a_keyed_method_gives_no_more_than_its_cover(tmp_path: Path) -> None:
    found = inversion.ATTACK.run(Pad(), scene(tmp_path))
    assert found.succeeded is False
    assert found.details["cards"]["U-Net, protected"]["training"]["protections"] > 100


def test_a_network_is_kept_and_belongs_to_one_method(tmp_path: Path) -> None:
    here = scene(tmp_path, budget=replace(TINY, unet=2))
    own = here.covered(32, own=True)
    first, card = inversion.inverter("U-Net", Unkeyed(), own, here, "solid")
    again, same = inversion.inverter("U-Net", Unkeyed(), own, here, "solid")
    assert card == same
    assert all(torch.equal(a.cpu(), b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    _, other = inversion.inverter("U-Net", Pad(), own, here, "solid")
    assert other["settings"]["method"] != card["settings"]["method"]


def test_fingerprints_tell_weights_apart() -> None:
    class Stronger(Unkeyed):
        def protect(self, original: np.ndarray, cover: np.ndarray, key: bytes) -> np.ndarray:
            return cover // 2 + original // 2

    assert learning.fingerprint(Unkeyed()) == learning.fingerprint(Unkeyed()) != learning.fingerprint(Stronger())


def test_two_originals_with_one_cover_are_told_apart(tmp_path: Path) -> None:
    found = same_cover.ATTACK.run(Unkeyed(), scene(tmp_path))
    assert found.succeeded
    assert found.attack > 0.9


def test_behind_a_pad_they_are_not(tmp_path: Path) -> None:
    """In most of three runs: 24 guesses are right or wrong too often by chance in one of a hundred."""
    found = [same_cover.ATTACK.run(Pad(), scene(tmp_path / str(run))) for run in range(3)]
    assert sum(bool(each.succeeded) for each in found) < 2
    assert 0.2 < np.median([each.attack for each in found]) < 0.8


def test_shuffling_keeps_the_cover(tmp_path: Path) -> None:
    face = scene(tmp_path, budget=TINY).covered(64, "pixelate:8")[0]
    rng = np.random.default_rng(0)
    noisy = np.clip(face.original + rng.integers(-20, 20, face.original.shape), 0, 255).astype(np.uint8)
    other = same_cover.shuffled(noisy, face.cover, rng)
    assert not np.array_equal(other, noisy)
    sums = [image.reshape(8, 8, 8, 8, 3).sum(axis=(1, 3), dtype=int) for image in (noisy, other)]
    assert np.array_equal(*sums)
    with pytest.raises(UsageError):
        same_cover.shuffled(noisy, noisy, rng)


@pytest.mark.parametrize("make", [UNet, Restorer])
def test_networks_start_as_the_identity_and_learn_everywhere(make: Any) -> None:
    network, image = make(), torch.rand(2, 3, 32, 32)
    assert torch.allclose(network(image), image, atol=0.2)
    for each in network.parameters():
        torch.nn.init.normal_(each, 0, 0.1)
    network(image).sum().backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in network.parameters() if p.ndim > 1)


def test_inputs_of_the_networks() -> None:
    flat = torch.full((1, 3, 8, 8), 0.4)
    assert float(detail(flat).abs().max()) < 1e-5
    levels = torch.arange(6).reshape(1, 1, 1, 6).expand(1, 3, 1, 6) / 255
    seen = low_order(levels)
    assert torch.allclose(seen[0, 0], torch.tensor([[1.0, -1, 1, -1, 1, -1]]), atol=1e-4)
    assert torch.allclose(seen[..., :3], seen[..., :3].clone())
    assert torch.allclose(seen[0, 6, 0, 0], seen[0, 6, 0, 3], atol=1e-4)  # residues modulo three


def test_pictures_and_tensors() -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 6, 3), np.uint8)
    assert np.array_equal(learning.to_images(learning.to_tensor([image]))[0], image)


def test_a_weak_cover_is_restored(tmp_path: Path) -> None:
    found = covers.ATTACK.run(Unkeyed(), scene(tmp_path, budget=replace(TINY, styles=("blur:5", "solid"))))
    gains = {style: row["learned"] - row["cover"] for style, row in found.details["figures"].items()}
    assert found.succeeded is None
    assert found.leak > 0
    assert set(gains) == {"blur:5", "solid"}
    assert "blur:5 (weak)" in {row[0] for row in found.tables[0].rows}


def test_deconvolution_undoes_a_blur_it_knows() -> None:
    import cv2

    from proface_s.image.measures import psnr

    from .attack_kit import texture

    sharp = texture(3)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 2.0, borderType=cv2.BORDER_REFLECT)
    for restored in (covers.wiener(blurred, 2.0), covers.richardson_lucy(blurred, 2.0)):
        assert psnr(restored, sharp) > psnr(blurred, sharp) + 0.5
