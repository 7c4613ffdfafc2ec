"""Case U4: results are saved whole, shown in one line, and shown in notebooks without anything secret."""

from __future__ import annotations

import io
import pickle
import sys
import warnings
from dataclasses import fields, is_dataclass, replace
from inspect import isclass, isfunction, signature, unwrap
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from PIL import Image

import proface_s
import proface_s.errors
from proface_s import (
    Credentials,
    Detection,
    ProtectedFrame,
    ProtectResult,
    RecoverResult,
    Session,
    VideoKey,
    VideoSession,
)
from proface_s.api.options import Sidecar
from proface_s.errors import ImageError, UsageError
from proface_s.types import Box, Face
from proface_s.video.clip.results import InspectedPerson, ProtectedPerson

PASSPHRASE = "correct horse battery staple"
BY_HAND: dict[str, Any] = {"boxes": [(40, 20, 64, 64)], "faces": "none"}


def drawn(width: int = 160, height: int = 120) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    waves = 90 + 60 * np.sin((x + 2 * y) / 40)
    return np.dstack([x * 255 / width, y * 255 / height, waves]).astype(np.uint8)


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


@pytest.fixture(scope="module")
def done(session: Session) -> ProtectResult:
    return session.protect(drawn(), PASSPHRASE, **BY_HAND)


@pytest.fixture(scope="module")
def back(session: Session, done: ProtectResult) -> RecoverResult:
    return session.recover(done, PASSPHRASE)


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif", "A.TIFF"])
def test_what_is_saved_comes_back_exactly(session: Session, done: ProtectResult, tmp_path: Path, name: str) -> None:
    path = done.save(tmp_path / name)
    assert path == tmp_path / name
    again = session.recover(path.read_bytes(), PASSPHRASE)
    assert [face.outcome for face in again.faces] == ["exact"]
    assert np.array_equal(again.recovered, drawn())
    if name == "a.png":
        assert path.read_bytes() == done.data


def test_nothing_is_replaced_or_destroyed_by_saving(done: ProtectResult, back: RecoverResult, tmp_path: Path) -> None:
    for result in done, back:
        path = tmp_path / f"{type(result).__name__}.png"
        path.write_bytes(b"something else")
        with pytest.raises(ImageError, match="already exists"):
            result.save(path)
        assert path.read_bytes() == b"something else"
        result.save(str(path), overwrite=True)
        with pytest.raises(ImageError, match="does not exist"):
            result.save(tmp_path / "nowhere" / "a.png")
    with pytest.raises(UsageError, match="JPEG would destroy"):
        done.save(tmp_path / "a.jpg")
    hidden = replace(back, faces=tuple(replace(face, outcome="locked") for face in back.faces))
    with pytest.raises(UsageError, match="JPEG would destroy"):
        hidden.save(tmp_path / "a.jpg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ProtectResult.png", "RecoverResult.png"]
    assert back.save(tmp_path / "a.jpg").read_bytes().startswith(b"\xff\xd8\xff"), "nothing is hidden in it any more"


def test_a_sidecar_is_saved_beside(session: Session, tmp_path: Path) -> None:
    result = session.protect(drawn(), PASSPHRASE, sidecar="instead", **BY_HAND)
    result.save(tmp_path / "a.png")
    assert (tmp_path / "a.pfs").read_bytes() == result.sidecar
    assert [face.outcome for face in session.recover(tmp_path / "a.png", PASSPHRASE).faces] == ["exact"]
    (tmp_path / "a.webp.pfs").touch()
    with pytest.raises(ImageError, match=r"a\.webp\.pfs already exists"):
        result.save(tmp_path / "a.webp")
    assert not (tmp_path / "a.webp").exists()


@pytest.mark.parametrize("sidecar", ["also", "instead"])
def test_a_sidecar_without_seals_is_made_too(session: Session, tmp_path: Path, sidecar: Sidecar) -> None:
    result = session.protect(drawn(), PASSPHRASE, sidecar=sidecar, seal=False, **BY_HAND)
    result.save(tmp_path / "a.png")
    assert [face.outcome for face in session.recover(tmp_path / "a.png", PASSPHRASE).faces] == ["estimate"]


def test_recovered_photos_and_changed_files_are_saved_too(
    session: Session, done: ProtectResult, back: RecoverResult, tmp_path: Path
) -> None:
    for name in "a.png", "a.webp", "a.tif":
        with Image.open(back.save(tmp_path / name)) as image:
            assert np.array_equal(np.asarray(image), drawn())
    forgotten = proface_s.forget(done.data, 1)
    forgotten.save(tmp_path / "f.webp")
    assert proface_s.inspect(tmp_path / "f.webp").forgotten == (1,)


def test_alpha_profile_and_all_survive_another_format(session: Session, tmp_path: Path) -> None:
    image = Image.fromarray(np.dstack([drawn(), np.full((120, 160), 200, np.uint8)]))
    image.info["icc_profile"] = b"p" * 128
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    result = session.protect(buffer.getvalue(), PASSPHRASE, **BY_HAND)
    result.save(tmp_path / "a.webp")
    with Image.open(tmp_path / "a.webp") as saved, Image.open(io.BytesIO(result.data)) as original:
        assert saved.mode == original.mode
        assert saved.info.get("icc_profile") == original.info.get("icc_profile")


def test_a_pil_image_keeps_what_it_carries(session: Session, tmp_path: Path) -> None:
    """The input of the case: ``result.image.save("x.png")`` lost header and seal silently."""
    result = session.protect(Image.fromarray(drawn()), PASSPHRASE, **BY_HAND)
    for image in result.image, result.image.copy(), pickle.loads(pickle.dumps(result.image)):
        for name, options in ("x.png", {}), ("x.webp", {}), ("x.tif", {}), ("y.png", {"optimize": True}):
            image.save(tmp_path / name, **options)
            again = session.recover((tmp_path / name).read_bytes(), PASSPHRASE)
            assert [face.outcome for face in again.faces] == ["exact"], name
    buffer = io.BytesIO()
    result.image.save(buffer, format="PNG")
    assert session.recover(buffer.getvalue(), PASSPHRASE).faces[0].outcome == "exact"
    with open(tmp_path / "z.png", "wb") as file:
        result.image.save(file)
    assert session.recover((tmp_path / "z.png").read_bytes(), PASSPHRASE).faces[0].outcome == "exact"
    assert session.recover(result.image, PASSPHRASE).faces[0].outcome == "exact"


def test_a_pil_image_says_so_where_something_is_lost(session: Session, tmp_path: Path) -> None:
    result = session.protect(Image.fromarray(drawn()), PASSPHRASE, **BY_HAND)
    for name, options in ("x.jpg", {}), ("x.bmp", {}), ("x.webp", {"quality": 80}), ("x.webp", {"lossless": False}):
        with pytest.warns(UserWarning, match="save method of the result"):
            result.image.save(tmp_path / name, **options)
        assert (tmp_path / name).exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session.recover(result.image, PASSPHRASE).image.save(tmp_path / "back.jpg")  # nothing is hidden any more


def every_result(session: Session, done: ProtectResult, back: RecoverResult) -> list[Any]:
    class One:
        def detect(self, rgb: np.ndarray) -> list[Face]:
            return [Face(Box(20, 20, 40, 40), 0.9)]

    found = Session(detector=One()).detect(drawn())
    shown, checked = proface_s.inspect(done.data), proface_s.verify(done.data, Credentials.of(PASSPHRASE))
    forgotten, bare = (
        proface_s.forget(done.data, 1),
        session.protect(drawn(), PASSPHRASE, faces="none", allow_no_face=True),
    )
    frame = next(VideoSession(detector=One(), model=session.model).protect([drawn()], VideoKey.generate()))
    rows = [*found.faces, *done.faces, *back.faces, *checked.faces, *shown.faces]
    return [
        found,
        done,
        back,
        shown,
        checked,
        forgotten,
        bare,
        frame,
        proface_s.ProtectedClip(Path("a.mp4"), (ProtectedPerson(1, 2, Box(2, 4, 6, 8), "pixelate"),), (64, 48), 999),
        proface_s.RecoveredClip(Path("b.mp4"), (1,), (2,), False, 999, ("a note",)),
        proface_s.ClipInspection(
            1,
            (64, 48),
            (InspectedPerson(1, Box(2, 4, 6, 8), "solid", 0, ((0.0, 1.0),), False),),
            9,
            1.0,
            False,
            (),
            1,
            2,
        ),
        proface_s.ClipVerification((1,), (2,), (3,), True),
        *rows,
        Credentials.of(PASSPHRASE),
        proface_s.Lock.of(PASSPHRASE),
    ]


def result_types() -> set[type]:
    """Return the dataclasses that public functions, and the methods of public sessions, return or yield."""
    public = [getattr(proface_s, name) for name in proface_s.__all__]
    calls = [each for each in public if isfunction(each)]
    sessions = [each for each in public if isclass(each) and each.__name__.endswith("Session")]
    calls += [call for each in sessions for name, call in vars(each).items() if isfunction(call) and name[0] != "_"]
    found: set[type] = set()
    for call in calls:
        own = unwrap(call)
        returned = eval(own.__annotations__["return"], vars(sys.modules[own.__module__]))
        found |= {each for each in (returned, *get_args(returned)) if isclass(each) and is_dataclass(each)}
    return found


def test_every_type_of_result_is_there_and_can_be_shown_and_saved(
    session: Session, done: ProtectResult, back: RecoverResult
) -> None:
    results = result_types()
    assert results >= {Detection, ProtectResult, RecoverResult, ProtectedFrame}, "the search finds what it should"
    assert results <= {type(each) for each in every_result(session, done, back)}, "the tests below see all of them"
    for kind in results:
        assert getattr(proface_s, kind.__name__) is kind
        assert "__repr__" in vars(kind)
        assert not kind.__dataclass_params__.repr  # type: ignore[attr-defined]
        assert callable(vars(kind)["_repr_html_"])
        assert ("data" in {field.name for field in fields(kind)}) == ("save" in vars(kind)), "a file can be saved"


def test_every_result_is_one_short_line(session: Session, done: ProtectResult, back: RecoverResult) -> None:
    key = proface_s.face_key(done.data, 1, Credentials.of(PASSPHRASE))
    for result in every_result(session, done, back):
        for text in repr(result), str(result):
            assert "\n" not in text
            assert len(text) < 300, text
            assert not any(word in text for word in ("array", "uint8", "b'", "\\x", PASSPHRASE, key)), text
    assert repr(done) == "<ProtectResult: 1 face (blur), exact copies sealed in, 160x120 pixels>"
    assert repr(back) == "<RecoverResult: 1 face (1 exact), 160x120 pixels>"
    assert "number=1" in repr(done.faces[0])


def test_a_path_in_a_line_cannot_break_it(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "a\nb\x1b[31m.png"
    Image.fromarray(drawn()).save(path)
    result = session.protect(path, PASSPHRASE, **BY_HAND)
    assert "\n" not in repr(result)
    assert "\x1b" not in repr(result)
    assert "&lt;" in result._repr_html_()


def test_notebooks_get_nothing_that_is_hidden(session: Session, done: ProtectResult, back: RecoverResult) -> None:
    png = done._repr_png_()
    assert png is not None
    with Image.open(io.BytesIO(png)) as image:
        assert np.array_equal(np.asarray(image), done.cover), "the plain covers: there is no code in their pixels"
    with pytest.raises(proface_s.errors.NotProtectedError):
        proface_s.inspect(png)
    for result in every_result(session, done, back)[:12]:
        text = result._repr_html_()
        assert PASSPHRASE not in text
        if not isinstance(result, ProtectResult):
            assert "<img" not in text, "neither originals nor recovered faces get into a notebook by themselves"
            assert not hasattr(result, "_repr_png_")
    assert "<td>exact</td>" in back._repr_html_()


def test_large_pictures_are_shown_small(session: Session) -> None:
    result = session.protect(drawn(2000, 900), PASSPHRASE, **BY_HAND)
    png = result._repr_png_()
    assert png is not None
    with Image.open(io.BytesIO(png)) as image:
        assert image.size == (800, 360)


def test_detection_shows_a_table(session: Session) -> None:
    found = session.detect(drawn(), **BY_HAND)
    assert isinstance(found, Detection)
    assert "<td>40,20,64,64</td>" in found._repr_html_()


def test_the_functions_show_the_parameters_of_the_methods() -> None:
    for function, method in (proface_s.protect, Session.protect), (proface_s.recover, Session.recover):
        assert list(signature(function).parameters) == [name for name in signature(method).parameters if name != "self"]
        assert "Raises" in str(function.__doc__)
        with pytest.raises(TypeError, match="unheard_of"):
            function(drawn(), PASSPHRASE, unheard_of=1)  # type: ignore[call-arg]


def test_everything_that_is_needed_has_a_name_at_the_top() -> None:
    assert proface_s.Box(1, 2, 3, 4) == Box(1, 2, 3, 4)
    with pytest.raises(proface_s.UsageError):
        proface_s.recover(drawn(), PASSPHRASE, faces=0)
    assert {name for name in vars(proface_s.errors) if name.endswith("Error")} <= set(proface_s.__all__)
