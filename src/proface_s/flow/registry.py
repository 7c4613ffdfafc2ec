"""Registry of models: those shipped with this package, and those that installed packages offer.

A package offers a model by an entry point of the group ``proface_s.models``, see `proface_s.plugins`.  It names a
function that takes the number of threads to work with (0 for all cores) and returns a `Model`, on whose card is the
entry point's name, in lower case, and an id of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from ..errors import ModelError, ProFaceError, UsageError
from ..plugins import MODELS, PlugIns
from .cards import CARD_NAME, DEFAULT_MODEL, MODEL_ID_BYTES, Card, read_card, shipped_models
from .model import Model

Opener = Callable[[int], Any]


def _opener(offered: Any) -> Opener:
    if not callable(offered):
        raise TypeError("it is no function")
    return offered  # type: ignore[no-any-return]


_MEMBERS: Final = (
    "card",
    "threads",
    "wrong_key_modes",
    "smallest_side",
    "warning",
    "most_reserved",
    "protect",
    "recover",
)
_RETIRED: Final = {
    bytes.fromhex("6cc8adaf1b0f210302becd1fcef18a8a"): "paper-randwr-1",
    bytes.fromhex("bf4d92fe3f212168b030dd0ee7fbfb2a"): "paper-obfswr-1",
}
_PLUG_INS: Final = PlugIns(MODELS, "model", _opener)


def model_names() -> list[str]:
    """Return the names of all models, sorted; opens none of them."""
    return sorted({*_shipped(), *_PLUG_INS.names()})


def open_model(name: str = DEFAULT_MODEL, threads: int = 0) -> Model:
    """Open a model by its name.

    Args:
        name: one of `model_names`, in capitals or not.
        threads: to work with; 0 for all cores.

    Raises:
        UsageError: if there is no such model, or another package's cannot be imported.
        ModelError: if a model's files are missing or altered, or another package's model cannot be used.
    """
    key = name.lower()
    if key in _shipped():
        return open_folder(shipped_models() / key, threads)
    opener = _PLUG_INS.find(key)
    if opener is None:
        raise UsageError(f"there is no model {name!r}", code="unknown-model", known=", ".join(model_names()))
    return _open_plug_in(key, opener, threads)


def open_folder(folder: Path, threads: int = 0) -> Model:
    """Open a model from a folder with a card, as the lab exports it.

    Raises:
        ModelError: if there is no card, or a file is missing or altered.
    """
    card = read_card(folder)
    if card.kind == "secure":
        from .secure.model import SecureFlow

        return SecureFlow(folder, threads)
    if card.kind == "paper":
        from .paper.model import PaperModel

        return PaperModel(folder, threads)
    raise ModelError(f"{card.name} is a model of an unknown kind, {card.kind!r}", code="newer-version")


def name_of(model_id: bytes) -> str | None:
    """Return the name of the model with this id; None if there is none here.

    Models of other packages are opened to learn their ids, once no shipped model has it.  Those that cannot be opened
    are passed over.
    """
    shipped = next((card.name for card in _shipped().values() if card.model_id == model_id), None)
    return shipped or _plug_in_ids().get(model_id)


def retired_name(model_id: bytes) -> str | None:
    """Return the name of the model with this id in the package proface-s-older-models; None if it is none of those."""
    return _RETIRED.get(model_id)


def shipped_cards() -> list[Card]:
    """Return the cards of the models in this package, sorted by name; opens none of the models."""
    return list(_shipped().values())


def warnings_of(model_id: bytes) -> tuple[str, ...]:
    """Return what the card of a shipped model warns of, by the model's id.  Opens no model."""
    cards = [card for card in _shipped().values() if card.model_id == model_id and card.warning is not None]
    return tuple(f"model {card.name}: {card.warning}" for card in cards)


class Models:
    """Models of a session, each opened on first use and kept.

    Args:
        default: the model that new files are made with, or its name.
        threads: for each model; 0 for all cores.
    """

    def __init__(self, default: Model | str = DEFAULT_MODEL, threads: int = 0) -> None:
        self._threads = threads
        self._default = default.lower() if isinstance(default, str) else default.card.name
        self._open: dict[str, Model] = {} if isinstance(default, str) else {self._default: default}

    def named(self, name: str | None = None) -> Model:
        """Return a model by its name, the default if None.

        Raises:
            UsageError, ModelError: as `open_model`.
        """
        name = name.lower() if name else self._default
        if name not in self._open:
            self._open[name] = open_model(name, self._threads)
        return self._open[name]

    def with_id(self, model_id: bytes) -> Model | None:
        """Return the model with this id; None if there is none here.

        Raises:
            ModelError: if a file of the model is missing or altered.
        """
        for model in tuple(self._open.values()):  # another thread may open one meanwhile
            if model.card.model_id == model_id:
                return model
        name = name_of(model_id)
        return None if name is None else self.named(name)


@cache
def _shipped() -> dict[str, Card]:
    folders = sorted(path.parent for path in shipped_models().glob(f"*/{CARD_NAME}"))
    return {folder.name: read_card(folder) for folder in folders}


@cache
def _plug_in_ids() -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for name in _PLUG_INS.names():
        try:
            found[open_model(name, threads=1).card.model_id] = name
        except ProFaceError:
            continue
    return found


def _open_plug_in(name: str, opener: Opener, threads: int) -> Model:
    try:
        model = opener(threads)
    except Exception as error:  # code of another package may raise anything
        raise ModelError(
            f"model {name!r} cannot be used: {type(error).__name__}: {error}", code="unusable-plug-in"
        ) from None
    if not isinstance(model, Model):
        lacking = sorted(member for member in _MEMBERS if not hasattr(model, member))
        raise ModelError(f"model {name!r} cannot be used: it lacks {', '.join(lacking)}", code="unusable-plug-in")
    model_id = model.card.model_id
    if model.card.name != name or len(model_id) != MODEL_ID_BYTES:
        raise ModelError(
            f"model {name!r} cannot be used: its card names {model.card.name!r} and the id {model_id.hex()}",
            code="unusable-plug-in",
        )
    if any(card.model_id == model_id for card in _shipped().values()):
        raise ModelError(
            f"model {name!r} cannot be used: its id is that of a model of this package", code="unusable-plug-in"
        )
    return model
