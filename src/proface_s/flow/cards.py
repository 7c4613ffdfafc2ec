"""A model's card: what it says of itself, and the hashes that make its files the ones it was measured with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelError

CARD_NAME = "card.json"
DEFAULT_MODEL = "secure-2"
MODEL_ID_BYTES = 16


def canonical_card(card: dict[str, Any]) -> bytes:
    """The one byte form of a card: its SHA-256 is the identity of a new model."""
    return (json.dumps(card, indent=2, sort_keys=True, ensure_ascii=True) + "\n").encode("ascii")


def shipped_models() -> Path:
    """Folder of the models inside the package."""
    return Path(__file__).parent / "weights"


@dataclass(frozen=True, slots=True)
class Card:
    """What a model says of itself.

    Attributes:
        name: for people.
        model_id: stored in every protected file: what the card says, else the first 16 bytes of its SHA-256.  A model
            exported anew that computes the same numbers keeps the id that it had, so that old files open.
        files: file name -> SHA-256 in hexadecimal.
        record: the whole card (data, licence, command, measures ...).
    """

    name: str
    model_id: bytes
    files: dict[str, str]
    record: dict[str, Any]


def read_card(folder: Path) -> Card:
    """Read a model's card without touching its weights.

    Raises:
        ModelError: no card, or not one of ours.
    """
    try:
        record = json.loads((folder / CARD_NAME).read_bytes())
        kept = record.get("model_id")
        model_id = bytes.fromhex(kept) if kept else hashlib.sha256(canonical_card(record)).digest()[:MODEL_ID_BYTES]
        if len(model_id) != MODEL_ID_BYTES:
            raise ValueError(f"a model id of {len(model_id)} bytes")
        return Card(
            str(record["name"]),
            model_id,
            {str(k): str(v) for k, v in record["files"].items()},
            record,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"no usable model in {folder}", "reinstall the package") from error


def verified_bytes(folder: Path, card: Card, name: str) -> bytes:
    """A model file's bytes, once their hash is the card's: what was hashed is what will be run.

    Raises:
        ModelError: missing, or altered.
    """
    path = folder / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"model file is missing: {path}", "reinstall the package") from error
    if hashlib.sha256(data).hexdigest() != card.files.get(name):
        raise ModelError(f"model file was altered: {path}", "its SHA-256 is not the card's; reinstall the package")
    return data
