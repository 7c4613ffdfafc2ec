"""Hand the token to the user's own browser and to nobody else.

::

    service ── page, mode 0600, with a code that works once ──► browser ── POST /api/enter, the code ──► service
                                                                browser ◄───────────── the token ─────── service

Any user of a machine can read the arguments of its processes, so the browser is started with the name of a private
file instead of a secret.  The browser's history keeps the code, but a code is accepted only once.
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


class BrowserLogin:
    """Exchange a one-time code for the token.

    Args:
        token: the service's token; None if it needs no token.
    """

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._code: str | None = None
        self._until = 0.0
        self._folder: Path | None = None
        self._lock = threading.Lock()

    def page_for(self, address: str) -> str:
        """Return what the browser should open: the plain address, or a private page that redirects to it.

        Args:
            address: the service's address, without the token.
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
        """Return the token if the code is right, unused and not expired; None otherwise."""
        with self._lock:
            known, self._code = self._code, None
            fits = known is not None and secrets.compare_digest(code.encode(), known.encode())
            if not fits or time.monotonic() > self._until:
                self._code = None if fits else known  # a wrong guess does not use up the right code
                return None
        self.close()
        return self._token

    def close(self) -> None:
        """Delete the private page."""
        with self._lock:
            folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def is_private(stream: IO[str]) -> bool:
    """Return whether only this user can read this stream: it is neither a shared file nor a system log."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return True
    if os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}":
        return False
    return not stat.S_ISREG(status.st_mode) or not status.st_mode & 0o077
