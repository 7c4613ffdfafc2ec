"""The style ``swapper``: a user's own ONNX network, described by a card, runs in place of the donors' painter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proface_s import Session, inspect
from proface_s.cli.main import main
from proface_s.covers import FaceRegion, apply_style, cover_face, get_style, parse_style
from proface_s.covers.face_swap.card import TEMPLATES, read_swapper_card
from proface_s.covers.face_swap.donors import load_donors
from proface_s.covers.face_swap.own_network import alignment, open_swapper, portrait
from proface_s.covers.heads.landmarks import find_mesh
from proface_s.errors import UsageError
from proface_s.faces import reversible_box
from proface_s.types import Box, Face

TIGHT = Face(Box(178, 62, 91, 112), 0.94)
REGION = reversible_box(TIGHT.box, (512, 512))
CARD = {
    "network": "swap.onnx", "size": 64, "template": "ffhq", "output": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
    "identity": {"network": "identity.onnx", "size": 32, "template": "arcface", "channels": "bgr"},
}  # fmt: skip


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make two networks: a negative of the face, tinted by the identity, which is the mean colour of a face."""
    onnx = pytest.importorskip("onnx")
    helper, folder = onnx.helper, tmp_path_factory.mktemp("networks")

    def tensor(name: str, shape: tuple[int, ...]) -> Any:
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    def save(name: str, nodes: list[Any], inputs: list[Any], output: Any, constants: dict[str, np.ndarray]) -> None:
        held = [onnx.numpy_helper.from_array(values, key) for key, values in constants.items()]
        graph = helper.make_graph(nodes, name, inputs, [output], held)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.save(model, str(folder / f"{name}.onnx"))

    weights = np.random.default_rng(3).normal(0, 1, (3, 8)).astype(np.float32)
    save(
        "identity",
        [
            helper.make_node("GlobalAveragePool", ["face"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["vector"]),
        ],
        [tensor("face", (1, 3, 32, 32))],
        tensor("vector", (1, 8)),
        {"weights": weights},
    )
    swap = [
        helper.make_node("MatMul", ["source", "back"], ["tint"]),
        helper.make_node("Reshape", ["tint", "shape"], ["colour"]),
        helper.make_node("Sub", ["grid", "target"], ["negative"]),  # of one size, as most swappers are
        helper.make_node("Add", ["negative", "colour"], ["picture"]),
    ]
    ends = [tensor("target", (1, 3, 64, 64)), tensor("source", (1, 8))], tensor("picture", (1, 3, 64, 64))
    shape = np.array([1, 3, 1, 1], np.int64)
    back = np.ascontiguousarray(weights.T[:, :3] * np.float32(0.04))
    save("swap", swap, *ends, {"back": back, "shape": shape, "grid": np.zeros((1, 3, 64, 64), np.float32)})
    save("same", [helper.make_node("Add", ["target", "nothing"], ["sum"]), helper.make_node(
        "MatMul", ["source", "back"], ["tint"]), helper.make_node("Reshape", ["tint", "shape"], ["colour"]),
        helper.make_node("Add", ["sum", "colour"], ["picture"])], *ends,
        {"back": back * 0, "shape": shape, "nothing": np.zeros((1, 3, 1, 1), np.float32)})  # fmt: skip
    (folder / "broken.onnx").write_bytes(b"no network")
    return folder


@pytest.fixture(scope="module")
def region() -> FaceRegion:
    data = pytest.importorskip("skimage.data")
    return FaceRegion.of(np.ascontiguousarray(data.astronaut(), np.uint8), REGION, [TIGHT])


def card(folder: Path, name: str = "card.json", **changes: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps({**CARD, **changes}))
    return path


def test_the_network_makes_the_new_face(networks: Path, region: FaceRegion) -> None:
    text = f"swapper:{card(networks)}"
    cover = apply_style(region, parse_style(text))
    mesh = find_mesh(region.pixels, region.faces[0])
    assert mesh is not None
    x, y = np.rint(mesh.points[[101, 330, 151], :2]).astype(int).T  # cheeks and forehead
    was, now = region.pixels[y, x].astype(int), cover[y, x].astype(int)
    tint = now + was - 255  # of the identity, alike everywhere
    assert np.ptp(tint, axis=0).max() < 25
    assert not np.array_equal(cover, apply_style(region, parse_style(f"{text}:1")))
    assert np.array_equal(cover, apply_style(region, parse_style(f"{text}:0")))
    made = cover_face(region, parse_style(text))
    assert made.synthetic
    assert made.fallbacks == (None,)


def test_channels_and_normalisation_are_those_of_the_card(networks: Path, region: FaceRegion) -> None:
    """A negative of colours is the same whatever their order; another normalisation of the output is seen."""
    rgb = apply_style(region, parse_style(f"swapper:{card(networks)}"))
    shifted = card(networks, "shifted.json", output={"mean": [0.6, 0.5, 0.5], "std": [0.5, 0.5, 0.5]})
    redder = apply_style(region, parse_style(f"swapper:{shifted}"))
    swapped = card(networks, "bgr.json", channels="bgr", output={"mean": [0.5, 0.5, 0.6], "std": [0.5, 0.5, 0.5]})
    as_bgr = apply_style(region, parse_style(f"swapper:{swapped}"))
    middle = tuple(slice(n // 2 - 4, n // 2 + 4) for n in region.size)
    for made in (redder, as_bgr):
        change = made[middle].astype(float).mean(axis=(0, 1)) - rgb[middle].astype(float).mean(axis=(0, 1))
        assert change[0] > 15


def test_walls_and_profiles_are_blurred_as_ever(networks: Path) -> None:
    wall = np.random.default_rng(1).integers(90, 110, (160, 160, 3)).astype(np.uint8)
    path = card(networks)
    done = Session(threads=1).protect(
        wall, "correct horse battery staple", style=f"swapper:{path}", boxes=(30, 30, 90, 100), faces="none"
    )
    assert done.faces[0].fallback == "landmarks"
    assert inspect(done.data).faces[0].style == "swapper@oval"


@pytest.mark.parametrize("template", TEMPLATES)
def test_an_alignment_moves_the_points_to_their_places(template: str) -> None:
    places = np.array(TEMPLATES[template]) * 112
    angle, scale = 0.4, 2.5
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = alignment(places @ turn.T + [30, 70], TEMPLATES[template], 112)
    moved = (places @ turn.T + [30, 70] - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5
    np.testing.assert_allclose(moved, places, atol=1e-9)


def test_donors_have_portraits_with_landmarks_where_the_face_is() -> None:
    pixels, points = portrait(load_donors(), 5)
    found = find_mesh(pixels, None)
    assert found is not None
    assert np.abs(found.five_points - points).max() < 12


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"size": 96}, "swap.onnx gives (1, 3, 64, 64), not (1, 3, 96, 96)"),
        ({"inputs": {"photo": "picture"}}, "swap.onnx does not take what its card says"),
        ({"identity": {**CARD["identity"], "network": "swap.onnx"}}, "does not take what its card says"),  # type: ignore[dict-item]
        ({"network": "same.onnx"}, "returns the face that it is given"),
        ({"network": "broken.onnx"}, "is no network that OpenCV"),
        ({"network": "missing.onnx"}, "missing.onnx cannot be read"),
        ({"network": 3}, "needs the text 'network'"),
        ({"size": "64"}, "needs 'size'"),
        ({"channels": "grb"}, "neither rgb nor bgr"),
        ({"std": [1, 0, 1]}, "has a zero"),
        ({"mean": [1, 0]}, "not three numbers"),
        ({"template": "passport"}, "neither arcface nor ffhq nor five points"),
        ({"template": [[0.1, 0.2]] * 5}, "names a point twice"),
        ({"identity": [1]}, "'identity' is no JSON object"),
        ({"colour": "red"}, "unknown field 'colour'"),
        ({"output": {"name": "nowhere", **CARD["output"]}}, "does not take what its card says"),  # type: ignore[dict-item]
    ],
)
def test_what_does_not_fit_its_card_is_refused_in_one_line(
    networks: Path, changes: dict[str, Any], reason: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = card(networks, "bad.json", **changes)
    with pytest.raises(UsageError) as caught:
        parse_style(f"swapper:{path}")
    assert reason in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.code == "unusable-swapper"
    capfd.readouterr()
    assert main(["protect", str(tmp_path / "a.png"), "--style", f"swapper:{path}"]) == 2
    told = capfd.readouterr().err
    assert "Traceback" not in told
    assert reason in " ".join(told.split())


@pytest.mark.parametrize("content", ["", "[", "[]", "3", '{"network": 1}', "[" * 60_000])
def test_what_is_no_card_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "card.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"card\.json is no card of a face swapper"):
        read_swapper_card(path)


def test_a_card_is_needed_and_never_read_for_the_service(networks: Path) -> None:
    from proface_s.web.models import StyleModel
    from proface_s.web.operations import about
    from proface_s.web.settings import ServiceSettings

    with pytest.raises(UsageError, match="needs the card"):
        parse_style("swapper")
    with pytest.raises(UsageError, match="card cannot be read"):
        parse_style(f"swapper:{networks / 'nowhere.json'}")
    with pytest.raises(UsageError, match="not offered here"):
        StyleModel(name="swapper", option="card.json").style()
    assert "swapper" not in [style.name for style in about(ServiceSettings()).styles]


def test_a_changed_card_is_read_again(networks: Path) -> None:
    path = card(networks, "changing.json")
    first = open_swapper(path)
    assert open_swapper(path) is first
    card(networks, "changing.json", mean=[0.4, 0.5, 0.5])
    assert open_swapper(path).card.photo.mean[0] == 0.4


def test_the_style_describes_its_option() -> None:
    assert "the path of a card (.json)" in get_style("swapper").describe()
