"""Connections that do not say what they want, or do not take what they get: case S5, with real sockets."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from web_kit import PATIENCE, EndlessSession, Service, drawn, ends, running, until

from proface_s import Session
from proface_s.web.connections.limiter import ConnectionLimits, origin_of
from proface_s.web.settings import ServiceSettings

pytestmark = pytest.mark.slow
SHORT = ConnectionLimits(connections=40, per_address=30, header_seconds=2, rest_seconds=1, closing_seconds=2)
HALF = b"GET /api/about HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: "
NO_BODY = (
    b"POST /api/detect HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n"
    b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
)
SERVER = """
from proface_s.web.server import bind, serve
from proface_s.web.settings import ServiceSettings
serve(ServiceSettings(), bind("127.0.0.1", 0), threads=1, open_browser=False, ready=lambda url: print(url, flush=True))
"""


@pytest.fixture(scope="module")
def brief() -> Iterator[Service]:
    """A service that waits two seconds for a header, and one for what nobody reads."""
    settings = ServiceSettings(idle_seconds=2, upload_seconds=20, workers=1)
    with running(settings, Session(threads=1), SHORT) as service:
        yield service


@pytest.fixture
def own() -> Iterator[tuple[str, int]]:
    """Address and process number of a service in a process of its own, with the usual limits."""
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process:
        yield process.stdout.readline().strip(), process.pid
        process.terminate()


@pytest.fixture
def many_files() -> Iterator[None]:
    """Room for more than a thousand sockets in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip("this machine allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(url: str, data: bytes = b"", room: int | None = None) -> socket.socket:
    """A connection on which something was sent; with ``room``, it takes in that much unread."""
    host, port = url.removeprefix("http://").strip("/").split(":")
    connection = socket.socket()
    connection.settimeout(PATIENCE)
    if room is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    connection.connect((host, int(port)))
    connection.sendall(data)
    return connection


def rest_of(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(1 << 16):
            parts.append(part)
    connection.close()
    return b"".join(parts)


def read_until(connection: socket.socket, end: bytes) -> bytes:
    """All that comes until these bytes have come."""
    seen = b""
    while end not in seen:
        part = connection.recv(1 << 16)
        assert part, f"closed after {seen!r}"
        seen += part
    return seen


def drip(connection: socket.socket) -> None:
    """Send a byte now and then, until the other side has closed."""
    with connection, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            connection.sendall(b"x")
            time.sleep(0.2)
        pytest.fail("it was never closed")


def sockets_of(pid: int) -> int:
    """How many sockets a process has open."""
    count = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            count += str(link.readlink()).startswith("socket:")
    return count


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="sockets are counted in /proc")
@pytest.mark.parametrize("data", [HALF, b"", NO_BODY], ids=["half a header", "nothing", "no body"])
def test_s5_half_open_requests_do_not_shut_others_out(own: tuple[str, int], many_files: None, data: bytes) -> None:
    """Case S5: an honest request is answered while 1,100 others never come to their point."""
    url, pid = own
    held = [connect(url, data) for _ in range(1100)]
    for path in ("/", "/static/main.js", "/api/about"):
        assert httpx.get(url + path.lstrip("/"), timeout=PATIENCE, trust_env=False).status_code == 200
    assert sockets_of(pid) < 300
    photo = {"photo": ("a.png", drawn())}
    assert httpx.post(f"{url}api/render", files=photo, timeout=PATIENCE, trust_env=False).status_code == 200
    for connection in held:
        connection.close()


@pytest.mark.parametrize("first", [b"", b"GET /api/about HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"], ids=["first", "second"])
def test_s5_half_a_header_is_given_up(brief: Service, first: bytes) -> None:
    """Case S5: on a fresh connection, and after an answer on the same one."""
    for _ in range(20):  # a service may close a connection on which nothing comes before the half header is sent
        connection = connect(brief.url, first)
        answer = read_until(connection, b'"good_passphrase":15}') if first else b""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(HALF)
        if answer := rest_of(connection):
            break
    assert b"HTTP/1.1 408 " in answer


def test_s5_a_header_that_drips_is_given_up(brief: Service) -> None:
    """Case S5: a byte now and then does not keep a connection alive."""
    drip(connect(brief.url, HALF))


def test_s5_a_connection_that_says_nothing_is_closed_without_a_word(brief: Service) -> None:
    """Case S5: browsers open such connections ahead."""
    assert rest_of(connect(brief.url)) == b""


def test_s5_a_body_that_drips_is_refused(brief: Service) -> None:
    """Case S5: what comes too slowly ever to be a photo is refused before its time is up."""
    head = (
        f"POST /api/detect HTTP/1.1\r\nHost: {brief.url.removeprefix('http://')}\r\nContent-Length: 100000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'
    )
    connection = connect(brief.url, head.encode())
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for _ in range(16):
            connection.sendall(b"x")
            time.sleep(0.25)
    assert b"HTTP/1.1 408 " in rest_of(connection)


@pytest.mark.parametrize("path", ["/api/nothing", "/", "/api/about"])
def test_s5_a_body_that_nobody_reads_holds_no_connection(brief: Service, path: str) -> None:
    """Case S5: the answer is there, and the client goes on sending, or does not."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n"
    connection = connect(brief.url, head.encode())
    assert rest_of(connection).startswith(b"HTTP/1.1 4")
    drip(connect(brief.url, head.encode()))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="sockets are counted in /proc")
def test_s5_clients_that_take_no_answer_are_closed(own: tuple[str, int]) -> None:
    """Case S5: pages asked for again and again, and never read."""
    url, pid = own
    before = sockets_of(pid)
    ask = b"GET /static/protect.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    sleepers = [connect(url, ask * 300, room=4096) for _ in range(40)]
    assert httpx.get(url, timeout=PATIENCE, trust_env=False).status_code == 200
    assert until(lambda: sockets_of(pid) <= before)
    for connection in sleepers:
        connection.close()


def test_s5_requests_sent_ahead_do_not_hide_that_the_client_leaves() -> None:
    """Cases S4 and S5: what follows a request would stop the reading, and with it the news of the end."""
    with running(ServiceSettings(workers=1), EndlessSession(threads=1)) as service:
        body = (
            (
                b'--x\r\nContent-Disposition: form-data; name="options"\r\n\r\n'
                b'{"passphrase": "any of them", "seal": true}'
                b'\r\n--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'
            )
            + drawn()
            + b"\r\n--x--\r\n"
        )
        head = (
            f"POST /api/protect HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
            "Accept: application/x-ndjson\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n"
        )
        connection = connect(service.url, head.encode() + body + b"GET / HTTP/1.1\r\n" + bytes(1000))
        seen = read_until(connection, b"}\n")
        pid = json.loads(seen[seen.index(b"{") :].splitlines()[0])["total"]
        connection.sendall(bytes(300_000))
        connection.close()
        assert ends(pid)
        assert service.client.get("/api/about").status_code == 200


def test_s5_a_connection_in_use_is_not_closed_for_a_new_one(two: bytes) -> None:
    """Case S5: work goes on while connections come and go, though none of them takes too long."""
    held = []
    photo = {"photo": ("a.png", two)}
    limits = ConnectionLimits(connections=40, per_address=30, header_seconds=PATIENCE)
    with running(ServiceSettings(workers=1), Session(threads=1), limits) as service:
        for _ in range(3):
            held += [connect(service.url, HALF) for _ in range(60)]
            assert service.client.post("/api/detect", files=photo).status_code == 200
    for connection in held:
        connection.close()


def test_s5_addresses_are_counted_as_their_owners_have_them() -> None:
    assert origin_of("192.0.2.7") == origin_of("::ffff:192.0.2.7") == "192.0.2.7"
    assert origin_of("2001:db8::1") == origin_of("2001:db8::ffff:2") != origin_of("2001:db8:0:1::1")
    assert origin_of("fe80::1%eth0") == origin_of("fe80::2")
    assert origin_of("testclient") == "testclient"
