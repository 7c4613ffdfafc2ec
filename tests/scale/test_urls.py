"""Case S10: URLs with secrets are refused, and no secret of a URL gets into messages, files or logs."""

from __future__ import annotations

import json
import pickle
import socket
from pathlib import Path
from typing import Any

import pytest

from proface_s import Identity
from proface_s.cli.hints import command_line_hint
from proface_s.cli.main import main
from proface_s.errors import ImageError, ProFaceError, UsageError, foreign_text, masked_url, without_secrets
from proface_s.hints import hinted
from proface_s.scale import locations
from proface_s.scale.job import CollectionJob
from proface_s.scale.locations import Location, location_of
from proface_s.scale.urls import check_url

fsspec = pytest.importorskip("fsspec")

SECRET = "Zq7secretQz"
WITH_SECRETS = [
    f"s3://AKIA:{SECRET}/def+g@bucket/photos",
    f"s3://AKIA:{SECRET}@bucket",
    f"ftp://me:{SECRET}@host/a",
    f"ftp://me:{SECRET}@more@host/a",
    f"filecache::ftp://u:{SECRET}@h/x",
    f"zip://*.jpg::s3://AKIA:a/{SECRET}@b/x.zip",
    f"simplecache::zip://a::https://u:{SECRET}@h/x.zip",
    f"file:///a::ftp://u:{SECRET}@h/x",
    f"https://host/photos?sig={SECRET}",
    f"https://host/photos?sv=2024&sig={SECRET}&se=1",
    f"https://h/p?{SECRET}",
    f"abfs://box@account.dfs.core.windows.net/p?sig={SECRET}",
    f"s3://bucket/p?X-Amz-Signature={SECRET}",
    f"gs://bucket/p#token={SECRET}",
    f"filecache::https://host/photos?sig={SECRET}",
    f"https://{SECRET}@host/photos",
    f"S3://AKIA:{SECRET}@bucket",
    f"s3://AKIA%3A{SECRET}%40bucket/a",
    f"s3://AKIA:{SECRET} with blanks@bucket",
    f"ftp://:{SECRET}@host/a",
    f"webdav+https://me:{SECRET}@host/a",
    f"sftp://me:{SECRET}/x?y#z@host:22/a",
    f"s3://bucket/a\ns3://AKIA:{SECRET}@b",
]
FINE = [
    "s3://bucket/photos",
    "s3://bucket/photos@2x",
    "sftp://me@host/photos",
    "sftp://me@host:22/photos",
    "memory://a/b",
    "file:///data/a:b@c",
    "file:///data/what?/photos",
    "gs://bucket/#1",
    "/data/s3:x@y",
    "zip://a::file:///b.zip",
    "abfs://box@account.dfs.core.windows.net/photos",
    "photos",
    "C:\\photos\\a:b@c",
    "s3://bucket/12:30",
    "a b@c:d",
]


@pytest.mark.parametrize("url", WITH_SECRETS)
def test_urls_with_secrets_are_refused_and_not_repeated(url: str) -> None:
    recipient = str(Identity.generate().recipient)
    for use in (
        lambda: check_url(url),
        lambda: location_of(url),
        lambda: Location(url),
        lambda: CollectionJob(url, "out", (recipient,), frozenset({".png"})),
        lambda: CollectionJob("in", url, (recipient,), frozenset({".png"})),
    ):
        with pytest.raises(UsageError) as refused:
            use()
        for text in str(refused.value), str(command_line_hint(refused.value)), repr(refused.value):
            assert SECRET not in text
            assert "AKIA" not in text


@pytest.mark.parametrize("url", FINE)
def test_places_without_secrets_are_as_they_are(url: str) -> None:
    check_url(url)
    assert str(Location(url)) == url


@pytest.mark.parametrize("url", WITH_SECRETS)
@pytest.mark.parametrize("where", ["source", "target", "manifest", "scheduler", "no engine", "output", "recover"])
def test_no_command_repeats_them(
    url: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("proface_s.scale.dask_engine._CONNECT_SECONDS", 1)
    (tmp_path / "in").mkdir()
    key = ("-r", str(Identity.generate().recipient))
    engine = ("--engine", "local")
    command = {
        "source": ("protect", url, "-o", "out", *key, *engine),
        "target": ("protect", "in", "-o", url, *key, *engine),
        "manifest": ("protect", "in", "-o", "out", "--manifest", url, *key, *engine),
        "scheduler": ("protect", "in", "-o", "out", "--scheduler", url, *key, *engine),
        "no engine": ("protect", url, *key),
        "output": ("protect", "in", "-o", url, *key),
        "recover": ("recover", url, "--audit", "log", "-i", "missing"),
    }[where]
    assert main([*command, "--json"]) in (1, 2, 5)
    result = "".join(capfd.readouterr())
    assert "Traceback" not in result
    kept = "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
    for text in result, kept, "".join(map(str, tmp_path.rglob("*"))):
        assert SECRET not in text, where


class Talkative(fsspec.AbstractFileSystem):
    """A file system whose every error repeats its credentials."""

    protocol = "talkative"
    error: Exception = OSError("never raised")

    def _fail(self, *arguments: Any, **options: Any) -> Any:
        raise self.error

    exists = ls = info = cat_file = makedirs = pipe_file = walk = rm_file = mv = isfile = _fail


TEXTS = [
    f"403 for https://h/b?X-Amz-Credential=AKIA&X-Amz-Signature={SECRET}",
    f"cannot open ftp://u:{SECRET}@h/x",
    f"AccountKey={SECRET};EndpointSuffix=x",
    f"{{'Authorization': 'Bearer {SECRET}'}}",
    f"password: {SECRET}",
    f'{{"secret_access_key": "{SECRET}"}}',
    f"aws_secret_access_key={SECRET}",
    f"sig={SECRET}",
    f"token = {SECRET}",
    f"line one\nline two s3://AKIA:{SECRET}/x@b",
    f"Authorization: Basic {SECRET}",
    f"the API_KEY='{SECRET}' is wrong",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kind", [OSError, PermissionError, ValueError, RuntimeError, FileNotFoundError, KeyError])
def test_what_a_file_system_says_is_masked(text: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec.register_implementation("talkative", Talkative, clobber=True)
    monkeypatch.setattr(Talkative, "error", kind(text))
    location = location_of("talkative://a/b")
    raised = []
    for use in (
        location.exists,
        location.make,
        location.empty,
        lambda: location.size("x"),
        lambda: location.read("x"),
        lambda: location.write("x", b""),
        lambda: location.files(""),
        lambda: list(locations.picture_names(location, frozenset())),
    ):
        try:
            use()
        except ProFaceError as error:
            raised.append(error)
    assert len(raised) >= 6
    for error in raised:
        assert SECRET not in str(error)
        assert SECRET not in str(pickle.loads(pickle.dumps(error)))
        assert "\n" not in str(error)
        assert error.__cause__ is None


def test_a_host_that_is_not_found_is_an_error_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ImageError, match="cannot be reached: Name or service not known"):
        location_of("filecache::ftp://no-such-host.invalid/x")
    with pytest.raises(ImageError, match="cannot be opened"):
        _ = Location("ftp://no-such-host.invalid/x").fs


def test_errors_of_any_kind_mask_urls() -> None:
    error = ImageError(f"ftp://u:{SECRET}@h/x cannot be read", other=f"https://h/x?sig={SECRET}")
    assert str(error) == error.message == "ftp://***@h/x cannot be read"
    assert error.facts == {"other": "https://h/x?***"}
    assert command_line_hint(hinted(error, f"try https://h/x?sig={SECRET}")) == "try https://h/x?***"
    assert str(UsageError(f"s3:/AKIA:{SECRET}/d+g@b/x does not exist")) == "s3:/***@b/x does not exist"
    assert without_secrets(f"see ftp://u:{SECRET}@h/x, or s3://a/b") == "see ftp://***@h/x, or s3://a/b"
    for text in "a@b.org: no", "party@home.jpg", "C:/a:b@c", "10:30 /data/a@b", "folder a:b@c does not exist":
        assert without_secrets(text) == text
    assert masked_url(f"s3://AKIA:{SECRET} blank@b/x") == "s3://***@b/x"
    assert foreign_text(OSError(2, "No such file")) == "No such file"
    assert foreign_text(KeyError()) == "KeyError"
    assert foreign_text("every token is assigned: 3 of them") == "every token is assigned: 3 of them"


def test_tracebacks_are_masked_too(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"cannot open https://h/b?sig={SECRET} with password={SECRET}")

    monkeypatch.setattr("proface_s.scale.locations._opened", broken)
    recipient = str(Identity.generate().recipient)
    assert main(["protect", "s3://bucket/a", "-o", "out", "-r", recipient, "--engine", "local", "--debug"]) == 1
    result = "".join(capfd.readouterr())
    assert "Traceback" in result
    assert "cannot open https://h/b?*** with password=***" in result
    assert SECRET not in result


def test_nothing_is_noted_of_what_was_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The smallest input of the case, and its JSON line."""
    code = main(["inspect", "s3://AKIA:abc/def+g@bucket", "--json"])
    result = capfd.readouterr()
    assert code == 2
    assert "AKIA" not in result.out + result.err
    assert "s3://***@bucket" in result.err
    assert all("AKIA" not in json.dumps(json.loads(line)) for line in result.out.splitlines())
