"""One session in several threads: what is opened on first use is opened by all of them at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

_TOGETHER = """
import io
import threading
import traceback
import warnings

import numpy as np
from PIL import Image

from proface_s import Session

warnings.simplefilter("error")
filters, session, failed = list(warnings.filters), Session(threads=2), []
passphrase, meeting = "correct horse battery staple", threading.Barrier(4, timeout=300)
y, x = np.mgrid[0:160, 0:160]
photo = np.stack([x, y, 255 - x], axis=2).astype(np.uint8)


def encoded(kind, **options):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, kind, **options)
    return file.getvalue()


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def work(data, style):
    try:
        meeting.wait()
        session.detect(data)
        made = session.protect(data, passphrase, boxes=[(32, 32, 64, 64)], faces="none", style=style)
        assert not np.array_equal(pixels(made.data), pixels(data))
        back = session.recover(made.data, passphrase)
        assert [face.outcome for face in back.faces] == ["exact"]
        assert np.array_equal(pixels(back.data), pixels(data))
    except BaseException:
        failed.append(traceback.format_exc())


jobs = [
    (encoded("PNG"), "blur"), (encoded("JPEG", quality=92), "pixelate"),
    (encoded("JPEG", progressive=True), "blur"), (encoded("WEBP", lossless=True), "median"),
]
threads = [threading.Thread(target=work, args=job) for job in jobs]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failed, "\\n".join(failed)
assert warnings.filters == filters
"""


@pytest.mark.parametrize("_", range(3))
def test_a_session_may_be_used_by_several_threads(_: int) -> None:
    """In a new process, where nothing is opened yet; key derivations alone failed or never ended here."""
    done = subprocess.run([sys.executable, "-c", _TOGETHER], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, (done.returncode, done.stderr)
