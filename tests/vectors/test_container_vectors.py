"""The vectors of docs/format.md, read by the program: every file answers as its description says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import make_container
import pytest

from proface_s import Credentials, RecoverResult, Session
from proface_s.api.files.io import load
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
from proface_s.image.read import read_picture

HERE = Path(__file__).parent / "container"
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
    return sorted(HERE.iterdir())


def trials() -> list[Any]:
    found = []
    for folder in subjects():
        for case in json.loads((folder / "cases.json").read_text(encoding="ascii"))["cases"]:
            for number, attempt in enumerate(case["attempts"], 1):
                label = f"{folder.name}/{case['file']}" + (f"-{number}" if len(case["attempts"]) > 1 else "")
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


@pytest.mark.parametrize("trial", TRIALS)
def test_recovering(session: Session, trial: Trial) -> None:
    expected, answer = trial.attempt, answer_of(session, trial)
    if isinstance(answer, str):
        assert answer == expected["expect"]
        return
    assert expected["expect"] == "opens"
    assert [face.outcome for face in answer.faces] == expected["faces"]
    if "recovered" in expected:
        assert picture_digest(answer.recovered).hex() == expected["recovered"]


@pytest.mark.parametrize("trial", [trial for trial in TRIALS if trial.values[0].attempt["expect"] == "opens"])
def test_keys_and_pixels(trial: Trial) -> None:
    assert picture_digest(read_picture(trial.path).rgb).hex() == trial.case["protected"]
    picture = load(trial.path, trial.sidecar)
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
    assert outcomes == {"exact", "estimate", "locked", "forgotten", "lost"}


def test_the_script_makes_the_same_descriptions(tmp_path: Path) -> None:
    """Headers and keys are the same bytes on every machine; only compressed pixels may differ."""
    make_container.write(make_container.all_subjects(), tmp_path)
    for folder in subjects():
        made = (tmp_path / folder.name / "cases.json").read_text(encoding="ascii")
        assert made == (folder / "cases.json").read_text(encoding="ascii"), folder.name
        assert {path.name for path in (tmp_path / folder.name).iterdir()} == {path.name for path in folder.iterdir()}
    plain = [load(root / "layout" / "plain.png").chunks["pfSh"] for root in (HERE, tmp_path)]
    assert plain[0] == plain[1]
