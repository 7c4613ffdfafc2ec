"""The methods in our tables: the shipped model, the published system and the classical baseline."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from PIL import Image

from proface_s.errors import UsageError, missing_package
from proface_s.flow.model import Model
from proface_s.flow.registry import model_names, open_model
from proface_s.flow.secure.model import SecureFlow
from proface_s.keys.secrets import FaceKey
from proface_s.types import FloatArray, UInt8Image, WrongKey

from .method import Method
from .share_method import ShareMethod

if TYPE_CHECKING:
    from ..training.paper.network import PaperFlow


class ModelMethod:
    """A model of the product without header, seal or record: recovery from the pixels alone.

    Args:
        model: any model.
        wrong_key: see `Model.recover`; the model's first mode if None.
    """

    def __init__(self, model: Model, wrong_key: WrongKey | None = None) -> None:
        self.model, self.wrong_key = model, wrong_key or model.wrong_key_modes[0]
        self.name = model.card.name + ("" if self.wrong_key == model.wrong_key_modes[0] else f"-{self.wrong_key}")
        self.parameters = int(model.card.record.get("parameters", 0))

    def protect(self, original: UInt8Image, cover: UInt8Image, key: bytes) -> UInt8Image:
        """See `Method.protect`."""
        return self.model.protect(original, cover, FaceKey(key))

    def recover(self, protected: UInt8Image, key: bytes) -> UInt8Image:
        """See `Method.recover`."""
        return self.model.recover(protected, FaceKey(key), wrong_key=self.wrong_key).image


class SecureMethod(ModelMethod):
    """The secure flow as a method.

    Args:
        wrong_key: see `Model.recover`.
        model: any model of this kind; the shipped one if None.
        threads: threads of the inference engine; 0 for all.
    """

    model: SecureFlow

    def __init__(self, wrong_key: WrongKey = "noise", model: SecureFlow | None = None, threads: int = 0) -> None:
        super().__init__(model or SecureFlow(threads=threads), wrong_key)

    def macs(self, height: int, width: int) -> int:
        """See `Costed.macs`: each weight is used once per site of each Haar level; protecting takes 2 or 3 passes."""
        sites = 0
        while min(height, width) >= 2:
            height, width = -(-height // 2), -(-width // 2)
            sites += height * width
        return self.parameters * sites


class PaperPeer:
    """The published system, trained here; the key map comes from the published key generation.

    Args:
        network: the network with trained weights.
        name: shown in tables.
        steps: number of training steps.
    """

    def __init__(self, network: PaperFlow, name: str, steps: int) -> None:
        from ..training.paper.network import PaperMethod

        self.network, self.name, self.steps = network.eval(), name, steps
        self._method = PaperMethod(network)
        self.parameters = sum(p.numel() for p in network.parameters())

    def protect(self, original: UInt8Image, cover: UInt8Image, key: bytes) -> UInt8Image:
        """See `Method.protect`."""
        return self._method.protect(original, cover, self.key_map(key, original.shape))

    def recover(self, protected: UInt8Image, key: bytes) -> UInt8Image:
        """See `Method.recover`."""
        return self._method.recover(protected, self.key_map(key, protected.shape))

    def protect_float(self, original: UInt8Image, cover: UInt8Image, key: bytes) -> FloatArray:
        """See `FloatMethod.protect_float`."""
        levels = self._method.protect_float(original, cover, self.key_map(key, original.shape))
        return np.asarray(levels / 255, np.float32)

    def recover_float(self, protected: FloatArray, key: bytes) -> FloatArray:
        """See `FloatMethod.recover_float`."""
        import torch

        image = torch.from_numpy(np.ascontiguousarray(protected)).permute(2, 0, 1)[None]
        signs = self.key_map(key, protected.shape).astype(np.float32) * 2 - 1
        with torch.no_grad():
            found = self.network.recover(image, torch.from_numpy(signs)[None, None])[0]
        return np.asarray(torch.nan_to_num(found, nan=0.0).permute(1, 2, 0).numpy(), np.float32)

    def key_map(self, key: bytes, shape: tuple[int, ...]) -> UInt8Image:
        """Return the key map, (H, W) of 0 and 1, by the published derivation with the key as password."""
        from ..training.paper.network import derive_paper_key_map

        return derive_paper_key_map(key.hex(), shape[0], shape[1])

    def macs(self, height: int, width: int) -> int:
        """See `Costed.macs`: each convolution weight is used once per pixel at half resolution; biases are ignored."""
        weights = sum(p.numel() for p in self.network.parameters() if p.ndim == 4)
        return weights * (height // 2) * (width // 2)


class LsbAvif:
    """The classical baseline: AVIF, encrypted and authenticated, in the least significant bits; for comparison only.

    The payload is a 12-byte nonce and the ChaCha20-Poly1305 ciphertext of the best AVIF file that fits, zero-padded.
    A wrong key fails authentication, and the protected picture is returned unchanged.

    Args:
        bits: number of bit planes used, 1 or 2.
    """

    parameters = 0
    _NONCE: Final = 12
    _TAG: Final = 16

    def __init__(self, bits: int = 1) -> None:
        self.bits = bits
        self.name = "lsb-avif" if bits == 1 else f"lsb-avif-{bits}"

    def protect(self, original: UInt8Image, cover: UInt8Image, key: bytes) -> UInt8Image:
        """See `Method.protect`."""
        room = original.size * self.bits // 8 - self._NONCE - self._TAG
        data = best_avif(original, room)
        nonce = secrets.token_bytes(self._NONCE)
        box = nonce + ChaCha20Poly1305(key).encrypt(nonce, data.ljust(room, b"\0"), None)
        bits = np.unpackbits(np.frombuffer(box, np.uint8)).reshape(-1, self.bits)
        values = np.packbits(bits, axis=1).ravel() >> (8 - self.bits)
        protected = cover.copy().ravel()
        protected[: values.size] = protected[: values.size] & (256 - 2**self.bits) | values
        return protected.reshape(cover.shape)

    def recover(self, protected: UInt8Image, key: bytes) -> UInt8Image:
        """See `Method.recover`."""
        count = protected.size * self.bits // 8 * 8 // self.bits
        values = protected.ravel()[:count] & (2**self.bits - 1)
        bits = np.unpackbits(values[:, None], axis=1)[:, 8 - self.bits :]
        box = np.packbits(bits.ravel()).tobytes()
        try:
            data = ChaCha20Poly1305(key).decrypt(box[: self._NONCE], box[self._NONCE :], None)
        except InvalidTag:
            return protected.copy()
        height, width = protected.shape[:2]
        with Image.open(io.BytesIO(data)) as image:
            face = image.convert("RGB")
        return np.asarray(face if face.size == (width, height) else face.resize((width, height)), np.uint8)

    def macs(self, height: int, width: int) -> int:
        """See `Costed.macs`: 0, since nothing is learned."""
        return 0


def best_avif(face: UInt8Image, room: int) -> bytes:
    """Return the best 4:4:4 AVIF file that fits into ``room`` bytes; of a reduced picture if no quality fits.

    Raises:
        UsageError: if even an eighth of the size does not fit.
    """
    for reduction in (1, 2, 4, 8):
        size = max(1, face.shape[1] // reduction), max(1, face.shape[0] // reduction)
        image = Image.fromarray(face)
        found = _finest(image if reduction == 1 else image.resize(size, Image.Resampling.LANCZOS), room)
        if found:
            return found
    raise UsageError(f"a face of {face.shape[1]}x{face.shape[0]} pixels has no room for an AVIF file")


def _finest(image: Image.Image, room: int) -> bytes:
    low, high, best = 0, 100, b""
    while low <= high:
        quality, buffer = (low + high) // 2, io.BytesIO()
        image.save(buffer, "AVIF", quality=quality, subsampling="4:4:4", speed=6)
        if buffer.tell() <= room:
            low, best = quality + 1, buffer.getvalue()
        else:
            high = quality - 1
    return best


def load_paper(checkpoint: Path) -> PaperPeer:
    """Load the averaged weights of a ``proface train`` run with the paper's task.

    Raises:
        UsageError: if the checkpoint is missing or of another task, or torch is not installed.
    """
    try:
        from ..training.checkpoints import read_checkpoint
        from ..training.config import RunConfig
        from ..training.paper.network import PaperFlow
        from ..training.task import make_task
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"the published system needs {missing_package(missing)}, which is not installed",
            code="missing-extra",
            extra="train",
        ) from None
    saved = read_checkpoint(checkpoint)
    config = RunConfig.from_dict(saved["config"])
    network = make_task(config.task, config.model).build()
    if not isinstance(network, PaperFlow):
        raise UsageError(f"{checkpoint} holds a model of task {config.task!r}, not of the published system")
    network.load_state_dict(saved["average"])
    return PaperPeer(network, paper_name(checkpoint), int(saved["step"]))


def paper_name(checkpoint: Path) -> str:
    """Return the name of a checkpoint's method.

    It is ``paper-randwr`` for ``runs/paper-randwr/checkpoint.pt`` and for ``paper-randwr.checkpoint.pt``.
    """
    own, folder = checkpoint.stem.removesuffix(".checkpoint"), checkpoint.parent.name
    found = next((name for name in (folder, own) if name.startswith("paper")), None)
    return found or f"paper-{own}"


BUILT_IN: Final[dict[str, Callable[[], Method]]] = {"lsb-avif": LsbAvif, "share": ShareMethod}
"""Methods that are not models of the product."""


def load_model(spec: str) -> Method | None:
    """Return a model of the product as a method: ``NAME``, or ``NAME-cover`` for its second mode; None if unknown.

    Raises:
        ModelError: if the model cannot be used.
    """
    name = spec if spec in model_names() else spec.removesuffix("-cover")
    wrong_key: WrongKey | None = None if name == spec else "cover"
    if name not in model_names():
        return None
    model = open_model(name)
    return method_of(model, wrong_key) if wrong_key is None or wrong_key in model.wrong_key_modes else None


def method_of(model: Model, wrong_key: WrongKey | None = None) -> ModelMethod:
    """Return a model of the product as a method, in its first mode if ``wrong_key`` is None."""
    if isinstance(model, SecureFlow):
        return SecureMethod(wrong_key or "noise", model)
    return ModelMethod(model, wrong_key)
