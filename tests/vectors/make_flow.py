"""Write the test vectors of docs/reference/flow.md: ``python tests/vectors/make_flow.py``.

Long lists are given by their digests (`digest`), with the first few numbers beside some of them.

Answers of the graphs come from onnxruntime, face keys and pictures from the program, everything between from
`flow_reader`, whose estimates must be the program's, pixel for pixel, before anything is written.  Pictures that exist
are kept: a writer may choose its steps otherwise one day, and they would still be valid files.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "reader")]

import flow_reader as reader  # noqa: E402

from proface_s.silence import load_onnxruntime  # noqa: E402

HERE = Path(__file__).parent / "flow"
WEIGHTS = TESTS.parent / "src" / "proface_s" / "flow" / "weights"
MODEL = WEIGHTS / "secure-2"
FINE = "secure-3"  # has vectors of its own, in a folder of its own
PASSPHRASE = "a golden file opens for ever"
GOLDEN = (
    "protected_v1.png", "protected_v1.webp", "protected_v1.tif", "protected_v1_sidecar.png", "protected_v1_noseal.png",
    "protected_v1_cover.png", "protected_v1_stripped.png", "protected_v1_people.png",
    "protected_v1_alpha.png",
)  # fmt: skip
GOLDEN_FINE = ("protected_v1_secure-3.png",)
STEPS_SHOWN = (0, 1, 8, 15, 16, 80, 159)
FINE_STEPS_SHOWN = (0, 1, 15, 16, 255, 256, 1281, 2559)
ROWS_SHOWN = (0, 24, 32, 56)
DETAILS = (  # step, level, scale, shift, value: halves both ways, odd log steps, plain bits, no value
    (0, 10, 60, 0, 1), (0, 10, 60, 0, -3), (0, 4, -60, 0, 1), (0, 4, -60, 3, -1), (57, 1, 3, -17, -2),
    (57, 2, 3, -17, 0), (159, 1, 60, 999, 4), (3, 3, 41, -5, -900), (80, 4, -60, 64, 1), (0, 1, 400, 0, 123456),
)  # fmt: skip
FINE_DETAILS = (
    (0, 10, 60, 0, 1),
    (1, 10, 60, 0, -3),
    (931, 2, 3, -17, -2),
    (2559, 1, 60, 999, 4),
    (15, 3, 41, -5, -900),
)
COLOURS = (
    (0, 0, 12345), (0, 54321, 0), (452608, 0, 0), (226304, -1, 1), (300001, 100003, -50021), (12345, -185344, 214016),
)  # fmt: skip


def digest(values: npt.ArrayLike, kind: str = "<i4") -> str:
    """First 8 bytes of the SHA-256 of numbers, row-major, as 32-bit little-endian ones."""
    return hashlib.sha256(np.ascontiguousarray(values, np.dtype(kind)).tobytes()).hexdigest()[:16]


def first(values: npt.ArrayLike, count: int = 8) -> list[int]:
    """The first few numbers, for whoever looks for his mistake."""
    return [int(value) for value in np.asarray(values).ravel()[:count]]


def drawn(size: int, low: int, high: int, seed: int) -> npt.NDArray[np.int64]:
    """Numbers low..high from a linear congruential generator, so that no library's generator is needed."""
    found = []
    for _ in range(size):
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        found.append(low + (seed >> 33) % (high - low + 1))
    return np.array(found, np.int64)


def coder(model: reader.Model) -> dict[str, Any]:
    """Steps, tables, digits and a short stream."""
    steps = [reader.step_number(index) for index in range(160)]
    digits = {m: drawn(n, 0, m - 1, m).tolist() for m, n in ((3, 50), (5, 70))}
    symbols = [(160, 55), (444, 300), ("table 0", 64), ("table 30", 129), ("table 56", 1), (1 << 20, 524000), (2, 1)]
    written = [(symbol, cumulative(model, kind)) for kind, symbol in symbols]
    return {
        "steps": {"some": {str(i): steps[i] for i in STEPS_SHOWN}, "sha256": digest(steps)},
        "tables": {
            "some": {str(row): first(model.tables[row], 131) for row in ROWS_SHOWN},
            "sha256": digest(model.tables), "pulls": model.pulls.tolist(),
        },
        "digits": [
            {"modulus": m, "digits": found, "words": reader.digits_to_words(found, m)} for m, found in digits.items()
        ],
        "stream": {"symbols": symbols, "words": reader.write_words(written, 8)},
        "uniform": [
            {"size": k, "quantile": q, "symbol_and_interval": reader.uniform_interval(k, q)}
            for k in (2, 7, 160, 444, 1 << 20) for q in (0, 2**23, 2**24 - 1)
        ],
        "zero_on_top": {
            "words": [5, 123456789, 0], "uniform 1000": reader.Stack([5, 123456789, 0]).many(1000, 9).tolist(),
        },
        "details": [_detail(model, *numbers) for numbers in DETAILS],
        "colours": [{"units": units, "rgb": _colour(units)} for units in COLOURS],
    }  # fmt: skip


def fine_coder(model: reader.Model) -> dict[str, Any]:
    """Steps, tables and a short stream of `FINE`; all else is as in `coder`."""
    steps = [reader.step_number(index, model.per_octave) for index in range(10 * model.per_octave)]
    symbols = [(2560, 931), (444, 300), ("table 0", 64), ("table 30", 129), ("table 56", 1), (1 << 20, 524000)]
    written = [(symbol, cumulative(model, kind)) for kind, symbol in symbols]
    return {
        "steps": {"some": {str(i): steps[i] for i in FINE_STEPS_SHOWN}, "sha256": digest(steps)},
        "tables": {
            "some": {str(row): first(model.tables[row], 131) for row in ROWS_SHOWN},
            "sha256": digest(model.tables), "pulls": model.pulls.tolist(),
        },
        "stream": {"symbols": symbols, "words": reader.write_words(written, 8)},
        "details": [_detail(model, *numbers) for numbers in FINE_DETAILS],
    }  # fmt: skip


def _detail(model: reader.Model, step: int, level: int, scale: int, shift: int, value: int) -> dict[str, int]:
    log_step = 16 * step // model.per_octave - 16 - 16 * level
    ratio, plain, row = (int(array[0]) for array in reader.tables_of(np.array([scale]), log_step))
    pulls = np.array([model.pulls[row] if plain == 0 else 0])
    number = reader.step_number(step, model.per_octave)
    units = reader.detail(np.array([value]), pulls, np.array([shift]), number, level)
    return {
        "step": step, "level": level, "scale": scale, "ratio": ratio, "plain_bits": plain, "table": row, "shift": shift,
        "value": value, "units": int(units[0]),
    }  # fmt: skip


def _colour(units: Sequence[int]) -> list[str]:
    """R, G, B before rounding, as hexadecimal doubles."""
    return [float(value).hex() for value in reader.to_rgb(np.array(units, np.int64).reshape(3, 1, 1)).ravel()]


def cumulative(model: reader.Model, kind: int | str) -> Sequence[int]:
    return reader.uniform(kind) if isinstance(kind, int) else model.tables[int(kind.removeprefix("table "))]


def graphs() -> dict[str, Any]:
    """Planes, small and at their limits, and what onnxruntime makes of them."""
    ort = load_onnxruntime()

    found = {}
    for name, count in zip(reader.GRAPHS, reader.PLANES, strict=True):
        planes = np.zeros((count, 3, 5), np.int64)
        for number in range(count):
            planes[number] = drawn(15, *_range(number), seed=number).reshape(3, 5)
        session = ort.InferenceSession((MODEL / name).read_bytes(), providers=["CPUExecutionProvider"])
        answers = np.floor(session.run(None, {"planes": planes[None].astype(np.float32)})[0][0]).astype(int)
        found[name] = {"shape": list(planes.shape), "planes": first(planes, planes.size), "answers": answers.tolist()}
    return found


def _range(plane: int) -> tuple[int, int]:
    if plane in (12, 13, 14):
        return (-52, 110)
    if plane in (15, 16):
        return {15: (0, 1), 16: (-40, 40)}[plane]
    companded = 6 <= plane < 12 or 20 <= plane < 23 or plane >= 29
    small = plane % 2
    return ((-20, 20) if small else (-126, 126)) if companded else ((-9, 9) if small else (-508, 508))


def faces(entries: Sequence[dict[str, Any]], model: reader.Model) -> list[dict[str, Any]]:
    """Vectors of several faces; of those with the same words only the first shows the steps behind these."""
    found: list[dict[str, Any]] = []
    for entry in entries:
        each = face(entry, model)
        if any(each["words"] == earlier["words"] for earlier in found):
            each = {name: value for name, value in each.items() if name not in ("levels", "coarse", "stages")}
        found.append(each)
    return found


def face(entry: dict[str, Any], model: reader.Model) -> dict[str, Any]:
    """Every step from a region and its key to the estimate."""
    region, key = region_of(entry), bytes.fromhex(entry["face_key"])
    height, width = region.shape[:2]
    modulus = reader.modulus_of(height, width)
    digits = reader.read_digits(region, entry["reserved"], key, modulus)
    words = reader.digits_to_words(digits.tolist(), modulus)
    pixels, trace = reader.estimate(region, entry["reserved"], key, model, cover_mode=entry.get("cover_mode", False))
    found = {
        **entry, "modulus": modulus, "shifts": first(reader.read_shifts(key, 16, modulus), 16),
        "digits": {"count": digits.size, "first": first(digits, 16), "sha256": digest(digits)},
        "words": {"count": len(words), "last": words[-4:], "sha256": digest(words, "<u4")},
        "estimate": hashlib.sha256(pixels.tobytes()).hexdigest(),
    }  # fmt: skip
    if trace is None:
        return {**found, "picture": False}
    return {
        **found, "picture": True, "step": trace.step, "levels": reader.levels(height, width),
        "coarse": [{"first": first(plane), "sha256": digest(plane)} for plane in trace.coarse],
        "stages": [_stage(stage, full=number < 4) for number, stage in enumerate(trace.stages)],
        "state": f"{trace.state:x}", "words_left": len(trace.unread),
    }  # fmt: skip


def _stage(stage: reader.Stage, *, full: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "level": stage.level, "stage": stage.stage, "planes": digest(stage.planes), "shifts": digest(stage.shifts),
        "scales": digest(stage.scales), "values": digest(stage.values),
    }  # fmt: skip
    if full:  # the coarsest level, for whoever looks for his mistake
        found["first"] = {
            "planes": stage.planes[:, 0, 0].tolist(), "shifts": first(stage.shifts), "scales": first(stage.scales),
            "rows": first(stage.rows), "values": first(stage.values),
        }  # fmt: skip
    return found


def region_of(entry: dict[str, Any]) -> reader.Pixels:
    """The protected region of a vector."""
    folder = TESTS / "golden" / "protected" if entry["file"].startswith("protected_v1") else HERE
    with Image.open(folder / entry["file"]) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    x, y, width, height = entry["box"]
    return np.ascontiguousarray(pixels[y : y + height, x : x + width])


def golden_entries(names: Sequence[str] = GOLDEN) -> list[dict[str, Any]]:
    """Faces of the golden files: where they are, and the keys that open them."""
    from proface_s.api import Credentials, face_key
    from proface_s.api.files.io import load
    from proface_s.api.recovery.recover_from_pixels import find_headers
    from proface_s.container.carriers.carrier import from_chunks
    from proface_s.keys.face_key_text import decode_face_key

    keys = json.loads((TESTS / "golden" / "protected" / "protected_v1.keys.json").read_text(encoding="utf-8"))
    entries = []
    for name in names:
        path = TESTS / "golden" / "protected" / name
        picture = load(path)
        carried = any(picture.chunks.values())
        header = from_chunks(picture.chunks, name)[0] if carried else find_headers(picture)[0].header
        for index, record in enumerate(header.faces):
            own = "people" in name
            text = keys[str(index)] if own else face_key(path, index + 1, Credentials.of(PASSPHRASE, []))
            entry = {
                "file": name, "box": [record.box.x, record.box.y, record.box.w, record.box.h],
                "reserved": header.reserved(index), "face_key": decode_face_key(text).key.reveal().hex(),
            }  # fmt: skip
            entries.append(entry | ({"cover_mode": True} if header.wrong_key == "cover" else {}))
    return entries


def originals() -> dict[str, reader.Pixels]:
    """Originals by integer arithmetic: what golden files do not show.

    ``base3.png``: base 3, and odd sides at level 1.  ``smallest.png``: one level only.  ``patch.png``: flat, except for
    noise and a few dots, so that the step is fine and values are large: escapes, and plain low bits.
    """
    y, x = np.mgrid[0:98, 0:110]
    base3 = np.stack([40 + x + y // 2, 200 - y, 90 + (x * y) // 60], axis=2)
    base3[(x - 55) ** 2 + (y - 49) ** 2 < 900] = (224, 172, 140)
    patch = np.full((48, 64, 3), 128, np.int64)
    patch[8:24, 8:24] = drawn(16 * 16 * 3, 0, 255, 7).reshape(16, 16, 3)
    patch[40, 8::9] = (255, 0, 0)
    smallest = np.stack([30 + x[:8] * 2, 60 + 19 * y[:8], 250 - x[:8] * x[:8] % 64], axis=2)
    return {name: array.clip(0, 255).astype(np.uint8) for name, array in (
        ("base3.png", base3), ("patch.png", patch), ("smallest.png", smallest),
    )}  # fmt: skip


def own_entries(model: str = MODEL.name) -> list[dict[str, Any]]:
    """Faces of the pictures of a model, made if they are missing; the last is read with a wrong key."""
    from proface_s.flow.registry import open_model
    from proface_s.keys.secrets import FaceKey

    entries = []
    for number, (name, original) in enumerate(originals().items()):
        height, width = original.shape[:2]
        key, reserved = bytes([number + 1]) * 32, (0, 101, 0)[number]
        name = name if model == MODEL.name else f"{model}/{name}"
        if not (HERE / name).exists():
            cover = np.full_like(original, 120)
            hidden = open_model(model, 1).protect(original, cover, FaceKey(key), reserved=reserved)
            Image.fromarray(hidden).save(HERE / name)
        entries.append({"file": name, "box": [0, 0, width, height], "reserved": reserved, "face_key": key.hex()})
    wrong = bytes(32).hex()
    return [*entries, entries[-1] | {"face_key": wrong}, entries[-1] | {"face_key": wrong, "cover_mode": True}]


def check(found: dict[str, Any], model: str = MODEL.name) -> None:
    """Refuse to write what the program does not say."""
    from proface_s.flow.registry import open_model
    from proface_s.keys.secrets import FaceKey

    key = FaceKey(bytes.fromhex(found["face_key"]))
    mode = "cover" if found.get("cover_mode") else "noise"
    flow = open_model(model, 1)
    pixels = flow.recover(region_of(found), key, reserved=found["reserved"], wrong_key=mode).image
    if hashlib.sha256(pixels.tobytes()).hexdigest() != found["estimate"]:
        raise SystemExit(f"{found['file']}: the program reads something else")


def write(name: str, content: Any) -> None:
    """One file, an entry a line."""
    if isinstance(content, dict):
        lines = [f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in content.items()]
        text = "{" + ",\n".join(lines) + "}\n"
    else:
        text = "[" + ",\n".join(json.dumps(value, separators=(",", ":")) for value in content) + "]\n"
    (HERE / name).write_text(text, encoding="ascii")


def main() -> None:
    HERE.mkdir(exist_ok=True)
    model = reader.Model.load(MODEL)
    found = faces([*golden_entries(), *own_entries()], model)
    for each in found:
        check(each)
    write("coder.json", coder(model))
    write("graphs.json", graphs())
    write("faces.json", found)
    (HERE / FINE).mkdir(exist_ok=True)
    model = reader.Model.load(WEIGHTS / FINE)
    found = faces([*golden_entries(GOLDEN_FINE), *own_entries(FINE)], model)
    for each in found:
        check(each, FINE)
    write(f"{FINE}/coder.json", fine_coder(model))
    write(f"{FINE}/faces.json", found)


if __name__ == "__main__":
    main()
