"""Models by name and by id: shipped ones, those of installed packages, and those that are not here."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import proface_s
from proface_s.api import Session, inspect
from proface_s.cli.hints import command_line_hint
from proface_s.errors import DamagedFileError, ModelError, UsageError
from proface_s.flow import registry
from proface_s.flow.cards import DEFAULT_MODEL, Card, read_card, shipped_models
from proface_s.flow.model import KeyStreams, Model, Reading
from proface_s.keys.secrets import FaceKey
from proface_s.types import UInt8Image, WrongKey

PASSPHRASE = "a passphrase of some length"
PHOTO = np.random.default_rng(1).integers(60, 200, (96, 128, 3)).astype(np.uint8)
BOX = (32, 16, 48, 64)


class Adder:
    """The simplest model that keeps its promises for one photo: the original is added to the pad, cover ignored."""

    card = Card("adder", b"a model id of 16")
    threads, smallest_side, warning = 1, 2, "for tests only"

    def __init__(self, modes: tuple[WrongKey, ...] = ("noise",), room: int = 10**6) -> None:
        self.wrong_key_modes, self.room = modes, room

    def most_reserved(self, height: int, width: int) -> int:
        return self.room

    def protect(self, original: UInt8Image, cover: UInt8Image, key: KeyStreams, *, reserved: int = 0) -> UInt8Image:
        return original + _pad(original, key)

    def recover(
        self, protected: UInt8Image, key: KeyStreams, *, reserved: int = 0, wrong_key: WrongKey = "noise"
    ) -> Reading:
        return Reading(protected - _pad(protected, key))


def _pad(region: UInt8Image, key: KeyStreams) -> UInt8Image:
    return np.frombuffer(key.key_map_stream(region.size), np.uint8).reshape(region.shape)


@pytest.mark.parametrize("name", registry.model_names())
def test_every_shipped_model_keeps_the_protocol(name: str) -> None:
    model = registry.open_model(name, 1)
    assert isinstance(model, Model)
    assert (model.card.name, model.threads) == (name, 1)
    assert registry.name_of(model.card.model_id) == name
    assert set(model.wrong_key_modes) <= {"noise", "cover"}
    side, key = max(32, model.smallest_side), FaceKey(bytes(32))
    assert side % 2 == 0
    original, cover = PHOTO[:side, :side], np.full((side, side, 3), 120, np.uint8)
    reserved = min(60, model.most_reserved(side, side))
    protected = model.protect(original, cover, key, reserved=reserved)
    assert (protected.shape, protected.dtype) == (original.shape, np.uint8)
    np.testing.assert_array_equal(model.protect(original, cover, key, reserved=reserved), protected)
    written = protected.copy()
    written.reshape(-1)[:reserved] ^= 1
    for mode in model.wrong_key_modes:
        reading = model.recover(written, key, reserved=reserved, wrong_key=mode)
        assert reading.readable
        assert reading.intact
        same = model.recover(protected, key, reserved=reserved, wrong_key=mode).image
        np.testing.assert_array_equal(reading.image, same)
    for mode in {"noise", "cover"} - set(model.wrong_key_modes):
        with pytest.raises(ValueError, match="wrong_key"):
            model.recover(protected, key, wrong_key=mode)  # type: ignore[arg-type]


def test_a_name_that_no_model_has() -> None:
    with pytest.raises(UsageError, match="there is no model 'nosuch'") as caught:
        registry.open_model("nosuch")
    assert DEFAULT_MODEL in (command_line_hint(caught.value) or "")
    assert registry.name_of(bytes(16)) is None


def test_models_are_opened_once_and_by_any_spelling() -> None:
    models = registry.Models(threads=1)
    assert models.named() is models.named(DEFAULT_MODEL.upper())
    assert models.with_id(models.named().card.model_id) is models.named()
    assert models.with_id(bytes(16)) is None


def test_a_card_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(shipped_models() / DEFAULT_MODEL, tmp_path / "model")
    record = read_card(folder).record
    (folder / "card.json").write_text(json.dumps({**record, "kind": "crystal ball"}))
    with pytest.raises(ModelError, match="unknown kind, 'crystal ball'"):
        registry.open_folder(folder)


def test_a_session_protects_with_any_model_and_reads_with_the_one_that_the_file_names() -> None:
    ours = Session(model=Adder(), threads=1)
    done = ours.protect(PHOTO, PASSPHRASE, boxes=BOX, faces="none", seal=False)
    assert any("model adder: for tests only" in warning for warning in done.warnings)
    recovered = ours.recover(done.data, PASSPHRASE)
    assert [face.outcome for face in recovered.faces] == ["estimate"]
    x, y, w, h = BOX
    inside = recovered.recovered[y : y + h, x : x + w].reshape(-1)[2000:]
    np.testing.assert_array_equal(inside, PHOTO[y : y + h, x : x + w].reshape(-1)[2000:])
    theirs = Session(threads=1).protect(PHOTO, PASSPHRASE, boxes=BOX, faces="none", seal=False)
    assert [face.outcome for face in ours.recover(theirs.data, PASSPHRASE).faces] == ["estimate"]
    with pytest.raises(ModelError, match=f"protected with another model .{Adder.card.model_id.hex()}") as caught:
        Session(threads=1).recover(done.data, PASSPHRASE)
    assert DEFAULT_MODEL in (command_line_hint(caught.value) or "")


def test_a_mode_that_the_model_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="model adder has no cover mode, only noise"):
        Session(model=Adder()).protect(PHOTO, PASSPHRASE, boxes=BOX, faces="none", wrong_key="cover")
    with pytest.raises(UsageError, match="model adder has no noise mode, only cover"):
        Session(model=Adder(("cover",))).protect(PHOTO, PASSPHRASE, boxes=BOX, faces="none", wrong_key="noise")


def test_by_default_a_wrong_key_gives_what_the_model_can() -> None:
    session = Session(model=Adder(("cover",)))
    done = session.protect(PHOTO, PASSPHRASE, boxes=BOX, faces="none")
    assert done.wrong_key == inspect(done.data).wrong_key == "cover"
    assert not any(face.sealed for face in done.faces)
    with pytest.raises(UsageError, match="there can be no seal"):
        session.protect(PHOTO, PASSPHRASE, boxes=BOX, faces="none", seal=True)
    both = Session(model=Adder(("noise", "cover"))).protect(PHOTO, PASSPHRASE, boxes=BOX, faces="none")
    assert (both.wrong_key, [face.sealed for face in both.faces]) == ("noise", [True])


def test_a_header_that_names_a_mode_its_model_does_not_have_is_refused() -> None:
    """Anybody can turn a file into one in cover mode: no key vouches for that."""
    both = Session(model=Adder(("noise", "cover")))
    done = both.protect(PHOTO, PASSPHRASE, boxes=BOX, faces="none", wrong_key="cover")
    assert [face.outcome for face in both.recover(done.data, PASSPHRASE).faces] == ["estimate"]
    with pytest.raises(DamagedFileError, match="names cover mode, which model adder does not have"):
        Session(model=Adder()).recover(done.data, PASSPHRASE)


def test_a_model_without_room_for_records_gets_none() -> None:
    done = Session(model=Adder(room=9)).protect(PHOTO, PASSPHRASE, boxes=BOX, faces="none")
    assert any("too small, or opened by too many, for a record" in warning for warning in done.warnings)


CODE = """
import sys
sys.path.insert(0, {tests!r})
from test_flow_registry import Adder

def open_adder(threads):
    return Adder()

def open_liar(threads):
    return Adder()  # by another name

def open_nothing(threads):
    return object()

def open_never(threads):
    raise OSError("no weights")
"""
POINTS = """[proface_s.models]
adder = my_models:open_adder
liar = my_models:open_liar
nothing = my_models:open_nothing
never = my_models:open_never
missing = my_models:missing
"""
RUN = """
import numpy as np
from test_flow_registry import BOX, PASSPHRASE, PHOTO
from proface_s import Session
from proface_s.api import inspect
from proface_s.errors import ProFaceError
from proface_s.flow.registry import model_names, open_model

print(*model_names())
done = Session(model="Adder").protect(PHOTO, PASSPHRASE, boxes=BOX, faces="none", seal=False)
print(inspect(done.data).model, *[face.outcome for face in Session().recover(done.data, PASSPHRASE).faces])
for name in ("liar", "nothing", "never", "missing"):
    try:
        open_model(name)
    except ProFaceError as error:
        print(error)
"""


def test_an_installed_package_offers_models(tmp_path: Path) -> None:
    """Chosen by name, found again by the id in a file; those that are unusable are named."""
    (tmp_path / "my_models.py").write_text(CODE.format(tests=str(Path(__file__).parent)))
    about = tmp_path / "my_models-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-models\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(POINTS)
    folders = (tmp_path, Path(proface_s.__file__).parents[1], Path(__file__).parent)
    environment = {"PYTHONPATH": ":".join(map(str, folders)), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", RUN], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    names, read, *errors = done.stdout.splitlines()
    assert {"adder", "liar", "nothing", "never", "missing", *registry.model_names()} == set(names.split()), done.stderr
    assert read == "adder estimate"
    assert "model 'liar' cannot be used: its card names 'adder'" in errors[0]
    assert "model 'nothing' cannot be used: it lacks card, most_reserved, protect" in errors[1]
    assert "model 'never' cannot be used: OSError: no weights" in errors[2]
    assert "model 'missing' of my-models cannot be used: AttributeError" in errors[3]
