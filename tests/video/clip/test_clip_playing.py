"""A protected clip plays in Debian's Chromium: it has the length of the original, and pictures at every place."""

from __future__ import annotations

import os
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cast_kit import protected

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium; see `make test-web`")

PAGE = b"<!doctype html><video muted src='/clip.mp4' preload='auto'></video>"
PLAYED = """
async () => {
  const video = document.querySelector('video');
  await new Promise((done, failed) => {
    video.onloadeddata = done; video.onerror = () => failed(new Error(video.error.message));
    if (video.readyState >= 2) done();
  });
  const picture = async (time) => {
    await new Promise((done) => { video.onseeked = done; video.currentTime = time; });
    const canvas = document.createElement('canvas');
    canvas.width = video.videoWidth; canvas.height = video.videoHeight;
    const drawn = canvas.getContext('2d');
    drawn.drawImage(video, 0, 0);
    const data = drawn.getImageData(0, 0, canvas.width, canvas.height).data;
    return data.reduce((sum, value) => sum + value, 0) / data.length;
  };
  const length = video.duration;
  const pictures = [await picture(0.1 * length), await picture(0.6 * length), await picture(0.3 * length)];
  await video.play();
  await new Promise((done) => { video.ontimeupdate = () => { if (video.currentTime > 0.35 * length) done(); }; });
  return {length, pictures, size: [video.videoWidth, video.videoHeight]};
}
"""


class _Ranges(BaseHTTPRequestHandler):
    """Serves one clip, also in parts, as players ask for it."""

    clip = b""

    def do_GET(self) -> None:
        if self.path != "/clip.mp4":
            self._send(200, PAGE, "text/html")
            return
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        start, stop = int(first), int(last) + 1 if last else len(self.clip)
        self._send(206, self.clip[start:stop], "video/mp4", f"bytes {start}-{stop - 1}/{len(self.clip)}")

    def _send(self, status: int, data: bytes, kind: str, part: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Accept-Ranges", "bytes")
        if part is not None:
            self.send_header("Content-Range", part)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_chromium_plays_and_seeks(tmp_path: Path) -> None:
    _, target = protected(tmp_path, 100, {"sounds": 1, "subtitles": True})
    handler = type("Ranges", (_Ranges,), {"clip": target.read_bytes()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_api.sync_playwright() as manager:
            browser = manager.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
            found = page.evaluate(PLAYED)
            browser.close()
    finally:
        server.shutdown()
        server.server_close()
    assert found["length"] == pytest.approx(4.0, abs=0.04)
    assert found["size"] == [160, 112]
    assert min(found["pictures"]) > 100  # opacity alone is 64
