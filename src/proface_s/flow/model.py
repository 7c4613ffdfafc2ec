"""The shipped model: a card, an ONNX pair and the profiles, checked against each other and run by onnxruntime."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ModelError, UsageError
from ..types import Box, FloatArray, UInt8Image
from .code import Codebook, decode, encode, message_gain, mode_for
from .mixing import KeyStreams, derive_key_map, derive_mixing, mix, unmix
from .spectrum import analyse, synthesise

CARD_NAME, PROTECT_NAME, RECOVER_NAME, PROFILES_NAME = "card.json", "protect.onnx", "recover.onnx", "profiles.npy"
DEFAULT_MODEL = "secure-1"
TILE = 512  # side of a tile without its halo, pixels
HEADROOM = 8  # grey levels that a cover keeps free at both ends, or the hidden signal would be clipped
BATCH_PIXELS = 1 << 20  # largest number of pixels that one call of the engine is given

PROBE = 384  # side of the part of a large region by which its channel is judged, pixels
GOOD_NOISE = 0.22  # relative noise of a message that needs no more care
MAX_LEVELS = 2.45  # error of the protected region, grey levels (40.3 dB), that a hard cover may be given
MAX_GAIN = 2.2  # largest gain that the network was trained for

Images = list[FloatArray]


def canonical_card(card: dict[str, Any]) -> bytes:
    """The one byte form of a card: its SHA-256 is the model's identity."""
    return (json.dumps(card, indent=2, sort_keys=True, ensure_ascii=True) + "\n").encode("ascii")


def shipped_models() -> Path:
    """Folder of the models inside the package."""
    return Path(__file__).parent / "weights"


@dataclass(frozen=True, slots=True)
class Card:
    """What a model says of itself.

    Attributes:
        name: for people.
        model_id: first 16 bytes of the SHA-256 of the card; stored in every protected file.
        halo: pixels of surroundings that one output pixel can depend on.
        files: file name -> SHA-256 in hexadecimal.
        record: the whole card (data, licence, command, measures ...).
    """

    name: str
    model_id: bytes
    halo: int
    files: dict[str, str]
    record: dict[str, Any]


def read_card(folder: Path) -> Card:
    """Read a model's card without touching its weights.

    Raises:
        ModelError: no card, or not one of ours.
    """
    try:
        record = json.loads((folder / CARD_NAME).read_bytes())
        return Card(
            str(record["name"]), hashlib.sha256(canonical_card(record)).digest()[:16], int(record["halo"]),
            {str(k): str(v) for k, v in record["files"].items()}, record,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"no usable model in {folder}", "reinstall the package") from error


class FlowModel:
    """Hides originals inside covers, and reads them back.

    Args:
        folder: a model directory; the shipped default where None.
        threads: threads of the inference engine; 0 for all cores.

    Raises:
        ModelError: a file is missing or its SHA-256 is not the card's.
    """

    def __init__(self, folder: Path | None = None, threads: int = 0) -> None:
        self._folder = folder or shipped_models() / DEFAULT_MODEL
        self._threads = threads or _threads_from_environment() or os.cpu_count() or 1
        self.card = read_card(self._folder)
        for name in (PROTECT_NAME, RECOVER_NAME):
            self._verified(name)
        self._codebook = Codebook(np.load(io.BytesIO(self._verified(PROFILES_NAME)), allow_pickle=False))
        self._engines: dict[str, Any] = {}

    def protect(
        self, originals: Sequence[UInt8Image], covers: Sequence[UInt8Image], keys: Sequence[KeyStreams],
        *, tile: int = TILE,
    ) -> list[UInt8Image]:
        """Hide each original in its cover under its key.

        Args:
            originals: (H, W, 3) uint8 RGB regions of even sides, each of its own size.
            covers: the same shapes; rounded to 8 bits before this call, so nothing else of the original gets in.
            keys: one per region.
            tile: side of the tiles that large regions are cut into; does not change the result.

        Returns:
            Protected regions, uint8, shaped like the covers.
        """
        jobs = [_Job(*each, self._codebook) for each in zip(originals, covers, keys, strict=True)]
        protected = self._hide(jobs, tile)
        harder = [i for i, job in enumerate(jobs) if self._is_hard(job, protected[i])]
        for i, again in zip(harder, self._hide([jobs[i] for i in harder], tile), strict=True):
            protected[i] = again
        return protected

    def _hide(self, jobs: Sequence[_Job], tile: int) -> list[UInt8Image]:
        engine = self._engine(PROTECT_NAME, ("message", "cover", "key_map"))
        return [_to_levels(image) for image in _tiled(engine, [job.inputs for job in jobs], tile, self.card.halo)]

    def _is_hard(self, job: _Job, protected: UInt8Image) -> bool:
        """Read the message back; where the cover lets little through, choose another mode and spend more on it.

        Large regions are judged by their middle: the result decides how well the face is hidden, never whether.
        """
        height, width = protected.shape[:2]
        y, x = (max(0, side - PROBE) // 4 * 2 for side in (height, width))
        part = (slice(None), slice(y, y + PROBE), slice(x, x + PROBE))
        message, cover, key_map = (array[part] for array in job.inputs)
        seen = _planar(protected)[part] / np.float32(255)
        read = _tiled(self._engine(RECOVER_NAME, ("protected", "key_map")), [[seen, key_map]], PROBE, 0)[0]
        noise = float(np.sqrt(np.square((read - message) / job.gain).mean()))
        levels = float(np.sqrt(np.square((seen - cover) * 255).mean()))
        return job.adapt(noise, levels)

    def recover(
        self, protected: Sequence[UInt8Image], keys: Sequence[KeyStreams], *, tile: int = TILE
    ) -> list[UInt8Image]:
        """Estimate the originals from protected regions; with a wrong key the estimate is noise.

        Args:
            protected: (H, W, 3) uint8 RGB regions as `protect` returned them.
            keys: one per region.
            tile: as in `protect`.

        Returns:
            Recovered regions, uint8, of the same shapes.
        """
        images = [
            [_planar(region) / np.float32(255), derive_key_map(key, *_check_region(region))]
            for region, key in zip(protected, keys, strict=True)
        ]
        engine = self._engine(RECOVER_NAME, ("protected", "key_map"))
        recovered = []
        for message, key in zip(_tiled(engine, images, tile, self.card.halo), keys, strict=True):
            _, height, width = message.shape
            mixing = derive_mixing(key, message.size)
            values = unmix(np.ascontiguousarray(message.transpose(1, 2, 0)).ravel(), mixing)
            region = synthesise(decode(values, height, width, self._codebook, mixing))
            recovered.append(np.clip(np.rint(region), 0, 255).astype(np.uint8))
        return recovered

    def _verified(self, name: str) -> bytes:
        """The file's bytes, once their hash is the card's: what was hashed is what will be run."""
        path = self._folder / name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelError(f"model file is missing: {path}", "reinstall the package") from error
        if hashlib.sha256(data).hexdigest() != self.card.files.get(name):
            raise ModelError(f"model file was altered: {path}", "its SHA-256 is not the card's; reinstall the package")
        return data

    def _engine(self, name: str, inputs: tuple[str, ...]) -> Callable[[Images], FloatArray]:
        if name not in self._engines:
            import onnxruntime as ort

            options = ort.SessionOptions()
            options.intra_op_num_threads = self._threads
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            options.enable_cpu_mem_arena = False
            self._engines[name] = ort.InferenceSession(
                self._verified(name), options, providers=["CPUExecutionProvider"]
            )
        session = self._engines[name]
        return lambda batch: session.run(None, dict(zip(inputs, batch, strict=True)))[0]


class _Job:
    """One region on its way into its cover; `inputs` are message, cover and key map as the engine wants them."""

    def __init__(self, original: UInt8Image, cover: UInt8Image, key: KeyStreams, codebook: Codebook) -> None:
        height, width = _check_region(original, cover)
        self._coefficients, self._codebook = analyse(original), codebook
        self._mixing = derive_mixing(key, original.size)
        self.gain, self._mode = message_gain(height, width), 0
        self.inputs: Images = [
            self._message(), _planar(cover) / np.float32(255), derive_key_map(key, height, width)
        ]

    def _message(self) -> FloatArray:
        values = encode(self._coefficients, self._codebook, self._mixing, self._mode)
        return _planar(mix(values, self._mixing).reshape(self._coefficients.shape) * np.float32(self.gain))

    def adapt(self, noise: float, levels: float) -> bool:
        """Fit mode and gain to the noise that was met; True if that changed anything worth a second run.

        Args:
            noise: standard deviation of the message's error, relative to the message.
            levels: root mean square error of the protected region, grey levels.
        """
        if noise <= GOOD_NOISE:
            return False
        gain = float(np.clip(self.gain * MAX_LEVELS / max(levels, 1e-3), self.gain, MAX_GAIN))
        mode = mode_for(noise * self.gain / gain)
        if mode == self._mode and gain < 1.05 * self.gain:
            return False
        self.gain, self._mode = gain, mode
        self.inputs[0] = self._message()
        return True


def with_headroom(cover: UInt8Image) -> UInt8Image:
    """Keep a cover `HEADROOM` grey levels away from black and white: same shape and dtype."""
    return np.clip(cover, HEADROOM, 255 - HEADROOM)


def _threads_from_environment() -> int:
    text = os.environ.get("PROFACE_THREADS", "0")
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"PROFACE_THREADS is {text!r}, not a number", "unset it, or set it to the threads to use")
    return int(text)


def _check_region(*regions: UInt8Image) -> tuple[int, int]:
    shape = regions[0].shape
    for region in regions:
        if region.shape != shape or region.dtype != np.uint8 or region.ndim != 3 or shape[2] != 3:
            raise ValueError(f"regions must be uint8 (H, W, 3) of one shape, got {region.dtype} {region.shape}")
    if shape[0] % 2 or shape[1] % 2 or min(shape[:2]) < 8:
        raise ValueError(f"regions must have even sides of at least 8 pixels, got {shape[1]}x{shape[0]}")
    return int(shape[0]), int(shape[1])


def _planar(region: UInt8Image | FloatArray) -> FloatArray:
    return np.ascontiguousarray(region.transpose(2, 0, 1), dtype=np.float32)


def _to_levels(image: FloatArray) -> UInt8Image:
    levels = np.clip(np.rint(image * np.float32(255)), 0, 255)
    return np.ascontiguousarray(levels.transpose(1, 2, 0).astype(np.uint8))


def tiles(height: int, width: int, tile: int, halo: int) -> list[tuple[Box, Box]]:
    """Cut a region: (core, core grown by the halo and clipped to the region) for every tile, row-major.

    The network pads with zeros at the border of what it is given; a grown tile ends either where the region ends,
    and is padded as the whole would be, or far enough from its core not to matter.
    """
    halo += halo % 2
    pairs = []
    for y in range(0, height, tile):
        for x in range(0, width, tile):
            core = Box(x, y, min(tile, width - x), min(tile, height - y))
            left, top = max(0, x - halo), max(0, y - halo)
            right, bottom = min(width, core.right + halo), min(height, core.bottom + halo)
            pairs.append((core, Box(left, top, right - left, bottom - top)))
    return pairs


def _tiled(engine: Callable[[Images], FloatArray], images: list[Images], tile: int, halo: int) -> Images:
    """Run the engine over every region: tiles of equal size, of whichever face, share one call."""
    out: Images = [np.empty((3, *inputs[0].shape[1:]), np.float32) for inputs in images]
    groups: dict[tuple[int, int], list[tuple[int, Box, Box]]] = defaultdict(list)
    for face, inputs in enumerate(images):
        for core, grown in tiles(inputs[0].shape[1], inputs[0].shape[2], tile, halo):
            groups[grown.h, grown.w].append((face, core, grown))
    for (height, width), members in groups.items():
        size = max(1, BATCH_PIXELS // (height * width))
        for start in range(0, len(members), size):
            chunk = members[start : start + size]
            batch = [
                np.stack([images[face][i][:, g.y : g.bottom, g.x : g.right] for face, _, g in chunk])
                for i in range(len(images[0]))
            ]
            for (face, core, grown), result in zip(chunk, engine(batch), strict=True):
                y, x = core.y - grown.y, core.x - grown.x
                out[face][:, core.y : core.bottom, core.x : core.right] = result[:, y : y + core.h, x : x + core.w]
    return out
