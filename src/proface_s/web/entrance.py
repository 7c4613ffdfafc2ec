"""How the token gets into one's own browser, and into nobody else's hands.

::

    service ── page, mode 0600, with a code that works once ──► browser ── POST /api/enter, the code ──► service
                                                                browser ◄───────────── the token ─────── service

Arguments of processes can be read by every user of a machine, so the browser is given the name of a file and no secret.
What the browser's history remembers is the code, which nothing accepts a second time.
"""

from __future__ import annotations

import html
import os
import secrets
import shutil
import stat
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Final

CODE_SECONDS: Final = 120.0
_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>PRO-Face S</title>
<p><a href="{address}" rel="noreferrer">Go on to PRO-Face S</a></p>
</html>
"""


class Entrance:
    """Gives the token for a code, once.

    Args:
        token: what the service asks for; None if it asks for nothing.
    """

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._code: str | None = None
        self._until = 0.0
        self._folder: Path | None = None
        self._lock = threading.Lock()

    def page_for(self, address: str) -> str:
        """What to show a browser so that it comes in: a plain address, or the name of a page that leads on.

        Args:
            address: of the service, without its token.
        """
        if self._token is None:
            return address
        self.close()
        self._code, self._until = secrets.token_urlsafe(32), time.monotonic() + CODE_SECONDS
        self._folder = Path(tempfile.mkdtemp(prefix="proface-"))  # mode 0700
        page = self._folder / "open.html"
        target = html.escape(f"{address}#code={self._code}")
        with open(os.open(page, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(_PAGE.format(address=target))
        return page.as_uri()

    def redeem(self, code: str) -> str | None:
        """The token, if this is the code, for the first time and in time; None otherwise."""
        with self._lock:
            known, self._code = self._code, None
            fits = known is not None and secrets.compare_digest(code.encode(), known.encode())
            if not fits or time.monotonic() > self._until:
                self._code = None if fits else known  # a wrong guess does not use up the right one
                return None
        self.close()
        return self._token

    def close(self) -> None:
        """Take the page away."""
        with self._lock:
            folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def is_private(stream: IO[str]) -> bool:
    """Whether nobody but this user can read what is printed to a stream: no shared file, and no system's log."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return True
    if os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}":
        return False
    return not stat.S_ISREG(status.st_mode) or not status.st_mode & 0o077
