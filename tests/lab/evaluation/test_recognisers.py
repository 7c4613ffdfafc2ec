"""Recognisers: dlib's on a real public-domain face, ONNX ones by their cards; LPIPS is never downloaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paths_kit import ROOT
from proface_lab.commands.hints import HINTS
from proface_lab.evaluation.measures import perceptual
from proface_lab.evaluation.measures.recognisers import (
    DlibRecogniser,
    Locator,
    OnnxRecogniser,
    RecogniserCard,
    load_recognisers,
)
from proface_s.cli.hints import command_line_hint
from proface_s.errors import UsageError
from proface_s.hints import filled_hint
from proface_s.types import Box

from ..kit import MiddleLocator, picture

POINTS = [[10, 10], [22, 10], [16, 16], [11, 22], [21, 22]]


def write_card(folder: Path, **changes: Any) -> Path:
    path = folder / "card.json"
    path.write_text(json.dumps({"name": "mean", "size": [32, 32], **changes}))
    return path


def write_model(folder: Path, layout: str = "NCHW") -> Path:
    """Write an ONNX file that returns its input, flattened."""
    onnx = pytest.importorskip("onnx")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    shape = [1, 3, 32, 32] if layout == "NCHW" else [1, 32, 32, 3]
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["x"], ["y"])], "same",
        [helper.make_tensor_value_info("x", floats, shape)], [helper.make_tensor_value_info("y", floats, [1, 3072])],
    )  # fmt: skip
    path = folder / "model.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_the_card_decides_what_the_network_sees(tmp_path: Path, layout: str, channels: str) -> None:
    path = write_model(tmp_path, layout)
    card = RecogniserCard.read(write_card(tmp_path, layout=layout, channels=channels, mean=128, scale=0.5))
    recogniser = OnnxRecogniser(path, card, MiddleLocator())  # type: ignore[arg-type]
    image = np.zeros((64, 64, 3), np.uint8)
    image[..., 0], image[..., 1] = 200, 100
    found = recogniser.embed(image)
    assert found is not None
    planes = found.reshape(3, -1) if layout == "NCHW" else found.reshape(-1, 3).T
    wanted = [(200 - 128) / 2, (100 - 128) / 2, (0 - 128) / 2]
    np.testing.assert_allclose(planes.mean(axis=1), wanted if channels == "RGB" else wanted[::-1], atol=1e-4)


def test_five_points_align_and_without_them_the_box_is_cut(tmp_path: Path) -> None:
    path, locator = write_model(tmp_path), Shifted()
    image = picture(3, 96)
    boxed = OnnxRecogniser(path, RecogniserCard.read(write_card(tmp_path)), locator)  # type: ignore[arg-type]
    place = locator.locate(image)
    np.testing.assert_array_equal(boxed.face(image, place), image[40:72, 30:62])
    aligned = OnnxRecogniser(path, RecogniserCard.read(write_card(tmp_path, points=POINTS)), locator)  # type: ignore[arg-type]
    np.testing.assert_allclose(aligned.face(image, place), image[40:72, 30:62], atol=1)
    wide = OnnxRecogniser(path, RecogniserCard.read(write_card(tmp_path, margin=0.5)), locator)  # type: ignore[arg-type]
    assert not np.array_equal(wide.face(image, place), image[40:72, 30:62])


class Shifted(MiddleLocator):
    """Locates every face at (30, 40), with the points of `POINTS`."""

    def locate(self, image: np.ndarray):
        from proface_lab.evaluation.measures.recognisers import FaceLocation

        points = np.zeros((68, 2), np.float32)
        for part, point in zip((slice(36, 42), slice(42, 48), 30, 48, 54), POINTS, strict=True):
            points[part] = np.add(point, (30, 40))
        return FaceLocation(Box(30, 40, 32, 32), points)


def test_similarity_is_cosine_or_minus_the_distance(tmp_path: Path) -> None:
    path = write_model(tmp_path)
    a, b = np.array([1.0, 0, 2], np.float32), np.array([0.5, 1, 1], np.float32)
    cosine, euclidean = (
        OnnxRecogniser(path, RecogniserCard.read(write_card(tmp_path, metric=metric)), MiddleLocator())  # type: ignore[arg-type]
        for metric in ("cosine", "euclidean")
    )
    assert cosine.similarity(a, b) == pytest.approx(2.5 / (5**0.5 * 2.25**0.5))
    assert euclidean.similarity(a, b) == pytest.approx(-np.sqrt(0.25 + 1 + 1))
    both = cosine.similarities(a[None], np.stack([a, b]))[0]
    np.testing.assert_allclose(both, [1, cosine.similarity(a, b)], rtol=1e-6)


@pytest.mark.parametrize(
    "changes",
    [{"size": 32}, {"size": None}, {"channels": "RGBA"}, {"layout": "HWC"}, {"metric": "dot"}, {"points": [[1, 2]]},
     {"unknown": 1}],
)  # fmt: skip
def test_invalid_cards_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="not a recogniser card"):
        RecogniserCard.read(write_card(tmp_path, **changes))


def test_missing_files_are_named(tmp_path: Path) -> None:
    pytest.importorskip("dlib")
    card = write_card(tmp_path)
    (tmp_path / "broken.onnx").write_bytes(b"broken")
    for spec, name in (("gone.onnx", "gone.json"), (f"gone.onnx={card}", "gone.onnx"),
                       (f"{tmp_path}/broken.onnx={card}", "broken.onnx")):  # fmt: skip
        with pytest.raises(UsageError, match=name):
            load_recognisers([spec], MiddleLocator())  # type: ignore[arg-type]


def test_the_cards_of_this_project_can_be_read() -> None:
    cards = [RecogniserCard.read(path) for path in sorted((ROOT / "configs" / "recognisers").glob("*.json"))]
    assert {card.name for card in cards} == {"FaceRes", "MobileFace"}
    assert all(card.source for card in cards)


@pytest.mark.slow
def test_dlib_knows_a_face_again_and_not_its_cover() -> None:
    pytest.importorskip("dlib")
    data = pytest.importorskip("skimage.data")
    from proface_s.covers import apply_style
    from proface_s.types import Style

    face = np.ascontiguousarray(data.astronaut()[0:256, 96:352])
    recogniser = load_recognisers(["dlib"])[0]
    assert isinstance(recogniser, DlibRecogniser)
    place = recogniser.locator.locate(face)
    assert place is not None
    assert recogniser.locator.locate(np.full_like(face, 200)) is None
    assert recogniser.embed(np.full_like(face, 200)) is None
    brighter = np.clip(face.astype(int) + 6, 0, 255).astype(np.uint8)
    first, noisy = recogniser.embed(face), recogniser.embed(brighter, place)
    covered = recogniser.embed(apply_style(face, Style("pixelate")), place)
    assert recogniser.similarity(first, noisy) > -0.3
    assert recogniser.similarity(first, covered) < -0.6
    assert recogniser.similarities(np.stack([first]), np.stack([first, covered])).argmax() == 0
    with pytest.raises(UsageError, match="same name"):
        load_recognisers(["dlib", "dlib"], recogniser.locator)


def test_without_the_extra_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(UsageError, match="dlib") as caught:
        Locator()
    assert "proface-s[eval]" in (command_line_hint(caught.value) or "")


class TestShiftTolerantLpips:
    """The distance, with random weights of the published file's names and shapes."""

    @pytest.fixture
    def weights(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        torch = pytest.importorskip("torch")
        monkeypatch.setenv("TORCH_HOME", str(tmp_path))
        path = tmp_path / "hub" / "checkpoints" / perceptual.ST_WEIGHTS
        path.parent.mkdir(parents=True)
        random = torch.Generator().manual_seed(1)
        blur = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
        state = {"scaling_layer.shift": torch.zeros(1, 3, 1, 1), "scaling_layer.scale": torch.ones(1, 3, 1, 1)}
        for name, size, kernel, before in (
            ("slice1.0", 64, 11, 3),
            ("slice2.5", 192, 5, 64),
            ("slice3.9", 384, 3, 192),
            ("slice4.11", 256, 3, 384),
            ("slice5.13", 256, 3, 256),
        ):
            state[f"net.{name}.weight"] = torch.randn(size, before, kernel, kernel, generator=random) / kernel**2
            state[f"net.{name}.bias"] = torch.zeros(size)
        for layer, size in enumerate((64, 192, 384, 256, 256)):
            state[f"lin{layer}.model.1.weight"] = torch.rand(1, size, 1, 1, generator=random)
        for name, size in (("slice1.1", 64), ("slice2.4", 64), ("slice3.8", 192)):
            state[f"net.{name}.filt"] = blur.expand(size, 1, 3, 3).clone()
        torch.save(state, path)
        return path

    def test_equal_pictures_have_no_distance_and_others_do(self, weights: Path) -> None:
        measure = perceptual.ShiftTolerantLpips()
        picture = np.random.default_rng(1).random((64, 70, 3))
        noisy = np.clip(picture + 0.1, 0, 1)
        assert measure.distance(picture, picture) == 0
        assert measure.distance(picture, noisy) == pytest.approx(measure.distance(noisy, picture))
        assert 0 < measure.distance(picture, noisy) < measure.distance(picture, 1 - picture)

    def test_it_is_taken_only_where_lpips_is_not_to_be_had(self, weights: Path) -> None:
        assert perceptual.available_perceptual() is perceptual.ShiftTolerantLpips
        weights.unlink()
        assert perceptual.available_perceptual() is None
        with pytest.raises(UsageError, match="ST-LPIPS needs"):
            perceptual.ShiftTolerantLpips()

    def test_another_file_is_refused(self, weights: Path) -> None:
        weights.write_bytes(b"not weights")
        with pytest.raises(UsageError, match="does not hold the weights"):
            perceptual.ShiftTolerantLpips()


def test_lpips_is_used_only_where_its_weights_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert not perceptual.lpips_available()
    with pytest.raises(UsageError, match="nothing is downloaded") as caught:
        perceptual.Lpips()
    assert str(tmp_path) in (filled_hint(caught.value.code, caught.value.facts, HINTS) or "")
    monkeypatch.setattr(perceptual, "find_spec", lambda name: object())
    assert not perceptual.lpips_available()
    weights = tmp_path / "hub" / "checkpoints" / "alexnet-owt-7be5be79.pth"
    weights.parent.mkdir(parents=True)
    weights.touch()
    assert perceptual.lpips_available()
