"""Case D1: nothing leaves the computer, and nothing is written but the outputs.

Each program runs under strace in an empty home.  It may ask no address but this machine's own, look up no name, write
only outputs and temporary files, and leave none of the latter.  This holds for dependencies that do not exist yet, too.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image
from silence_kit import PATIENCE, Watched, proface, python, why_not
from skimage import data

import proface_s
from proface_s.keys.recipients import Identity

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

PASSPHRASE = "nobody hears this passphrase"
TELEMETRY_SECONDS = 28  # onnxruntime spoke after 25 s at the latest


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path / "work")
    yield made
    made.stop()


def portrait(folder: Path, name: str = "portrait.png") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(data.astronaut()[:256, 96:352]).save(folder / name)
    return name


def test_protect_and_recover(watched: Watched) -> None:
    name = portrait(watched.folder)
    watched.start(proface("protect", name), PROFACE_PASSPHRASE=PASSPHRASE).finish(name, "portrait.protected.png")
    watched.start(proface("recover", "portrait.protected.png"), PROFACE_PASSPHRASE=PASSPHRASE)
    watched.finish(name, "portrait.protected.png", "portrait.recovered.png")


def test_detect(watched: Watched) -> None:
    name = portrait(watched.folder)
    watched.start(proface("detect", name, "--json")).finish(name)


def test_a_clip(watched: Watched) -> None:
    av = pytest.importorskip("av")
    watched.folder.mkdir(parents=True, exist_ok=True)
    with av.open(str(watched.folder / "clip.mp4"), "w") as out:
        video = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 256, 256, "yuv420p"
        for _ in range(3):
            out.mux(video.encode(av.VideoFrame.from_ndarray(data.astronaut()[:256, 96:352].copy(), format="rgb24")))
        out.mux(video.encode(None))
    watched.start(proface("protect", "clip.mp4"), PROFACE_PASSPHRASE=PASSPHRASE).finish(
        "clip.mp4", "clip.protected.mp4"
    )
    watched.start(proface("recover", "clip.protected.mp4"), PROFACE_PASSPHRASE=PASSPHRASE)
    watched.finish("clip.mp4", "clip.protected.mp4", "clip.recovered.mp4")


def test_a_folder_in_two_processes(watched: Watched) -> None:
    names = [f"in/{portrait(watched.folder / 'in', f'{i}.png')}" for i in range(3)]
    watched.start(proface("protect", "in", "-o", "out", "--jobs", "2"), PROFACE_PASSPHRASE=PASSPHRASE)
    watched.finish(*names, *(f"out/{i}.protected.png" for i in range(3)))


def test_every_module(watched: Watched) -> None:
    code = (
        "import importlib, pkgutil, proface_s\n"
        "for module in pkgutil.walk_packages(proface_s.__path__, 'proface_s.'):\n"
        "    if module.name == 'proface_s.__main__': continue\n"
        "    try: importlib.import_module(module.name)\n"
        "    except ModuleNotFoundError as error: assert not error.name.startswith('proface_s'), module.name\n"
    )
    watched.start(python(code)).finish()


@pytest.mark.skipif(find_spec("fastapi") is None, reason="needs the web extra")
def test_the_service_for_half_a_minute(watched: Watched) -> None:
    watched.loopback = True
    name = portrait(watched.folder)
    process = watched.start(proface("serve", "--no-browser")).process
    assert process.stdout is not None
    address = process.stdout.readline().split()[-1]
    options = json.dumps({"passphrase": PASSPHRASE}).encode()
    body, kind = form((watched.folder / name).read_bytes(), options)
    begun = time.monotonic()
    for path, sent in (("detect", form((watched.folder / name).read_bytes())), ("protect", (body, kind))):
        request = urllib.request.Request(f"{address}api/{path}", sent[0], {"Content-Type": sent[1]})
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=PATIENCE) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            pytest.fail(f"{path}: {error.code} {error.read().decode()}")
    time.sleep(max(0.0, begun + TELEMETRY_SECONDS - time.monotonic()))
    watched.interrupt()
    watched.finish(name)


def form(photo: bytes, options: bytes = b"{}") -> tuple[bytes, str]:
    """A multipart form, and its type."""
    part = b'--limit\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    parts = part % (b'photo"; filename="p.png', photo) + part % (b"options", options)
    return parts + b"--limit--\r\n", "multipart/form-data; boundary=limit"


@pytest.mark.skipif(find_spec("onnxruntime") is None, reason="needs onnxruntime")
def test_what_still_uses_onnxruntime(watched: Watched) -> None:
    graph = Path(proface_s.__file__).parent / "flow" / "weights" / "secure-2" / "luma-even.onnx"
    code = (
        "import time; from proface_s.silence import load_onnxruntime\n"
        f"session = load_onnxruntime().InferenceSession({str(graph)!r}, providers=['CPUExecutionProvider'])\n"
        f"time.sleep({TELEMETRY_SECONDS})"
    )
    watched.start(python(code)).finish()


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="needs the eval extra")
def test_plots(watched: Watched) -> None:
    code = (
        "from pathlib import Path; from proface_lab.evaluation.report.plots import figure\n"
        "with figure(Path('plot.png'), 'title', 'x', 'y') as axes: axes.plot([0, 1], [1, 0])"
    )
    watched.start(python(code)).finish("plot.png")


@pytest.mark.skipif(find_spec("distributed") is None or find_spec("fsspec") is None, reason="needs the scale extra")
def test_a_dask_cluster_stays_on_this_machine(watched: Watched) -> None:
    watched.loopback, watched.system = True, ("/var/lib/libuuid/",)  # the clock of UUIDs, which dask draws
    names = [f"in/{portrait(watched.folder / 'in', f'{i}.png')}" for i in range(2)]
    recipient = str(Identity.generate().recipient)
    watched.start(proface("protect", "in", "-o", "out", "--engine", "dask", "--jobs", "2", "-r", recipient))
    out, err = watched.process.communicate(timeout=PATIENCE)
    assert watched.process.returncode == 0, out + err
    complaints = watched.complaints()
    assert not complaints, "\n".join(complaints)
    outputs = {path.name for path in (watched.folder / "out").glob("*.png")}
    assert outputs == {"0.png.protected.png", "1.png.protected.png"}
    assert all((watched.folder / name).exists() for name in names)


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("import socket; socket.socket(type=2).connect(('192.0.2.1', 53))", "connect 192.0.2.1 port 53"),
        ("import socket; socket.socket(socket.AF_INET6, 2).connect_ex(('2001:db8::1', 9))", "connect 2001:db8::1"),
        ("import socket; socket.create_server(('0.0.0.0', 0))", "bind 0.0.0.0 port 0"),
        ("import socket; socket.create_server(('127.0.0.1', 0))", "bind 127.0.0.1 port 0"),
        ("import pathlib; pathlib.Path.home().joinpath('.cache').mkdir()", "left HOME/.cache"),
        ("import pathlib; p = pathlib.Path.home() / 'x'; p.write_text('x'); p.unlink()", "openat HOME/x"),
        ("import tempfile; tempfile.mkstemp(suffix='.kept')", ".kept"),
        ("open('/etc/resolv.conf')", "/etc/resolv.conf"),
        ("import os; os.mkdir('../beside')", "/beside"),
        ("import subprocess as s, sys; s.run([sys.executable, '-c', \"open('../x', 'w')\"])", "/x"),
    ],
)  # fmt: skip
def test_the_watch_would_notice(watched: Watched, code: str, complaint: str) -> None:
    process = watched.start(python(code)).process
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 or code.startswith("open"), err
    assert complaint.replace("HOME", str(watched.home)) in " | ".join(watched.complaints())


def test_the_watch_lets_honest_work_pass(watched: Watched) -> None:
    watched.loopback = True
    code = (
        "import socket, tempfile, pathlib\n"
        "s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())\n"
        "with tempfile.TemporaryDirectory() as folder: pathlib.Path(folder, 'x').write_text('x')\n"
        "pathlib.Path('new').mkdir(); pathlib.Path('new/x').write_text('x'); pathlib.Path('new/x').rename('x')\n"
    )
    watched.start(python(code)).finish("x")
