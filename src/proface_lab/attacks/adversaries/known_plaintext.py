"""4. Known plaintext: one picture of a passphrase is known (original, cover, protected); does it open the others?

If recovery is differentiable, a real-valued key is fitted to the known picture and tried on the others.  If the key is
a stream of digits that are added, they follow from the known picture without a search and are tried on the others in
the same way: this attack is exact, and so stronger than any fit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from proface_s.types import UInt8Image

from ...evaluation.measures.quality import evaluation_key
from ...evaluation.method import KEY_BYTES, Method
from ..base import AttackOutcome, Covered, NotApplicable, Scene, Table
from ..measures import each_psnr, margin_above
from .access import RelaxedKey, known_pad, passphrase_keys, relaxed_key, torch_module

MARGIN: Final = 3.0  # dB above the control, or half of what the right key gains
LR: Final = 0.1
FAITHFUL: Final = 3000.0  # weight of the protection term against the recovery term
PASSPHRASE: Final = "correct horse battery staple"

_Opener = Callable[[UInt8Image], UInt8Image]  # opens a protected picture with the key that was found


@dataclass(frozen=True, slots=True, eq=False)
class KnownFace:
    """A face, its protected version, and the key."""

    face: Covered
    protected: UInt8Image
    key: bytes


class KnownPlaintext:
    """Compute or fit a key from the first victim, and open the others with it."""

    name, number, title, needs, of_method = "known-plaintext", 4, "Known plaintext", (), True

    def run(self, method: Method, scene: Scene) -> AttackOutcome:
        """See `Attack.run`."""
        faces = scene.covered()[: scene.budget.victims]
        if len(faces) < 2:
            raise NotApplicable("one known picture and another one are needed")
        keys, how = passphrase_keys(method, PASSPHRASE, len(faces))
        cases = {how: keys}
        if len(set(keys)) > 1:
            cases["misuse: one key used for all of them"] = [evaluation_key(scene.seed, "reused")] * len(faces)
        found = {name: _attack(method, faces, chosen, scene) for name, chosen in cases.items()}
        return _outcome(found, how)


def fit_key(relaxed: RelaxedKey, hidden: KnownFace, scene: Scene) -> Any:
    """Fit a relaxed key that recovers the known picture and protects its original to the same picture."""
    torch = torch_module()
    from ..learning import to_tensor

    original, cover, protected = (
        to_tensor([image]).to(scene.device) for image in (hidden.face.original, hidden.face.cover, hidden.protected)
    )
    torch.manual_seed(scene.seed)
    free = torch.zeros_like(relaxed.start(*hidden.protected.shape[:2])).normal_(0, 0.1).requires_grad_()
    optimiser = torch.optim.Adam([free], lr=LR)
    steps = scene.budget.known
    for step in range(1, steps + 1):
        key = torch.tanh(free)
        loss = (relaxed.recover(protected, key) - original).abs().mean()
        loss = loss + FAITHFUL * (relaxed.protect(original, cover, key) - protected).abs().mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([free], 1.0)
        optimiser.step()
        if step % max(1, steps // 4) == 0:
            scene.say(f"known plaintext: step {step} of {steps}, loss {float(loss.detach()):.4f}")
    return torch.tanh(free).detach()


def _attack(method: Method, faces: Sequence[Covered], keys: Sequence[bytes], scene: Scene) -> dict[str, Any]:
    """Return what the key from the first picture gives on the others, beside the right key and a random one."""
    hidden = [KnownFace(f, method.protect(f.original, f.cover, k), k) for f, k in zip(faces, keys, strict=True)]
    opener, what = _opener(method, hidden[0], scene)
    rest = hidden[1:]
    originals = [h.face.original for h in rest]
    random = evaluation_key(scene.seed, "random")[:KEY_BYTES]
    pictures = {
        "key from the known picture": [opener(h.protected) for h in rest],
        "random key": [method.recover(h.protected, random) for h in rest],
        "cover": [h.face.cover for h in rest],
        "right key": [method.recover(h.protected, h.key) for h in rest],
    }
    own = float(each_psnr([opener(hidden[0].protected)], [hidden[0].face.original])[0])
    figures = {name: float(each_psnr(shown, originals).mean()) for name, shown in pictures.items()}
    sheet = [
        [("original", h.face.original), ("protected", h.protected), *((n, shown[i]) for n, shown in pictures.items())]
        for i, h in enumerate(rest[:4])
    ]
    return {"figures": figures, "what": what, "known": own, "sheet": sheet}


def _opener(method: Method, known: KnownFace, scene: Scene) -> tuple[_Opener, str]:
    """Return how to open other pictures with what the known one gives.

    Raises:
        NotApplicable: if nothing can be computed from it.
    """
    opened = known_pad(method, known.protected.shape)
    pad = opened.pad_of(known.face.original, known.face.cover, known.protected) if opened else None
    if opened is not None and pad is not None:
        found = pad
        return (lambda protected: opened.recover(protected, found)), f"the {opened.what}, computed one by one"
    relaxed = relaxed_key(method, scene.device)
    if relaxed is None:
        raise NotApplicable("its key cannot be relaxed to real numbers, nor be computed from a known picture")
    key = fit_key(relaxed, known, scene)
    from ..learning import to_images, to_tensor

    def opener(protected: UInt8Image) -> UInt8Image:
        return to_images(relaxed.recover(to_tensor([protected]).to(scene.device), key))[0]

    return opener, f"a relaxed key, {scene.budget.known} steps"


def _outcome(found: dict[str, dict[str, Any]], how: str) -> AttackOutcome:
    figures = found[how]["figures"]
    attack = figures["key from the known picture"]
    control = max(figures["random key"], figures["cover"])
    broken = attack - control > margin_above(control, figures["right key"], MARGIN)
    rows = [
        (name, each["what"], f"{each['known']:.2f}", *(f"{value:.2f}" for value in each["figures"].values()))
        for name, each in found.items()
    ]
    columns = ("keys of one passphrase", "what was found", "opens the known picture, dB", *figures)
    finding = f"The known picture gives {found[how]['what']}; on other pictures of the passphrase it gives "
    finding += f"{attack:.1f} dB (right key {figures['right key']:.1f}, without {control:.1f}). "
    finding += (
        "One picture whose original leaks opens all the others. Every picture needs a key of its own."
        if broken
        else "A known picture says nothing about any other, because no key serves twice."
    )
    misuse = next((each for name, each in found.items() if name != how), None)
    if misuse is not None:
        value = misuse["figures"]["key from the known picture"]
        finding += (
            f" Were one face key used twice, which no command does, the second picture would open ({value:.1f} "
            "dB): a program that calls the flow directly must never use a key again."
        )
    sheets = {("" if name == how else "misuse"): np_rows(each["sheet"]) for name, each in found.items()}
    details = {name: {k: v for k, v in each.items() if k != "sheet"} for name, each in found.items()}
    return AttackOutcome(
        "PSNR in dB on other pictures",
        attack,
        control,
        broken,
        finding,
        (Table("One picture is known", columns, rows),),
        {},
        sheets,
        details,
    )


def np_rows(rows: list[list[tuple[str, Any]]]) -> list[list[tuple[str, UInt8Image | None]]]:
    """Return the rows of a sheet as uint8 arrays."""
    return [[(label, np.asarray(image, np.uint8)) for label, image in row] for row in rows]


ATTACK = KnownPlaintext()
