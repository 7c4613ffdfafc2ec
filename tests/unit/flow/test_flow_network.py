"""The flow's networks give the same numbers whatever runs them, with any number of threads and in any thread."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from paths_kit import ROOT
from proface_s.cli.hints import command_line_hint
from proface_s.errors import ModelError
from proface_s.flow import network
from proface_s.flow.cards import shipped_models
from proface_s.flow.secure.couplings import PLANES
from proface_s.flow.secure.model import GRAPH_NAMES, SecureFlow
from proface_s.silence import load_onnxruntime
from proface_s.threads import opencv_threads
from proface_s.types import FloatArray

FOLDER = shipped_models() / "secure-2"  # has the graphs of all later models
SIZES = ((1, 1), (1, 7), (2, 1), (4, 4), (5, 7), (9, 8), (15, 33), (31, 64), (64, 64), (3, 700), (700, 3), (73, 301),
         (80, 512), (256, 40))  # fmt: skip


def graph(stage: int) -> bytes:
    return (FOLDER / GRAPH_NAMES[stage]).read_bytes()


def planes(stage: int, height: int, width: int, seed: int = 0) -> FloatArray:
    """Whole numbers as large as any plane has."""
    rng = np.random.default_rng([stage, height, width, seed])
    return rng.integers(-508, 509, (1, PLANES[stage], height, width)).astype(np.float32)


@pytest.fixture(autouse=True)
def opencv_as_it_was() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    assert cv2.getNumThreads() == before


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("stage", range(4))
def test_opencv_and_onnxruntime_agree_to_the_last_bit(stage: int, threads: int) -> None:
    pytest.importorskip("onnxruntime")
    theirs = load_onnxruntime().InferenceSession(graph(stage), providers=["CPUExecutionProvider"])
    ours = network.open_graph(graph(stage), threads)
    for height, width in SIZES:
        given = planes(stage, height, width, threads)
        np.testing.assert_array_equal(ours(given), theirs.run(None, {"planes": given})[0], str((height, width)))


@pytest.mark.skipif(not hasattr(cv2.dnn, "ENGINE_NEW"), reason="OpenCV 4 has one engine")
@pytest.mark.parametrize("engine", ["ENGINE_CLASSIC", "ENGINE_NEW"])
def test_both_engines_of_opencv_agree(engine: str) -> None:
    for stage in range(4):
        theirs = cv2.dnn.readNetFromONNX(np.frombuffer(graph(stage), np.uint8), getattr(cv2.dnn, engine))
        theirs.enableWinograd(False)
        ours = network.open_graph(graph(stage), 1)
        for height, width in SIZES[::3]:
            given = planes(stage, height, width)
            theirs.setInput(given)
            np.testing.assert_array_equal(ours(given), theirs.forward())


def test_an_engine_may_be_called_from_several_threads() -> None:
    engine = network.open_graph(graph(3), 2)
    given = [planes(3, 8 + 5 * i % 60, 40 + i, i) for i in range(24)]
    expected = [engine(each) for each in given]
    with ThreadPoolExecutor(6) as pool:
        for _ in range(3):
            for found, right in zip(pool.map(engine, given), expected, strict=True):
                np.testing.assert_array_equal(found, right)


def test_an_answer_is_not_overwritten_by_the_next() -> None:
    engine = network.open_graph(graph(0), 1)
    first = engine(planes(0, 12, 16, 1))
    kept = first.copy()
    engine(planes(0, 12, 16, 2))
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("stage", range(4))
def test_the_answers_of_all_shipped_graphs_are_known(stage: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "answer_digest", lambda answer: "another build's")
    with pytest.raises(ModelError, match="does not compute the model's networks exactly"):
        network.open_graph(graph(stage), 1)


def test_a_model_is_refused_where_opencv_computes_other_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    forward = network._forward
    monkeypatch.setattr(network, "_forward", lambda net, values: forward(net, values) + np.float32(1 / 64))
    with pytest.raises(ModelError, match="exactly") as caught:
        SecureFlow()
    assert "opencv-python-headless" in command_line_hint(caught.value)


def test_what_is_no_graph_is_refused() -> None:
    with pytest.raises(ModelError, match="cannot read"):
        network.open_graph(b"no graph", 1)


def test_an_opencv_without_the_switch_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        """A network as OpenCV had them before 4.7: no way to turn Winograd off."""

    monkeypatch.setattr(cv2.dnn, "readNetFromONNX", lambda data: Old())
    with pytest.raises(ModelError, match="cannot read") as caught:
        network.open_graph(graph(0), 1)
    assert "4.12" in command_line_hint(caught.value)


def test_opencvs_threads_are_put_back_by_the_last() -> None:
    before = cv2.getNumThreads()
    with opencv_threads(before + 2):
        assert cv2.getNumThreads() == before + 2
        with opencv_threads(1):
            assert cv2.getNumThreads() == before + 2
        assert cv2.getNumThreads() == before + 2
    with pytest.raises(KeyError), opencv_threads(before + 1):
        raise KeyError
    assert cv2.getNumThreads() == before


def test_opencvs_networks_say_nothing() -> None:
    code = "from proface_s.flow.secure.model import SecureFlow; SecureFlow(threads=2)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_one_line_of_the_project_imports_onnxruntime() -> None:
    """Case D1: wherever it is imported its telemetry must be off, so it is imported in one place."""
    imports = re.compile(r"^\s*(import|from)\s+onnxruntime|(import_module|__import__)\(.onnxruntime", re.MULTILINE)
    found = [
        (path.relative_to(ROOT).as_posix(), len(imports.findall(path.read_text(encoding="utf-8"))))
        for folder in ("src", "bench", "tools", "tests")
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]
    assert [each for each in found if each[1]] == [("src/proface_s/silence.py", 1)]


def test_onnxruntime_is_silenced_before_it_is_loaded() -> None:
    """Case D1: and in every process that ours starts."""
    pytest.importorskip("onnxruntime")
    code = (
        "import os, subprocess, sys\n"
        "os.environ.pop('ORT_DISABLE_TELEMETRY', None)\n"
        "class Watch:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'onnxruntime': print(os.environ.get('ORT_DISABLE_TELEMETRY'))\n"
        "sys.meta_path.insert(0, Watch())\n"
        "from proface_s.silence import load_onnxruntime\n"
        "load_onnxruntime()\n"
        "subprocess.run([sys.executable, '-c', 'import os; print(os.environ[\"ORT_DISABLE_TELEMETRY\"])'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.split() == ["1", "1"]
