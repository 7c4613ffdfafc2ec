"""Every built-in method keeps the contract of a method: it recovers the face with the key, and not without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from proface_lab.commands.hints import HINTS
from proface_lab.evaluation.measures import quality
from proface_lab.evaluation.measures.capacity import (
    bits_per_sample,
    carried_bits,
    recovered_by_coder,
    recovered_gaussian,
)
from proface_lab.evaluation.method import Costed, FloatMethod, Method, load_method
from proface_lab.evaluation.peers import LsbAvif, SecureMethod, best_avif, paper_name
from proface_s.covers import apply_style
from proface_s.errors import UsageError
from proface_s.image.measures import psnr
from proface_s.types import Style

from ..kit import FloatXor, XorMethod, picture, samples

RIGHT, WRONG = bytes(range(32)), bytes(range(1, 33))


def covered(side: int = 128) -> tuple[np.ndarray, np.ndarray]:
    original = picture(7, side)
    return original, apply_style(original, Style("pixelate"))


@pytest.mark.parametrize("spec", ["secure-3", "secure-3-cover", "lsb-avif", "lab.kit:XorMethod"])
def test_methods_protect_and_recover(spec: str) -> None:
    method = load_method(spec)
    assert isinstance(method, Method)
    assert not isinstance(method, FloatMethod)
    original, cover = covered()
    protected = method.protect(original, cover, RIGHT)
    assert protected.shape == cover.shape
    assert protected.dtype == np.uint8
    assert np.abs(protected.astype(int) - cover).max() <= 1
    good, bad = method.recover(protected, RIGHT), method.recover(protected, WRONG)
    assert good.shape == bad.shape == original.shape
    assert psnr(good, original) > psnr(bad, original) + 2
    assert psnr(bad, original) <= psnr(cover, original) + 0.5


def test_the_shipped_method_and_the_baseline_recover_well() -> None:
    original, cover = covered()
    for method in (SecureMethod(), LsbAvif(), LsbAvif(2)):
        assert psnr(method.recover(method.protect(original, cover, RIGHT), RIGHT), original) > 40


def test_a_wrong_key_gives_noise_or_the_cover() -> None:
    original, cover = covered()
    for name, limit in (("secure-3", 15.0), ("secure-3-cover", 45.0), ("lsb-avif", 45.0)):
        method = load_method(name)
        found = psnr(method.recover(method.protect(original, cover, RIGHT), WRONG), cover)
        assert found > limit if limit > 20 else found < limit


@pytest.mark.parametrize("bits", [1, 2])
@pytest.mark.parametrize("shape", [(96, 96), (30, 50), (62, 34), (34, 34)])
def test_the_baseline_is_lossless_up_to_its_avif(bits: int, shape: tuple[int, int]) -> None:
    original = picture(1, 96)[: shape[0], : shape[1]]
    method = LsbAvif(bits)
    found = method.recover(method.protect(original, original // 2, RIGHT), RIGHT)
    room = original.size * bits // 8 - 28
    assert len(best_avif(np.ascontiguousarray(original), room)) <= room
    assert psnr(found, original) > 25


def test_the_baseline_refuses_a_face_without_room_and_any_change_closes_it() -> None:
    with pytest.raises(UsageError, match="no room"):
        LsbAvif().protect(picture(1, 16), picture(2, 16), RIGHT)
    original, cover = covered()
    protected = LsbAvif().protect(original, cover, RIGHT)
    protected[5, 5, 0] ^= 1
    np.testing.assert_array_equal(LsbAvif().recover(protected, RIGHT), protected)


def test_costs_are_what_the_network_has() -> None:
    method = SecureMethod()
    assert isinstance(method, Costed)
    assert method.parameters > 10_000
    assert method.macs(256, 256) == pytest.approx(4 * method.macs(128, 128), rel=0.01)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("magic", "there is no method 'magic'"),
        ("no.such.module:thing", "there is no method"),
        ("paper:gone.pt", "gone.pt"),
        ("lab.kit:missing", "there is no method"),
        ("lab.kit:NotAMethod", "is not a method"),
        ("a:", "there is no method"),
    ],
)
def test_invalid_methods_are_refused(spec: str, message: str) -> None:
    if spec.startswith("paper"):
        pytest.importorskip("torch")
    with pytest.raises(UsageError, match=message) as caught:
        load_method(spec)
    assert caught.value.code in HINTS or spec.startswith("paper")


def test_both_protocols_measure_the_same_things() -> None:
    faces, method = samples(2), FloatXor()
    found = {how: quality.measure_quality(method, faces, "blur", how, 1) for how in ("stored", "float")}
    assert found["stored"]["faces"] == 2
    for comparison in quality.COMPARISONS:
        for measure in ("psnr", "ssim"):
            stored, floats = (found[how][comparison][measure] for how in ("stored", "float"))
            assert stored == pytest.approx(floats, abs=1e-3)
            assert stored["p5"] <= stored["mean"]
    with pytest.raises(TypeError, match="8-bit"):
        quality.run_trial(XorMethod(), faces[0], faces[0].image, "float", 1)


def test_keys_follow_from_the_seed_and_from_nothing_else() -> None:
    assert quality.evaluation_key(1, "a", "b") == quality.evaluation_key(1, "a", "b")
    keys = {quality.evaluation_key(*context) for context in [(1, "a"), (2, "a"), (1, "b"), (1, "a", "b")]}
    assert len(keys) == 4
    assert all(len(key) == 32 for key in keys)


def test_a_method_that_breaks_its_promise_is_named() -> None:
    class Flat(XorMethod):
        name = "flat"

        def protect(self, original: np.ndarray, cover: np.ndarray, key: bytes) -> np.ndarray:
            return cover[:, :, 0]

    class Raising(XorMethod):
        name = "raising"

        def recover(self, protected: np.ndarray, key: bytes) -> np.ndarray:
            raise RuntimeError("no such key")

    for method, message in ((Flat(), "flat.*shape"), (Raising(), "raising.*no such key")):
        with pytest.raises(UsageError, match=message):
            quality.run_trial(method, samples(1)[0], picture(3), "stored", 1)


@pytest.mark.parametrize(("protected", "kib"), [(54, 26), (50, 42), (46, 58), (42, 74)])
def test_the_capacity_bound_is_the_designs(protected: float, kib: float) -> None:
    assert bits_per_sample(protected) * 256 * 256 * 3 / 8 / 1024 == pytest.approx(kib, abs=0.6)


def test_nothing_carries_more_than_the_bound() -> None:
    uniform = {3: 2 / 3, 5: 2.0}  # mean square of a change uniform over -1..1, -2..2
    for modulus, variance in uniform.items():
        at = 10 * np.log10(255**2 / variance)
        assert carried_bits(256 * 256 * 3, modulus) <= bits_per_sample(at)
    assert bits_per_sample(10 * np.log10(255**2 / 0.5)) > 1  # one bit plane


def test_more_room_brings_back_more() -> None:
    model, face = SecureMethod().model, picture(1, 128)
    assert recovered_by_coder(model, [face], 0.5) < recovered_by_coder(model, [face], 2.0)
    flat = np.full_like(face, 128)
    assert recovered_gaussian(face, flat, 0.5) < recovered_gaussian(face, flat, 2.0)


def test_water_filling_of_white_noise_is_the_gaussian_rate() -> None:
    noise = np.clip(np.random.default_rng(1).normal(128, 20, (128, 128, 3)), 0, 255)
    for bits in (0.5, 2.0):
        found = recovered_gaussian(noise.astype(np.uint8), np.full((128, 128, 3), 128, np.uint8), bits)
        assert found == pytest.approx(10 * np.log10(255**2 / (400 * 2 ** (-2 * bits))), abs=0.15)


def test_the_published_system_is_a_peer(tmp_path) -> None:
    torch = pytest.importorskip("torch")
    from proface_lab.evaluation.peers import PaperPeer
    from proface_lab.training.paper.network import PaperFlow

    torch.manual_seed(1)
    peer = PaperPeer(PaperFlow(), "paper-test", 0)
    assert peer.parameters == 1_073_040
    assert peer.macs(256, 256) == pytest.approx(17.55e9, rel=1e-3)
    assert isinstance(peer, FloatMethod)
    original, cover = covered(32)
    floats = peer.protect_float(original, cover, RIGHT)
    assert floats.dtype == np.float32
    np.testing.assert_array_equal(np.rint(np.clip(floats * 255, 0, 255)), peer.protect(original, cover, RIGHT))
    rounded = np.clip(np.rint(peer.recover_float(floats, RIGHT) * 255), 0, 255)
    assert np.abs(rounded - peer.recover((floats * 255).astype(np.float32), RIGHT)).max() <= 1
    assert not np.array_equal(peer.key_map(RIGHT, (32, 32)), peer.key_map(WRONG, (32, 32)))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("runs/paper-randwr/checkpoint.pt", "paper-randwr"),
        ("configs/paper-obfswr.checkpoint.pt", "paper-obfswr"),
        ("elsewhere/mine.pt", "paper-mine"),
    ],
)
def test_a_peer_is_named_after_its_run(path: str, name: str) -> None:
    assert paper_name(Path(path)) == name
