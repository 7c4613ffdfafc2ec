"""The vectors of docs/format.md, read by the program: every file answers as its description says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import make_container
import make_jpeg
import pytest

from proface_s import Credentials, RecoverResult, Session
from proface_s.api.files.io import load, load_protected
from proface_s.api.jpeg.protected import coefficient_digest
from proface_s.container.carriers.carrier import from_chunks
from proface_s.container.carriers.sidecar import picture_digest
from proface_s.container.header.unlock import unlock_header
from proface_s.container.records.partial_headers import headers_from_records
from proface_s.container.records.pixel_records import find_records
from proface_s.errors import (
    DamagedFileError,
    FileFormatError,
    ImageError,
    ModelError,
    NotProtectedError,
    ProFaceError,
    WrongKeyError,
)
from proface_s.image.jpeg.read_coefficients import read_jpeg
from proface_s.image.read import read_picture
from proface_s.image.turning import with_orientation

ROOTS = (make_container.HERE, make_jpeg.HERE)
CLASSES: tuple[tuple[type[ProFaceError], str], ...] = (
    (NotProtectedError, "not-protected"), (DamagedFileError, "damaged"), (FileFormatError, "newer"),
    (WrongKeyError, "wrong-key"), (ImageError, "not-a-picture"), (ModelError, "lacks-model"),
)  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """One attempt on one file."""

    path: Path
    case: dict[str, Any]
    attempt: dict[str, Any]

    @property
    def sidecar(self) -> Path | None:
        """The sidecar that the case names."""
        return self.path.with_name(self.case["sidecar"]) if "sidecar" in self.case else None

    @property
    def credentials(self) -> Credentials:
        """What to open the file with."""
        given = self.attempt["with"]
        return Credentials.of(given.get("passphrases"), given.get("identities", ()), given.get("face_keys", ()))


def subjects() -> list[Path]:
    return [folder for root in ROOTS for folder in sorted(root.iterdir())]


def trials() -> list[Any]:
    found = []
    for folder in subjects():
        for case in json.loads((folder / "cases.json").read_text(encoding="ascii"))["cases"]:
            for number, attempt in enumerate(case["attempts"], 1):
                label = f"{folder.parent.name}/{folder.name}/{case['file']}" + (
                    f"-{number}" if len(case["attempts"]) > 1 else ""
                )
                found.append(pytest.param(Trial(folder / case["file"], case, attempt), id=label))
    return found


TRIALS = trials()


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


def class_of(error: ProFaceError) -> str:
    return next(name for kind, name in CLASSES if isinstance(error, kind))


def answer_of(session: Session, trial: Trial) -> RecoverResult | str:
    """Recover a file; return the result, or the class of the error."""
    try:
        return session.recover(trial.path.read_bytes(), credentials=trial.credentials, sidecar=trial.sidecar)
    except ProFaceError as error:
        return class_of(error)


def digest_of(data: bytes) -> str:
    """Return the picture digest of a file: of a JPEG, that of its coefficients."""
    if data.startswith(b"\xff\xd8"):
        return coefficient_digest(read_jpeg(data)).hex()
    return picture_digest(with_orientation(read_picture(data), 1).rgb).hex()


@pytest.mark.parametrize("trial", TRIALS)
def test_recovering(session: Session, trial: Trial) -> None:
    expected, answer = trial.attempt, answer_of(session, trial)
    if isinstance(answer, str):
        assert answer == expected["expect"]
        return
    assert expected["expect"] == "opens"
    assert [face.outcome for face in answer.faces] == expected["faces"]
    if "recovered" in expected:
        assert digest_of(answer.data) == expected["recovered"]


@pytest.mark.parametrize("trial", [trial for trial in TRIALS if trial.values[0].attempt["expect"] == "opens"])
def test_keys_and_pixels(trial: Trial) -> None:
    assert digest_of(trial.path.read_bytes()) == trial.case["protected"]
    picture = load_protected(trial.path, trial.sidecar)
    if any(picture.chunks.values()):
        opened = unlock_header(from_chunks(picture.chunks)[0], trial.credentials)
    else:
        (partial,) = headers_from_records(find_records(picture.rgb), picture.size)
        opened = unlock_header(partial.header, trial.credentials, authenticated=False)
    expected = trial.attempt["face_keys"]
    assert {str(index + 1): key.reveal().hex() for index, key in opened.face_keys.items()} == expected


def test_the_folders_hold_what_is_described() -> None:
    for folder in subjects():
        cases = json.loads((folder / "cases.json").read_text(encoding="ascii"))["cases"]
        named = {"cases.json"} | {case["file"] for case in cases} | {c["sidecar"] for c in cases if "sidecar" in c}
        assert {path.name for path in folder.iterdir()} == named
        assert len(named) <= 15


def test_every_kind_of_answer_is_there() -> None:
    expected = {trial.values[0].attempt["expect"] for trial in TRIALS}
    assert expected == {"opens", *(name for _, name in CLASSES)}
    outcomes = {face for trial in TRIALS for face in trial.values[0].attempt.get("faces", ())}
    assert outcomes == {"exact", "estimate", "locked", "forgotten", "lost", "damaged"}


@pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.name)
def test_the_script_makes_the_same_descriptions(root: Path, tmp_path: Path) -> None:
    """Headers, keys and JPEG files are the same bytes on every machine; only other compressed pixels may differ."""
    jpeg = root == make_jpeg.HERE
    make_container.write(make_jpeg.SUBJECTS if jpeg else make_container.all_subjects(), tmp_path)
    for folder in root.iterdir():
        made = (tmp_path / folder.name / "cases.json").read_text(encoding="ascii")
        assert made == (folder / "cases.json").read_text(encoding="ascii"), folder.name
        assert {path.name for path in (tmp_path / folder.name).iterdir()} == {path.name for path in folder.iterdir()}
        for path in folder.glob("*.jpg"):
            assert path.read_bytes() == (tmp_path / folder.name / path.name).read_bytes()
    if not jpeg:
        plain = [load(each / "layout" / "plain.png").chunks["pfSh"] for each in (root, tmp_path)]
        assert plain[0] == plain[1]
