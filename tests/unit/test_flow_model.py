"""The shipped model: refused when altered, independent of tiling and batching, good with the key and noise without."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from proface_s import obfuscate
from proface_s.api.protecting import psnr
from proface_s.errors import ModelError, UsageError
from proface_s.flow.model import DEFAULT_MODEL, FlowModel, read_card, shipped_models, with_headroom
from proface_s.keys.secret import FaceKey
from proface_s.types import Style, UInt8Image

WEIGHTS = shipped_models() / DEFAULT_MODEL


@pytest.fixture(scope="module")
def model() -> FlowModel:
    return FlowModel()


@pytest.fixture(scope="module")
def portrait() -> UInt8Image:
    """(200, 168, 3): the public-domain portrait that scikit-image ships, head and shoulders."""
    data = pytest.importorskip("skimage.data")
    return np.ascontiguousarray(data.astronaut()[10:210, 140:308])


def hide(model: FlowModel, original: UInt8Image, key: FaceKey, style: str = "blur") -> tuple[UInt8Image, UInt8Image]:
    cover = with_headroom(obfuscate.cover(original, Style(style)))
    return cover, model.protect([original], [cover], [key])[0]


@pytest.mark.parametrize("style", ["blur", "median", "pixelate", "solid"])
def test_the_key_brings_the_face_back_and_another_gives_noise(
    model: FlowModel, portrait: UInt8Image, style: str
) -> None:
    key = FaceKey.generate()
    cover, protected = hide(model, portrait, key, style)
    assert psnr(protected, cover) > 39.5
    assert psnr(model.recover([protected], [key])[0], portrait) > 34
    wrong = model.recover([protected], [FaceKey.generate()])[0]
    assert psnr(wrong, portrait) < 11
    assert psnr(wrong, portrait) < psnr(cover, portrait) - 2


def test_a_sticker_comes_back_recognisably(model: FlowModel, portrait: UInt8Image) -> None:
    key = FaceKey.generate()
    cover, protected = hide(model, portrait, key, "mask")
    assert psnr(protected, cover) > 39.5
    assert psnr(model.recover([protected], [key])[0], portrait) > 24


def test_one_changed_key_bit_is_as_wrong_as_any_key(model: FlowModel, portrait: UInt8Image) -> None:
    key = FaceKey.generate()
    _, protected = hide(model, portrait, key)
    for bit in (0, 100, 255):
        raw = bytearray(key.reveal())
        raw[bit // 8] ^= 1 << bit % 8
        recovered = model.recover([protected], [FaceKey(bytes(raw))])[0]
        quarters = [(slice(0, 100), slice(0, 84)), (slice(100, 200), slice(84, 168))]
        assert all(psnr(recovered[q], portrait[q]) < 11 for q in quarters)


def test_the_same_face_under_two_keys_differs_everywhere(model: FlowModel, portrait: UInt8Image) -> None:
    first, second = (hide(model, portrait, FaceKey.generate())[1] for _ in range(2))
    changed = (first != second).any(axis=2)
    assert min(changed[:100].mean(), changed[100:].mean()) > 0.6


def test_tiles_and_batches_do_not_change_a_pixel(model: FlowModel, portrait: UInt8Image) -> None:
    keys = [FaceKey.generate() for _ in range(3)]
    originals = [portrait, np.ascontiguousarray(portrait[::-1]), np.ascontiguousarray(portrait[:50, :38])]
    covers = [with_headroom(obfuscate.cover(o, Style("blur"))) for o in originals]
    together = model.protect(originals, covers, keys)
    for i in range(3):
        alone = model.protect([originals[i]], [covers[i]], [keys[i]], tile=64)[0]
        np.testing.assert_array_equal(together[i], alone)
    recovered = model.recover(together, keys)
    tiled = model.recover(together, keys, tile=48)
    for a, b in zip(recovered, tiled, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("size", [(8, 8), (8, 120), (18, 22), (46, 30)])
def test_any_even_size(model: FlowModel, portrait: UInt8Image, size: tuple[int, int]) -> None:
    original = np.ascontiguousarray(portrait[40 : 40 + size[0], 30 : 30 + size[1]])
    key = FaceKey.generate()
    cover, protected = hide(model, original, key, "solid")
    assert protected.shape == original.shape
    assert psnr(protected, cover) > 36
    assert model.recover([protected], [key])[0].shape == original.shape


@pytest.mark.parametrize("shape", [(9, 8, 3), (8, 8, 4), (6, 8, 3)])
def test_other_shapes_are_refused(model: FlowModel, shape: tuple[int, ...]) -> None:
    region = np.zeros(shape, np.uint8)
    with pytest.raises(ValueError, match="regions must"):
        model.recover([region], [FaceKey.generate()])


@pytest.mark.parametrize("name", ["protect.onnx", "recover.onnx", "profiles.npy"])
def test_an_altered_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(WEIGHTS, tmp_path / "model")
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ModelError, match="altered"):
        FlowModel(folder)
    (folder / name).unlink()
    with pytest.raises(ModelError, match="missing"):
        FlowModel(folder)


def test_an_altered_card_is_another_model(tmp_path: Path) -> None:
    folder = shutil.copytree(WEIGHTS, tmp_path / "model")
    record = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**record, "name": "other"}))
    assert read_card(folder).model_id != read_card(WEIGHTS).model_id
    (folder / "card.json").write_text("{}")
    with pytest.raises(ModelError):
        read_card(folder)


def test_the_card_says_where_the_weights_come_from() -> None:
    record = read_card(WEIGHTS).record
    for field in ("data", "licence", "command", "hardware", "measures", "steps", "config", "files"):
        assert record.get(field), field


def test_threads_must_be_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFACE_THREADS", "many")
    with pytest.raises(UsageError, match="PROFACE_THREADS"):
        FlowModel()
