"""The shipped model: refused when altered, exact in its arithmetic, good with the key and noise without."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from proface_s.covers import apply_style
from proface_s.errors import ModelError, UsageError
from proface_s.flow.cards import DEFAULT_MODEL, read_card, shipped_models
from proface_s.flow.secure import couplings, rate_forecast
from proface_s.flow.secure.face_code import FaceCoder
from proface_s.flow.secure.model import FREQUENCIES_NAME, GRAPH_NAMES, TABLES_NAME, SecureFlow
from proface_s.image.measures import psnr
from proface_s.keys.secrets import FaceKey
from proface_s.types import Style, UInt8Image

WEIGHTS = shipped_models() / DEFAULT_MODEL
STYLES = ["blur", "median", "pixelate", "mask", "solid", "swap"]


@pytest.fixture(scope="module")
def model() -> SecureFlow:
    return SecureFlow()


@pytest.fixture(scope="module")
def portrait() -> UInt8Image:
    """(200, 168, 3): the public-domain portrait that scikit-image ships, head and shoulders."""
    data = pytest.importorskip("skimage.data")
    return np.ascontiguousarray(data.astronaut()[10:210, 140:308])


def cover_of(original: UInt8Image, style: str) -> UInt8Image:
    """A cover in the given style; ``swap``: a picture that has nothing to do with the original."""
    if style == "swap":
        data = pytest.importorskip("skimage.data")
        return np.ascontiguousarray(data.chelsea()[20 : 20 + original.shape[0], 90 : 90 + original.shape[1]])
    return apply_style(original, Style(style))


def hide(model: SecureFlow, original: UInt8Image, key: FaceKey, style: str = "blur") -> tuple[UInt8Image, UInt8Image]:
    cover = cover_of(original, style)
    return cover, model.protect(original, cover, key)


@pytest.mark.parametrize("style", STYLES)
def test_the_key_brings_the_face_back_and_another_gives_noise(
    model: SecureFlow, portrait: UInt8Image, style: str
) -> None:
    key = FaceKey.generate()
    cover, protected = hide(model, portrait, key, style)
    assert psnr(protected, cover) > 48.5  # 49.9, less where a sticker is black or white
    assert structural_similarity(protected, cover, channel_axis=2) > 0.985
    recovered = model.recover(protected, key).image
    assert psnr(recovered, portrait) > 42
    assert structural_similarity(recovered, portrait, channel_axis=2) > 0.98
    wrong = model.recover(protected, FaceKey.generate()).image
    assert psnr(wrong, portrait) < 6.5
    assert psnr(wrong, portrait) < psnr(cover, portrait) - 2


def test_a_wrong_key_gives_the_cover_where_that_was_asked_for(model: SecureFlow, portrait: UInt8Image) -> None:
    regions = [portrait, portrait[:32, :40], portrait[100:116, 60:70], np.zeros_like(portrait), portrait | 224]
    originals = [np.ascontiguousarray(region) for region in regions]
    covers = [apply_style(original, Style("pixelate")) for original in originals]
    keys = [FaceKey.generate() for _ in originals]
    protected = [model.protect(*each) for each in zip(originals, covers, keys, strict=True)]
    for region, key in zip(protected, keys, strict=True):
        right = model.recover(region, key, wrong_key="cover").image
        np.testing.assert_array_equal(right, model.recover(region, key).image)
        for _ in range(5):
            wrong = model.recover(region, FaceKey.generate(), wrong_key="cover").image
            np.testing.assert_array_equal(wrong, region)


def test_the_wrong_key_mode_is_checked(model: SecureFlow, portrait: UInt8Image) -> None:
    with pytest.raises(ValueError, match="wrong_key"):
        model.recover(portrait, FaceKey.generate(), wrong_key="panic")


def test_one_changed_key_bit_is_as_wrong_as_any_key(model: SecureFlow, portrait: UInt8Image) -> None:
    key = FaceKey.generate()
    _, protected = hide(model, portrait, key)
    for bit in (0, 100, 255):
        raw = bytearray(key.reveal())
        raw[bit // 8] ^= 1 << bit % 8
        recovered = model.recover(protected, FaceKey(bytes(raw))).image
        quarters = [(slice(0, 100), slice(0, 84)), (slice(100, 200), slice(84, 168))]
        assert all(psnr(recovered[q], portrait[q]) < 7 for q in quarters)


def test_the_same_face_under_two_keys_differs_everywhere(model: SecureFlow, portrait: UInt8Image) -> None:
    first, second = (hide(model, portrait, FaceKey.generate())[1] for _ in range(2))
    changed = (first != second).any(axis=2)
    assert min(changed[:100].mean(), changed[100:].mean()) > 0.9


def test_the_protected_digits_do_not_depend_on_the_face(model: SecureFlow, portrait: UInt8Image) -> None:
    """Two originals, one cover, many keys: the changes have the same distribution, sample by sample."""
    cover = np.full((24, 24, 3), 120, np.uint8)
    originals = [np.ascontiguousarray(portrait[40:64, 60:84]), np.zeros_like(cover)]
    keys = [FaceKey.generate() for _ in range(300)]
    means = []
    for original in originals:
        regions = np.stack([model.protect(original, cover, key) for key in keys]).astype(float) - 120
        assert abs(regions.mean()) < 0.02
        assert regions.var() == pytest.approx(2.0, abs=0.03)
        means.append(regions.mean(axis=0))
    deviation = np.sqrt(2.0 / len(keys))
    for mean in means:
        assert np.abs(mean).max() < 5 * deviation


def test_strips_do_not_change_a_pixel(model: SecureFlow, portrait: UInt8Image, monkeypatch: pytest.MonkeyPatch) -> None:
    key = FaceKey.generate()
    cover, whole = hide(model, portrait, key)
    monkeypatch.setattr(couplings, "STRIP_SITES", 21 * 84)  # an odd number of rows
    np.testing.assert_array_equal(model.protect(portrait, cover, key), whole)
    assert psnr(model.recover(whole, key).image, portrait) > 42


def test_threads_do_not_change_a_pixel(portrait: UInt8Image) -> None:
    key = FaceKey.generate()
    cover = cover_of(portrait, "mask")
    regions = [SecureFlow(threads=n).protect(portrait, cover, key) for n in (1, 2)]
    np.testing.assert_array_equal(*regions)


def test_reserved_samples_are_left_alone(model: SecureFlow, portrait: UInt8Image) -> None:
    key, cover = FaceKey.generate(), cover_of(portrait, "blur")
    protected = model.protect(portrait, cover, key, reserved=1700)
    np.testing.assert_array_equal(protected.ravel()[:1700], cover.ravel()[:1700])
    damaged = protected.copy()
    damaged.ravel()[:1700] = 0
    assert psnr(model.recover(damaged, key, reserved=1700).image, portrait) > 41


@pytest.mark.parametrize("size", [(8, 8), (8, 120), (18, 22), (46, 30)])
def test_any_even_size(model: SecureFlow, portrait: UInt8Image, size: tuple[int, int]) -> None:
    original = np.ascontiguousarray(portrait[40 : 40 + size[0], 30 : 30 + size[1]])
    found = []
    for key in (FaceKey.generate() for _ in range(8)):  # 64 pixels alone have a noise of 0.3 dB from key to key
        cover, protected = hide(model, original, key, "solid")
        found.append(psnr(protected, cover))
        assert psnr(model.recover(protected, key).image, original) > 27
    assert np.mean(found) > 44.5


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_hidden_as_well_as_room_allows(model: SecureFlow, seed: int) -> None:
    rng = np.random.default_rng(seed)
    original = rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)
    key = FaceKey.generate()
    _, protected = hide(model, original, key, "solid")
    assert psnr(model.recover(protected, key).image, original) > 12


@pytest.mark.parametrize("side", [8, 16, 32, 64])
def test_even_black_and_white_noise_is_told_from_what_a_wrong_key_reads(model: SecureFlow, side: int) -> None:
    rng = np.random.default_rng(side)
    original = (rng.integers(0, 2, (side, side, 3)) * 255).astype(np.uint8)
    cover, keys = np.full_like(original, 100), [FaceKey.generate() for _ in range(20)]
    protected = model.protect(original, cover, keys[0])
    assert (model.recover(protected, keys[0], wrong_key="cover").image != protected).any()
    for wrong in keys[1:]:
        np.testing.assert_array_equal(model.recover(protected, wrong, wrong_key="cover").image, protected)


@pytest.mark.parametrize("shape", [(9, 8, 3), (8, 8, 4), (6, 8, 3)])
def test_other_shapes_are_refused(model: SecureFlow, shape: tuple[int, ...]) -> None:
    region = np.zeros(shape, np.uint8)
    with pytest.raises(ValueError, match="regions must"):
        model.recover(region, FaceKey.generate())


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "camera", "brick"])
def test_the_step_is_found_in_few_tries(model: SecureFlow, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = getattr(pytest.importorskip("skimage.data"), name)()[40:196, 60:216]
    region = np.ascontiguousarray(picture if picture.ndim == 3 else np.repeat(picture[:, :, None], 3, axis=2))
    tried, trace = [], FaceCoder._trace
    monkeypatch.setattr(FaceCoder, "_trace", lambda *a, **k: tried.append(a[2]) or trace(*a, **k))  # type: ignore[func-returns-value]
    words = 4000
    step = 16 * model.coder.step_of(model.coder.compress(region, words))
    assert len(tried) <= 3
    exact = replace(model.coder, slack=0.0, aim=0.0, spread=0.0)
    assert 0 <= step - 16 * exact.step_of(exact.compress(region, words)) <= 3  # sixteenths of an octave


def test_a_first_step_is_learned_from_what_suited() -> None:
    rng = np.random.default_rng(4)
    truth = np.append(rng.normal(0, 1, rate_forecast.FEATURES - 1), 60)
    rows = [np.append(rng.normal(0, 2, rate_forecast.FEATURES - 1), 1.0) for _ in range(300)]
    steps = [round(float(row @ truth)) for row in rows]
    steps[7] += 900  # one that nothing foretells
    learned = rate_forecast.solve_rate_forecast(rows, steps)
    np.testing.assert_allclose(learned, truth, atol=0.3)


@pytest.mark.parametrize(
    ("model_name", "name"),
    [*(("secure-2", name) for name in (*GRAPH_NAMES, TABLES_NAME)), ("secure-3", FREQUENCIES_NAME)],
)
def test_an_altered_file_is_refused(tmp_path: Path, model_name: str, name: str) -> None:
    shutil.copytree(shipped_models() / "secure-2", tmp_path / "secure-2")  # has the graphs of both
    folder = tmp_path / model_name
    shutil.copytree(shipped_models() / model_name, folder, dirs_exist_ok=True)
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ModelError, match="altered"):
        SecureFlow(folder)
    (folder / name).unlink()
    with pytest.raises(ModelError, match="missing"):
        SecureFlow(folder)


def test_an_altered_card_is_another_model_unless_it_keeps_its_id(tmp_path: Path) -> None:
    folder = shutil.copytree(WEIGHTS, tmp_path / "model")
    record = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**record, "name": "other"}))
    assert read_card(folder).model_id == read_card(WEIGHTS).model_id == bytes.fromhex(record.pop("model_id"))
    found = set()
    for name in ("other", "yet another"):
        (folder / "card.json").write_text(json.dumps({**record, "name": name}))
        found.add(read_card(folder).model_id)
    assert len(found) == 2
    for bad in ({"model_id": "00ff"}, {"model_id": "no hexadecimal"}, {"model_id": 7}):
        (folder / "card.json").write_text(json.dumps({**record, **bad}))
        with pytest.raises(ModelError):
            read_card(folder)
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
        SecureFlow()


@pytest.mark.parametrize("side", [8, 24, 64, 96, 130])
def test_a_reading_knows_whether_the_code_is_intact(model: SecureFlow, portrait: UInt8Image, side: int) -> None:
    """The coder ends where the writer began, unless a sample that carries code was changed."""
    original, key = np.ascontiguousarray(portrait[20 : 20 + side, 10 : 10 + side]), FaceKey.generate()
    reserved = 40 if side >= 24 else 0
    cover = apply_style(original, Style("pixelate", 4.0))
    protected = model.protect(original, cover, key, reserved=reserved)
    reading = model.recover(protected, key, reserved=reserved)
    assert reading.readable
    assert reading.intact
    assert np.array_equal(reading.image, model.recover(protected, key, reserved=reserved).image)
    rng = np.random.default_rng(side)
    for _ in range(25):  # filler comes first, and the last digits may be left over
        changed = protected.copy()
        place = int(rng.integers(changed.size * 5 // 8, changed.size * 7 // 8))
        changed.ravel()[place] ^= 1
        read = model.recover(changed, key, reserved=reserved)
        assert not read.intact, place
