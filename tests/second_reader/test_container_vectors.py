"""Every vector of the container and of JPEG files, read with the second reader: class, outcomes, face keys, picture."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from .container import carriers
from .keys.unlock import Credentials
from .outcomes import NotOpened
from .reading import read

VECTORS = Path(__file__).parents[1] / "vectors"
FOLDERS = sorted(folder for kind in ("container", "jpeg") for folder in (VECTORS / kind).iterdir() if folder.is_dir())
CASES = [
    pytest.param(path.parent, case, id=f"{path.parents[1].name}/{path.parent.name}/{case['file']}")
    for path in (folder / "cases.json" for folder in FOLDERS)
    for case in json.loads(path.read_text(encoding="utf-8"))["cases"]
]


def test_all_folders_are_read() -> None:
    assert len({parameters.values[0] for parameters in CASES}) == len(FOLDERS)
    assert len(CASES) > 200


def test_the_reader_is_not_the_program() -> None:
    """Nothing but the test that compares the two imports the program, or the other reader of the flow."""
    for path in Path(__file__).parent.rglob("*.py"):
        imports = re.findall(r"(?m)^\s*(?:from|import) ([\w.]+)", path.read_text(encoding="utf-8"))
        strangers = {name.split(".")[0] for name in imports} & {"proface_s", "proface_lab", "flow_reader"}
        assert not strangers or path.name == "test_program.py", path


@pytest.mark.parametrize(("folder", "case"), CASES)
def test_vector(folder: Path, case: dict[str, Any]) -> None:
    picture = folder / case["file"]
    if "protected" in case:
        assert carriers.picture(picture.read_bytes()).digest == case["protected"]
    sidecar = folder / case["sidecar"] if "sidecar" in case else None
    for attempt in case["attempts"]:
        expected = {key: value for key, value in attempt.items() if key != "with"}
        found = outcome(picture, Credentials(**attempt["with"]), sidecar)
        if attempt["expect"] == "opens" and "recovered" not in attempt:
            assert "estimate" in found["faces"]
            del found["recovered"]
        assert found == expected


def outcome(picture: Path, credentials: Credentials, sidecar: Path | None) -> dict[str, Any]:
    """What an attempt gives, in the fields of ``cases.json``."""
    try:
        result = read(picture, credentials, sidecar)
    except NotOpened as reason:
        return {"expect": reason.word}
    return {
        "expect": "opens",
        "faces": result.faces,
        "face_keys": {str(number): key.hex() for number, key in result.face_keys.items()},
        "recovered": result.picture.digest,
    }
