"""A second reader of the flow, written from docs/reference/flow.md alone: estimates without the program.

It imports nothing of `proface_s`, neither constriction nor onnxruntime.  All arithmetic is on integers, except for the
colours at the end.  It is slow, and easy to check against the document, whose section numbers it quotes.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

Integers = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]

GRAPHS = ("luma-even.onnx", "luma-odd.onnx", "chroma-first.onnx", "chroma-second.onnx")
PLANES = (17, 23, 23, 35)
DETAIL_BANDS = (slice(0, 3), slice(0, 3), slice(3, 9), slice(3, 9))
GROUPS = {3: (12, 19), 5: (22, 51)}  # modulus -> digits, bits
RANGES = ((0, 442), (-181, 362), (-209, 418))  # lowest value and range of Y, Co, Cg
LIMIT = 1 << 24  # units: 16384 grey levels
END = (1 << 32) + 1  # the state that an intact stream leaves
F3, F2, F6 = (float.fromhex(x) for x in ("0x1.279a74590331cp-1", "0x1.6a09e667f3bcdp-1", "0x1.a20bd700c2c3ep-2"))


class NotAPictureError(ValueError):
    """What was read is not a picture: the key is wrong, or the region was changed (section 9)."""


# --- roundings


def half_up(a: Integers, k: int) -> Integers:
    """Integer nearest to a / 2^k, halves upwards."""
    return (a + (1 << (k - 1))) >> k


def half_even(a: Integers, k: int) -> Integers:
    """Integer nearest to a / 2^k, halves to the even one."""
    down = a >> k
    rest, half = a - (down << k), 1 << (k - 1)
    return down + ((rest > half) | ((rest == half) & (down % 2 == 1)))


# --- section 1: pixels to words


def mixing_stream(face_key: bytes, size: int) -> bytes:
    """First bytes of the mixing stream (docs/format.md, section 3)."""
    pseudo = hmac.digest(bytes(32), face_key, "sha256")
    subkey = hmac.digest(pseudo, b"proface-s/v1/mixing\0\1", "sha256")
    return Cipher(algorithms.ChaCha20(subkey, bytes(16)), None).encryptor().update(bytes(size))


def read_shifts(face_key: bytes, count: int, modulus: int) -> Integers:
    """First ``count`` shifts."""
    usable = [byte for byte in mixing_stream(face_key, 2 * count + 256) if byte != 255]
    return np.array(usable[:count], np.int64) % modulus


def read_digits(region: Pixels, reserved: int, face_key: bytes, modulus: int) -> Integers:
    """Digits of a protected region."""
    samples = region.reshape(-1)[reserved:].astype(np.int64)
    return (samples - read_shifts(face_key, samples.size, modulus)) % modulus


def modulus_of(height: int, width: int) -> int:
    """Base of the digits of a region."""
    return 5 if min(height, width) < 96 else 3


def digits_to_words(digits: Sequence[int], modulus: int) -> list[int]:
    """32-bit words that digits stand for."""
    per_group, bits = GROUPS[modulus]
    count = len(digits) // per_group
    string = 0
    for group in reversed(range(count)):
        value = 0
        for digit in reversed(digits[group * per_group : (group + 1) * per_group]):
            value = value * modulus + int(digit)
        string = string << bits | value % (1 << bits)
    words = count * bits // 32
    data = (string % (1 << 32 * words)).to_bytes(4 * words, "little")
    return list(struct.unpack(f"<{words}I", data))


# --- section 2: the coder


class Stack:
    """Words with a state on top of them."""

    def __init__(self, words: Sequence[int]) -> None:
        if len(words) < 2:
            raise NotAPictureError(f"{len(words)} words hold nothing")
        self.words = list(words)
        self.state = (self.words.pop() or 1) << 32
        self.state |= self.words.pop()

    def read(self, cumulative: Sequence[int]) -> int:
        """One symbol under a table."""
        quantile = self.state % (1 << 24)
        symbol = bisect_right(cumulative, quantile) - 1
        self._advance(quantile, cumulative[symbol], cumulative[symbol + 1])
        return symbol

    def read_uniform(self, size: int) -> int:
        """One symbol of an alphabet of equally likely ones."""
        quantile = self.state % (1 << 24)
        symbol, low, high = uniform_interval(size, quantile)
        self._advance(quantile, low, high)
        return symbol

    def many(self, size: int, count: int) -> Integers:
        """``count`` symbols of a uniform alphabet."""
        return np.array([self.read_uniform(size) for _ in range(count)], np.int64)

    @property
    def intact(self) -> bool:
        """Whether this is where an intact stream ends."""
        return self.state == END and all(word == 1 for word in self.words)

    def _advance(self, quantile: int, low: int, high: int) -> None:
        self.state = (high - low) * (self.state >> 24) + quantile - low
        if self.state < 1 << 32 and self.words:
            self.state = self.state << 32 | self.words.pop()


def write_words(symbols: Sequence[tuple[int, Sequence[int]]], count: int) -> list[int]:
    """Inverse of reading: symbols with their cumulative frequencies, in the reader's order, as ``count`` words."""
    state, words = END, []
    for symbol, cumulative in reversed(symbols):
        low, share = cumulative[symbol], cumulative[symbol + 1] - cumulative[symbol]
        if state >> 40 >= share:
            words.append(state % (1 << 32))
            state >>= 32
        state = (state // share << 24) + state % share + low
    words += [state % (1 << 32), state >> 32]
    if len(words) > count:
        raise ValueError(f"{len(words)} words are needed, there are {count}")
    return [1] * (count - len(words)) + words


def uniform_interval(size: int, quantile: int) -> tuple[int, int, int]:
    """Symbol of a uniform alphabet with its interval, without the list of all of them."""
    each = (1 << 24) // size
    symbol = min(quantile // each, size - 1)
    return symbol, symbol * each, (symbol + 1) * each if symbol < size - 1 else 1 << 24


def uniform(size: int) -> list[int]:
    """Cumulative frequencies of a uniform alphabet."""
    return [symbol * ((1 << 24) // size) for symbol in range(size)] + [1 << 24]


def cumulative_table(counts: Sequence[int]) -> list[int]:
    """Cumulative frequencies of one row of the model's counts."""
    total, so_far, found = sum(counts), 0, []
    for symbol, count in enumerate(counts):
        found.append(so_far * ((1 << 24) - len(counts)) // total + symbol)
        so_far += count
    return [*found, 1 << 24]


# --- section 3: sizes and steps


def levels(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes of level 0 to the coarsest one."""
    depth = max(1, (min(height, width) // 4).bit_length() - 1)
    found = [(height, width)]
    for _ in range(depth):
        found.append(((found[-1][0] + 1) // 2, (found[-1][1] + 1) // 2))
    return found


def step_number(index: int, per_octave: int = 16) -> int:
    """S: the integer nearest to 2^(15 + index / per_octave), found without any float."""
    power = 1 << (15 * per_octave + index)  # of S, to the power of per_octave
    low, high = 0, 1 << 26
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**per_octave <= power else (low, middle)
    return low + ((2 * low + 1) ** per_octave <= power << per_octave)


# --- section 6: graphs


@dataclass(frozen=True)
class Graph:
    """Three convolutions with integer weights; biases are in 128ths."""

    enter: Integers
    enter_bias: Integers
    body: Integers
    body_bias: Integers
    leave: Integers
    leave_bias: Integers

    @classmethod
    def load(cls, data: bytes) -> Graph:
        """Read the weights of an ONNX file."""
        tensors = dict(onnx_tensors(data))
        names = sorted(name for name in tensors if name.startswith("enter.") and name.endswith(".weight"))
        enter = np.concatenate([tensors[name] for name in names], axis=1)
        bias = tensors[names[-1].replace("weight", "bias")]
        return cls(
            _whole(64 * enter), _whole(128 * bias), _whole(64 * tensors["body.0.weight"]),
            _whole(128 * tensors["body.0.bias"]), _whole(128 * tensors["leave.weight"]),
            _whole(128 * tensors["leave.bias"]),
        )  # fmt: skip

    def run(self, planes: Integers) -> Integers:
        """(planes, H, W) -> (answers, H, W)."""
        hidden = half_up(2 * convolve(planes, self.enter) + self.enter_bias[:, None, None], 7).clip(0, 255)
        hidden = half_up(2 * convolve(hidden, self.body) + self.body_bias[:, None, None], 7).clip(0, 255)
        return (convolve(hidden, self.leave) + self.leave_bias[:, None, None]) >> 7


def convolve(planes: Integers, weights: Integers) -> Integers:
    """Cross-correlation with zeros around the edges."""
    kernel, (height, width) = weights.shape[2], planes.shape[1:]
    around = kernel // 2
    padded = np.pad(planes, ((0, 0), (around, around), (around, around)))
    total = np.zeros((weights.shape[0], height * width), np.int64)
    for y in range(kernel):
        for x in range(kernel):
            part = padded[:, y : y + height, x : x + width].reshape(len(planes), -1)
            total += weights[:, :, y, x] @ part
    return total.reshape(-1, height, width)


def _whole(values: npt.NDArray[np.float64]) -> Integers:
    whole = np.rint(values).astype(np.int64)
    if (whole != values).any():
        raise ValueError("a weight is not a multiple of its step")
    return whole


def onnx_tensors(data: bytes) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    """Names and values of the float32 initializers of an ONNX file (protocol buffers, read without a library)."""
    for number, graph in _fields(data):
        if number == 7:
            for inner, tensor in _fields(graph):
                if inner == 5:
                    shape, name, raw = [], "", b""
                    for what, value in _fields(tensor):
                        if what == 1:
                            shape += [value] if isinstance(value, int) else list(_varints(value))
                        elif what == 8:
                            name = value.decode()
                        elif what == 9:
                            raw = value
                    yield name, np.frombuffer(raw, "<f4").astype(np.float64).reshape(shape)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        kind = tag & 7
        if kind == 0:
            value, place = _varint(data, place)
        else:
            size, place = _varint(data, place) if kind == 2 else ({1: 8, 5: 4}[kind], place)
            value, place = data[place : place + size], place + size
        yield tag >> 3, value


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte, place = data[place], place + 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, place


def _varints(data: bytes) -> Iterator[int]:
    place = 0
    while place < len(data):
        value, place = _varint(data, place)
        yield value


def companded(p: Integers) -> Integers:
    """Differences, compressed."""
    return half_up(64 * p.clip(-8, 8) + 16 * p.clip(-32, 32) + 4 * p.clip(-128, 128) + p.clip(-512, 512), 4)


def input_planes(stage: int, low: Integers, details: Integers, log_step: int) -> Integers:
    """What the graph of a stage is given: (planes, H, W)."""
    quarters = half_up(low, 8)
    right, down = np.zeros_like(quarters), np.zeros_like(quarters)
    right[:, :, :-1] = quarters[:, :, 1:] - quarters[:, :, :-1]
    down[:, :-1] = quarters[:, 1:] - quarters[:, :-1]
    differences = np.concatenate([right, down]).clip(-508, 508)
    luma, chroma = half_up(details[:3], 8).clip(-508, 508), half_up(details[3:], 8).clip(-508, 508)
    even = np.indices(low.shape[1:]).sum(axis=0) % 2 == 0
    step = np.full((1, *even.shape), log_step)
    planes = np.concatenate([
        differences, companded(differences), half_up(quarters, 4), 16 * even[None], step,
        luma, companded(luma), chroma, companded(chroma),
    ])  # fmt: skip
    return planes[: PLANES[stage]]


def stage_sites(stage: int, height: int, width: int) -> npt.NDArray[np.bool_]:
    """(bands, H, W): where a stage codes."""
    even = np.indices((height, width)).sum(axis=0) % 2 == 0
    first, second = (even, ~even) if stage % 2 == 0 else (~even, even)
    return np.stack([first] * 3 if stage < 2 else [first] * 3 + [second] * 3)


# --- sections 4 to 8


@dataclass
class Stage:
    """What a stage was given and gave, for test vectors."""

    level: int
    stage: int
    planes: Integers
    shifts: Integers
    scales: Integers
    rows: Integers
    values: Integers


@dataclass
class Trace:
    """What happened on the way."""

    step: int = -1
    coarse: list[Integers] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    state: int = 0
    unread: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Model:
    """The model's files: graphs, cumulative frequencies, pulls in 64ths of a step, and steps per octave."""

    model_id: bytes
    graphs: list[Graph]
    tables: list[list[int]]
    pulls: Integers
    per_octave: int = 16

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Read a model's folder.

        Raises:
            ValueError: a file is not the one that the card names.
        """
        card = json.loads((folder / "card.json").read_text(encoding="ascii"))
        files = {name: read_shared(folder, card, name) for name in card["files"]}
        for name, digest in card["files"].items():
            if hashlib.sha256(files[name]).hexdigest() != digest:
                raise ValueError(f"{name} is not the file of {card['name']}")
        model_id, graphs = bytes.fromhex(card["model_id"]), [Graph.load(files[name]) for name in GRAPHS]
        if "frequencies.bin" in files:
            return cls(model_id, graphs, *read_frequencies(files["frequencies.bin"]), per_octave=256)
        with np.load(io.BytesIO(files["tables.npz"]), allow_pickle=False) as found:
            tables = [cumulative_table(row) for row in found["counts"].tolist()]
            return cls(model_id, graphs, tables, _whole(64 * found["pulls"]))


def read_shared(folder: Path, card: dict[str, object], name: str) -> bytes:
    """A file of a model, in its own folder or in that of the model whose files it shares."""
    path = folder / name
    return (path if path.exists() else folder.parent / str(card["shares"]) / name).read_bytes()


def read_frequencies(data: bytes) -> tuple[list[list[int]], Integers]:
    """Cumulative frequencies and pulls of ``frequencies.bin``."""
    if data[:8] != b"PFSFREQ1" or len(data) != 8 + 57 * 133:
        raise ValueError("this is no frequency file")
    tables, pulls = [], []
    for row in range(57):
        pull, *half = struct.unpack_from("<B66H", data, 8 + 133 * row)
        found = [0]
        for units in [*half[64:0:-1], *half]:
            found.append(found[-1] + 256 * units)
        if found[-1] != 1 << 24:
            raise ValueError(f"table {row} sums to {found[-1]}")
        tables.append(found)
        pulls.append(pull)
    return tables, np.array(pulls, np.int64)


def decode(words: Sequence[int], height: int, width: int, model: Model) -> tuple[Integers, Trace]:
    """Words -> (3, H, W) Y, Co, Cg in units of 1/1024 grey level.

    Raises:
        NotAPictureError: a band leaves the range in which everything is exact.
    """
    stack, trace, sizes = Stack(words), Trace(), levels(height, width)
    depth = len(sizes) - 1
    trace.step = stack.read_uniform(10 * model.per_octave)
    s = step_number(trace.step, model.per_octave)
    low = np.zeros((3, *sizes[depth]), np.int64)
    for plane, (lowest, span) in enumerate(RANGES):
        symbols = stack.many((span << (16 + depth)) // s + 2, low[plane].size)
        trace.coarse.append(symbols)
        low[plane] = half_even(symbols * s + lowest * (1 << (16 + depth)), 6 + depth).reshape(sizes[depth])
    for level in range(depth, 0, -1):
        details = np.zeros((9, *sizes[level]), np.int64)
        for stage in range(4):
            _decode_stage(stack, model, trace, level, stage, s, low, details)
        low = merge(low, details, sizes[level - 1])
        _check(low)
    trace.state, trace.unread = stack.state, stack.words
    return low, trace


def _decode_stage(
    stack: Stack, model: Model, trace: Trace, level: int, stage: int, s: int, low: Integers, details: Integers
) -> None:
    """Fill in the details that a stage codes."""
    log_step = 16 * trace.step // model.per_octave - 16 - 16 * level
    planes = input_planes(stage, low, details, log_step)
    answers = model.graphs[stage].run(planes)
    sites = stage_sites(stage, *low.shape[1:])
    shifts, scales = answers[: len(sites)][sites], answers[len(sites) :][sites]
    _, plain, rows = tables_of(scales, log_step)
    values = read_values(stack, model, rows, plain)
    _check(values, 1 << 29)
    pulls = np.where(plain == 0, model.pulls[rows], 0)
    found = detail(values, pulls, shifts, s, level)
    _check(found)
    details[DETAIL_BANDS[stage]][sites] = found
    trace.stages.append(Stage(level, stage, planes, shifts, scales, rows, values))


def tables_of(scales: Integers, log_step: int) -> tuple[Integers, Integers, Integers]:
    """Ratios of scales to the step, their numbers of plain bits, and their tables."""
    ratio = (scales - (log_step >> 1)).clip(-32, 184)
    plain = np.maximum(0, -((24 - ratio) // 8))
    return ratio, plain, ratio - 8 * plain + 32


def detail(values: Integers, pulls: Integers, shifts: Integers, s: int, level: int) -> Integers:
    """Details in units."""
    return half_even((64 * values - np.sign(values) * pulls) * s + shifts * (1 << (16 + level)), 12 + level)


def read_values(stack: Stack, model: Model, rows: Integers, plain: Integers) -> Integers:
    """The values of a stage's sites (section 7)."""
    symbols = np.zeros(rows.size, np.int64)
    for row in range(57):
        for site in np.flatnonzero(rows == row):
            symbols[site] = stack.read(model.tables[row])
    values = symbols - 64
    for site in np.flatnonzero(symbols == 129):
        values[site] = stack.read_uniform(1 << 20) - (1 << 19)
    values <<= plain
    for bits in range(1, 21):
        for site in np.flatnonzero(plain == bits):
            values[site] += stack.read_uniform(1 << bits)
    return values


def _check(values: Integers, limit: int = LIMIT) -> None:
    if values.size and int(np.abs(values).max()) >= limit:
        raise NotAPictureError("a band leaves the range of pictures")


def merge(low: Integers, details: Integers, size: tuple[int, int]) -> Integers:
    """The low band of the next finer level."""
    h, v, d = details[0::3], details[1::3], details[2::3]
    out = np.zeros((3, 2 * low.shape[1], 2 * low.shape[2]), np.int64)
    out[:, 0::2, 0::2], out[:, 0::2, 1::2] = low + v + (h + d), low + v - (h + d)
    out[:, 1::2, 0::2], out[:, 1::2, 1::2] = low - v + (h - d), low - v - (h - d)
    return out[:, : size[0], : size[1]]


def to_rgb(planes: Integers) -> npt.NDArray[np.float64]:
    """(3, H, W) units -> (H, W, 3) grey levels, not yet rounded."""
    y, o, g = planes[0] / 1024 * F3, planes[1] / 1024 * F2, planes[2] / 1024 * F6
    return np.stack([(y + o) + g, y - 2 * g, (y - o) + g], axis=2)


def estimate(
    region: Pixels, reserved: int, face_key: bytes, model: Model, *, cover_mode: bool = False
) -> tuple[Pixels, Trace | None]:
    """What a key reads from a protected region: the estimate and how it came about; None where it is no picture."""
    height, width = region.shape[:2]
    if height % 2 or width % 2 or min(height, width) < 8 or reserved > region.size:
        raise ValueError(f"{width}x{height} pixels with {reserved} samples reserved are no region")
    modulus = modulus_of(height, width)
    words = digits_to_words(read_digits(region, reserved, face_key, modulus).tolist(), modulus)
    try:
        planes, trace = decode(words, height, width, model)
        rgb = to_rgb(planes)
        if float(np.abs(rgb - rgb.clip(0, 255)).mean()) >= 13:
            raise NotAPictureError("most of it is no colour")
    except NotAPictureError:
        return (region.copy() if cover_mode else noise(words, region.shape)), None
    return np.rint(rgb).clip(0, 255).astype(np.uint8), trace


def noise(words: Sequence[int], shape: tuple[int, ...]) -> Pixels:
    """What a wrong key shows in noise mode: the bits that it read, black and white."""
    bits = np.unpackbits(np.frombuffer(struct.pack(f"<{len(words)}I", *words), np.uint8))
    return np.resize(bits * np.uint8(255), shape)
