"""The vectors of docs/reference/flow.md, read by the second reader alone: nothing of the program is used here."""

from __future__ import annotations

import json
from typing import Any

import make_flow
import numpy as np
import pytest
from make_flow import FINE, HERE, MODEL, WEIGHTS, reader

FACES = json.loads((HERE / "faces.json").read_text(encoding="ascii"))
FINE_FACES = json.loads((HERE / FINE / "faces.json").read_text(encoding="ascii"))


@pytest.fixture(scope="module")
def model() -> reader.Model:
    return reader.Model.load(MODEL)


@pytest.fixture(scope="module")
def fine_model() -> reader.Model:
    return reader.Model.load(WEIGHTS / FINE)


def name_of(face: dict[str, Any]) -> str:
    return f"{face['file']}-{face['box'][0]}-{face['face_key'][:4]}"


def as_stored(value: Any) -> Any:
    return json.loads(json.dumps(value))


def test_coder(model: reader.Model) -> None:
    stored = json.loads((HERE / "coder.json").read_text(encoding="ascii"))
    assert as_stored(make_flow.coder(model)) == stored
    stack = reader.Stack(stored["stream"]["words"])
    for kind, symbol in stored["stream"]["symbols"]:
        found = stack.read(make_flow.cumulative(model, kind))
        assert found == symbol
    assert stack.intact


def test_fine_coder(fine_model: reader.Model) -> None:
    stored = json.loads((HERE / FINE / "coder.json").read_text(encoding="ascii"))
    assert as_stored(make_flow.fine_coder(fine_model)) == stored
    stack = reader.Stack(stored["stream"]["words"])
    for kind, symbol in stored["stream"]["symbols"]:
        assert stack.read(make_flow.cumulative(fine_model, kind)) == symbol
    assert stack.intact


@pytest.mark.parametrize("name", reader.GRAPHS)
def test_graphs(model: reader.Model, name: str) -> None:
    stored = json.loads((HERE / "graphs.json").read_text(encoding="ascii"))[name]
    planes = np.array(stored["planes"], np.int64).reshape(stored["shape"])
    np.testing.assert_array_equal(model.graphs[reader.GRAPHS.index(name)].run(planes), stored["answers"])


@pytest.mark.parametrize("stored", FACES, ids=name_of)
def test_faces(model: reader.Model, stored: dict[str, Any]) -> None:
    inputs = {name: stored[name] for name in ("file", "box", "reserved", "face_key", "cover_mode") if name in stored}
    found = as_stored(make_flow.face(inputs, model))
    assert {name: found[name] for name in stored} == stored


@pytest.mark.parametrize(
    "stored", FINE_FACES, ids=lambda face: f"{face['file']}-{face['box'][0]}-{face['face_key'][:4]}"
)
def test_fine_faces(fine_model: reader.Model, stored: dict[str, Any]) -> None:
    test_faces(fine_model, stored)


def test_fine_faces_show_steps_between_sixteenths() -> None:
    assert any(face["step"] % 16 for face in FINE_FACES if face["picture"])
    assert {face["modulus"] for face in FINE_FACES} == {3, 5}


def test_they_show_every_branch(model: reader.Model) -> None:
    """Escapes, plain bits, both bases, odd sides and steps, reserved samples, one level and several, a wrong key."""
    (patch,) = [face for face in FACES if face["file"] == "patch.png"]
    key = bytes.fromhex(patch["face_key"])
    _, trace = reader.estimate(make_flow.region_of(patch), patch["reserved"], key, model)
    assert trace is not None
    ratios = [s.scales - ((trace.step - 16 - 16 * s.level) >> 1) for s in trace.stages]
    assert any(((np.abs(s.values) > 64) & (ratio <= 24)).any() for s, ratio in zip(trace.stages, ratios, strict=True))
    assert any((ratio > 24).any() for ratio in ratios)
    assert {face["modulus"] for face in FACES} == {3, 5}
    assert {len(face["levels"]) for face in FACES if "levels" in face} >= {2, 4, 5}
    assert any(side % 2 for face in FACES for level in face.get("levels", ()) for side in level)
    assert {face["step"] % 2 for face in FACES if face["picture"]} == {0, 1}
    assert {face["picture"] for face in FACES} == {True, False}
    assert {face["reserved"] > 0 for face in FACES} == {True, False}
