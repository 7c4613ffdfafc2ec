"""Error codes of the lab; it also uses those of the product, `proface_s.error_codes`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LAB_CODES: Final[Mapping[str, str]] = {
    "face-size": "A method hides nothing in faces as small as those asked for.",
    "few-pairs": "The verification set has too few pairs.",
    "few-people": "The pairs are of a single person.",
    "few-pictures": "The validation split leaves no pictures to train on.",
    "lpips-backbone": "The weights of LPIPS, or its packages, are not there.",
    "lpips-package": "The package lpips is not installed.",
    "method-names": "Two methods have the same name.",
    "more-pictures": "Recognisers find too few faces.",
    "no-data": "Pictures are needed, and no folder was named.",
    "no-device": "There is no such device in this machine.",
    "no-pairs": "No pair of the verification set can be used.",
    "no-pictures": "The folders hold no pictures.",
    "no-style": "No style was given.",
    "not-a-method": "What the factory made is not a method.",
    "one-person": "The faces are of a single person.",
    "other-report": "The folder holds a report of something else.",
    "other-run": "The folder holds another training run.",
    "own-pictures": "The faces are too few to train an attacker on some and attack others.",
    "pair-columns": "The file of pairs lacks a column.",
    "recogniser-card": "The file is no card of a recogniser.",
    "recogniser-names": "Two recognisers have the same name.",
    "setting-value": "A setting of the configuration has an impossible value.",
    "small-faces": "No face is as large as was asked for.",
    "unknown-attack": "There is no attack of this name.",
    "unknown-method": "There is no method of this name.",
    "unknown-setting": "The configuration has a setting that does not exist.",
    "unknown-task": "There is no training task of this name.",
}
"""Code -> its meaning."""
