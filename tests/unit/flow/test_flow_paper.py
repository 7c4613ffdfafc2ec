"""The published network at run time: its algebra on any graphs, its key map, and the shipped weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from proface_s.errors import ModelError
from proface_s.flow.cards import shipped_models
from proface_s.flow.paper import couplings
from proface_s.flow.paper.couplings import PaperCoupling, haar, inverse_haar, protect_bands, recover_bands, scale
from proface_s.flow.paper.key_map import derive_key_map
from proface_s.flow.paper.model import PaperModel
from proface_s.image.measures import psnr
from proface_s.keys.secrets import FaceKey
from proface_s.types import FloatArray


class Bits:
    """A key whose stream counts upwards."""

    def key_map_stream(self, nbytes: int) -> bytes:
        return bytes(i % 256 for i in range(nbytes))


def toy_graph(seed: int) -> couplings.Graph:
    """Five 3x3 box sums and a mixture of channels: as local as a dense block, and not linear."""
    weights = np.random.default_rng(seed).normal(0, 0.15, (24, 16)).astype(np.float32)

    def answer(planes: FloatArray) -> FloatArray:
        for _ in range(couplings.HALO):
            padded = np.pad(planes, ((0, 0), (0, 0), (1, 1), (1, 1)))
            rows = padded[:, :, :-2] + padded[:, :, 1:-1] + padded[:, :, 2:]
            planes = np.tanh((rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) / 3)
        return np.asarray(np.einsum("oc,nchw->nohw", weights, planes), np.float32)

    return answer


def bands(seed: int, channels: int, height: int = 40, width: int = 6) -> FloatArray:
    return np.random.default_rng(seed).normal(0, 1, (1, channels, height, width)).astype(np.float32)


TOYS = [PaperCoupling(toy_graph(2 * n), toy_graph(2 * n + 1)) for n in range(3)]


def test_the_couplings_invert_given_the_byproduct() -> None:
    original, cover, key = bands(0, 12), bands(1, 12), bands(2, 4)
    byproduct, protected = protect_bands(TOYS, original, cover, key)
    assert np.abs(protected - cover).max() > 0.1
    for found, wanted in zip(recover_bands(TOYS, byproduct, protected, key), (original, cover), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-4)
    wrong, _ = recover_bands(TOYS, byproduct, protected, -key)
    assert np.abs(wrong - original).max() > 0.1


def test_one_coupling_computes_the_papers_equations() -> None:
    x, y, key = bands(0, 12), bands(1, 12), bands(2, 4)
    answer = toy_graph(0)(np.concatenate([x, key], 1))
    expected_y = np.exp(2 * 2.0 * (1 / (1 + np.exp(-answer[:, :12])) - 0.5)) * y + answer[:, 12:]
    found_x, found_y = TOYS[0].forward(x, y, key)
    np.testing.assert_allclose(found_y, expected_y, rtol=1e-4, atol=1e-5)
    answer = toy_graph(1)(np.concatenate([expected_y, key], 1))
    expected_x = np.exp(2 * 2.0 * (1 / (1 + np.exp(-answer[:, :12])) - 0.5)) * x + answer[:, 12:]
    np.testing.assert_allclose(found_x, expected_x, rtol=1e-4, atol=1e-4)


def test_strips_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    original, cover, key = bands(0, 12, 50), bands(1, 12, 50), bands(2, 4, 50)
    whole = protect_bands(TOYS, original, cover, key)
    monkeypatch.setattr(couplings, "STRIP_SITES", 1)
    for found, wanted in zip(protect_bands(TOYS, original, cover, key), whole, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_haar_is_an_isometry_and_inverts() -> None:
    image = bands(3, 3, 10, 14)
    found = haar(image)
    assert found.shape == (1, 12, 5, 7)
    np.testing.assert_allclose(np.square(found).sum(), np.square(image).sum(), rtol=1e-5)
    np.testing.assert_allclose(inverse_haar(found), image, atol=1e-6)
    flat = haar(np.ones((1, 3, 4, 4), np.float32))
    assert (flat[:, :3] == 2).all()
    assert not flat[:, 3:].any()


def test_scale_is_bounded_as_published() -> None:
    found = scale(np.array([-50.0, 0.0, 50.0], np.float32))
    np.testing.assert_allclose(found, np.exp([-2.0, 0.0, 2.0]), rtol=1e-6)


def test_the_key_map_is_the_streams_bits() -> None:
    found = derive_key_map(Bits(), 4, 6)
    assert found.dtype == np.uint8
    assert "".join(map(str, found.ravel())) == "000000000000000100000010"  # bytes 0, 1 and 2
    assert derive_key_map(Bits(), 3, 3).shape == (3, 3)  # 9 bits: the rest of the second byte is not used


@pytest.mark.parametrize("name", ["paper-randwr", "paper-obfswr"])
class TestShipped:
    """The weights in the package."""

    def test_the_key_brings_the_face_back_and_another_does_not(self, name: str) -> None:
        data = pytest.importorskip("skimage.data")
        original = np.ascontiguousarray(data.astronaut()[0:128, 160:288])
        cover = np.ascontiguousarray(np.broadcast_to(original.mean((0, 1)).astype(np.uint8), original.shape))
        model, key = PaperModel(shipped_models() / name, 1), FaceKey.generate()
        (mode,) = model.wrong_key_modes
        protected = model.protect(original, cover, key)
        assert psnr(protected, cover) > 34
        recovered = model.recover(protected, key, wrong_key=mode)
        assert recovered.readable
        assert psnr(recovered.image, original) > 34
        wrong = model.recover(protected, FaceKey.generate(), wrong_key=mode).image
        if mode == "cover":
            assert psnr(wrong, cover) > psnr(wrong, original) + 10
        else:
            assert psnr(wrong, original) < 13

    def test_a_record_costs_little(self, name: str) -> None:
        """Of a face, with the usual key: a few keys lose some decibels, and random blocks of colour up to ten."""
        data = pytest.importorskip("skimage.data")
        original = np.ascontiguousarray(data.astronaut()[0:128:2, 160:288:2])
        model = PaperModel(shipped_models() / name, 1)
        (mode,) = model.wrong_key_modes
        rng = np.random.default_rng(1)
        losses = []
        for _ in range(5):
            key = FaceKey.generate()
            protected = model.protect(original, np.full_like(original, 120), key, reserved=2000)
            plain = model.recover(protected, key, wrong_key=mode).image
            written = protected.copy()
            written.reshape(-1)[:2000] ^= rng.integers(0, 2, 2000, np.uint8)
            read = model.recover(written, key, reserved=2000, wrong_key=mode).image
            unwritten = model.recover(protected, key, reserved=2000, wrong_key=mode).image
            np.testing.assert_array_equal(read, unwritten)
            losses.append(psnr(plain, original) - psnr(read, original))
        assert np.median(losses) < 1.5

    def test_altered_weights_are_refused(self, name: str, tmp_path: Path) -> None:
        folder = shutil.copytree(shipped_models() / name, tmp_path / name)
        graph = folder / "to-cover-1.onnx"
        graph.write_bytes(graph.read_bytes()[:-1] + b"\0")
        with pytest.raises(ModelError, match="altered"):
            PaperModel(folder, 1)

    def test_a_card_without_a_mode_is_refused(self, name: str, tmp_path: Path) -> None:
        folder = shutil.copytree(shipped_models() / name, tmp_path / name)
        card = json.loads((folder / "card.json").read_text())
        (folder / "card.json").write_text(json.dumps({**card, "mode": "Other"}))
        with pytest.raises(ModelError, match="published network"):
            PaperModel(folder, 1)
