"""Every vector of the flow: tables, symbols, the answers of the networks, and each step from a face key to a face."""

from __future__ import annotations

import json
from collections import defaultdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from .container import carriers
from .container.areas import cut
from .flow import estimate as flow
from .flow import model_files, planes, words
from .flow.coder import TOTAL, Decoder

FOLDER = Path(__file__).parents[1] / "vectors/flow"
GOLDEN = Path(__file__).parents[1] / "golden/protected"
FOLDERS = {"secure-2": FOLDER, "secure-3": FOLDER / "secure-3"}


def vectors(model: str, file: str) -> Any:
    """The content of a JSON file of a model's vectors."""
    return json.loads((FOLDERS[model] / file).read_text(encoding="utf-8"))


FACES = [
    pytest.param(model, face, id=f"{model}-{number}-{Path(face['file']).name}")
    for model in FOLDERS
    for number, face in enumerate(vectors(model, "faces.json"))
]
CODERS = pytest.mark.parametrize(("model", "vector"), [(model, vectors(model, "coder.json")) for model in FOLDERS])


def digest(numbers: ArrayLike) -> str:
    """How the vectors shorten long lists: 16 digits of the SHA-256 of 32-bit little-endian integers."""
    return sha256(np.asarray(numbers).astype("<u4").tobytes()).hexdigest()[:16]


@CODERS
def test_steps_and_tables(model: str, vector: dict[str, Any]) -> None:
    loaded = model_files.load(model)
    scales = [loaded.scale(step) for step in range(10 * loaded.grid)]
    assert {step: scales[int(step)] for step in vector["steps"]["some"]} == vector["steps"]["some"]
    assert digest(scales) == vector["steps"]["sha256"]
    assert {b: list(loaded.tables[int(b)]) for b in vector["tables"]["some"]} == vector["tables"]["some"]
    assert digest(loaded.tables) == vector["tables"]["sha256"]
    assert list(loaded.pulls) == vector["tables"]["pulls"]


@CODERS
def test_stream(model: str, vector: dict[str, Any]) -> None:
    decoder = Decoder(vector["stream"]["words"])
    for kind, symbol in vector["stream"]["symbols"]:
        if isinstance(kind, int):
            assert decoder.uniform(kind) == symbol
        else:
            assert decoder.table(model_files.load(model).tables[int(kind.removeprefix("table "))]) == symbol
    assert decoder.intact


@CODERS
def test_details(model: str, vector: dict[str, Any]) -> None:
    loaded = model_files.load(model)
    for case in vector["details"]:
        step, level = case["step"], case["level"]
        log = planes.log_step(step, loaded.grid, level)
        ratio, plain, table = (int(n[0]) for n in planes.tables_of(np.array([case["scale"]]), log))
        assert (ratio, plain, table) == (case["ratio"], case["plain_bits"], case["table"])
        pull = np.array([0 if plain else loaded.pulls[table]])
        value, shift = np.array([case["value"]]), np.array([case["shift"]])
        assert planes.detail_units(value, pull, shift, loaded.scale(step), level) == [case["units"]]


def test_uniform_symbols() -> None:
    for case in vectors("secure-2", "coder.json")["uniform"]:
        size, (symbol, start, end) = case["size"], case["symbol_and_interval"]
        # A state of 2^56 + q is read as q; what is left of it shows both ends of the interval.
        decoder = Decoder([0, (1 << 24)])
        decoder.state = (1 << 56) + case["quantile"]
        assert decoder.uniform(size) == symbol
        assert decoder.state == (end - start << 32) + case["quantile"] - start
    assert end == TOTAL


def test_zero_on_top_counts_as_one() -> None:
    case = vectors("secure-2", "coder.json")["zero_on_top"]
    decoder = Decoder(case["words"])
    assert [decoder.uniform(1000) for _ in case["uniform 1000"]] == case["uniform 1000"]


def test_digits_spell_words() -> None:
    for case in vectors("secure-2", "coder.json")["digits"]:
        assert words.words(np.array(case["digits"]), case["modulus"]) == case["words"]


def test_colours() -> None:
    for case in vectors("secure-2", "coder.json")["colours"]:
        found = planes.colours(np.array(case["units"]).reshape(3, 1, 1))
        assert found.reshape(-1).tolist() == [float.fromhex(value) for value in case["rgb"]]


@pytest.mark.parametrize("file", [f"{stage}.onnx" for stage in model_files.STAGES])
def test_network(file: str) -> None:
    case = vectors("secure-2", "graphs.json")[file]
    network = model_files.load("secure-2").networks[model_files.STAGES.index(file.removesuffix(".onnx"))]
    assert network.answer(np.array(case["planes"]).reshape(case["shape"])).tolist() == case["answers"]


@pytest.mark.parametrize(("model", "vector"), FACES)
def test_face(model: str, vector: dict[str, Any]) -> None:
    path = FOLDER / vector["file"]
    picture = carriers.pixels((path if path.exists() else GOLDEN / vector["file"]).read_bytes())
    region, key, reserved = cut(picture.rgb, vector["box"]), bytes.fromhex(vector["face_key"]), vector["reserved"]
    base = words.modulus(region.shape[0], region.shape[1])
    assert base == vector["modulus"]
    assert words.shifts(key, 16, base).tolist() == vector["shifts"]
    digits = words.digits(region, reserved, key)
    short = {"count": len(digits), "first": digits[:16].tolist(), "sha256": digest(digits)}
    assert short == vector["digits"]
    code = words.words(digits, base)
    assert {"count": len(code), "last": code[-4:], "sha256": digest(code)} == vector["words"]

    seen: dict[str, list[Any]] = defaultdict(list)
    loaded = model_files.load(model)
    estimate = flow.read_region(
        region, reserved, key, loaded, vector.get("cover_mode", False), lambda name, value: seen[name].append(value)
    )
    assert estimate.picture == vector["picture"]
    assert sha256(estimate.rgb.tobytes()).hexdigest() == vector["estimate"]
    if estimate.picture:
        assert seen["step"] == [vector["step"]]
        assert estimate.decoder is not None
        assert estimate.decoder.intact
        assert f"{estimate.decoder.state:x}" == vector["state"]
        assert len(estimate.decoder.stack) == vector["words_left"]
    if "stages" in vector:
        check_stages(region.shape, vector, seen)


def check_stages(shape: tuple[int, ...], vector: dict[str, Any], seen: dict[str, list[Any]]) -> None:
    """Sizes of the levels, coarse symbols, and what goes into and comes out of each stage."""
    assert [list(size) for size in planes.sizes(shape[0], shape[1])] == vector["levels"]
    coarse = [{"first": symbols[:8].tolist(), "sha256": digest(symbols)} for symbols in seen["coarse"]]
    assert coarse == vector["coarse"]
    assert len(seen["stage"]) == len(vector["stages"])
    for (level, stage, inputs, shifts, scales, tables, values), expected in zip(
        seen["stage"], vector["stages"], strict=True
    ):
        found = {"level": level, "stage": stage, "planes": digest(inputs), "shifts": digest(shifts)}
        found |= {"scales": digest(scales), "values": digest(values)}
        if "first" in expected:
            eight = {"shifts": shifts, "scales": scales, "rows": tables, "values": values}
            first = {name: numbers[:8].tolist() for name, numbers in eight.items()}
            found["first"] = {"planes": inputs[:, 0, 0].tolist(), **first}
        assert found == expected
