"""Which URLs a run may use: no URL that carries a secret, because URLs get into manifests, messages and logs."""

from __future__ import annotations

from urllib.parse import unquote

from ..errors import UsageError

_NO_USERS = ("file", "local")  # three slashes after these schemes begin a path
_WEB = ("http", "https")


def check_url(text: str) -> None:
    """Refuse a URL that carries a password, a key or a signature; paths of this machine may hold anything.

    Everything between any ``//`` and the last ``@`` may be user information: keys contain slashes, and URLs are chained
    (``filecache::ftp://user:password@host/x``).

    Raises:
        UsageError: if it does; the message does not contain the URL.
    """
    if "://" not in text:
        return
    for form in (text, unquote(text)):
        if _has_user(form):
            raise UsageError(
                "a URL with a user's password or key in it would end up in the manifest and in messages",
                code="secret-in-url",
            )
        if _has_query(form):
            raise UsageError(
                "a URL with a query or a fragment is not a folder, and its values would end up in the manifest",
                code="secret-in-url",
            )


def _has_user(text: str) -> bool:
    at = text.find("//")
    while at >= 0:
        scheme = text[:at].removesuffix(":").rpartition(":")[2].lower()
        user, found, _ = text[at + 2 :].rpartition("@")
        path = scheme in _NO_USERS and user.startswith("/")
        if found and not path and (":" in user or (scheme in _WEB and "/" not in user)):
            return True
        at = text.find("//", at + 2)
    return False


def _has_query(text: str) -> bool:
    scheme, _, rest = text.partition("://")
    web = scheme.rpartition(":")[2].lower() in _WEB or "http://" in rest or "https://" in rest
    for mark in "?#":
        _, found, values = text.partition(mark)
        if found and ("=" in values or (web and values)):
            return True
    return False
