"""Registry of models: those shipped with this package, and those offered by installed packages.

A package offers a model by an entry point, ``name = "module:function"`` in the group `ENTRY_POINTS`.  The function
takes the number of threads to work with (0 for all cores) and returns a `Model`, whose card has that name.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

from ..errors import ModelError, UsageError
from .cards import CARD_NAME, DEFAULT_MODEL, MODEL_ID_BYTES, Card, read_card, shipped_models
from .model import Model

ENTRY_POINTS: Final = "proface_s.models"


def model_names() -> list[str]:
    """Return the names of all models, sorted; opens none of them."""
    return sorted({*_shipped(), *_offered()})


def open_model(name: str = DEFAULT_MODEL, threads: int = 0) -> Model:
    """Open a model by its name.

    Args:
        name: one of `model_names`.
        threads: to work with; 0 for all cores.

    Raises:
        UsageError: if there is no such model.
        ModelError: if its files are missing or altered, or another package's model cannot be used.
    """
    if name in _shipped():
        return open_folder(shipped_models() / name, threads)
    if name in _offered():
        return _open_offered(name, threads)
    raise UsageError(f"there is no model {name!r}", f"models: {', '.join(model_names())}")


def open_folder(folder: Path, threads: int = 0) -> Model:
    """Open a model from a folder with a card, as the lab exports it.

    Raises:
        ModelError: if there is no card, or a file is missing or altered.
    """
    card = read_card(folder)
    if card.kind == "secure":
        from .secure.model import SecureFlow

        return SecureFlow(folder, threads)
    raise ModelError(f"{card.name} is a model of an unknown kind, {card.kind!r}", "upgrade this package")


def name_of(model_id: bytes) -> str | None:
    """Return the name of a shipped model by its id; None if no shipped model has it.  Opens no model."""
    return next((card.name for card in _shipped().values() if card.model_id == model_id), None)


class Models:
    """Models of a session, each opened on first use and kept.

    Args:
        default: the model that new files are made with, or its name; the package's default if None.
        threads: for each model; 0 for all cores.
    """

    def __init__(self, default: Model | str | None = None, threads: int = 0) -> None:
        self._threads = threads
        self._default = DEFAULT_MODEL if default is None else default if isinstance(default, str) else default.card.name
        self._open: dict[str, Model] = {} if default is None or isinstance(default, str) else {self._default: default}

    def named(self, name: str | None = None) -> Model:
        """Return a model by its name, the default if None.

        Raises:
            UsageError, ModelError: as `open_model`.
        """
        name = name or self._default
        if name not in self._open:
            self._open[name] = open_model(name, self._threads)
        return self._open[name]

    def with_id(self, model_id: bytes) -> Model | None:
        """Return the model with this id; None if there is none here.

        Models of other packages are opened to learn their ids, once no shipped model has it.  Those that cannot be
        opened are passed over.

        Raises:
            ModelError: if a file of the shipped model is missing or altered.
        """
        known = [model for model in self._open.values() if model.card.model_id == model_id]
        if known:
            return known[0]
        name = name_of(model_id)
        if name is not None:
            return self.named(name)
        for name in _offered():
            try:
                model = self.named(name)
            except ModelError:
                continue
            if model.card.model_id == model_id:
                return model
        return None


@cache
def _shipped() -> dict[str, Card]:
    folders = sorted(path.parent for path in shipped_models().glob(f"*/{CARD_NAME}"))
    return {folder.name: read_card(folder) for folder in folders}


@cache
def _offered() -> dict[str, EntryPoint]:
    """Entry points of installed packages by the names of their models; loaded when they are asked for."""
    return {point.name: point for point in entry_points(group=ENTRY_POINTS) if point.name not in _shipped()}


def _open_offered(name: str, threads: int) -> Model:
    point = _offered()[name]
    package = point.dist.name if point.dist is not None else point.value
    try:
        model = point.load()(threads)
    except Exception as error:  # somebody else's code
        reason = f"{type(error).__name__}: {error}"
        raise ModelError(f"model {name!r} of {package} cannot be used: {reason}") from None
    if not isinstance(model, Model):
        raise ModelError(f"model {name!r} of {package} cannot be used: it lacks a method or attribute of a model")
    card = model.card
    if card.name != name or len(card.model_id) != MODEL_ID_BYTES or name_of(card.model_id) is not None:
        raise ModelError(f"model {name!r} of {package} cannot be used: its card has another name, or an unusable id")
    return model
