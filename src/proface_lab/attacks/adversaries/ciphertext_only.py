"""5. Ciphertext only: from one protected picture, search for the key that makes it look like a photo.

If recovery is differentiable, a real-valued key is fitted so that the recovered picture has little total variation,
lies in the range of pictures and, made coarse, agrees with the visible cover.  If not, keys are tried and the best one
is kept.  The control searches in the same way with the cover in place of the protected picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from proface_s.types import UInt8Image

from ...evaluation.measures.quality import evaluation_key
from ...evaluation.method import Method
from ..base import AttackOutcome, Covered, Scene, Table
from ..measures import each_psnr
from .access import RelaxedKey, expanded_key, relaxed_key, torch_module

MARGIN: Final = 1.0  # dB above the control
LR: Final = 0.1
SMOOTH: Final = 0.3  # weight of the total variation
CELL: Final = 8  # pixels to a cell of the coarse picture
MOST: Final = 4  # victims


class CiphertextOnly:
    """Search for a key by the statistics of photos."""

    name, number, title, needs, of_method = "ciphertext-only", 5, "Ciphertext only", (), True

    def run(self, method: Method, scene: Scene) -> AttackOutcome:
        """See `Attack.run`."""
        faces = scene.covered(scene.budget.learning_side)[:MOST]
        keys = [evaluation_key(scene.seed, "victim", face.name) for face in faces]
        protected = [method.protect(f.original, f.cover, key) for f, key in zip(faces, keys, strict=True)]
        covers = [face.cover for face in faces]
        relaxed = relaxed_key(method, scene.device)
        how = "gradient descent on a relaxed key" if relaxed else f"{scene.budget.guesses} keys tried by hill climbing"
        found = {"from protected": protected, "from the cover": covers}
        for name, pictures in found.items():
            scene.say(f"ciphertext only: {how}, {name}")
            found[name] = _descend(relaxed, pictures, scene) if relaxed else _climb(method, pictures, scene)
        originals = [face.original for face in faces]
        figures = {name: float(each_psnr(shown, originals).mean()) for name, shown in found.items()}
        figures["the cover itself"] = float(each_psnr(covers, originals).mean())
        return _outcome(figures, found, faces, protected, how)


def roughness(picture: UInt8Image, seen: UInt8Image) -> float:
    """Return how unlike the photo behind the cover a picture is: total variation plus coarse disagreement."""
    image, other = picture.astype(np.float64) / 255, seen.astype(np.float64) / 255
    rough = float(np.abs(np.diff(image, axis=0)).mean() + np.abs(np.diff(image, axis=1)).mean())
    return SMOOTH * rough + float(np.abs(_coarse(image) - _coarse(other)).mean())


def _coarse(image: np.ndarray) -> np.ndarray:
    height, width = (side // CELL * CELL for side in image.shape[:2])
    cells = image[:height, :width].reshape(height // CELL, CELL, width // CELL, CELL, -1)
    return np.asarray(cells.mean(axis=(1, 3)))


def _climb(method: Method, pictures: Sequence[UInt8Image], scene: Scene) -> list[UInt8Image]:
    """Change one bit of the best key so far, or draw another key; keep the best."""
    rng = np.random.default_rng([scene.seed, 5])
    found = []
    for picture in pictures:
        opened = expanded_key(method, picture.shape)

        def recover(key: bytes, picture: UInt8Image = picture, opened: Any = opened) -> UInt8Image:
            if opened is None:
                return method.recover(picture, key)
            result: UInt8Image = opened.recover(picture, opened.expand(key, picture.shape))
            return result

        best_key = rng.bytes(32)
        best = recover(best_key)
        least = roughness(best, picture)
        for number in range(scene.budget.guesses):
            bits = np.unpackbits(np.frombuffer(best_key, np.uint8))
            bits[rng.integers(bits.size)] ^= 1
            key = np.packbits(bits).tobytes() if number % 2 else rng.bytes(32)
            shown = recover(key)
            value = roughness(shown, picture)
            if value < least:
                best_key, best, least = key, shown, value
        found.append(best)
    return found


def _descend(relaxed: RelaxedKey, pictures: Sequence[UInt8Image], scene: Scene) -> list[UInt8Image]:
    """Fit one relaxed key per picture, all at once."""
    torch = torch_module()
    from ..learning import to_images, to_tensor

    seen = to_tensor(pictures).to(scene.device)
    start = relaxed.start(*pictures[0].shape[:2])
    torch.manual_seed(scene.seed)
    free = torch.randn(len(pictures), *start.shape[1:], device=scene.device).mul_(0.1).requires_grad_()
    optimiser = torch.optim.Adam([free], lr=LR)
    coarse = torch.nn.AvgPool2d(CELL)
    for _ in range(scene.budget.blind):
        shown = relaxed.recover(seen, torch.tanh(free))
        rough = (shown[..., 1:] - shown[..., :-1]).abs().mean() + (shown[..., 1:, :] - shown[..., :-1, :]).abs().mean()
        loss = SMOOTH * rough + (coarse(shown) - coarse(seen)).abs().mean() + (shown - shown.clamp(0, 1)).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return to_images(relaxed.recover(seen, torch.tanh(free)))


def _outcome(
    figures: dict[str, float],
    found: dict[str, list[UInt8Image]],
    faces: Sequence[Covered],
    protected: Sequence[UInt8Image],
    how: str,
) -> AttackOutcome:
    attack = figures["from protected"]
    control = max(figures["from the cover"], figures["the cover itself"])
    broken = attack - control > MARGIN
    finding = (
        f"By {how}, {attack:.1f} dB come back from the protected picture alone; from the cover "
        f"{figures['from the cover']:.1f}, and the cover itself has {figures['the cover itself']:.1f}. "
    )
    finding += (
        "One file is enough: neither the key, nor other pictures, nor training is needed. A key must not act so "
        "smoothly that the look of a photo leads to it."
        if broken
        else "There is no slope that leads to the key."
    )
    table = Table(
        "A key sought by the look of a photo",
        ("picture", "PSNR, dB"),
        [(name, f"{value:.2f}") for name, value in figures.items()],
    )
    sheet = [
        [
            ("original", f.original),
            ("cover", f.cover),
            ("protected", protected[i]),
            *((name, shown[i]) for name, shown in found.items()),
        ]
        for i, f in enumerate(faces)
    ]
    return AttackOutcome(
        "PSNR in dB", attack, control, broken, finding, (table,), {}, {"": sheet}, {"figures": figures}
    )


ATTACK = CiphertextOnly()
