"""Training of the face codec: each part against an independent computation, and a tiny run from faces to files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from proface_lab.training.face_codec import fitting  # noqa: E402
from proface_lab.training.face_codec.bases import Metric, TrainedPlane, halves, pixel_weights  # noqa: E402
from proface_lab.training.face_codec.counting import count_numbers  # noqa: E402
from proface_lab.training.face_codec.export import export_codec, restorer  # noqa: E402
from proface_lab.training.face_codec.fitting import divide  # noqa: E402
from proface_lab.training.face_codec.network import RestoringNetwork  # noqa: E402
from proface_lab.training.face_codec.recognisers import TorchRecogniser  # noqa: E402
from proface_lab.training.face_codec.run import Settings, train_face_codec  # noqa: E402
from proface_lab.training.face_codec.tables import expected_shares, make_frequencies  # noqa: E402
from proface_lab.training.face_codec.views import STORED, degrade, draw_views  # noqa: E402
from proface_s.errors import UsageError  # noqa: E402
from proface_s.robust.face_codec import decode_face, encode_face, weights  # noqa: E402
from proface_s.robust.face_codec import restorer as product  # noqa: E402
from proface_s.robust.face_codec.integer_code import TOTAL  # noqa: E402

POINTS = [[12.0, 14.0], [22.0, 14.0], [17.0, 20.0], [13.0, 25.0], [21.0, 25.0]]


def write_recogniser(folder: Path, kind: str = "Relu") -> tuple[Path, Path]:
    """Write a tiny recogniser of 32x32 faces with random weights, and its card."""
    rng = np.random.default_rng(1)
    arrays = {"w": rng.normal(0, 0.02, (8, 3, 5, 5)), "b": rng.normal(0, 1, 8), "g": rng.normal(0, 0.1, (16, 8 * 49))}
    arrays["h"] = np.zeros(16)
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["a"], strides=[4, 4], pads=[0, 0, 0, 0], kernel_shape=[5, 5]),
        helper.make_node(kind, ["a"], ["c"]),
        helper.make_node("Add", ["c", "c"], ["d"]),
        helper.make_node("Flatten", ["d"], ["e"]),
        helper.make_node("Gemm", ["e", "g", "h"], ["y"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 16])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in arrays.items()],
    )
    model, card = folder / "tiny.onnx", folder / "tiny.json"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(model))
    card.write_text(json.dumps({"name": "tiny", "size": [32, 32], "points": POINTS}), encoding="utf-8")
    return model, card


def stored_faces(count: int) -> np.ndarray:
    """Draw faces: an oval with eyes and a mouth in changing places and colours."""
    rng, faces = np.random.default_rng(3), []
    y, x = np.mgrid[:STORED, :STORED] / STORED
    for _ in range(count):
        face = np.empty((3, STORED, STORED))
        skin, back = rng.uniform(90, 230, 3), rng.uniform(0, 255, 3)
        inside = ((x - 0.5) / 0.3) ** 2 + ((y - 0.5) / rng.uniform(0.35, 0.45)) ** 2 < 1
        face[:] = np.where(inside, skin[:, None, None], back[:, None, None])
        for ex in (0.38, 0.62):
            eye = ((x - ex) / 0.05) ** 2 + ((y - 0.42) / rng.uniform(0.01, 0.04)) ** 2 < 1
            face[:, eye] = rng.uniform(0, 80)
        mouth = ((x - 0.5) / rng.uniform(0.05, 0.12)) ** 2 + ((y - 0.68) / 0.02) ** 2 < 1
        face[:, mouth] = rng.uniform(0, 150)
        faces.append(np.clip(face + rng.normal(0, 5, face.shape), 0, 255))
    return np.array(faces, np.uint8)


def test_a_recogniser_gives_what_another_runtime_gives(tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    model, card = write_recogniser(tmp_path)
    recogniser = TorchRecogniser(model, card)
    squares = torch.rand(2, 3, 128, 128) * 255
    looks = recogniser.looks(2, jitter=False)
    found, features = recogniser(squares, looks)
    inputs = torch.nn.functional.grid_sample(squares, looks, padding_mode="border", align_corners=False).numpy()
    session = runtime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    wanted = np.stack([session.run(None, {"x": each[None]})[0][0] for each in inputs])
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert np.allclose(found.detach().numpy(), wanted, atol=1e-5)
    assert features


def test_a_recogniser_sees_the_points_of_its_card_where_our_square_has_them(tmp_path: Path) -> None:
    recogniser = TorchRecogniser(*write_recogniser(tmp_path))
    grid = recogniser.looks(1, jitter=False)[0].numpy()
    eyes = [(grid[14, 12] + 1) / 2, (grid[14, 22] + 1) / 2]
    assert np.abs(np.array(eyes) - [[0.35, 0.4], [0.65, 0.4]]).max() < 0.06


def test_unknown_operations_are_refused(tmp_path: Path) -> None:
    model, card = write_recogniser(tmp_path, "Sigmoid")
    with pytest.raises(UsageError, match="Sigmoid"):
        TorchRecogniser(model, card)


def test_components_are_those_of_the_metric() -> None:
    """Analysis undoes synthesis, and the components of random planes are uncorrelated with the told deviations."""
    torch.manual_seed(0)
    mix = torch.randn(64, 64, dtype=torch.float64)
    planes = (torch.randn(4000, 64, dtype=torch.float64) @ mix).reshape(-1, 8, 8)
    planes = torch.cat([planes, planes.flip(2)])
    parts = halves(planes)
    covariance = tuple(part.T @ part / len(planes) for part in parts)
    forms = [torch.eye(32, dtype=torch.float64) + torch.diag(torch.rand(32, dtype=torch.float64)) for _ in range(2)]
    roots = [(form**0.5, torch.diag(torch.diag(form) ** -0.5)) for form in forms]
    plane = TrainedPlane(covariance, torch.zeros(8, 8, dtype=torch.float64), 20, roots)
    values = plane.analyse(planes.float())
    again = plane.analyse(plane.synthesise(values))
    assert torch.allclose(values, again, atol=1e-3)
    found = (values.T @ values / len(values)).detach()
    told = torch.exp(2 * plane.ls).detach()
    assert torch.allclose(torch.diag(found), told, rtol=1e-3)
    assert (found - torch.diag(torch.diag(found))).abs().max() < 1e-3 * told.max()
    assert 0 < plane.even < 20


def test_the_metric_is_a_mean_square_plus_what_recognisers_see() -> None:
    blank = torch.zeros(2048, 2048, dtype=torch.float64)
    seen = blank.clone()
    seen[0, 0] = 100.0
    differences = torch.randn(3, 64, 64)
    plain = ((differences**2) * pixel_weights(64)).sum((1, 2)) / 4096
    assert torch.allclose(Metric((blank, blank)).mean_square(differences), plain, rtol=1e-4)
    first = halves(differences)[0][:, 0]
    wanted = plain + 4.0 * 100.0 * first**2 / 4096
    assert torch.allclose(Metric((seen, blank)).mean_square(differences), wanted, rtol=1e-4)


def test_faces_of_one_person_stay_on_one_side() -> None:
    rng = np.random.default_rng(0)
    people = np.repeat(rng.normal(size=(40, 64)), 3, axis=0) + rng.normal(0, 0.2, (120, 64))
    vectors = torch.from_numpy(people / np.linalg.norm(people, axis=1, keepdims=True)).float()
    held, folds = divide(vectors, 3, seed=1)
    parts = [held, *folds]
    assert sorted(torch.cat(parts).tolist()) == list(range(120))
    assert all(len(part) % 3 == 0 and len(part) for part in parts)
    assert sum(len({i // 3 for i in part.tolist()}) for part in parts) == 40


def test_a_run_needs_several_people(tmp_path: Path) -> None:
    recogniser = TorchRecogniser(*write_recogniser(tmp_path))
    with pytest.raises(UsageError, match="too few people"):
        train_face_codec(np.repeat(stored_faces(1), 5, axis=0), [recogniser], Settings(seconds=1.0), tmp_path)


def test_views_keep_their_shape_and_range() -> None:
    faces = torch.from_numpy(stored_faces(6))
    still = draw_views(faces, torch.arange(6), jitter=False, light=False)
    assert torch.allclose(still, faces[:, :, 16:-16, 16:-16].float(), atol=1e-2)
    moved = degrade(draw_views(faces, torch.arange(6)))
    assert moved.shape == (6, 3, 128, 128)
    assert moved.min() >= 0
    assert moved.max() <= 255
    assert (moved - still).abs().mean() > 1


def test_tables_hold_what_was_counted() -> None:
    plain = make_frequencies()
    assert (plain.sum(axis=1, dtype=np.int64) == TOTAL).all()
    assert plain.min() >= 1
    assert (np.diff(plain[:, 0].astype(int)) <= 0).all()  # the wider, the fewer zeros
    counts = np.zeros((len(plain), 64))
    counts[100, 3] = 1e9
    counted = make_frequencies(counts)
    assert counted[100, 5] + counted[100, 6] > 0.99 * (TOTAL - 127)
    assert np.array_equal(counted[99], plain[99])
    assert expected_shares(0.05)[0] > 0.999


def test_the_exported_network_answers_as_the_trained_one(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = RestoringNetwork().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_((torch.randn_like(parameter) * 0.03).half().float())
    arrays = {f"net.{name}": value.numpy() for name, value in network.state_dict().items()}
    data = restorer(arrays)
    import cv2

    monkeypatch.setattr(product, "_network", lambda: cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8)))
    monkeypatch.setattr(product, "_calmed", lambda change: change)
    rng = np.random.default_rng(0)
    luma, chroma = rng.uniform(0, 255, (64, 64)).astype(np.float32), rng.normal(0, 20, (2, 16, 16)).astype(np.float32)
    shown, colour = product.restore((luma, chroma), 47.0)
    with torch.no_grad():
        wanted = network(torch.from_numpy(luma)[None, None], torch.from_numpy(chroma)[None], torch.tensor([[47.0]]))
    assert np.abs(shown - wanted[0][0, 0].numpy()).max() < 0.1
    assert np.abs(colour - wanted[1][0].numpy()).max() < 0.1


@pytest.mark.slow
def test_a_tiny_run_makes_a_codec_that_the_package_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(fitting, "SAME_PERSON", 1.1)  # to weights that know nothing, all faces are one person
    recogniser = TorchRecogniser(*write_recogniser(tmp_path))
    faces = stored_faces(40)
    settings = Settings(seconds=2.0, components=(60, 10), folds=2, batch=4, passes=1, rounds=1, alone=0.3)
    lines: list[str] = []
    trained = train_face_codec(faces, [recogniser], settings, tmp_path / "run", lines.append)
    assert (tmp_path / "run" / "weights.npz").exists()
    assert "held out" in lines[-1]
    export_codec(trained.arrays(), tmp_path, {"name": "tiny"}, count_numbers(trained.of_strangers(faces)))
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    for cached in (weights.face_basis, product._network):
        cached.cache_clear()
    pixels = np.ascontiguousarray(faces[0].transpose(1, 2, 0))
    points = np.array([[0.35, 0.4], [0.65, 0.4], [0.5, 0.57], [0.38, 0.72], [0.62, 0.72]]) * 128 + 16
    found = decode_face(encode_face(pixels, 100, points), STORED, STORED)
    square = ((found.pixels.astype(float) - pixels) ** 2).mean(axis=2)
    error = np.sqrt((square * found.opacity).sum() / found.opacity.sum())
    for cached in (weights.face_basis, product._network):
        cached.cache_clear()
    assert error < 35
