"""Hints of the lab's commands, by error code; `proface_s.cli.hints` has those of the product's codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proface_s.flow.cards import DEFAULT_MODEL

_EVALUATION_PAGE: Final = "see docs/evidence/evaluation.md"

HINTS: Final[Mapping[str, str]] = {
    "face-size": "choose --size {side} or more",
    "few-pairs": "give more pairs, of more people",
    "few-people": "give pairs of more people",
    "few-pictures": "add pictures, lower `validation`, or put the pictures of each person into a folder of their own "
    "below --data",
    "lpips-backbone": "put {file} into {folder}",
    "lpips-package": "pip install lpips, or leave `lpips_weights` out",
    "method-names": "give them different names",
    "more-pictures": "name more folders with --data",
    "no-data": "name the run's folders with --data",
    "no-device": "use --device auto",
    "no-pictures": "pictures are .jpg, .png, .webp, .bmp, .tif",
    "no-style": "all, sweep, or some of {known}",
    "not-a-method": _EVALUATION_PAGE,
    "one-person": "leave out the style swap, or add faces",
    "other-report": "name another folder with --report",
    "other-run": "choose another --out, or start from its weights with --init",
    "own-pictures": "give the attacker faces of his own with --own, or name more folders with --data",
    "pair-columns": "its first line must name a, b and same",
    "recogniser-card": _EVALUATION_PAGE,
    "recogniser-names": "give them different names in their cards",
    "setting-value": "such as {example}",
    "small-faces": "choose a smaller --size, or --kind crops if every picture is one face",
    "unknown-attack": "attacks: all, {known}",
    "unknown-method": f"methods: {DEFAULT_MODEL}, {DEFAULT_MODEL}-cover or another model's name, model:FOLDER, "
    "paper:CHECKPOINT.pt, lsb-avif, share, or your own as package.module:factory, from an installed package, the "
    "current folder or PYTHONPATH",
    "unknown-setting": "known: {known}",
    "unknown-task": "one of {known}",
}
"""Code of an error -> hint, in which ``{name}`` stands for a fact of the error."""
