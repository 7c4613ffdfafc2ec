"""A model's card: its name, id and history, and the hashes of its files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import ModelError

if TYPE_CHECKING:  # the commands name the default model, and load nothing heavy for it
    from ..types import WrongKey

CARD_NAME = "card.json"
DEFAULT_MODEL = "secure-3"
MODEL_ID_BYTES = 16
_BOTH_MODES: Final[tuple[WrongKey, ...]] = ("noise", "cover")
_PAPER_MODES: Final[dict[str, WrongKey]] = {"RandWR": "noise", "ObfsWR": "cover"}  # names of the paper


def canonical_card(card: dict[str, Any]) -> bytes:
    """Return the canonical bytes of a card; their SHA-256 is the identity of a new model."""
    return (json.dumps(card, indent=2, sort_keys=True, ensure_ascii=True) + "\n").encode("ascii")


def shipped_models() -> Path:
    """Return the folder of the models inside the package."""
    return Path(__file__).parent / "weights"


@dataclass(frozen=True, slots=True)
class Card:
    """A model's name and id, and the files that belong to it.

    Attributes:
        name: of the model, for people.
        model_id: 16 bytes, stored in every protected file: the id on the card, or if there is none, the first half of
            the card's SHA-256.  A model that is exported again and computes the same numbers keeps its id, so that
            existing files open.
        files: file name -> SHA-256 in hexadecimal.
        record: the whole card (data, licence, command, measures ...).
        shares: name of a model whose folder, beside this one, has the files that are not in this folder; empty if none.
        kind: which code runs it, see `proface_s.flow.registry.open_folder`.
        warning: what a user of the model should know, in one sentence; None if there is nothing to say.
        wrong_key_modes: what a wrong key gives; the first one is the model's default.
    """

    name: str
    model_id: bytes
    files: dict[str, str] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)
    kind: str = "secure"
    shares: str = ""
    warning: str | None = None
    wrong_key_modes: tuple[WrongKey, ...] = _BOTH_MODES


def read_card(folder: Path) -> Card:
    """Read a model's card without touching its weights.

    Raises:
        ModelError: if there is no card, or it is not a model's.
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
            str(record.get("kind", "secure")),
            Path(str(record.get("shares", ""))).name,
            str(record["warning"]) if record.get("warning") else None,
            (_PAPER_MODES[record["mode"]],) if record.get("mode") in _PAPER_MODES else _BOTH_MODES,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"no usable model in {folder}", code="damaged-model") from error


def verified_bytes(folder: Path, card: Card, name: str) -> bytes:
    """Return the bytes of a model's file, after comparing their SHA-256 with the card's.

    Raises:
        ModelError: if the file is missing or altered.
    """
    path = folder / name
    if card.shares and not path.exists():
        path = folder.parent / card.shares / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"model file is missing: {path}", code="damaged-model") from error
    if hashlib.sha256(data).hexdigest() != card.files.get(name):
        raise ModelError(f"model file was altered: {path} (its SHA-256 is not the card's)", code="damaged-model")
    return data
