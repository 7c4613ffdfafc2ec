"""2. Learned inversion: does a network without the key restore faces from protected pictures?

The attacker protects any number of own faces under random keys, trains a network from the protected picture to the
original, and is judged on unseen people and keys.  The control is the same network, trained in the same way on the
plain covers: what it reaches, the cover gives away.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from torch import nn

from proface_s.types import UInt8Image

from ...evaluation.measures.metrics import bootstrap_interval
from ...evaluation.method import KEY_BYTES, Method
from ..base import AttackOutcome, Covered, Row, Scene, Table
from ..learning import CoveredPairs, apply_network, fingerprint, train_network, trained_network
from ..measures import each_psnr
from ..networks import Restorer, UNet

LEAK: Final = 1.0  # dB beyond the control that count as a break
NETWORKS: Final[Mapping[str, Callable[[], nn.Module]]] = {"U-Net": UNet, "restorer": Restorer}
COVER: Final = "cover"  # stands for the method's name in the control


class Inversion:
    """Train both networks on protected pictures and on covers."""

    name, number, title, needs, of_method = "inversion", 2, "Learned inversion", ("torch",), True

    def run(self, method: Method, scene: Scene) -> AttackOutcome:
        """See `Attack.run`."""
        side = scene.budget.learning_side
        own, victims = scene.covered(side, own=True), scene.covered(side)
        keys = [secrets.token_bytes(KEY_BYTES) for _ in victims]
        protected = [method.protect(v.original, v.cover, key) for v, key in zip(victims, keys, strict=True)]
        seen = {"protected": protected, COVER: [v.cover for v in victims]}
        found: dict[str, dict[str, list[UInt8Image]]] = {}
        cards = {}
        for name in NETWORKS:
            for what, pictures in seen.items():
                network, card = inverter(name, method if what == "protected" else None, own, scene, scene.style)
                found.setdefault(name, {})[what] = apply_network(network, pictures, scene.device)
                cards[f"{name}, {what}"] = card
        recovered = [method.recover(p, key) for p, key in zip(protected, keys, strict=True)]
        return _outcome(found, victims, seen, recovered, cards, scene)


def inverter(
    name: str, method: Method | None, own: Sequence[Covered], scene: Scene, style: str, steps: int | None = None
) -> tuple[nn.Module, dict[str, Any]]:
    """Return one of `NETWORKS`, trained on a method's protected pictures or on covers alone, and its card.

    A network that is already in the report's folder is used again; ``steps`` defaults to the budget's.
    """
    budget = scene.budget
    steps = steps or (budget.unet if name == "U-Net" else budget.restorer)
    what = COVER if method is None else method.name
    mark = COVER if method is None else fingerprint(method)
    names = "\n".join(face.name for face in own)
    settings = {
        "network": name,
        "method": mark,
        "style": style,
        "side": budget.learning_side,
        "steps": steps,
        "batch": budget.batch,
        "fresh": budget.fresh,
        "seed": scene.seed,
        "faces": hashlib.sha256(names.encode()).hexdigest()[:16],
    }

    def work(network: nn.Module) -> dict[str, Any]:
        pairs = CoveredPairs(own, method)
        label = f"{name} on {what}, {style}"
        done = train_network(
            network, pairs, steps, budget.batch, budget.fresh, scene.seed, scene.device, scene.say, label
        )
        return {"from": what, **done}

    slug = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{mark}-{style}-{name}")
    return trained_network(scene.folder / "networks" / f"{slug}.pt", NETWORKS[name], settings, work, scene.seed)


def _outcome(
    found: Mapping[str, Mapping[str, list[UInt8Image]]],
    victims: Sequence[Covered],
    seen: Mapping[str, list[UInt8Image]],
    recovered: list[UInt8Image],
    cards: Mapping[str, Any],
    scene: Scene,
) -> AttackOutcome:
    originals = [v.original for v in victims]
    figures = {name: {what: each_psnr(p, originals) for what, p in each.items()} for name, each in found.items()}
    leaks = {name: each["protected"] - each[COVER] for name, each in figures.items()}
    best = max(leaks, key=lambda name: float(leaks[name].mean()))
    low, high = bootstrap_interval(leaks[best], seed=scene.seed)
    attack, control = (float(figures[best][what].mean()) for what in ("protected", COVER))
    rates = _rates(found, victims, seen, scene)
    rows = [
        (
            name,
            f"{each['protected'].mean():.2f}",
            f"{each[COVER].mean():.2f}",
            f"{leaks[name].mean():+.2f}",
            f"{cards[f'{name}, protected']['training']['protections']}",
            f"{cards[f'{name}, protected']['parameters']:,}",
        )
        for name, each in figures.items()
    ]
    start = float(each_psnr(seen[COVER], originals).mean())
    columns = ("network", "from protected, dB", "from the cover, dB", "leak, dB", "protections seen", "parameters")
    tables = [Table(f"{len(victims)} unseen faces, {scene.style}; the cover itself: {start:.2f} dB", columns, rows)]
    if rates:
        tables.append(_matches_table(rates))
    broken = float(leaks[best].mean()) > LEAK
    finding = (
        f"The {best} gets {attack:.1f} dB from the protected picture without any key, and {control:.1f} dB from the "
        f"cover: {attack - control:+.2f} dB (95 % interval {low:+.2f} to {high:+.2f}). "
    )
    if rates:
        first, blind = (
            max((each["rank1"] for each in rates[f"{best} from {what}"].values()), default=0.0)
            for what in ("protected", COVER)
        )
        finding += f"A recogniser puts the right face first for {first:.1%} of them (from the cover: {blind:.1%}). "
    finding += (
        (
            "The faces are there for anybody who trains such a network; no key is needed. The key must decide where "
            "things are, not only how they are scaled."
        )
        if broken
        else "What it finds, the cover shows."
    )
    sheet = _sheet(found[best], victims, seen, recovered, best)
    details = {"interval": [low, high], "network": best, "cards": dict(cards), "rates": rates, "faces": len(victims)}
    measure = "PSNR in dB, best network"
    return AttackOutcome(measure, attack, control, broken, finding, tables, {}, {"": sheet}, details)


def _matches_table(rates: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return how often recognisers match each picture with the hidden face."""
    rows = [(what, *(f"{r['tar']:.1%} / {r['rank1']:.1%}" for r in each.values())) for what, each in rates.items()]
    return Table("Matched with the hidden face, TAR at FAR 1e-2 / rank 1", ("picture", *rates["cover"]), rows)


def _rates(
    found: Mapping[str, Mapping[str, list[UInt8Image]]],
    victims: Sequence[Covered],
    seen: Mapping[str, list[UInt8Image]],
    scene: Scene,
) -> dict[str, dict[str, dict[str, float]]]:
    if scene.matcher is None:
        return {}
    names = [v.name for v in victims]
    pictures = {"original": [v.original for v in victims], COVER: seen[COVER], "protected": seen["protected"]}
    for name, each in found.items():
        pictures |= {f"{name} from {what}": shown for what, shown in each.items()}
    return {what: scene.matcher.rates(names, shown) for what, shown in pictures.items()}


def _sheet(
    found: Mapping[str, list[UInt8Image]],
    victims: Sequence[Covered],
    seen: Mapping[str, list[UInt8Image]],
    recovered: list[UInt8Image],
    name: str,
) -> list[Row]:
    return [
        [
            ("original", v.original),
            ("cover", v.cover),
            ("protected", seen["protected"][i]),
            ("recovered with the key", recovered[i]),
            (f"{name}, no key", found["protected"][i]),
            (f"{name}, cover only", found[COVER][i]),
        ]
        for i, v in enumerate(victims[:8])
    ]


ATTACK = Inversion()
