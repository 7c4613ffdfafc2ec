"""Case U10: every example of README and docs runs; if it needs more than a test has, its options are parsed."""

from __future__ import annotations

import ast
import getpass
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from examples import ROOT, Block, commands, programs, uploads
from PIL import Image

import proface_s
from proface_s import Identity, ProtectOptions, Session, ShareOptions, face_key
from proface_s.api import Credentials
from proface_s.cli.main import main, proface
from proface_s.cli.runner import keys
from proface_s.covers import registry
from proface_s.keys.recipients import encode_identity
from proface_s.video.clip.options import ClipOptions
from proface_s.video.clip.protect import write_protected
from proface_s.video.people.file import encode_people
from proface_s.video.people.people import People, PersonTrack

PASSPHRASE = "correct horse battery staple"
IDENTITY = Identity.generate()
ONLY_PARSED = {  # command -> why a test cannot run it
    "serve": "runs until it is stopped; the tests of the page start it",
    "train": "takes hours, and faces; tests/lab/training runs it",
    "export": "needs a checkpoint; tests/lab/training runs it",
    "evaluate": "needs faces, and takes minutes; tests/lab/evaluation runs it",
    "attack": "likewise",
}
SCALE_EXTRA = ("fsspec", "pyarrow")
UNREACHABLE = ("s3://", "tcp://", "| ssh", "curl ", "> party", "| proface", "docker ")


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a folder with everything that the examples name: photos of four faces, protected files, keys."""
    folder = tmp_path_factory.mktemp("examples")
    data = pytest.importorskip("skimage.data")
    portrait = data.astronaut()[:288, 90:346]
    photo = Image.fromarray(np.hstack([portrait, portrait[:, ::-1]] * 2))
    photo.save(folder / "party.jpg", quality=95)
    for name in "holiday", "photos", "PHOTOS", "protected", "safe":
        (folder / name).mkdir()
        if name != "safe":
            Image.fromarray(portrait).save(folder / name / "a.jpg")
    for name in "summer", "hidden":
        (folder / name).mkdir()
        shutil.copy(folder / "photos" / "a.jpg", folder / "summer")
    for name in "secret", "secret.txt", "mine", "bobs", "carols":
        (folder / name).write_text(f"the words of {name}\n")
        (folder / name).chmod(0o600)
    for name in "my.key", "owner.key":
        (folder / name).write_text(encode_identity(IDENTITY) + "\n")
        (folder / name).chmod(0o600)
    (folder / "key.json").write_text(json.dumps({"passphrase": PASSPHRASE}))
    session = Session(threads=1)
    words = [PASSPHRASE, "the words of secret"]
    done = session.protect(folder / "party.jpg", words, recipients=[IDENTITY.recipient], sidecar="also")
    assert len(done.faces) == 4
    pixels = session.protect(folder / "party.jpg", words, output=folder / "party.protected.png")
    Image.fromarray(pixels.protected).save(folder / "odd.png")
    done.save_cover(folder / "other-name.jpg")
    shutil.copy(folder / "party.protected.jpg", folder / "protected" / "a.jpg.protected.jpg")
    session.protect(folder / "summer" / "a.jpg", PASSPHRASE, output=folder / "hidden" / "a.protected.jpg")
    sharing = session.protect(folder / "party.jpg", PASSPHRASE, share=ShareOptions(), output=folder / "shared.jpg")
    assert sharing.share is not None
    with Image.open(io.BytesIO(sharing.share.data)) as sent:
        sent.save(folder / "from-the-chat.jpg", quality=75)
    for name, into in ("party.jpg", "trip"), ("from-the-chat.jpg", "chat"):
        (folder / into).mkdir()
        shutil.copy(folder / name, folder / into)
    for name in "shared.jpg", "shared.share.jpg":
        (folder / name).unlink()
    (folder / "bob.txt").write_text(face_key(done.data, 2, Credentials.of(PASSPHRASE)) + "\n")
    (folder / "bob.txt").chmod(0o600)
    if find_spec("av"):
        _make_clips(folder, np.asarray(photo)[:, :512])
    return folder


def _make_clips(folder: Path, frame: np.ndarray) -> None:
    """Write a clip of a few frames, a list of who is in it, and its protected copy with a sidecar, under two names."""
    import av

    with av.open(str(folder / "clip.mp4"), "w") as out:
        video = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = frame.shape[1], frame.shape[0], "yuv420p"
        for _ in range(6):
            out.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        out.mux(video.encode(None))
    boxes = [np.array([[x, 90, 60, 80]] * 6, np.int32) for x in (90, 250, 360)]
    tracks = tuple(PersonTrack(number, number, 0, box, 0) for number, box in enumerate(boxes, 1))
    people = People((frame.shape[1], frame.shape[0]), np.arange(6) / 25, tracks)
    (folder / "people.json").write_bytes(encode_people(people))
    options = ProtectOptions.of(PASSPHRASE, style="pixelate", sidecar="also")
    write_protected(folder / "clip.mp4", folder / "clip.protected.mp4", people, options, ClipOptions())
    shutil.copy(folder / "clip.mp4", folder / "summer")
    shutil.copy(folder / "clip.protected.mp4", folder / "hidden")
    shutil.copy(folder / "clip.protected.mp4", folder / "download.mp4")


@pytest.fixture
def here(kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Copy the kit, and simulate a terminal whose user knows the passphrase and answers yes."""
    folder = Path(shutil.copytree(kit, tmp_path / "here"))
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PROFACE_PASSPHRASE", raising=False)
    monkeypatch.setattr(keys, "has_terminal", lambda: True)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: PASSPHRASE)
    monkeypatch.setattr(click, "confirm", lambda *_, **__: True)
    yield folder
    registry._registered.clear()


def words_of(line: str) -> list[str]:
    """Return the arguments of ``proface`` in a line, with real keys in place of abbreviated ones."""
    line = line.replace("age1...", str(IDENTITY.recipient)).replace("/var/log/", "").replace("--jobs 4", "--jobs 2")
    line = re.sub(r"\[(.*?)\]", r"\1", line)
    line = re.sub(r"swapper:\S+", "swap", line)  # a network of the user's own; tests/unit/covers makes one
    words = shlex.split(line.split("|")[-1 if "| proface" in line else 0], comments=True)
    start = next(number for number, word in enumerate(words) if word in ("proface", "proface_s"))
    words = words[start + 1 :]
    return words[: words.index(">")] if ">" in words else words


@pytest.mark.parametrize(("place", "line"), commands(), ids=[place for place, _ in commands()])
def test_every_command_of_the_documentation_works(here: Path, place: str, line: str) -> None:
    words = words_of(line)
    command = proface.get_command(click.Context(proface), words[0]) if words else None
    if words and not words[0].startswith("-"):
        assert command is not None, f"there is no command {words[0]}"
        with command.make_context(words[0], list(words[1:])) as context:  # refuses unknown and malformed options
            assert context.params
    if not words or words[0] in ONLY_PARSED or any(sign in line for sign in UNREACHABLE):
        return
    if ".mp4" in line:
        pytest.importorskip("av")
    if "--engine" in words:
        for package in SCALE_EXTRA:
            pytest.importorskip(package)
    _make_room(here, words)
    assert main(words) == 0, f"{place}: {line}"


def _make_room(here: Path, words: list[str]) -> None:
    """Remove the outputs of earlier examples that this one writes again."""
    if words[0] == "protect":
        for path in (*here.glob("party.protected.*"), *here.glob("clip.protected.*")):
            path.unlink()
    for option, value in pairwise(words):
        if option in ("-o", "--output", "--draw") and (here / value).exists():
            shutil.rmtree(here / value) if (here / value).is_dir() else (here / value).unlink()
            if value.endswith("/"):
                (here / value).mkdir()


def names_of(block: Block, here: Path) -> dict[str, Any]:
    """Return the variables that the blocks use without defining them."""
    frames = [np.full((64, 96, 3), 40 * number, np.uint8) for number in range(3)]
    faces = here / "faces"
    faces.mkdir()
    for number in range(2):
        portrait = Image.open(here / "photos" / "a.jpg").resize((640, 720))
        portrait.save(faces / f"person_{number}.png")
    return {
        "passphrase": PASSPHRASE,
        "frames": frames,
        "show": lambda rgb: None,
        "folder": faces,
        "out": here / "out",
        "progress": _Silent(),
    }


class _Silent:
    def start(self, part: str, steps: int) -> None: ...
    def advance(self) -> None: ...
    def done(self) -> None: ...


def run(block: Block, here: Path) -> dict[str, Any]:
    """Run a block, with real keys in place of abbreviated ones; return its variables."""
    text = block.text.replace("age1...", str(IDENTITY.recipient))
    text = text.replace("AGE-SECRET-KEY-1...", encode_identity(IDENTITY))
    for path in here.glob("party.protected.*"):
        path.unlink()
    names = names_of(block, here)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(compile(text, str(block), "exec"), names)
    return names


def slow(block: Block) -> Any:
    return pytest.param(block, id=str(block), marks=[pytest.mark.slow] if "Evaluation(" in block.text else [])


@pytest.mark.parametrize("block", [slow(block) for block in programs()])
def test_every_program_of_the_documentation_runs(here: Path, block: Block) -> None:
    if "evaluation" in block.text:
        pytest.importorskip("matplotlib")
    names = run(block, here)
    if "result" in names and "back" in names:  # as the comment in the README says
        expected = "reduced" if "share=" in block.text else "exact"
        assert [face.outcome for face in names["back"].faces] == [expected] * 4


@pytest.mark.parametrize("block", programs(), ids=str)
def test_every_name_that_a_program_imports_exists(block: Block) -> None:
    """Also those of the programs that are too slow to run in the default suite."""
    if "evaluation" in block.text:
        pytest.importorskip("matplotlib")
    imports = [node for node in ast.parse(block.text).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert imports
    exec(compile(ast.Module(imports, []), str(block), "exec"), {})


@pytest.mark.filterwarnings("ignore:Using `httpx`")
@pytest.mark.parametrize(("place", "line"), uploads(), ids=[str(n) for n in range(len(uploads()))])
def test_every_upload_of_the_documentation_is_answered(here: Path, place: str, line: str) -> None:
    for needed in "fastapi", "httpx", "python_multipart":
        pytest.importorskip(needed)
    from starlette.testclient import TestClient

    from proface_s.web.app import create_app
    from proface_s.web.settings import ServiceSettings

    words = shlex.split(line)
    address = next(word for word in words if word.startswith("http"))
    parts = dict(value.split("=", 1) for option, value in pairwise(words) if option == "-F")
    options = parts.get("options", "{}").replace('"..."', json.dumps(PASSPHRASE))
    if options.startswith("<"):
        options = (here / options[1:]).read_text()
    field = "clip" if "clip" in parts else "photo"
    if field == "clip":
        pytest.importorskip("av")
    upload = (here / parts[field].removeprefix("@")).read_bytes()
    with TestClient(create_app(ServiceSettings(workers=1)), base_url="http://127.0.0.1:8000") as client:
        answer = client.post(
            address.removeprefix("http://127.0.0.1:8000"), files={field: upload}, data={"options": options}
        )
    assert answer.status_code == 200, (place, answer.text)


def test_there_are_examples() -> None:
    """The collector finds them: after a change of layout, the tests above must not pass without an example."""
    assert len(commands()) > 40
    assert len(programs()) >= 5
    assert len(uploads()) >= 3


def test_extras_that_the_documentation_names_exist() -> None:
    """``pip install 'proface-s[web]'`` names an extra of the project, in the same form everywhere (case U9)."""
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        text = page.read_text(encoding="utf-8")
        for names in re.findall(r"proface-s\[([\w,]+)\]", text):
            assert set(names.split(",")) <= set(extras), page.name
        assert not re.search(r"pip install ['\"]?\.\[", text), f"{page.name}: a user has no folder to install from"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_offered_for_every_shell_of_the_documentation(shell: str) -> None:
    """Case U9: the script that docs/start/install.md writes works, and so do the requests that it makes."""
    assert f"_PROFACE_COMPLETE={shell}_source proface" in (ROOT / "docs" / "start" / "install.md").read_text()
    source = str(Path(proface_s.__file__).parents[1])
    code = "from proface_s.cli.main import main; raise SystemExit(main())"

    def ask(**variables: str) -> str:
        environment = {**os.environ, "PYTHONPATH": source, **variables}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300, check=True
        )
        return done.stdout

    assert "proface" in ask(_PROFACE_COMPLETE=f"{shell}_source")
    for typed, words, number, wanted in (
        ("re", "proface re", "1", {"recover", "rewrap"}),
        ("--wr", "proface protect --wr", "2", {"--wrong-key"}),
        ("ti", "proface protect --format ti", "3", {"tiff"}),
    ):
        position = typed if shell == "fish" else number
        said = ask(_PROFACE_COMPLETE=f"{shell}_complete", COMP_WORDS=words, COMP_CWORD=position)
        assert wanted <= set(re.split(r"[,\s]+", said)), (shell, typed)


def test_the_container_gets_all_that_an_installation_needs() -> None:
    """Case U9: the container build copies every file that the package build reads; checked without a container."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    copied = " ".join(line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("COPY"))
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for name in ("pyproject.toml", project["project"]["readme"], "LICENSE", "NOTICE", "src"):
        assert name in copied.split()
        assert name in kept
